"""Reads what a request asks to see: `$expand`, `$select`, `$custom`, `$top`, `$skip`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from mapgen.sandbox.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a record: expanded parts, the fields chosen (None: all), custom fields.

    A view that `is_all` shows every part that the record has.
    """

    parts: Mapping[str, View] = field(default_factory=dict)
    names: frozenset[str] | None = None
    custom: frozenset[str] = frozenset()
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How many records are skipped, and how many are shown then (None: all)."""

    skip: int = 0
    top: int | None = None


def read_view(parameters: Mapping[str, str]) -> View:
    """Return the view of a request. Names the contract does not have show nothing.

    Custom fields are in `$custom`, and in `$select` from contract version 5 on.
    """
    return _read_view(*map(parameters.get, ("$expand", "$select", "$custom")))


@lru_cache(256)  # a client asks for the same again and again
def _read_view(expand: str | None, select: str | None, custom: str | None) -> View:
    chosen = _paths(select)
    fields = [path for path in chosen if "." not in path[-1]]
    return _view(
        _paths(expand),
        None if select is None or ("*",) in fields else fields,
        [*_paths(custom), *(path for path in chosen if "." in path[-1])],
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
    parts = {
        name: _view(_below(expand, name), _below(chosen or (), name) or None, _below(custom, name))
        for name in dict.fromkeys(path[0] for path in expand)
    }
    names = None if chosen is None else frozenset(path[0] for path in chosen if len(path) == 1)
    return View(parts, names, frozenset(path[0] for path in custom if len(path) == 1))


def _below(paths: Iterable[tuple[str, ...]], name: str) -> list[tuple[str, ...]]:
    return [path[1:] for path in paths if path[0] == name and path[1:]]


def _count(parameters: Mapping[str, str], name: str) -> int | None:
    words = parameters.get(name)
    if words is None:
        return None
    if not words.isascii() or not words.isdigit() or len(words) > 9:
        raise InvalidRequest(f"The value '{words}' is not valid for Int32.", name)
    return int(words)
