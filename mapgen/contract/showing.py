"""An entity of a contract in, the lines of a table about it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from mapgen.contract.model import Contract, Entity, Field


class FieldLine(Struct, frozen=True):
    """One field in words: what it holds, what has to be known to write it."""

    name: str
    holds: str
    notes: tuple[str, ...]


class EntityLine(Struct, frozen=True):
    """An entity in a line: what is known of it, and how much of it.

    `texts` counts the fields that hold a text, `lengths` those whose longest text is known, `flags`
    those that need an override flag.
    """

    name: str
    top_level: bool
    keys: tuple[str, ...]
    numbered_by_erp: bool
    identities: tuple[str, ...]
    fields: int
    texts: int
    lengths: int
    flags: int
    actions: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the line's cells, below `HEADINGS`."""
        numbered = " (numbered)" if self.numbered_by_erp else ""
        return (
            self.name,
            ", ".join(self.keys) + numbered if self.keys else "-",
            ", ".join(self.identities) or "-",
            str(self.fields),
            f"{self.lengths} of {self.texts}",
            str(self.flags),
            str(len(self.actions)),
        )


HEADINGS = ("entity", "keys", "identity", "fields", "lengths", "flags", "actions")


class Shown(Struct, frozen=True):
    """An entity in words; `parts` are the linked entities and details, each as its own."""

    name: str
    facts: tuple[str, ...]
    fields: tuple[FieldLine, ...]
    actions: tuple[str, ...]
    parts: tuple[tuple[str, Shown], ...]


def list_entities(contract: Contract) -> tuple[EntityLine, ...]:
    """Return a line for each entity: those with a URL of their own first, then their parts."""
    lines = [_line(entity) for entity in contract.entities.values()]
    return tuple(sorted(lines, key=lambda line: (not line.top_level, line.name)))


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return rows of a table as lines whose columns are below each other."""
    known = list(rows)
    widths = [max(map(len, column)) for column in zip(*known, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in known
    ]


def _line(entity: Entity) -> EntityLine:
    fields = entity.fields.values()
    return EntityLine(
        entity.name,
        entity.is_top_level,
        entity.keys,
        entity.is_auto_numbered,
        entity.identities,
        len(fields),
        sum(one.value_type == "string" for one in fields),
        sum(one.max_length is not None for one in fields),
        sum(one.companion is not None or bool(one.part_companions) for one in fields),
        tuple(entity.actions),
    )


def show_entity(contract: Contract, name: str, *, with_parts: bool) -> Shown:
    """Return what there is to know of an entity of the contract, and of all that is in it."""
    return _shown(contract, contract.entities[name], with_parts, (name,))


def _shown(contract: Contract, entity: Entity, with_parts: bool, above: tuple[str, ...]) -> Shown:
    """Return an entity in words; one that is inside itself is not shown again."""
    fields = entity.fields.values()
    parts = [
        (one.name, _shown(contract, contract.entities[inner], True, (*above, inner)))
        for one in fields
        if with_parts and (inner := one.entity) is not None and inner not in above
    ]
    return Shown(
        entity.name,
        tuple(_facts(entity)),
        tuple(FieldLine(one.name, _holds(one), tuple(_notes(one, entity))) for one in fields),
        tuple(map(str, entity.actions.values())),
        tuple(parts),
    )


def _facts(entity: Entity) -> Iterator[str]:
    if not entity.is_top_level:
        yield "a part of other entities"
    if entity.keys:
        numbered = " (the last is numbered by the ERP)" if entity.is_auto_numbered else ""
        yield f"keys: {', '.join(entity.keys)}{numbered}"
    if entity.identities:
        yield f"may carry the identity: {', '.join(entity.identities)}"


def _holds(field: Field) -> str:
    match field.shape:
        case "linked":
            return f"one {field.entity}"
        case "details":
            return f"rows of {field.entity}"
        case "value":
            length = f"({field.max_length})" if field.max_length is not None else ""
            places = f", {field.places} places" if field.places is not None else ""
            return f"{field.value_type}{length}{places}"


def _notes(field: Field, entity: Entity) -> Iterator[str]:
    for holds, words in (
        (field.is_required, "required"),
        (field.is_key, "key"),
        (field.is_calculated, "calculated: what is sent is ignored"),
        (field.is_read_only, "read-only: what is sent is ignored"),
        (field.name == entity.number, "numbered by the ERP"),
        (field.name in entity.identities, "identity"),
    ):
        if holds:
            yield words
    if field.companion is not None:
        yield f"needs {field.companion}: true"
    for part, companion in field.part_companions:
        yield f"{part} in it needs {companion}: true"
    if field.label is not None and _letters(field.label) != _letters(field.name):
        yield f"label: {field.label}"


def _letters(words: str) -> str:
    return "".join(filter(str.isalpha, words)).casefold()
