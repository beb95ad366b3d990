"""Where the parts of a record stand: the record in, the concrete path of each object in it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from mapgen.runtime.source import is_scalar


def places_of(record: Any, root: str) -> Mapping[int, str]:
    """Return the concrete path of each object and list inside a record by its `id`.

    A row keeps its place wherever it turns up: sorted, filtered, grouped with others. The record
    has to outlive the answer.
    """
    return dict(_places(record, root))


def _places(value: Any, path: str) -> Iterator[tuple[int, str]]:
    kind: Any = type(value)  # a Poison would not be asked in vain
    if kind is list:
        yield id(value), path
        for number, row in enumerate(value):
            yield from _places(row, f"{path}[{number}]")
    elif issubclass(kind, msgspec.Struct):
        yield id(value), path
        for attribute, name in _holders(kind):
            yield from _places(getattr(value, attribute), f"{path}.{name}")


@cache
def _holders(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the members of a struct that hold objects or lists, by attribute and by name."""
    return tuple(
        (field.name, field.encode_name)
        for field in msgspec.structs.fields(kind)
        if not is_scalar(field.type)
    )
