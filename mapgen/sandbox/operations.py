"""Actions that take long: accepted with 202, done a while later, asked for by their address.

Source: the vendor's integration guide (Action_Execution); 409 as the documents of 25.200 declare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from mapgen.sandbox.errors import Refused, http_error, not_found

LONG = frozenset(
    {
        "ConfirmShipment",
        "PrepareInvoice",
        "PrepareSalesInvoice",
        "ReleaseInvoice",
        "ReleasePayment",
        "ReleaseSalesInvoice",
        "SalesOrderCreateShipment",
    }
)
"""The actions that take long where the tenant is set so."""


@dataclass(slots=True)
class Operation:
    """An action at work in a session, and what it came to."""

    session: str
    entity: str
    action: str
    is_over: bool = False
    failure: Refused | None = None


class Operations:
    """The actions at work. Invariant: one at a time on a screen of a session."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[str, Operation] = {}

    def takes_long(self, action: str) -> bool:
        """Whether an action is answered before it is done."""
        return self._seconds > 0 and action in LONG

    def refuse_busy(self, session: str, entity: str) -> None:
        """Raise Refused (409) while an action runs on the screen in this session."""
        for one in self._known.values():
            if not one.is_over and (one.session, one.entity) == (session, entity):
                raise _busy()

    def begin(
        self, session: str, entity: str, action: str, work: Callable[[], None], *, fails: bool
    ) -> str:
        """Let an action begin, and return its id; where it `fails`, nothing is done."""
        name, operation = str(uuid4()), Operation(session, entity, action)
        self._known[name] = operation

        def finish() -> None:
            try:
                if fails:
                    raise http_error("Error: The document cannot be released.")
                work()
            except Refused as refused:
                operation.failure = refused
            operation.is_over = True

        asyncio.get_running_loop().call_later(self._seconds, finish)
        return name

    def status(self, session: str, entity: str, action: str, name: str, path: str) -> int:
        """Return 202 for an action at work, 204 for one that is done. Raises Refused."""
        one = self._known.get(name)
        if one is None or (one.session, one.entity, one.action) != (session, entity, action):
            raise not_found(path)
        if one.failure is not None:
            raise one.failure
        return 204 if one.is_over else 202


def _busy() -> Refused:
    return Refused(
        409,
        {
            "message": "A long operation is running for this screen in the current session."
            " Please try again later."
        },
    )
