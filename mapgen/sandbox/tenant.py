"""The tenant: its contract, set-up and records; and the work that one request does on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mapgen.contract.model import Contract, Field
from mapgen.sandbox.records import Record, Store, folded
from mapgen.sandbox.seed import Row, Setup
from mapgen.sandbox.settings import Settings
from mapgen.sandbox.values import Value, at_least_one_place, instant

NEW = "<NEW>"
"""The key of a record that has no number yet. Source: recorded."""

KEY_OF_KIND = {
    "Branch": "BranchID",
    "Country": "CountryID",
    "Currency": "CurrencyID",
    "PaymentMethod": "PaymentMethodID",
    "ShipVia": "CarrierID",
    "ShippingTerm": "TermID",
    "Tax": "TaxID",
    "TaxZone": "TaxZoneID",
    "Terms": "TermsID",
    "Warehouse": "WarehouseID",
}
"""The keys of master data that contracts need not have as entities."""

_KIND_OF_FIELD = {
    "CustomerTaxZone": "TaxZone",
    "PreferredWarehouseID": "Warehouse",
    "ShippingTerms": "ShippingTerm",
}
"""Fields that name master data by neither its kind nor its key."""


@dataclass(slots=True)
class Tenant:
    """All that a tenant is.

    `defaults` are the set-up's, by entity. `seeded` holds the rows of each kind that the seed
    lists, by key; those of the contract's entities are records.
    """

    contract: Contract
    settings: Settings
    store: Store
    setup: Setup = field(default_factory=Setup)
    defaults: dict[str, Mapping[str, Value | None]] = field(default_factory=dict)
    seeded: dict[str, dict[str, Row]] = field(default_factory=dict)
    _referred: dict[tuple[str, str, int], list[str]] = field(default_factory=dict, repr=False)

    def key_of(self, kind: str) -> str | None:
        """Return the one key of a kind of master data, None where it has several or none."""
        entity = self.contract.entities.get(kind)
        keys = (KEY_OF_KIND.get(kind),) if entity is None else entity.keys
        return keys[0] if len(keys) == 1 else None

    def referred(self, entity: str, name: str) -> list[str]:
        """Return the seeded kinds that a field names a record of: it has the kind's or key's name.

        A record does not refer to itself, nor a key to the records that share it.
        """
        asked = entity, name, len(self.seeded)  # kinds only come while the seed is read
        if asked not in self._referred:
            self._referred[asked] = self._named_by(entity, name)
        return self._referred[asked]

    def _named_by(self, entity: str, name: str) -> list[str]:
        named = _KIND_OF_FIELD.get(name, name)
        kinds = [
            kind
            for kind in self.seeded
            if (key := self.key_of(kind)) and (named == kind or (named == key and key[-2:] == "ID"))
        ]
        return [] if entity in kinds or self.key_of(entity) == name else kinds

    def has(self, kind: str, key: str) -> bool:
        """Tell whether a record of the kind exists; case and padding do not count."""
        if kind in self.contract.entities:
            return self.store.by_keys(kind, [key]) is not None
        return folded(key) in self.seeded[kind]


@dataclass(slots=True)
class Work:
    """What one request does: its clock, its branch, and safe hands on the values of records."""

    tenant: Tenant
    now: datetime
    branch: str = ""

    def field_of(self, record: Record, name: str) -> Field | None:
        return self.tenant.contract.entities[record.entity].fields.get(name)

    def set(self, record: Record, name: str, value: Value) -> None:
        """Set a value where the contract has the field."""
        if self.field_of(record, name) is not None:
            record.values[name] = at_least_one_place(value) if isinstance(value, Decimal) else value

    def fail(self, record: Record, name: str, words: str) -> None:
        """Note a field error; the first one of a field stays."""
        record.errors.setdefault(name, words)

    def stamp(self, record: Record, *, is_new: bool) -> None:
        """Note when the record was made and changed, under whichever names the contract has."""
        names = ["LastModified", "LastModifiedDateTime", "LastModifiedDate"]
        for name in names + ["CreatedDateTime", "CreatedDate"] * is_new:
            member = self.field_of(record, name)
            # Lines hold the time as text in the server's locale. Source: recorded.
            is_text = member is not None and member.value_type == "string"
            self.set(
                record,
                name,
                self.now.strftime("%m/%d/%Y %H:%M:%S") if is_text else instant(self.now),
            )
        self.set(record, "NoteID", record.id)


def title(entity: str) -> str:
    """Return what the screen calls an entity's records: `Sales Order`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entity)
