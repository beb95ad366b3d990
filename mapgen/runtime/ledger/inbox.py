"""What others send to us, each delivery once, until the cycle of its flow stages it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, select

from mapgen.runtime.ledger import bell
from mapgen.runtime.ledger.schema import INBOX, insert_into

_ROWS = INBOX.c
_DAYS_KNOWN = 30 * 86_400.0
"""For how long a delivery is known that was taken: shops send again for days, not for weeks."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent to a feed of a flow; `delivery` is the same each time that it is sent.

    What has a smaller `turn` is older; those of one turn are in the order of their arrival.
    """

    feed: str
    delivery: str
    topic: str | None
    body: bytes = field(repr=False)
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is still to be staged, by the number of its row."""

    row: int
    turn: int
    delivery: str
    topic: str | None
    body: bytes = field(repr=False)


def receive(connection: Connection, book: str, deliveries: Sequence[Delivery], now: float) -> int:
    """Write deliveries down; return how many of them are new, for which the bell rings."""
    new = 0
    for one in deliveries:
        written = connection.execute(
            insert_into(connection, INBOX)
            .values(
                book=book,
                feed=one.feed,
                delivery=one.delivery,
                topic=one.topic,
                turn=one.turn,
                received_at=now,
                body=one.body,
            )
            .on_conflict_do_nothing()
            .returning(_ROWS.id)
        )
        new += written.first() is not None
    if new:
        bell.ring(connection, book)
    return new


def waiting(
    connection: Connection, book: str, feed: str, after: tuple[int, int] | None, limit: int
) -> list[Waiting]:
    """Return up to `limit` deliveries that nobody has taken, behind a turn and row."""
    found = (
        select(_ROWS.id, _ROWS.turn, _ROWS.delivery, _ROWS.topic, _ROWS.body)
        .where(_ROWS.book == book, _ROWS.feed == feed, _ROWS.taken_at.is_(None))
        .order_by(_ROWS.turn, _ROWS.id)
        .limit(limit)
    )
    if after is not None:
        turn, row = after
        found = found.where((_ROWS.turn > turn) | ((_ROWS.turn == turn) & (_ROWS.id > row)))
    return [
        Waiting(one.id, one.turn, one.delivery, one.topic, bytes(one.body))
        for one in connection.execute(found)
    ]


def count_waiting(connection: Connection, book: str | None = None) -> int:
    """Return how many deliveries nobody has taken, of a flow or of all."""
    found = select(func.count()).select_from(INBOX).where(_ROWS.taken_at.is_(None))
    if book is not None:
        found = found.where(_ROWS.book == book)
    return int(connection.execute(found).scalar_one())


def forget_taken(connection: Connection, book: str, now: float) -> None:
    """Delete what was taken so long ago that nobody sends it again."""
    connection.execute(delete(INBOX).where(_ROWS.book == book, _ROWS.taken_at < now - _DAYS_KNOWN))
