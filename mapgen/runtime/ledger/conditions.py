"""What keeps flows from going on, as the processes say that meet it: nothing is decided by it.

Who says it says it again before it ends; what is not said again is over, also where its process
was killed.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, delete, select

from mapgen.runtime.ledger.book import Book, book_of, is_of, parts_of
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.schema import CONDITIONS, RUNS, upsert
from mapgen.runtime.ledger.text import storable

Name = Literal["not bound", "failing", "circuit open"]
_ROWS = CONDITIONS.c


class Condition(Struct, frozen=True):
    """What keeps a flow from going on, since when (seconds since 1970), and why."""

    book: str
    name: Name
    since: float
    reason: str

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)


class Conditions:
    """The conditions of a ledger's flows; each method is one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def note(self, book: str, name: Name, holder: str, reason: str, seconds: float) -> None:
        """Say of a flow what keeps it, for so long; `holder` is who says so."""
        now = self._ledger.now()
        values = {"reason": storable(reason), "until": now + seconds}
        with self._ledger.transaction() as connection:
            connection.execute(delete(CONDITIONS).where(_ROWS.until < now))
            key = {"book": book, "name": name, "holder": holder}
            upsert(connection, CONDITIONS, key, values, first={"since": now})

    def over(self, name: Name, holder: str, book: str | None = None) -> None:
        """Take back what a holder has said of a flow, or of all."""
        of_book = () if book is None else (_ROWS.book == book,)
        said = delete(CONDITIONS).where(_ROWS.name == name, _ROWS.holder == holder, *of_book)
        self._ledger.change(said)

    def current(self) -> tuple[Condition, ...]:
        """Return what is said of flows now, each once, whoever says it."""
        with self._ledger.transaction() as connection:
            return current(connection, self._ledger.now())

    def book_of_flow(self, flow: str, environment: str) -> str:
        """Return the book of a flow's last run in an environment; one without an address else."""
        found = (
            select(RUNS.c.flow)
            .where(is_of(RUNS.c.flow, flow), RUNS.c.env == environment)
            .order_by(RUNS.c.began_at.desc())
            .limit(1)
        )
        known = self._ledger.row(found)
        return book_of(flow, environment, "") if known is None else known.flow


def current(connection: Connection, now: float) -> tuple[Condition, ...]:
    """Return what is said of flows at a moment, each once: since when at first, why at last."""
    rows = connection.execute(
        select(CONDITIONS).where(_ROWS.until >= now).order_by(_ROWS.until)
    ).all()
    found: dict[tuple[str, Name], Condition] = {}
    for row in rows:
        before = found.get((row.book, row.name))
        since = row.since if before is None else min(before.since, row.since)
        found[row.book, row.name] = Condition(row.book, row.name, since, row.reason)
    return tuple(sorted(found.values(), key=lambda one: (one.book, one.name)))
