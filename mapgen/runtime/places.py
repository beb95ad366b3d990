"""Where the parts of a record are: the record in, the concrete path of each object in it out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from mapgen.agreed.paths import member_path
from mapgen.runtime.annotations import fields_of
from mapgen.runtime.members import name_of
from mapgen.runtime.source import is_scalar


def places_of(record: Any, root: str) -> Mapping[int, str]:
    """Return the concrete path of each object and list inside a record by its `id`.

    A row keeps its place wherever it turns up: sorted, filtered, grouped with others. The record
    has to outlive the answer.
    """
    places: dict[int, str] = {}
    _note(record, root, places)
    return places


def _note(value: Any, path: str, places: dict[int, str]) -> None:
    kind: Any = type(value)  # an ErrorValue would not be asked in vain
    if kind is list:
        places[id(value)] = path
        for number, row in enumerate(value):
            _note(row, f"{path}[{number}]", places)
    elif kind is dict:
        places[id(value)] = path
        for row in value.values():
            _note(row, f"{path}[]", places)
    elif issubclass(kind, msgspec.Struct):
        places[id(value)] = path
        for attribute, name in _holders(kind):
            held = getattr(value, attribute)
            if held is not None:
                _note(held, member_path(path, name), places)


def place_in(holder: object, path: str | None, sought: object) -> str | None:
    """Return the path of a list that is a member of an object, None where it is none."""
    kind: Any = type(holder)
    if path is not None and issubclass(kind, msgspec.Struct):
        for attribute, name in _holders(kind):
            if getattr(holder, attribute) is sought:
                return member_path(path, name)
    return None


@cache
def _holders(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the members of a struct that hold objects or lists, by attribute and by name."""
    return tuple(
        (field.name, name_of(field)) for field in fields_of(kind) if not is_scalar(field.type)
    )
