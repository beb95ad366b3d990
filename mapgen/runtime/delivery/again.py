"""Records that the ledger holds, once more: would they pass now; how they are sent again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from mapgen.agreed.plan import LedgerTable as InLedger
from mapgen.agreed.plan import RemoteTable
from mapgen.agreed.plan import TenantTable as InTenant
from mapgen.runtime.delivery.deliver import Mapped
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.draining import Drain
from mapgen.runtime.feeds.kind import Cursor, Page, Ways
from mapgen.runtime.ledger import Kept, Ledger, book_of
from mapgen.runtime.ledger.book import Book
from mapgen.runtime.ledger.interventions import Interventions
from mapgen.runtime.ledger.lookup import LedgerTable
from mapgen.runtime.ledger.reports import OpenRecord, Reports
from mapgen.runtime.ledger.schema import in_parts
from mapgen.runtime.lookups import Asked, Key, Make, Remote
from mapgen.runtime.outcome import ONLY, Outcome, Rejected

OfKept = Callable[[Kept], Iterable[Outcome]]


class _NeedsTheTenant(Exception):
    """A record asks the tenant, which nobody asks here."""


class _Unasked(Asked):
    """What stands for a table in the tenant where no request is made."""

    def __getitem__(self, key: Key) -> Any:
        raise _NeedsTheTenant


class OfflineTables:
    """The tables of remote lookups, answered by the ledger alone, without any request.

    `tenant` is a book of the tenant that numbers are looked up in; it is known before the first
    record is mapped. `in_tenant` gives the tables that only the tenant knows.
    """

    def __init__(
        self, ledger: Ledger, tenant: Book | None = None, in_tenant: Remote | None = None
    ) -> None:
        """Take the ledger, the tenant, and what stands for tables in the tenant."""
        self._ledger = ledger
        self.tenant = tenant
        self._in_tenant = in_tenant

    def table(self, name: str, table: RemoteTable, make: Make) -> Mapping[Key, Any]:
        """Return the table of a lookup."""
        match table:
            case InLedger():
                return LedgerTable(partial(self._number_of, table))
            case InTenant():
                return self._in_tenant(name, table, make) if self._in_tenant else _Unasked()
            case _:
                assert_never(table)

    def _number_of(self, table: InLedger, identity: str) -> str | None:
        tenant = self.tenant
        assert tenant is not None, "records are mapped once the tenant is known"
        book = book_of(table.flow, tenant.tenant, tenant.url)
        return self._ledger.number_of(book, table.document or ONLY, identity)


def passes(reports: Reports, of_kept: OfKept, record: OpenRecord) -> bool | None:
    """Whether a record would give documents now; None where only sending it shows that.

    What gave a document before was refused by the tenant, or waits for another: it still does.
    """
    if record.is_document:
        return None
    kept = reports.copy_of(record)
    if kept is None:
        return False
    try:
        outcomes = list(of_kept(kept))
    except _NeedsTheTenant:
        return None
    return not any(isinstance(outcome, Rejected) for outcome in outcomes)


class Replay(Struct, frozen=True):
    """Open records to be sent again, each from the ledger's copy, and who asked for it."""

    ledger: Ledger
    records: Sequence[OpenRecord]
    who: str

    def mapped(self, of_kept: OfKept, remote: RemoteTables, drain: Drain | None = None) -> Mapped:
        """Return what `deliver` takes; `of_kept` says what becomes of a copy today."""
        feed = _CopiesFeed(self._copies)
        return Mapped(
            feed,
            lambda page: of_kept(msgspec.json.decode(page.stream.read(), type=Kept)),
            of_kept,
            remote,
            drain=drain,
        )

    def _copies(self) -> Iterator[Kept]:
        reports, people = Reports(self.ledger), Interventions(self.ledger, self.who)
        for part in in_parts(self.records):
            people.note_replay(part)
            yield from (kept for kept in map(reports.copy_of, part) if kept is not None)


class _CopiesFeed(Struct, frozen=True):
    """Records as the ledger holds them, each a page."""

    copies: Callable[[], Iterable[Kept]]
    name: str = "replay"

    def pages(self, _cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield the copies."""
        for kept in self.copies():
            yield Page(io.BytesIO(msgspec.json.encode(kept)), kept.file)
