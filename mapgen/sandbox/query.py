"""What a reader asks to see: `$expand`, `$select`, `$custom`, `$top`, `$skip`, in; a view, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mapgen.sandbox.errors import invalid_request


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a record: expanded parts, the fields chosen (None: all), custom fields."""

    parts: Mapping[str, View] = field(default_factory=dict)
    names: frozenset[str] | None = None
    custom: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """How many records are skipped, and how many are shown then (None: all)."""

    skip: int = 0
    top: int | None = None


def read_view(parameters: Mapping[str, str]) -> View:
    """Return the view of a request. Names the contract does not have show nothing."""
    return _view(
        _paths(parameters.get("$expand")),
        None if parameters.get("$select") is None else _paths(parameters["$select"]),
        _paths(parameters.get("$custom")),
    )


def read_page(parameters: Mapping[str, str]) -> Page:
    """Return the page of a list request. Raises Refused (400) for what is no count."""
    return Page(_count(parameters, "$skip") or 0, _count(parameters, "$top"))


def _paths(words: str | None) -> list[tuple[str, ...]]:
    """Read `A,A/B` as paths; blanks do not count."""
    parts = (part.strip() for part in (words or "").split(","))
    return [tuple(part.split("/")) for part in parts if part]


def _view(
    expand: Iterable[tuple[str, ...]],
    select: Iterable[tuple[str, ...]] | None,
    custom: Iterable[tuple[str, ...]],
) -> View:
    expand, custom = list(expand), list(custom)
    chosen = None if select is None else list(select)
    parts = {}
    for name in dict.fromkeys(path[0] for path in expand):
        inner = [path[1:] for path in chosen or () if path[0] == name and path[1:]]
        parts[name] = _view(
            [path[1:] for path in expand if path[0] == name and path[1:]],
            inner or None,
            [path[1:] for path in custom if path[0] == name and path[1:]],
        )
    names = None if chosen is None else frozenset(path[0] for path in chosen if len(path) == 1)
    return View(parts, names, frozenset(path[0] for path in custom if len(path) == 1))


def _count(parameters: Mapping[str, str], name: str) -> int | None:
    words = parameters.get(name)
    if words is None:
        return None
    if not words.isascii() or not words.isdigit() or len(words) > 9:
        raise invalid_request(f"The value '{words}' is not valid for Int32.", name)
    return int(words)
