"""What a source schema says of values beside their type; whether the JSON of a record honours it.

Members of source structs carry it as annotations: `Annotated[str, Constraints(shortest=1)]`. Null
is a value that is missing: nothing is asked of it.
"""

from __future__ import annotations

import ipaddress
import re
import typing
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import cache

import msgspec

from mapgen.agreed.constraints import SIGNS, Sign
from mapgen.agreed.constraints import Constraints as Constraints
from mapgen.runtime.annotations import (
    all_in,
    fields_of,
    held_by,
    is_union,
    present_in,
    present_type,
    struct_in,
)
from mapgen.runtime.patterns import Pattern
from mapgen.runtime.varied import (
    InText,
    Nothing,
    is_nothing,
    json_of,
    nothing_of,
    varied_of,
)

if typing.TYPE_CHECKING:
    from mapgen.runtime.sources.records import JsonValue

# A remainder is exact whatever the digits: a number of a record has as many as fit in 16 MiB.
_MOST_EXACT = 10_000


def problem_of(said: Constraints, value: object) -> str | None:
    """Return why a value of the right type is refused, in words that show nothing of it."""
    match value:
        case list():
            return _problem_of_list(said, value)
        case bool():
            return _unknown(said, value)
        case str() if said.bounds or said.step or said.numbers is not None:
            # Of type `number`: cells are text, and an amount may be written as one.
            return _problem_of_number(said, Decimal(value))
        case str():
            return _unknown(said, value) or _problem_of_text(said, value)
        case int() | Decimal():
            return _problem_of_number(said, Decimal(value))
        case _:
            return None


def _unknown(said: Constraints, value: str | bool) -> str | None:
    is_known = said.choices is None or any(
        value == choice and isinstance(choice, bool) == isinstance(value, bool)
        for choice in said.choices
    )
    return None if is_known else "it is none of the values that the schema names"


def _problem_of_text(said: Constraints, value: str) -> str | None:
    if len(value) < said.shortest:
        return f"it has {len(value)} characters, the schema asks for {said.shortest} or more"
    if said.longest is not None and len(value) > said.longest:
        return f"it has {len(value)} characters, the schema allows {said.longest}"
    if said.format is not None and not FORMATS[said.format](value):
        return f"it has not the format `{said.format}`"
    if said.pattern is None:
        return None
    if not _pattern(said.pattern).is_in(value):
        return f"it is not of the pattern `{said.pattern}`"
    return None


def _problem_of_number(said: Constraints, value: Decimal) -> str | None:
    if said.numbers is not None and all(value != Decimal(one) for one in said.numbers):
        return "it is none of the values that the schema names"
    for sign, bound in said.bounds:
        if not _COMPARED[sign](value, Decimal(bound)):
            return f"it has to be {SIGNS[sign]} {bound}"
    if said.step is not None and not _is_multiple(value, Decimal(said.step)):
        return f"it is no multiple of {said.step}"
    return None


def _problem_of_list(said: Constraints, rows: list[object]) -> str | None:
    if len(rows) < said.fewest:
        return f"it has {len(rows)} elements, the schema asks for {said.fewest} or more"
    if said.most is not None and len(rows) > said.most:
        return f"it has {len(rows)} elements, the schema allows {said.most}"
    if said.is_unique and len({_identity(row) for row in rows}) < len(rows):
        return "two of its elements are equal"
    return None


_COMPARED: Mapping[Sign, Callable[[Decimal, Decimal], bool]] = {
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
}


def _is_multiple(value: Decimal, step: Decimal) -> bool:
    digits = abs(value.adjusted()) + abs(step.adjusted()) + len(value.as_tuple().digits) + 30
    if digits > _MOST_EXACT:
        return False
    return not Context(prec=digits, Emax=_MOST_EXACT, Emin=-_MOST_EXACT).remainder(value, step)


def _identity(value: object) -> object:
    """Return what two JSON values share exactly where they are equal: 1 is 1.0, and never true."""
    match value:
        case dict():
            return frozenset((name, _identity(inner)) for name, inner in value.items())
        case msgspec.Struct():
            return tuple(_identity(inner) for inner in msgspec.structs.astuple(value))
        case list():
            return tuple(_identity(inner) for inner in value)
        case bool() | str() | None:
            return type(value), value
        case _:
            return value


def _is_address(value: str, kind: type) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return "%" not in value


