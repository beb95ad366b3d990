"""The types of expressions: what a value is, whether it may be missing, what may stand for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

ScalarName = Literal[
    "null",
    "bool",
    "int",
    "decimal",
    "string",
    "date",
    "timestamp",
    "duration",
    "timezone",
]


class Kind(Struct, frozen=True):
    """What every type is: it is no node, and has none inside."""


class Scalar(Kind, frozen=True):
    """A single value."""

    name: ScalarName

    def __str__(self) -> str:
        return self.name


class ListOf(Kind, frozen=True):
    """A list; the elements may be optional."""

    element: Type

    def __str__(self) -> str:
        return f"list({self.element})"


class MapOf(Kind, frozen=True):
    """A map whose keys are only known when a record is there."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"map({self.key}, {self.value})"


class Object(Kind, frozen=True, eq=False):
    """A record with known fields, by their JSON names. Two objects are one type by their name.

    `unreadable` are further members, whose names read like paths: rules can only ignore them.
    """

    name: str
    fields: Mapping[str, Type]
    unreadable: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Object({self.name!r})"

    def __str__(self) -> str:
        return self.name


class Optional(Kind, frozen=True):
    """A value that may be missing: absent or null, one notion. Never holds an Optional itself."""

    of: Type

    def __str__(self) -> str:
        return f"{self.of}?"


class ErrorType(Kind, frozen=True):
    """The type of what has been reported already: fits everywhere, so that nobody says it twice."""

    def __str__(self) -> str:
        return "unknown"


class Table(Kind, frozen=True):
    """A lookup table. It is no value: only its entries are, `lookups.NAME[?key]`.

    `columns` are those of its key, none where there is but one; text does not fit in `numbers`.
    `entries` are those of a table that the spec writes out.
    """

    name: str
    columns: tuple[str, ...]
    entries: tuple[tuple[str, str], ...] | None = None
    numbers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return "lookup table"


Type = Scalar | ListOf | MapOf | Object | Optional | Table | ErrorType

NULL = Scalar("null")
BOOL = Scalar("bool")
INT = Scalar("int")
DECIMAL = Scalar("decimal")
STRING = Scalar("string")
DATE = Scalar("date")
TIMESTAMP = Scalar("timestamp")
DURATION = Scalar("duration")
TIMEZONE = Scalar("timezone")
ERROR = ErrorType()

NUMBERS = (INT, DECIMAL)
ORDERED = (INT, DECIMAL, STRING, BOOL, DATE, TIMESTAMP, DURATION)


def group_of(key: Type, row: Type) -> Object:
    """Return the type of the rows that share a key."""
    return Object(f"group({key}, {row})", {"key": key, "rows": ListOf(row)})


def optional(of: Type) -> Type:
    """Return `T?` for `T`; an optional, null or unknown type stays what it is."""
    return of if isinstance(of, Optional | ErrorType) or of == NULL else Optional(of)


def present(of: Type) -> Type:
    """Return `T` for `T?`; any other type stays what it is."""
    return of.of if isinstance(of, Optional) else of


def has_unknown(of: Type, seen: frozenset[str] = frozenset()) -> bool:
    """Tell whether the type of a value, or of anything in it, is not known."""
    match of:
        case ErrorType():
            return True
        case Optional(inner) | ListOf(inner) | MapOf(_, inner):
            return has_unknown(inner, seen)
        case Object(name, fields) if name not in seen:
            return any(has_unknown(inner, seen | {name}) for inner in fields.values())
        case _:
            return False


def is_assignable(source: Type, target: Type) -> bool:
    """Tell whether a value of one type may stand where the other is wanted.

    The one widening is int to decimal; `T` and null may stand for `T?`, never the other way round.
    """
    match source, target:
        case (ErrorType(), _) | (_, ErrorType()):
            return True
        case Optional(inner), Optional(wanted):
            return is_assignable(inner, wanted)
        case _, Optional(wanted):
            return source == NULL or is_assignable(source, wanted)
        case ListOf(element), ListOf(wanted):
            return is_assignable(element, wanted)
        case MapOf(key, value), MapOf(wanted_key, wanted_value):
            return _one_key(key, wanted_key) is not None and is_assignable(value, wanted_value)
        case _:
            return source == target or (source == INT and target == DECIMAL)


def _one_key(left: Type, right: Type) -> Type | None:
    """Return the type of both maps' keys; an empty map written out goes with any."""
    if isinstance(left, ErrorType):
        return right
    return left if isinstance(right, ErrorType) or left == right else None


def join(left: Type, right: Type) -> Type | None:
    """Return the one type that both fit into (`int` and `decimal?` -> `decimal?`), or None."""
    match left, right:
        case ErrorType(), _:
            return right
        case _, ErrorType():
            return left
        case Scalar("null"), _:
            return optional(right)
        case _, Scalar("null"):
            return optional(left)
        case (Optional(), _) | (_, Optional()):
            inner = join(present(left), present(right))
            return None if inner is None else optional(inner)
        case ListOf(one), ListOf(other):
            element = join(one, other)
            return None if element is None else ListOf(element)
        case MapOf(one_key, one), MapOf(other_key, other):
            key, value = _one_key(one_key, other_key), join(one, other)
            return None if value is None or key is None else MapOf(key, value)
        case _:
            if is_assignable(left, right):
                return right
            return left if is_assignable(right, left) else None
