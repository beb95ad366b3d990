"""What differs between two readings of a contract, fact by fact."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from msgspec import Struct

from mapgen.contract.model import Contract, Entity, Field


class Difference(Struct, frozen=True):
    """A fact about an entity, or a field of it, that was one thing and is another.

    `what` names the fact; `was` and `now` are empty where there was, or is, none.
    """

    entity: str
    field: str
    what: str
    was: str
    now: str

    @property
    def is_lost(self) -> bool:
        """Whether what could be sent or read can no longer be, or not as it was."""
        return bool(self.was) and self.what in ("", "type")

    @property
    def is_felt(self) -> bool:
        """Whether who uses the contract as it was may notice: all but new entities and fields."""
        return bool(self.was or self.what)

    @property
    def where(self) -> str:
        """What the fact is about: `SalesOrder`, `SalesOrder.Status`."""
        return f"{self.entity}.{self.field}" if self.field else self.entity

    def __str__(self) -> str:
        """Return the difference in a line."""
        where = self.where
        what = f"{self.what} " if self.what not in ("", "type", "length") else ""
        if not self.was or not self.now:
            fact = f": {what or 'length '}{self.was or self.now}" if self.what else ""
            return f"{where}{fact}, {'gone' if self.was else 'new'}"
        return f"{where}: {what}{self.now} instead of {self.was}"


def differences(before: Contract, after: Contract) -> Iterator[Difference]:
    """Yield what differs, of entities and fields that both have fact by fact."""
    for name in sorted({*before.entities, *after.entities}):
        old, new = before.entities.get(name), after.entities.get(name)
        if old is None or new is None:
            is_there = "" if new is None else "an entity"
            yield Difference(name, "", "", "" if old is None else "an entity", is_there)
        elif old != new:
            yield from _of_facts(name, "", _facts(old), _facts(new))
            yield from _of_fields(name, old.fields, new.fields)


def overruled(before: Contract, after: Contract, names: Container[str]) -> Iterator[str]:
    """Yield what was known of some of the entities and is no longer said; an order was not."""
    for one in differences(before, after):
        is_order = one.what == "keys" and {*one.was.split(", ")} == {*one.now.split(", ")}
        if one.was and one.entity in names and not is_order:
            yield str(one)


def _of_fields(
    entity: str, before: Mapping[str, Field], after: Mapping[str, Field]
) -> Iterator[Difference]:
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            now = "" if new is None else "a field"
            yield Difference(entity, name, "", "" if old is None else "a field", now)
        elif old != new:
            yield from _of_facts(entity, name, _field_facts(old), _field_facts(new))


def _of_facts(
    entity: str, field: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for what in before:
        if before[what] != after[what]:
            yield Difference(entity, field, what, before[what], after[what])


def _facts(entity: Entity) -> Mapping[str, str]:
    return {
        "keys": ", ".join(entity.keys),
        "identities": ", ".join(entity.identities),
        "numbering": "by the ERP" if entity.is_auto_numbered else "",
        "URL": "of its own" if entity.is_top_level else "",
        "actions": ", ".join(map(str, entity.actions.values())),
    }


def _field_facts(one: Field) -> Mapping[str, str]:
    return {
        "type": one.value_type or f"{one.shape} {one.entity}",
        "length": _number(one.max_length),
        "places": _number(one.places),
        "override flag": one.companion or "",
        "override flags": ", ".join(f"{part}: {flag}" for part, flag in one.part_companions),
        "required": "in a create" if one.is_required else "",
        "calculated": "by the ERP" if one.is_calculated else "",
        "read-only": "set by the ERP" if one.is_read_only else "",
    }


def _number(number: int | None) -> str:
    return "" if number is None else str(number)
