"""The tenant: its contract, set-up and records; and the work that one request does on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from mapgen.contract.model import Contract, Field
from mapgen.sandbox.records import Record, Store
from mapgen.sandbox.seed import Row, Setup
from mapgen.sandbox.settings import Settings
from mapgen.sandbox.values import Value, at_least_one_place, coerce, instant, rounded

NEW = "<NEW>"
"""What stands in the key of a record that has no number yet. Source: recorded."""


@dataclass(slots=True)
class Tenant:
    """All that a tenant is. `references` holds the seeded rows by kind and folded key."""

    contract: Contract
    settings: Settings
    store: Store
    setup: Setup = field(default_factory=Setup)
    references: dict[str, dict[str, Row]] = field(default_factory=dict)

    def known(self, kind: str, key: str) -> Row | None:
        """Return the seeded row of a kind with this key, None where there is none."""
        return self.references.get(kind, {}).get(folded(key))

    def has(self, kind: str, key: str) -> bool:
        """Tell whether a record of the kind exists; case and padding do not count."""
        if kind in self.contract.entities:
            return self.store.by_keys(kind, [key]) is not None
        return self.known(kind, key) is not None

    def default(self, entity: str, name: str) -> Value | None:
        """Return the set-up's default of a field."""
        raw = self.setup.defaults.get(entity, {}).get(name)
        member = self.contract.entities[entity].fields.get(name)
        if raw is None or member is None or member.value_type is None:
            return None
        return coerce(raw, member.value_type)


@dataclass(slots=True)
class Work:
    """What one request does: its clock, its branch, and safe hands on the values of records.

    `beside` are further records that the save changes; they are stored in the same transaction.
    """

    tenant: Tenant
    now: datetime
    today: date
    branch: str | None = None
    beside: list[Record] = field(default_factory=list)

    def field_of(self, record: Record, name: str) -> Field | None:
        return self.tenant.contract.entities[record.entity].fields.get(name)

    def set(self, record: Record, name: str, value: Value | None) -> None:
        """Set a value where the contract has the field; None empties it."""
        if self.field_of(record, name) is None:
            return
        if value is None:
            record.values.pop(name, None)
        else:
            record.values[name] = at_least_one_place(value) if isinstance(value, Decimal) else value

    def default(self, record: Record, name: str, value: Value | None) -> None:
        """Set a value where there is none and none was sent."""
        if name not in record.values and name not in record.sent:
            self.set(record, name, value)

    def defaults(self, record: Record, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self.default(record, name, value)

    def part(self, record: Record, name: str) -> Record | None:
        """Return a linked part, made if it is not there; None where the contract has none."""
        member = self.field_of(record, name)
        if member is None or member.entity is None or member.shape != "linked":
            return None
        return record.linked.setdefault(name, Record(member.entity))

    def fail(self, record: Record, name: str, words: str) -> None:
        """Note a field error; the first one of a field stays."""
        record.errors.setdefault(name, words)

    def money(self, record: Record, amount: Decimal) -> Decimal:
        """Return an amount rounded to the places of the record's currency, two if nothing says."""
        row = self.tenant.known("Currency", record.text("CurrencyID"))
        places = row.get("DecimalPrecision", 2) if row is not None else 2
        return rounded(amount, places if isinstance(places, int) else 2)

    def number(self, entity: str, series: str, first: str, is_taken: Callable[[str], bool]) -> str:
        """Return the next free number of a series."""
        told = self.tenant.setup.numbering.get(entity, {})
        start = told if isinstance(told, str) else told.get(series, first)
        number = self.tenant.store.next_number(entity, series, start)
        while is_taken(number):
            number = self.tenant.store.next_number(entity, series, start)
        return number

    def stamp(self, record: Record, *, is_new: bool) -> None:
        """Note when the record was made and changed, under whichever names the contract has."""
        for name in ("LastModified", "LastModifiedDateTime", "LastModifiedDate"):
            member = self.field_of(record, name)
            if member is not None:
                # Lines hold the time as text in the server's locale. Source: recorded.
                is_text = member.value_type == "string"
                record.values[name] = (
                    self.now.strftime("%m/%d/%Y %H:%M:%S") if is_text else instant(self.now)
                )
        for name in ("CreatedDateTime", "CreatedDate"):
            if is_new:
                self.set(record, name, instant(self.now))
        self.set(record, "NoteID", record.id)


def title(entity: str) -> str:
    """Return what the screen calls an entity's records: `Sales Order Line`."""
    return _TITLES.get(entity) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entity)


_TITLES = {
    "SalesOrderDetail": "Sales Order Line",
    "TaxDetail": "Sales Tax",
    "SalesInvoice": "Invoice",
}


def folded(key: str) -> str:
    """Return a key as the database compares it: case and end padding do not count."""
    return key.rstrip().casefold()
