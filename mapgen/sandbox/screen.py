"""A screen: the business logic behind an entity, as functions and a few facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mapgen.sandbox.records import Record
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import Value

Parameters: TypeAlias = Mapping[str, Value]
Save: TypeAlias = Callable[[Work, Record, bool], None]
Act: TypeAlias = Callable[[Work, Record, Parameters], None]


def nothing_more(work: Work, record: Record, is_new: bool) -> None:
    """Keep what was sent."""


def nothing_numbered(work: Work, record: Record) -> None:
    """Have no line that repeats the number."""


def no_series(series: str) -> str:
    return f"{series}000001"


@dataclass(frozen=True, slots=True)
class Screen:
    """What an entity's screen does.

    `save` computes after the sent values stand (its last argument: whether the record is new).
    `numbered` runs when the number is known. An action that is not in `actions` starts nothing.
    A record in one of the `kept_statuses` cannot be deleted.
    """

    numbered_key: str | None = None
    first_number: Callable[[str], str] = no_series
    key_defaults: Mapping[str, Value] = field(default_factory=dict)
    save: Save = nothing_more
    numbered: Callable[[Work, Record], None] = nothing_numbered
    actions: Mapping[str, Act] = field(default_factory=dict)
    kept_statuses: frozenset[str] = frozenset()
