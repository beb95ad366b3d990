"""The sessions of a licence: how many processes are signed in to a tenant at a time.

A process takes a seat before it signs in, and says again and again that it is there. One that died
keeps its seat as long as the ERP keeps its session. Source: the vendor's integration guide; a
session that is not signed out occupies the licence until it was idle for ten minutes.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, delete, func, select

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger.licence import lock
from mapgen.runtime.ledger.schema import SEATS, upsert
from mapgen.runtime.network.breaker import Stopping

_ROWS = SEATS.c
_IDLE = 600.0
_BEAT, _LOOK = 10.0, 0.5


def take(connection: Connection, tenant: str, holder: str, moment: float, most: int) -> bool:
    """Take, or keep, a seat of a tenant; False where others have all of them."""
    lock(connection, tenant)
    connection.execute(
        # What is far ahead was written by another clock: before the machine was started anew.
        delete(SEATS).where((_ROWS.until < moment) | (_ROWS.until > moment + 2 * _IDLE))
    )
    others = select(func.count()).where(_ROWS.tenant == tenant, _ROWS.holder != holder)
    if connection.execute(others).scalar_one() >= most:
        return False
    key = {"tenant": tenant, "holder": holder}
    return upsert(connection, SEATS, key, {"until": moment + _IDLE})


def leave(connection: Connection, tenant: str, holder: str) -> None:
    """Let another process have a seat."""
    connection.execute(delete(SEATS).where(_ROWS.tenant == tenant, _ROWS.holder == holder))


class Seat:
    """The seat of one process in a tenant; a thread keeps it while it is held."""

    def __init__(self, take_it: Callable[[str], bool], leave_it: Callable[[str], None]) -> None:
        """Take what takes a seat for a holder, if there is one, and what gives it back."""
        self._take = take_it
        self._leave = leave_it
        self._holder = uuid.uuid4().hex
        self._is_left = threading.Event()
        self._keeper: threading.Thread | None = None

    def take(self, stop: threading.Event) -> None:
        """Wait for a seat. Raises Stopping, and LedgerFailed."""
        while not self._take(self._holder):
            if stop.wait(_LOOK):
                raise Stopping
        if self._keeper is None:
            self._is_left.clear()
            self._keeper = threading.Thread(target=self._keep, name="session", daemon=True)
            self._keeper.start()

    def leave(self) -> None:
        """Give the seat back, once signed out."""
        if self._keeper is not None:
            self._is_left.set()
            self._keeper.join()
            self._keeper = None
        with suppress(LedgerFailed):  # then it is over by itself
            self._leave(self._holder)

    def _keep(self) -> None:
        while not self._is_left.wait(_BEAT):
            with suppress(LedgerFailed):
                self._take(self._holder)
