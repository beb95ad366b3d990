"""Members of source structs: what records call them, and records as the structs want them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import cache

import msgspec

from mapgen.agreed.escaped import uncarried
from mapgen.runtime.annotations import all_in, fields_of, present_type, struct_in


def name_of(field: msgspec.structs.FieldInfo) -> str:
    """Return what records call a member."""
    return uncarried(field.encode_name)


@cache
def are_escaped(annotation: object) -> bool:
    """Tell whether a struct in a type carries another name than records have."""
    structs = filter(None, map(struct_in, all_in(annotation)))
    return any(name_of(one) != one.encode_name for struct in structs for one in fields_of(struct))


def as_carried(value: typing.Any, annotation: object) -> typing.Any:
    """Return JSON with the names of members that the structs of a type carry."""
    kind = present_type(annotation)
    if not are_escaped(kind):
        return value
    if isinstance(value, dict):
        if typing.get_origin(kind) is dict:
            held = typing.get_args(kind)[-1]
            return {name: as_carried(one, held) for name, one in value.items()}
        struct = struct_in(kind)
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
    return {name_of(one): one for one in fields_of(struct)}
