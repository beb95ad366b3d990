"""Who runs the cycles of a flow: one process at a time, until it says no more that it does."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from mapgen.runtime.ledger.schema import CYCLES, upsert

_ROWS = CYCLES.c
_LONGEST = 3_600.0
"""Seconds: a lease that ends later than this was written by another clock, and counts for none."""


def take(connection: Connection, book: str, holder: str, moment: float, seconds: float) -> bool:
    """Take, or keep, the cycles of a flow for so many seconds; False where another has them."""
    is_free = (_ROWS.holder == holder) | (_ROWS.until < moment) | (_ROWS.until > moment + _LONGEST)
    values = {"holder": holder, "until": moment + seconds}
    return upsert(connection, CYCLES, {"book": book}, values, where=is_free)


def leave(connection: Connection, book: str, holder: str) -> None:
    """Let another process have the cycles of a flow at once."""
    connection.execute(delete(CYCLES).where(_ROWS.book == book, _ROWS.holder == holder))
