"""Key and metadata files come in beside a Contract; it goes out with keys, labels and lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.document import read
from mapgen.contract.model import Contract, Entity, Field
from mapgen.contract.openapi import WRAPPERS
from mapgen.report import Source
from mapgen.report.catalogue import contract as words

Keys = Mapping[str, tuple[str, ...]]
Metadata = Mapping[str, Mapping[str, "Described"]]

# Only `nvarchar(n)` tells how long the text of the API may be. `char`, `nchar` and `varchar`
# columns of any width hold the codes of drop-down lists, whose displayed text is what the API
# takes and gives: SalesOrderDetail.LineType is char(2) and reads "Goods for Inventory" (recorded),
# Contact.Phone1Type is varchar(3). A char(2) that is spoken as it is stored, like OrderType, cannot
# be told from those, so its length is a fact for the overlay.
_SPOKEN_TEXT = re.compile(r"nvarchar\((\d{1,9})\)", re.ASCII)


class Described(Struct, frozen=True):
    """What the metadata says of a field. `shape` is `StringValue`, `Address` or `List<Detail>`."""

    shape: str
    label: str | None
    max_length: int | None


class Merged(Struct, frozen=True):
    """The contract with what the files add, and the names in them that it does not have."""

    contract: Contract
    unmatched: tuple[str, ...]


def read_keys(source: Source) -> Keys:
    """Return the key fields of each entity, in the file's order.

    Raises Stopped with E512 or E513.
    """
    root = read(source, words.malformed_metadata)
    return {
        entity: tuple(field.text() for field in fields.elements())
        for entity, fields in root.members()
    }


def read_metadata(source: Source) -> Metadata:
    """Return what the metadata says of the fields of each entity. Raises Stopped: E512 or E513."""
    root = read(source, words.malformed_metadata)
    found: dict[str, dict[str, Described]] = {}
    for entity, members in root.members():
        found[entity] = {}
        for name, facts in members.member("fields").members():
            label, sql = facts.optional("label"), facts.optional("sql")
            matched = None if sql is None else _SPOKEN_TEXT.fullmatch(sql.text())
            found[entity][name] = Described(
                facts.member("type").text(),
                None if label is None else label.text(),
                None if matched is None or int(matched[1]) == 0 else int(matched[1]),
            )
    return found


def merge(contract: Contract, keys: Keys, metadata: Metadata) -> Merged:
    """Return the contract with keys, labels and lengths; unmatched names are left out and told."""
    entities = {
        name: _with_keys(_described(entity, metadata.get(name, {})), keys.get(name, ()))
        for name, entity in contract.entities.items()
    }
    unmatched = sorted({*_unmatched_keys(contract, keys), *_unmatched_fields(contract, metadata)})
    return Merged(replace(contract, entities=entities), tuple(unmatched))


def with_keys(entity: Entity, keys: tuple[str, ...]) -> Entity:
    """Return the entity with exactly these keys, in this order."""
    fields = {
        name: replace(one, is_key=name in keys) if one.is_key != (name in keys) else one
        for name, one in entity.fields.items()
    }
    return replace(entity, keys=keys, fields=fields)


def _with_keys(entity: Entity, keys: tuple[str, ...]) -> Entity:
    """Return the entity with these keys; the order of keys that are known already is kept."""
    known = tuple(key for key in keys if key in entity.fields)
    is_new = 0 < len(known) == len(keys) and set(known) != set(entity.keys)
    return with_keys(entity, known) if is_new else entity


def _described(entity: Entity, facts: Mapping[str, Described]) -> Entity:
    fields = {
        name: _describe(one, facts[name]) if name in facts and _agrees(one, facts[name]) else one
        for name, one in entity.fields.items()
    }
    return replace(entity, fields=fields)


def _describe(one: Field, fact: Described) -> Field:
    length = fact.max_length if one.value_type == "string" else None
    return replace(one, label=fact.label, max_length=length or one.max_length)


def _agrees(one: Field, fact: Described) -> bool:
    """Tell whether the metadata speaks of the same type: a renamed field may be another field."""
    match one.shape:
        case "value":
            wrapped = "datetime" if one.value_type == "date" else one.value_type
            return WRAPPERS.get(fact.shape) in (one.value_type, wrapped)
        case "linked":
            return fact.shape == one.entity
        case "details":
            return fact.shape == f"List<{one.entity}>"


def _unmatched_keys(contract: Contract, keys: Keys) -> Iterator[str]:
    for name, fields in keys.items():
        if name not in contract.entities:
            yield name
            continue
        known = contract.entities[name].fields
        yield from (f"{name}.{field}" for field in fields if field not in known)


def _unmatched_fields(contract: Contract, metadata: Metadata) -> Iterator[str]:
    for name, facts in metadata.items():
        if name not in contract.entities:
            yield name
            continue
        known = contract.entities[name].fields
        for field, fact in facts.items():
            if field not in known or not _agrees(known[field], fact):
                yield f"{name}.{field}"
