"""What back ends know of records: the members that rules read, what is joined or grouped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, cast

import msgspec

from mapgen.agreed import plan
from mapgen.agreed.paths import member_path, names_along
from mapgen.contract.source_schema import SourceSchema
from mapgen.contract.stated import Stated
from mapgen.ir import flow as ir
from mapgen.ir.expression import attribute_names
from mapgen.ir.types import INT, ListOf, MapOf, Object, Optional, Type, element_of, held, present
from mapgen.report import Text
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode


def source_objects(schema: SourceSchema, reads: Iterable[str]) -> tuple[ir.SourceObject, ...]:
    """Return the classes of a record, the inner ones before those that hold them.

    Args:
        schema: the record's type, and what is said of its values.
        reads: all source paths that are read; their members are in the classes.
    """
    known = _objects(schema.record)
    found = [
        ir.SourceObject(
            name,
            tuple(
                _field(key, known[name].fields, schema.stated.get((name, key), Stated()))
                for key in known[name].fields
                if key in members
            ),
        )
        for name, members in members_read(schema.record, reads).items()
    ]
    order = {name: number for number, name in enumerate(known)}
    return tuple(sorted(found, key=lambda item: -order[item.name]))


def members_read(record: Object, reads: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return which members of each type of object are read, wherever such an object is."""
    found: dict[str, set[str]] = {record.name: set()}
    for path in reads:
        kind: Type = record
        for name in names_along(path)[1:]:
            assert isinstance(kind, Object), path
            found[kind.name].add(name)
            kind = held(kind.fields[name])
            if isinstance(kind, Object):
                found.setdefault(kind.name, set())
    return {name: frozenset(members) for name, members in found.items()}


def joins(
    source: spec.SourceClause,
    record: Object,
    personal: tuple[str, ...],
    asked: Mapping[str, plan.Reads],
    calculated: Iterable[ir.JoinKey],
) -> Iterator[tuple[str, plan.Join]]:
    """Yield what is joined to records of a type.

    Args:
        source: with the joins.
        record: the type of a record with all that is joined.
        personal: the source paths that are personal.
        asked: what is asked of the ERP for those that come from there, by their names.
        calculated: the keys that are calculated.
    """
    known = {(key.join, key.member): key for key in calculated}
    for join in source.joins:
        on_missing = "reject" if join.on_missing is None else join.on_missing.value
        yield join.name.value, plan.Join(
            on=tuple(
                _join_key(pair, record, known.get((join.name.value, pair.member.value)))
                for pair in join.on
            ),
            takes="one" if join.takes_one else "many",
            on_missing=cast(Literal["reject", "retry", "omit"], on_missing),
            form=form(
                join.form if join.file is None else source.form, record.fields[join.name.value]
            ),
            is_in_input=join.file is not None,
            where={member.value: text.value for member, text in join.where},
            is_personal=ir.is_below_any(
                personal,
                [
                    *_key_paths(source.name.value, join),
                    *(
                        one
                        for key in known.values()
                        if key.join == join.name.value
                        for one in key.reads
                    ),
                ],
            ),
            reads=asked.get(join.name.value),
        )


def _join_key(pair: spec.JoinKey, record: Object, calculated: ir.JoinKey | None) -> plan.JoinKey:
    kind = record.fields[pair.of.value] if calculated is None else present(calculated.of)
    return plan.JoinKey(
        pair.member.value,
        pair.of.value,
        "int" if kind == INT else "string",
        None if calculated is None else calculated.function,
    )


def form(said: spec.Format, record: Type) -> plan.Form:
    """Return what files of records of a type are, in the words of the runtime."""
    kind = held(record)
    members = kind.fields if isinstance(kind, Object) else {}
    own = tuple(name for name in said.envelope if name in members)
    values = ((name, getattr(said, name, None)) for name in plan.Form.__struct_fields__)
    settings = {name: _plain(value) for name, value in values if value}
    return msgspec.convert(settings | {"own": own}, plan.Form)


def _plain(value: Any) -> object:
    """Return a setting of a format without its place."""
    match value:
        case Text():
            return value.value
        case ScalarNode():
            return value.whole
        case ((Text(), Text()), *_):
            return {key.value: text.value for key, text in value}
        case _:
            return value


def needed_joins(source: spec.SourceClause) -> Iterator[str]:
    """Yield the paths of what has to be joined to each record, whether a rule reads it or not."""
    for join in source.joins:
        if join.on_missing is not None and join.on_missing.value != "omit":
            yield member_path(source.name.value, join.name.value)


def _key_paths(name: str, join: spec.Join) -> Iterator[str]:
    """Yield the source paths of the members that a join compares, on both sides."""
    for pair in join.on:
        yield member_path(name, pair.of.value)
        for row in ("", "[]"):
            yield member_path(f"{member_path(name, join.name.value)}{row}", pair.member.value)


def group(source: spec.SourceClause) -> plan.Group | None:
    """Return how rows become records, None where each is one."""
    if source.group is None:
        return None
    return plan.Group(tuple(column.value for column in source.group.by), source.group.alias.value)


def _objects(record: Object) -> Mapping[str, Object]:
    """Return every object type by name, the holders before what they hold."""
    found: dict[str, Object] = {}
    todo: list[Type] = [record]
    while todo:
        kind = held(todo.pop())
        if isinstance(kind, Object) and kind.name not in found:
            found[kind.name] = kind
            todo += reversed([*kind.fields.values()])
    return found


def _field(key: str, fields: Mapping[str, Type], stated: Stated) -> ir.SourceField:
    attribute = attribute_names(tuple(fields))[key]
    return ir.SourceField(key, attribute, _held(fields[key], stated))


def _held(kind: Type, stated: Stated) -> ir.Held:
    inner, of_all = present(kind), isinstance(kind, Optional)
    element, name = None, str(inner)
    if isinstance(inner, ListOf | MapOf):
        element = _held(element_of(inner), stated.inner or Stated())
        name = "list" if isinstance(inner, ListOf) else "map"
    blank = ("",) if stated.is_text and of_all else ()
    return ir.Held(
        name,
        of_all,
        stated.own,
        element,
        stated.is_varied,
        (*blank, *stated.nothing),
        stated.is_text,
    )
