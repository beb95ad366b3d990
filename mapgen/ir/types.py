"""The types of expressions: what a value is, whether it may be missing, what may stand for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

ScalarName = Literal[
    "null", "bool", "int", "decimal", "string", "date", "timestamp", "duration", "timezone"
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


class Alternative(Struct, frozen=True):
    """One of the objects that an object may be: all its fields, and those never missing from it."""

    fields: frozenset[str]
    required: frozenset[str]


class Object(Kind, frozen=True, eq=False):
    """A record with known fields, by their JSON names.

    Two objects are one type by their names; `is_structural`: where they have the same fields, too.
    `among` are the names of several that one of them may be. `tags` are fields whose value says
    which of several it is, each with what it is by that value.
    """

    name: str
    fields: Mapping[str, Type]
    is_structural: bool = False
    among: tuple[str, ...] = ()
    tags: Mapping[str, Mapping[str, Alternative]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and _is_one_type(self, other, set())

    def __hash__(self) -> int:
        return hash(frozenset(self.fields) if self.is_structural else self.name)

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
    """The type of what has been reported already: fits everywhere, so that nobody says it twice.

    `is_untyped`: it is reported where a rule reads the value, which has no one type.
    """

    is_untyped: bool = False

    def __str__(self) -> str:
        return "unknown"


# What the names of rows of tables start with: no object of a source is called so.
ROWS = "lookups."


class Table(Kind, frozen=True):
    """A lookup table. It is no value: only its entries are, `lookups.NAME[?key]`.

    `columns` are those of its key, none where there is but one; text does not fit in `numbers`.
    `entries` are those of a table that the spec writes out. `row` is the type of what a key has:
    a value, or an object of several.
    """

    name: str
    columns: tuple[str, ...]
    entries: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    numbers: frozenset[str] = frozenset()
    row: Type = Scalar("string")

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
BY_NAME: Mapping[str, Scalar] = {name: Scalar(name) for name in get_args(ScalarName)}
"""The types of single values by what authors call them."""
ERROR = ErrorType()
UNTYPED = ErrorType(is_untyped=True)

NUMBERS = (INT, DECIMAL)
ORDERED = (INT, DECIMAL, STRING, BOOL, DATE, TIMESTAMP, DURATION)


def record_name(name: str) -> str:
    """Return what the type of a record is called: one called `date` is no date.

    Types are told apart by their names.
    """
    return f"{name}_record" if name in (*get_args(ScalarName), "null") else name


def group_of(key: Type, row: Type) -> Object:
    """Return the type of the rows that share a key."""
    return Object(f"group({key}, {row})", {"key": key, "rows": ListOf(row)})


def optional(of: Type) -> Type:
    """Return `T?` for `T`; an optional, null or unknown type stays what it is."""
    return of if isinstance(of, Optional | ErrorType) or of == NULL else Optional(of)


def present(of: Type) -> Type:
    """Return `T` for `T?`; any other type stays what it is."""
    return of.of if isinstance(of, Optional) else of


def element_of(of: ListOf | MapOf) -> Type:
    """Return what a list or a map holds."""
    return of.element if isinstance(of, ListOf) else of.value


def held(of: Type) -> Type:
    """Return what a value is, or what the lists and maps that it is have in them."""
    found = present(of)
    while isinstance(found, ListOf | MapOf):
        found = present(element_of(found))
    return found


def _is_one_type(left: Type, right: Type, assumed: set[tuple[str, str]]) -> bool:
    """Tell whether two types are one; objects that hold themselves are where all else is alike."""
    match left, right:
        case (Optional(one), Optional(other)) | (ListOf(one), ListOf(other)):
            return _is_one_type(one, other, assumed)
        case MapOf(key, one), MapOf(other_key, other):
            return key == other_key and _is_one_type(one, other, assumed)
        case Object(), Object():
            pair = (left.name, right.name)
            if left.name == right.name or pair in assumed:
                return True
            assumed.add(pair)  # where one pair differs, all does
            return (
                (left.is_structural and right.is_structural)
                and left.fields.keys() == right.fields.keys()
                and all(
                    _is_one_type(kind, right.fields[name], assumed)
                    for name, kind in left.fields.items()
                )
            )
        case _:
            return left == right


def _either(left: Type, right: Type, made: dict[tuple[str, str], Object]) -> Type:
    """Return the type of what is of one of two equal types: an object is of either name."""
    match left, right:
        case Optional(one), Optional(other):
            return Optional(_either(one, other, made))
        case ListOf(one), ListOf(other):
            return ListOf(_either(one, other, made))
        case MapOf(key, one), MapOf(_, other):
            return MapOf(key, _either(one, other, made))
        case Object(), Object() if left.name != right.name:
            pair = (left.name, right.name)
            if pair not in made:
                fields: dict[str, Type] = {}
                names = tuple(dict.fromkeys((*_names(left), *_names(right))))
                made[pair] = Object(" or ".join(names), fields, True, names)
                for name, kind in left.fields.items():
                    fields[name] = _either(kind, right.fields[name], made)
            return made[pair]
        case _:
            return left


def _names(kind: Object) -> tuple[str, ...]:
    return kind.among or (kind.name,)


def has_unknown(of: Type, *, with_untyped: bool = False) -> bool:
    """Tell whether the type of a value, or of anything in it, is not known.

    `with_untyped`: what has no one type is not known either.
    """
    todo, seen = [of], set[str]()
    while todo:
        match held(todo.pop()):
            case ErrorType(is_untyped) if with_untyped or not is_untyped:
                return True
            case Object(name, fields) if name not in seen:
                seen.add(name)
                todo += fields.values()
            case _:
                pass
    return False


def is_assignable(source: Type, target: Type) -> bool:
    """Tell whether a value of one type may be where the other is wanted.

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
        case Object(), Object() if left == right:
            return _either(left, right, {})
        case _:
            if is_assignable(left, right):
                return right
            return left if is_assignable(right, left) else None
