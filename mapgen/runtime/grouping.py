"""Rows in, the groups that share a key out, in the order in which the keys first turn up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Group(Generic[Key, Row]):
    """The rows of one key, in their order."""

    key: Key
    rows: list[Row]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> list[Group[Key, Row]]:
    """Return the groups of rows whose keys are equal."""
    groups: dict[Key, Group[Key, Row]] = {}
    for row in rows:
        value = key(row)
        if value not in groups:
            groups[value] = Group(value, [])
        groups[value].rows.append(row)
    return list(groups.values())
