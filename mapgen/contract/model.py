"""The ERP's contract as data: entities, their fields, keys, details and actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field

ValueType = Literal[
    "string",
    "decimal",
    "double",
    "boolean",
    "int",
    "short",
    "byte",
    "long",
    "guid",
    "datetime",
    "date",
    "single_select",
    "multi_select",
]
Comparison = Literal["<", "<=", ">", ">="]
Shape = Literal["value", "linked", "details"]


class Allowed(Struct, frozen=True):
    """What a value outside the ERP has to be: one of `choices`, of a `pattern`, within `bounds`.

    `is_text`: an amount written as text.
    """

    is_text: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    bounds: tuple[tuple[Comparison, str], ...] = ()


class Field(Struct, frozen=True):
    """One member of an entity.

    `shape` tells a wrapped value from a linked entity (an object) and from details (a list);
    `value_type` stands for values, `entity` names the other entity for linked and details. A `date`
    is a calendar day and a `datetime` a moment, whatever type the ERP's document gives them.
    `max_length` counts UTF-16 units, `places` decimal places. `companion` names the field that has
    to be sent with this one for it to have an effect (`ShipToAddressOverride`). `part_companions`
    says the same of a part of a linked entity: pairs of the part's field and the companion, which
    is beside this field (`("Address", "BillingAddressOverride")` of `BillingContact`).
    Outside the ERP a value may be a list of single values (`is_list`), a list has at least `least`
    elements, and a value is one of those `allowed`.
    """

    name: str
    shape: Shape
    value_type: ValueType | None = None
    entity: str | None = None
    max_length: int | None = None
    places: int | None = None
    label: str | None = None
    is_key: bool = False
    is_calculated: bool = False
    is_read_only: bool = False
    is_required: bool = False
    companion: str | None = None
    part_companions: tuple[tuple[str, str], ...] = ()
    is_list: bool = False
    least: int = 0
    allowed: Allowed = Allowed()

    @property
    def may_identify(self) -> bool:
        """Whether a document outside the ERP may be known by it: it is one value, always there."""
        is_one = self.shape == "value" and not (self.is_list or self.allowed.choices)
        return is_one and self.is_required and self.value_type in ("string", "long")


class Action(Struct, frozen=True):
    """What can be done with a record: `POST …/{Entity}/{name}` with these typed parameters."""

    name: str
    parameters: Mapping[str, ValueType]

    def __str__(self) -> str:
        """Return the action as people read it: `Void(When: date)`."""
        return (
            f"{self.name}({', '.join(f'{name}: {kind}' for name, kind in self.parameters.items())})"
        )


class Entity(Struct, frozen=True):
    """A record type; only a top-level one has a URL of its own.

    `identities` are fields that may carry an identity for look-up (filterable, never changed).
    `is_auto_numbered`: the key sent is replaced by the next number.
    """

    name: str
    fields: Mapping[str, Field]
    keys: tuple[str, ...] = ()
    actions: Mapping[str, Action] = field(default_factory=dict)
    is_top_level: bool = False
    is_auto_numbered: bool = False
    identities: tuple[str, ...] = ()

    @property
    def number(self) -> str | None:
        """The key that the ERP gives, if it numbers these records."""
        return self.keys[-1] if self.is_auto_numbered and self.keys else None


class Contract(Struct, frozen=True):
    """One version of an endpoint: `Default/24.200.001`, of contract version 4 or 5.

    Version 0: documents outside the ERP, as a JSON Schema (`version` is its path) describes them.
    """

    endpoint: str
    version: str
    contract_version: int
    entities: Mapping[str, Entity]

    @property
    def is_plain(self) -> bool:
        """Whether documents are plain JSON, not records of the ERP."""
        return not self.contract_version

    @property
    def top_level(self) -> Mapping[str, Entity]:
        """The entities that have a URL of their own."""
        return _TopLevel(self.entities)

    @property
    def name(self) -> str:
        """Return the name specs use: `default-24.200.001`."""
        return f"{self.endpoint.lower()}-{self.version}"

    @property
    def overlay(self) -> str:
        """Return where a workspace states what the ERP's own document of the contract cannot."""
        return f"specs/contracts/{self.name}.overlay.yaml"


class _TopLevel(Mapping[str, Entity]):
    """The entities with a URL; one that is asked for is looked at alone: a lock has many."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = entities

    def __getitem__(self, name: str) -> Entity:
        found = self._entities[name]
        if not found.is_top_level:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, one in self._entities.items() if one.is_top_level)

    def __len__(self) -> int:
        return sum(1 for _ in self)
