"""Where the parts of a record stand: the record in, the concrete path of each object in it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


def places_of(record: Any, root: str) -> Mapping[int, str]:
    """Return the concrete path of each object and list inside a record by its `id`.

    A row keeps its place wherever it turns up: sorted, filtered, grouped with others. The record
    has to outlive the answer.
    """
    return dict(_places(record, root))


def _places(value: Any, path: str) -> Iterator[tuple[int, str]]:
    if isinstance(value, list):
        yield id(value), path
        for number, row in enumerate(value):
            yield from _places(row, f"{path}[{number}]")
    elif isinstance(value, msgspec.Struct):
        yield id(value), path
        for field in msgspec.structs.fields(value):
            yield from _places(getattr(value, field.name), f"{path}.{field.encode_name}")
