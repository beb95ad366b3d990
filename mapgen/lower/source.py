"""Source classes: a record's type and all that reads it in, objects with only those members out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mapgen.expression.types import ListOf, Object, Optional, Type, present
from mapgen.ir import expression as tree
from mapgen.ir import flow as ir
from mapgen.ir.expression import attribute_name
from mapgen.lower.rewriting import nodes


def source_objects(record: Object, *code: object) -> tuple[ir.SourceObject, ...]:
    """Return the classes of a record, the inner ones before those that hold them.

    Args:
        record: the record's type.
        code: all expressions over it; the members that they read are in the classes.
    """
    known = dict(_objects(record, set()))
    wanted: dict[str, set[str]] = {record.name: set()}
    for node in nodes(code):
        if isinstance(node, tree.Field) and node.operand.type.rstrip("?") in known:
            wanted.setdefault(node.operand.type.rstrip("?"), set()).add(node.key)
    for members in list(wanted.items()):
        for inner in _held(known, *members):
            wanted.setdefault(inner, set())
    found = [
        ir.SourceObject(
            name,
            tuple(_field(key, kind) for key, kind in known[name].fields.items() if key in keys),
        )
        for name, keys in wanted.items()
    ]
    order = {name: number for number, name in enumerate(known)}
    return tuple(sorted(found, key=lambda item: -order[item.name]))


def _objects(kind: Type, seen: set[str]) -> Iterator[tuple[str, Object]]:
    """Yield every object type by name, the holders before what they hold."""
    inner = _inner(kind)
    if isinstance(inner, Object) and inner.name not in seen:
        seen.add(inner.name)
        yield inner.name, inner
        for field in inner.fields.values():
            yield from _objects(field, seen)


def _held(known: Mapping[str, Object], name: str, keys: set[str]) -> Iterator[str]:
    """Yield the names of the objects that the members of an object are made of."""
    for key in sorted(keys):
        inner = _inner(known[name].fields[key])
        if isinstance(inner, Object):
            yield inner.name


def _inner(kind: Type) -> Type:
    found = present(kind)
    while isinstance(found, ListOf):
        found = present(found.element)
    return found


def _field(key: str, kind: Type) -> ir.SourceField:
    inner = present(kind)
    element: Type = inner.element if isinstance(inner, ListOf) else inner
    return ir.SourceField(
        name=key,
        attribute=attribute_name(key),
        type=str(present(element)),
        is_list=isinstance(inner, ListOf),
        may_be_missing=isinstance(kind, Optional),
        element_may_be_missing=isinstance(inner, ListOf) and isinstance(element, Optional),
    )
