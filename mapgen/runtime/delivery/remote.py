"""Remote lookups: tables that ask the ledger or the tenant within the session of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, assert_never

from msgspec import Struct

from mapgen.agreed.plan import LedgerTable as InLedger
from mapgen.agreed.plan import RemoteTable
from mapgen.agreed.plan import TenantTable as InTenant
from mapgen.runtime.environment import Tenant
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.lookup import LedgerTable
from mapgen.runtime.lookups import Key, Make
from mapgen.runtime.outcome import ONLY
from mapgen.runtime.tenant import Connection
from mapgen.runtime.tenant.lookup import QueriedTable


class _Asked(Struct, frozen=True):
    """Who is asked: the ledger about documents in the tenant, the tenant in the run's session."""

    ledger: Ledger
    tenant: Tenant
    connection: Connection


class RemoteTables:
    """The tables of one run that are no files.

    They are made when the flow is bound, and asked only while records are mapped: by then the run
    has its session, whose rate limit, retries and circuit breaker hold for them too.
    """

    def __init__(self) -> None:
        self._asked: _Asked | None = None
        self._queried: dict[str, QueriedTable] = {}

    def connect(self, ledger: Ledger, tenant: Tenant | None, connection: Connection | None) -> None:
        """Say who is asked from now on; a flow without such lookups has nobody to ask.

        What the tenant said to an earlier run is forgotten: it may say something else by now.
        """
        for table in self._queried.values():
            table.forget()
        if tenant is not None and connection is not None:
            self._asked = _Asked(ledger, tenant, connection)

    def table(self, name: str, table: RemoteTable, make: Make) -> Mapping[Key, Any]:
        """Return the table of a lookup."""
        match table:
            case InLedger():
                return LedgerTable(partial(self._number_of, table))
            case InTenant():
                queried = QueriedTable(name, table, self._records, make)
                self._queried[name] = queried
                return queried
            case _:
                assert_never(table)

    def _number_of(self, table: InLedger, identity: str) -> str | None:
        asked = self._connected()
        book = book_of(table.flow, asked.tenant.tenant, asked.tenant.url)
        return asked.ledger.number_of(book, table.document or ONLY, identity)

    def _records(self, entity: str, query: str) -> Sequence[dict[str, Any]] | None:
        return self._connected().connection.ask(entity, query)

    def _connected(self) -> _Asked:
        assert self._asked is not None, "records are mapped inside the session"
        return self._asked
