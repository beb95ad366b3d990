"""An action of the ERP after a document: sent once, and followed to its end.

The ERP answers 204 where an action is done, or where nothing began, and 202 with the address of its
state where it takes long. A 204 may carry an address, too, that leads nowhere. Source: the vendor's
integration guide (Action_Execution), and the tests of its client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Step
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.clock import uptime
from mapgen.runtime.folding import folded
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.transport import LAST_WORD
from mapgen.runtime.network.verdict import Failure, Verdict, is_repeatable_write
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.kind import (
    Found,
    Refused,
    Saved,
    Sending,
    There,
    Unanswered,
    WriteAnswer,
    reworded,
)
from mapgen.runtime.tenant.client import Client
from mapgen.runtime.tenant.connection import Connection
from mapgen.runtime.values import ENCODER

_ACCEPTED = 202
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0
_LAST_LOOKS = 2.0
"""Seconds for which an action is followed yet when the run is stopped."""


class _Lost(Failure):
    """An action that is at work, or over, and of which no more can be known."""


class Action:
    """One action after one document of a flow. Threads share it."""

    def __init__(
        self, connection: Connection, document: DocumentPlan, step: Step, rules: Rules
    ) -> None:
        """Take the way to the tenant, and what is to be done there with which document."""
        self.document = document
        self.step = step
        self._connection = connection
        shown = tuple(step.until)
        self._client = Client(connection, document, rules, verifies=False, shown=shown)
        self._url = f"{connection.endpoint}/{quote(document.entity)}/{quote(step.action)}"

    @property
    def can_tell(self) -> bool:
        """Whether documents show that the action is done."""
        return bool(self.step.until)

    def find(self, identities: Sequence[str], /) -> Found:
        """Look the documents up, with the fields that show whether the action is done."""
        return self._client.find(identities)

    def is_done(self, there: There, _body: bytes) -> bool:
        """Tell whether a document shows the action as done."""
        return self.can_tell and all(
            folded(there.shown.get(name, "")) in map(folded, values)
            for name, values in self.step.until.items()
        )

    def act(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Do the action with a document that does not show it as done.

        A request is repeated here only where it was turned away at the door. Raises as
        `Client.create`.
        """
        if there.id is None:
            words = "the look-up gives no `id` of the document, by which the action would find it"
            return Refused((ErrorReport(codes.LOOK_UP_REFUSED, words),))
        connection = self._connection
        try:
            with connection.screens.alone(self.document.entity):
                connection.persist(lambda: self._to_its_end(there, sending), is_repeatable_write)
        except Failure as failure:
            given = replace(sending, body=ENCODER.encode(_named(self.step, sending.body)))
            words = f"{there.number} stays as it is, `{self.step.action}` was not done"
            return reworded(self._client.judge(failure, given), words)
        return self._read_back(there, sending)

    def _read_back(self, there: There, sending: Sending) -> WriteAnswer:
        """Believe that it is done only if the document shows it, where one can.

        A release that fails may leave no other trace than a document that is as it was.
        """
        if not self.step.until:
            return Saved(there)
        try:
            after = self.find([sending.identity]).there.get(sending.identity)
        except (RunAborted, Stopping):
            after = None
        if after is None:
            return Unanswered("done, as the ERP says, and the document could not be read again")
        if self.is_done(after, sending.body):
            return Saved(after)
        shown = ", ".join(f"`{name}` is `{after.shown.get(name, '')}`" for name in self.step.until)
        words = f"the ERP answered that `{self.step.action}` is done, but {shown}"
        return Refused(
            (ErrorReport(codes.ACTION_WITHOUT_EFFECT, words, next(iter(self.step.until))),)
        )

    def _to_its_end(self, there: There, sending: Sending) -> None:
        """Send the action, and wait until it is over. Raises Failure, and what `last_word` does."""
        began_in = [0]
        content = ENCODER.encode({"entity": {"id": there.id}, **_parameters(sending.body)})

        def build(http: httpx2.Client, session: int) -> httpx2.Request:
            began_in[0] = session
            return http.build_request(
                "POST",
                self._url,
                content=content,
                headers={"Content-Type": "application/json", **self._client.headers},
                extensions={LAST_WORD: sending.last_word},
            )

        answer = self._connection.attempt(build)
        if answer.status_code != _ACCEPTED:
            return
        try:
            self._follow(answer, began_in[0], sending.last_word)
        except (RunAborted, Stopping) as error:
            # It is at work: the document must not go back into the queue as if nothing had begun.
            raise _unknown(f"it was not followed to its end ({type(error).__name__})") from None

    def _follow(self, answer: httpx2.Response, session: int, last_word: Callable[[], None]) -> None:
        """Ask for the state of an action until it is over; the address holds in its session."""
        place = answer.headers.get("location", "")
        address = answer.request.url.join(place)
        # Whatever host a proxy names: a token goes to the tenant alone.
        address = answer.request.url.copy_with(raw_path=address.raw_path)
        if not place:
            raise _unknown("it was accepted without an address of its state")

        def build(http: httpx2.Client, now_in: int) -> httpx2.Request:
            if now_in != session:
                raise _unknown("its state went with the session")
            return http.build_request("GET", address)

        pause, ends = _FIRST_PAUSE, uptime() + self._connection.settle
        while uptime() < ends:
            if self._connection.pause(pause):
                ends = min(ends, uptime() + _LAST_LOOKS)
            else:
                last_word()
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            if self._is_over(build):
                return
        raise _unknown(f"it is not over after {self._connection.settle:g} s")

    def _is_over(self, build: Callable[[httpx2.Client, int], httpx2.Request]) -> bool:
        """Tell whether an action is over. Raises Failure where it failed, or is not known."""
        try:
            return self._connection.attempt(build).status_code != _ACCEPTED
        except Failure as failure:
            verdict = failure.verdict
            if isinstance(failure, _Lost):
                raise
            if verdict.kind == "transient":
                return False
            if verdict.kind in ("permanent", "unexplained", "needs_dependency"):
                # What the action itself came to: it has failed, and is rolled back.
                told = "permanent" if verdict.kind == "unexplained" else verdict.kind
                raise Failure(replace(verdict, kind=told, effect="none"), failure.body) from None
            raise _unknown(f"the ERP does not tell its state: {verdict.reason}") from None


def _unknown(reason: str) -> _Lost:
    return _Lost(Verdict("transient", "unknown", reason))


def _parameters(body: bytes) -> dict[str, Any]:
    """Return the parameters of a step's body, as the ERP takes them."""
    parameters = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("parameters")
    return {} if parameters is None else {"parameters": parameters}


def _named(step: Step, body: bytes) -> dict[str, Any]:
    """Return the parameters of a step by the names that the rules of the flow have for them."""
    given = _parameters(body).get("parameters")
    values = {} if given is None else msgspec.json.decode(given, type=dict[str, msgspec.Raw])
    return {f"then {step.key_of(f'with {name}')}": value for name, value in values.items()}
