"""Members of source structs: what records call them, and records as the structs want them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import cache

import msgspec

from mapgen.agreed.escaped import uncarried
from mapgen.runtime.constraints import fields_of, present_type


def name_of(field: msgspec.structs.FieldInfo) -> str:
    """Return what records call a member."""
    return uncarried(field.encode_name)


@cache
def are_escaped(annotation: object) -> bool:
    """Tell whether a struct in a type carries another name than records have."""
    todo, seen = [present_type(annotation)], set[object]()
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen.add(kind)
        struct = _struct(kind)
        if struct is None:
            todo += map(present_type, typing.get_args(kind))
            continue
        fields = fields_of(struct)
        if any(name_of(one) != one.encode_name for one in fields):
            return True
        todo += (present_type(one.type) for one in fields)
    return False


def as_carried(value: typing.Any, annotation: object) -> typing.Any:
    """Return JSON with the names of members that the structs of a type carry."""
    kind = present_type(annotation)
    if not are_escaped(kind):
        return value
    if isinstance(value, dict):
        if typing.get_origin(kind) is dict:
            held = typing.get_args(kind)[-1]
            return {name: as_carried(one, held) for name, one in value.items()}
        struct = _struct(kind)
        if struct is not None:
            return {
                known.encode_name: as_carried(value[name], known.type)
                for name, known in _named(struct).items()
                if name in value
            }
    held = (*typing.get_args(kind), None)[0]
    if isinstance(value, list):
        return [as_carried(one, held) for one in value]
    # One element without the list.
    return as_carried(value, held) if typing.get_origin(kind) is list else value


@cache
def _named(struct: type) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {name_of(one): one for one in msgspec.structs.fields(struct)}


def _struct(kind: object) -> type | None:
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return typing.cast(type, kind) if is_struct else None
