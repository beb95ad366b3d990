"""How far the feeds of a flow are: written in the transaction of the rows that they cover."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from mapgen.runtime.ledger.rows import Mark
from mapgen.runtime.ledger.schema import CURSORS, INBOX, in_parts, upsert


def cursor_of(connection: Connection, book: str, feed: str) -> str | None:
    """Return how far a feed is, None for one that begins."""
    found: str | None = connection.execute(
        select(CURSORS.c.value).where(CURSORS.c.book == book, CURSORS.c.feed == feed)
    ).scalar_one_or_none()
    return found


def note_marks(connection: Connection, book: str, marks: Sequence[Mark], now: float) -> None:
    """Note that pages are staged: how far their feeds are, which rows of the inbox are taken."""
    for mark in marks:
        if mark.cursor is not None:
            key = {"book": book, "feed": mark.feed}
            upsert(connection, CURSORS, key, {"value": mark.cursor, "changed_at": now})
    taken = [row for mark in marks for row in mark.inbox]
    for part in in_parts(taken):
        connection.execute(
            update(INBOX).where(INBOX.c.id.in_(part)).values(taken_at=now, body=None)
        )


def forget_cursor(connection: Connection, book: str, feed: str) -> None:
    """Let a feed begin anew."""
    connection.execute(delete(CURSORS).where(CURSORS.c.book == book, CURSORS.c.feed == feed))