_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.|\Z))+")
_TIME = re.compile(
    r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

FORMATS: Mapping[str, Callable[[str], bool]] = {
    "email": lambda value: _EMAIL.fullmatch(value) is not None,
    "hostname": lambda value: _HOST.fullmatch(value) is not None,
    "ipv4": lambda value: _is_address(value, ipaddress.IPv4Address),
    "ipv6": lambda value: _is_address(value, ipaddress.IPv6Address),
    "time": lambda value: _TIME.fullmatch(value) is not None,
    "uri": lambda value: _URI.fullmatch(value) is not None,
    "uuid": lambda value: _UUID.fullmatch(value) is not None,
}
"""The formats of text that records are held against; decimals, dates and instants are types."""


@cache
def _pattern(words: str) -> Pattern:
    return Pattern(words)


class _Asked(typing.NamedTuple):
    """What is asked of a value: of itself, of what a list or a map holds, of a struct's members."""

    own: tuple[Constraints, ...]
    inner: _Asked | None
    struct: type | None
    is_map: bool
    nothing: Nothing


class _Member(typing.NamedTuple):
    name: str
    attribute: str
    asked: _Asked


def keeps(value: Mapping[str, JsonValue] | msgspec.Struct, kind: type) -> bool:
    """Tell whether a struct, or its JSON, honours what its annotations say, at every depth.

    Of a struct that is not sure: two rows are alike where all that is read of them is, and
    `are_told` says whether text is needed that became something else.
    """
    for member in _members(kind):
        if isinstance(value, msgspec.Struct):
            found = getattr(value, member.attribute)
        else:
            found = value.get(member.name)
        if found is not None and not _is_kept(found, member.asked):
            return False
    return True


def are_told(kind: type) -> bool:
    """Tell whether a struct shows all that is asked of it, or else its JSON has to be looked at."""
    return all(map(_is_told, all_in(kind)))


def _is_told(annotation: object) -> bool:
    own = _constraints(annotation)
    if own and varied_of(annotation) is not None:
        return False
    return present_type(annotation) in (str, bool, int) or not any(map(_is_of_text, own))


def _is_of_text(said: Constraints) -> bool:
    """Tell whether something is asked of a text as it is written, whatever it stands for."""
    is_of_number = said.bounds or said.step or said.numbers is not None
    is_of_text = (said.choices, said.pattern, said.format, said.longest) != (None,) * 4
    return (is_of_text or said.shortest > 0) and not is_of_number


def keeps_value(value: JsonValue, annotation: object) -> bool:
    """Tell whether the JSON of one member honours what its annotation says, at every depth."""
    is_kept = keeper(annotation)
    return value is None or is_kept is None or is_kept(value)


@cache
def keeper(annotation: object) -> Callable[[typing.Any], bool] | None:
    """Return what tells whether a member, or its JSON, honours its annotation, if that asks."""
    asked = _asked(annotation)
    return None if asked is None else lambda value: _is_kept(value, asked)


def broken(value: JsonValue, annotation: object) -> str | None:
    """Return why a value itself is refused, None where it is not; elements are not looked at."""
    return _problem(value, _constraints(annotation))


def _is_kept(value: typing.Any, asked: _Asked) -> bool:
    if asked.nothing and is_nothing(asked.nothing, value):
        return True
    if isinstance(asked.nothing, InText) and isinstance(value, str):
        value = json_of(value)
    if asked.own and _problem(value, asked.own) is not None:
        return False
    if asked.struct is not None:
        return not isinstance(value, dict | msgspec.Struct) or keeps(value, asked.struct)
    if asked.inner is None:
        return True
    if isinstance(value, dict) and asked.is_map:
        value = value.values()
    elif not isinstance(value, list):
        value = (value,)
    return all(row is None or _is_kept(row, asked.inner) for row in value)


def _problem(value: object, constraints: tuple[Constraints, ...]) -> str | None:
    found = (problem_of(one, value) for one in constraints)
    return next((words for words in found if words is not None), None)


@cache
def _members(kind: type) -> tuple[_Member, ...]:
    """Return the members of a struct of which, or below which, anything is asked."""
    found = []
    for one in fields_of(kind):
        asked = _asked(one.type)
        if asked is not None:
            found.append(_Member(one.encode_name, one.name, asked))
    return tuple(found)


def asks(kind: type) -> bool:
    """Tell whether anything is asked of what a struct holds."""
    return any(map(_constraints, all_in(kind)))


def _asked(annotation: object) -> _Asked | None:
    """Return what is asked of a value, None where that is nothing."""
    own, held, struct = _constraints(annotation), held_by(annotation), struct_in(annotation)
    inner = None if held is None else _asked(held)
    if struct is not None and not asks(struct):
        struct = None
    if not own and inner is None and struct is None:
        return None
    is_map = typing.get_origin(present_type(annotation)) is dict
    return _Asked(own, inner, struct, is_map, nothing_of(annotation))


def _constraints(annotation: object) -> tuple[Constraints, ...]:
    """Return what is asked of a member itself: of `Annotated[T, …] | None` too."""
    if is_union(annotation):
        return _constraints(present_in(annotation))
    if typing.get_origin(annotation) is not typing.Annotated:
        return ()
    inner, *more = typing.get_args(annotation)
    return (*_constraints(inner), *(one for one in more if isinstance(one, Constraints)))
