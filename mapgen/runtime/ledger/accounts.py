"""What the ledger knows of documents that are compared with what their target has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import bindparam, select

from mapgen.runtime.ledger.book import books_at
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.rows import Line
from mapgen.runtime.ledger.schema import COMPARISONS, RECORDS, SENT, in_parts, upsert

_ROWS = RECORDS.c
_AT_ONCE = 200
Key = tuple[str, str]
"""The name of a document, and its identity."""


class Entry(Struct, frozen=True):
    """A document of the ledger: of which record, how far it is, its money as it was sent.

    `keys` are those that the target gave it.
    """

    document: str
    identity: str
    source: str
    state: str
    number: str | None
    amount: str | None
    keys: Mapping[str, str] | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the target has it, as the ledger knows."""
        return self.state == "sent"


class Comparison(Struct, frozen=True):
    """What the latest comparison of a flow came to, when (seconds since 1970), by verdict."""

    at: float
    counts: Mapping[str, int]
    money: tuple[Line, ...]

    @property
    def unreconciled(self) -> int:
        """How many documents were not the same on all sides."""
        return sum(count for verdict, count in self.counts.items() if verdict != "same")


_COLUMNS = (
    _ROWS.document, _ROWS.identity, _ROWS.source, _ROWS.state, _ROWS.number, _ROWS.amount,
    _ROWS.erp_keys,
)  # fmt: skip


class Accounts:
    """Reads a ledger for a comparison; each method is one look, or one a page."""

    def __init__(self, ledger: Ledger, book: str) -> None:
        """Take the ledger, and what it keeps the records of the flow under."""
        self._ledger = ledger
        self._book = book

    def entries(self, keys: Iterable[Key]) -> dict[Key, Entry]:
        """Return what the ledger knows of documents, by name and identity."""
        by_name: dict[str, list[str]] = {}
        for document, identity in keys:
            # No database takes it as a text, so no row can have it.
            if "\x00" not in identity:
                by_name.setdefault(document, []).append(identity)
        found: dict[Key, Entry] = {}
        with self._ledger.transaction() as connection:
            for document, identities in by_name.items():
                for part in in_parts(identities):
                    rows = connection.execute(
                        select(*_COLUMNS)
                        .where(_ROWS.flow == self._book, _ROWS.document == document)
                        .where(_ROWS.identity.in_(part))
                    )
                    found |= {(one.document, one.identity): Entry(*one) for one in rows}
        return found

    def sent(self, documents: Sequence[str], since: float) -> Iterator[list[Entry]]:
        """Yield the documents that were sent since then, in portions."""
        found = (
            select(*_COLUMNS, _ROWS.id)
            .where(_ROWS.flow == self._book, SENT, _ROWS.document.in_(documents))
            .where(_ROWS.changed_at >= since, _ROWS.identity.is_not(None))
            .where(_ROWS.id > bindparam("behind"))
            .order_by(_ROWS.id)
            .limit(_AT_ONCE)
        )
        for rows in self._ledger.pages(found):
            yield [Entry(*one[:-1]) for one in rows]

    def others(self, entity: str, identities: Sequence[str], place: str) -> set[str]:
        """Return which documents of an entity other flows know, of those that go to `place`."""
        with self._ledger.transaction() as connection:
            return {
                identity
                for book in books_at(connection, place)
                for part in in_parts(identities)
                for identity in connection.scalars(
                    select(_ROWS.identity)
                    .where(_ROWS.flow == book, _ROWS.entity == entity)
                    .where(_ROWS.identity.in_(part))
                )
            }

    def note(self, comparison: Comparison) -> None:
        """Write down what a comparison came to, in the place of the one before."""
        values = {name: getattr(comparison, name) for name in ("at", "counts", "money")}
        with self._ledger.transaction() as connection:
            upsert(connection, COMPARISONS, {"book": self._book}, values)

    def latest(self) -> Comparison | None:
        """Return what the latest comparison came to, None where there was none."""
        row = self._ledger.row(select(COMPARISONS).where(COMPARISONS.c.book == self._book))
        return None if row is None else Comparison(*row[1:])
