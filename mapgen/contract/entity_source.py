"""An entity of the ERP as a source: its contract in, the types of the records that it answers out.

Keys are there; any other value may be missing, for the ERP answers `{}` for an empty field. Details
are lists, which a request has to ask for.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct, field

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.contract.source_schema import EntitySource, SourceSchema
from mapgen.ir import types
from mapgen.ir.names import new_name
from mapgen.report import Text

OPTION = types.Object("Option", {"id": types.STRING, "description": types.optional(types.STRING)})
"""A value of a drop-down in contract version 5."""

_SCALARS: Mapping[ValueType, types.Type] = {
    "string": types.STRING,
    "guid": types.STRING,
    "decimal": types.DECIMAL,
    "double": types.DECIMAL,
    "boolean": types.BOOL,
    "int": types.INT,
    "short": types.INT,
    "byte": types.INT,
    "long": types.INT,
    "datetime": types.TIMESTAMP,
    "date": types.DATE,
    "single_select": OPTION,
    "multi_select": types.ListOf(OPTION),
}
_NOTE_ID = "NoteID"
_VIEWS = ("Custom", "Option")


def entity_schema(
    contract: Contract,
    entity: Entity,
    name: str,
    custom: Iterable[tuple[Text, Text]] = (),
    taken: Container[str] = (),
) -> SourceSchema:
    """Return what records of an entity are.

    Args:
        contract: the pinned contract.
        entity: what records are of.
        name: what a record is called (`shipment`).
        custom: fields outside the contract (`Document.UsrX`), each with its type.
        taken: names that objects of other records have, which these are put into.
    """
    known_as = new_name(types.record_name(name), taken)
    reader = _Reader(contract, taken)
    record = reader.object(entity, known_as)
    members = {**record.fields, "note": types.optional(types.STRING)}
    views = _views(custom)
    if views:
        members["custom"] = types.optional(types.Object(_VIEWS[0], views))
    return SourceSchema(
        path=contract.name,
        record=types.Object(known_as, members),
        lasting=frozenset(_lasting(reader, entity, known_as)),
        names=dict.fromkeys((*reader.entities, *_VIEWS, *(f"Custom{one}" for one in views)), 1),
        entity=EntitySource(contract, entity, reader.entities),
    )


def _lasting(reader: _Reader, entity: Entity, name: str) -> Iterator[tuple[str, str]]:
    """Yield the members whose values never change: those of the record, then those of its rows."""
    known = [*entity.keys, *entity.identities, _NOTE_ID]
    yield from ((name, member) for member in known if member in entity.fields)
    for one in entity.fields.values():
        if one.shape == "details" and one.entity is not None:
            called = reader.called(one.entity)
            yield from ((called, key) for key in reader.contract.entities[one.entity].keys)


def _views(custom: Iterable[tuple[Text, Text]]) -> Mapping[str, types.Type]:
    views: dict[str, dict[str, types.Type]] = {}
    for path, kind in custom:
        view, _, name = path.value.partition(".")
        views.setdefault(view, {})[name] = types.optional(types.BY_NAME[kind.value])
    return {
        view: types.optional(types.Object(f"Custom{view}", fields))
        for view, fields in views.items()
    }


class _Reader(Struct):
    """Makes the types of a record's objects, each entity once; `entities` tells them by type."""

    contract: Contract
    taken: Container[str] = ()
    entities: dict[str, str] = field(default_factory=dict)
    _made: dict[str, types.Object] = field(default_factory=dict)

    def called(self, entity: str) -> str:
        """Return what the type of an entity's objects is called."""
        return new_name(entity, self.taken)

    def object(self, entity: Entity, name: str) -> types.Object:
        """Return the type of an entity's records, without the parts that hold it again."""
        self.entities[name] = entity.name
        members: dict[str, types.Type] = {}
        made = types.Object(name, members)
        for member in entity.fields.values():
            found = self._member(entity, member)
            if found is not None:
                members[member.name] = found
        return made

    def _member(self, owner: Entity, member: Field) -> types.Type | None:
        if member.entity is not None:
            inner = self._part(member.entity)
            if inner is None:
                return None
            return types.ListOf(inner) if member.shape == "details" else types.optional(inner)
        kind = _SCALARS[member.value_type or "string"]
        return kind if member.name in owner.keys else types.optional(kind)

    def _part(self, name: str) -> types.Object | None:
        """Return the type of a part; None inside itself, where a record would have no end."""
        if name in self._made:
            return self._made[name]
        called = self.called(name)
        if called in self.entities:
            return None
        self._made[name] = made = self.object(self.contract.entities[name], called)
        return made
