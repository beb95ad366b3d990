"""What the annotations of source structs say: a value's type, what it holds, all that is inside."""

from __future__ import annotations

import types
import typing
from functools import cache

import msgspec

from mapgen.runtime.varied import Varied


@cache
def fields_of(kind: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the members of a struct: each time msgspec would read their annotations anew."""
    return msgspec.structs.fields(kind)


def present_type(annotation: object) -> object:
    """Return `T` of `T | None`, of `Annotated[T, …]` and of `Varied[T, …]`."""
    if is_union(annotation):
        return present_type(present_in(annotation))
    if typing.get_origin(annotation) in (typing.Annotated, Varied):
        return present_type(typing.get_args(annotation)[0])
    return annotation


def is_union(annotation: object) -> bool:
    """Tell whether an annotation is that of a value that may be missing."""
    return isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union


def present_in(union: object) -> object:
    """Return what a value is that may be missing, where it is there."""
    return next(one for one in typing.get_args(union) if one is not type(None))


def may_be_missing(annotation: object) -> bool:
    """Tell whether a member may be null."""
    return type(None) in typing.get_args(annotation)


def held_by(annotation: object) -> object | None:
    """Return the annotation of what a list or a map holds, None where a value is neither."""
    present = present_type(annotation)
    if typing.get_origin(present) not in (list, dict):
        return None
    return typing.cast(object, typing.get_args(present)[-1])


def struct_in(annotation: object) -> type | None:
    """Return the struct that a value is, None for another."""
    present = present_type(annotation)
    is_struct = isinstance(present, type) and issubclass(present, msgspec.Struct)
    return typing.cast(type, present) if is_struct else None


def struct_of(annotation: object) -> type | None:
    """Return the struct that a member holds, alone or in a list; None for other members."""
    present = present_type(annotation)
    return struct_in(held_by(present) if typing.get_origin(present) is list else present)


@cache
def all_in(annotation: object) -> tuple[object, ...]:
    """Return an annotation and all that are inside it; a struct that holds itself is one."""
    found, todo, known = list[object](), [annotation], set[type]()
    while todo:
        found.append(one := todo.pop())
        held, struct = held_by(one), struct_in(one)
        if held is not None:
            todo.append(held)
        elif struct is not None and struct not in known:
            known.add(struct)
            todo += (field.type for field in fields_of(struct))
    return tuple(found)
