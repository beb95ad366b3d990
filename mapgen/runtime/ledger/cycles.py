"""Who runs the cycles of a flow: one process at a time, until it says no more that it does."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from mapgen.runtime.ledger.schema import CYCLES, insert_into

_ROWS = CYCLES.c
_LONGEST = 3_600.0
"""Seconds: a lease that ends later than this was written by another clock, and counts for none."""


def take(connection: Connection, book: str, holder: str, moment: float, seconds: float) -> bool:
    """Take, or keep, the cycles of a flow for so many seconds; False where another has them."""
    statement = insert_into(connection, CYCLES).values(
        book=book, holder=holder, until=moment + seconds
    )
    is_free = (_ROWS.holder == holder) | (_ROWS.until < moment) | (_ROWS.until > moment + _LONGEST)
    written = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_ROWS.book],
            set_={"holder": holder, "until": moment + seconds},
            where=is_free,
        ).returning(_ROWS.book)
    )
    return written.first() is not None


def leave(connection: Connection, book: str, holder: str) -> None:
    """Let another process have the cycles of a flow at once."""
    connection.execute(delete(CYCLES).where(_ROWS.book == book, _ROWS.holder == holder))
