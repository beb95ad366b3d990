"""Rows in, the groups that share a key out, in the order in which the keys first turn up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")
# Groups are read, never changed: one of whole numbers is one of numbers that may be missing.
KeyOf = TypeVar("KeyOf", bound=Hashable, covariant=True)
RowOf = TypeVar("RowOf", covariant=True)


class Group(Struct, Generic[KeyOf, RowOf], frozen=True):
    """The rows of one key, in their order."""

    key: KeyOf
    rows: list[RowOf]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> list[Group[Key, Row]]:
    """Return the groups of rows whose keys are equal."""
    groups: dict[Key, Group[Key, Row]] = {}
    for row in rows:
        value = key(row)
        if value not in groups:
            groups[value] = Group(value, [])
        groups[value].rows.append(row)
    return list(groups.values())
