"""The part of a record that a spec can mean: schemas may have more places than anybody can name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mapgen.agreed.paths import names_along
from mapgen.ir import types
from mapgen.ir.types import ListOf, MapOf, Object, Optional, Type

MOST_PLACES = 20_000
"""The largest schemas of shops have some thousand; each is a name in checks and messages."""
# How many objects may lead into each other.
_DEEPEST = 100

Steps = Sequence[str]


def reached(record: Object, asked: Iterable[str]) -> Object:
    """Return a record as it is, or where it has too many places, with those alone that are asked.

    Then an object that no path leads into is one place, whatever is in it.

    Args:
        record: the type of a record.
        asked: source paths and patterns of them.
    """
    if places(record) <= MOST_PLACES:
        return record
    found = _object(record, [steps for path in asked if (steps := _steps(path))])
    assert isinstance(found, Object)
    return found


def places(record: Object) -> int:
    """Return how many places a record has, or more than the most; once each inside itself."""
    count = 0
    todo: list[tuple[Type, frozenset[str]]] = [(record, frozenset())]
    while todo:
        kind, around = todo.pop()
        inner, count = types.held(kind), count + 1
        if count > MOST_PLACES or len(around) > _DEEPEST:
            return MOST_PLACES + 1
        if isinstance(inner, Object) and inner.name not in around:
            todo += ((of, around | {inner.name}) for of in inner.fields.values())
    return count


def is_meant(step: str, member: str) -> bool:
    """Tell whether a step of a path is a member; `*` stands for part of a name."""
    first, star, last = step.partition("*")
    if not star:
        return step == member
    if "*" not in last:
        is_long = len(member) >= len(first) + len(last)
        return is_long and member.startswith(first) and member.endswith(last)
    shape = re.escape(step).replace(r"\*", ".*")
    return re.fullmatch(shape, member, re.DOTALL) is not None


def _steps(path: str) -> Steps:
    return names_along(path)[1:]


def _object(kind: Object, asked: Sequence[Steps]) -> Object:
    fields = {
        member: _within(of, [one[1:] for one in asked if is_meant(one[0], member)])
        for member, of in kind.fields.items()
    }
    return replace(kind, fields=fields)


def _within(kind: Type, asked: Sequence[Steps]) -> Type:
    match kind:
        case Optional(inner):
            return types.optional(_within(inner, asked))
        case ListOf(inner):
            return ListOf(_within(inner, asked))
        case MapOf(key, inner):
            return MapOf(key, _within(inner, asked))
        case Object():
            deeper = [one for one in asked if one]
            return _object(kind, deeper) if deeper else replace(kind, fields={})
        case _:
            return kind
