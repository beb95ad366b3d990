"""Expressions as back ends know them: resolved, typed, without places; printable as JSON."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Literal

from msgspec import Struct

from mapgen.ir.types import BOOL, DECIMAL, NULL, STRING, Optional, Type
from mapgen.ir.walk import nodes

Operator = Literal["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "in"]
OnMiss = Literal["reject", "retry", "omit"]
LoopKind = Literal["list", "map", "any", "all", "one", "sorted", "grouped"]


class Constant(Struct, frozen=True):
    """A value known beforehand. Decimals and zones are held as text."""

    value: bool | int | str | None
    type: Type


class Regex(Struct, frozen=True):
    """A regular expression."""

    words: str
    type: Type = STRING


class DateFormat(Struct, frozen=True):
    """How a date or a time is written, in the letters of the spec."""

    words: str
    type: Type = STRING


class Variable(Struct, frozen=True):
    """A name of the rule's scope: the source, the settings, a row, a `let`."""

    name: str
    type: Type


class Local(Struct, frozen=True):
    """A name bound inside the expression. `hint` is what a reader would like to see it called."""

    number: int
    hint: str
    type: Type


class Field(Struct, frozen=True):
    """A field of a record, by its JSON key; the record itself is there.

    `attribute` is what generated code calls it.
    """

    operand: Expression
    key: str
    attribute: str
    type: Type


class DocumentField(Struct, frozen=True):
    """A member of the document that the rules have built.

    `is_value`: a wrapped single value; `may_be_empty`: it is always sent, maybe to empty the field.
    `may_be_left_out`: a list, which is left out where it has no rows.
    """

    operand: Expression
    key: str
    is_value: bool
    type: Type
    may_be_empty: bool = False
    may_be_left_out: bool = False


class Call(Struct, frozen=True):
    """A function of the language, as `list(T).slice(int, int)`, or what works like one."""

    function: str
    arguments: tuple[Expression, ...]
    type: Type
    is_fallible: bool = False


class Lookup(Struct, frozen=True):
    """What a table has for the first key that it knows: each key has a part for each column.

    A key is skipped where a part of it is missing; one alone never is. `on_miss` says what it
    means that no key is known: the value is missing (`omit`), or the record is rejected or waits.
    `entries` is a table written out, None for one that is read from elsewhere: each has the texts
    of its values. The type is that of a value, or of a row of values (`types.Object`).
    """

    table: str
    keys: tuple[tuple[Expression, ...], ...]
    on_miss: OnMiss
    entries: tuple[tuple[str, tuple[str, ...]], ...] | None
    type: Type = Optional(STRING)


class Operation(Struct, frozen=True):
    """An operator between two values."""

    operator: Operator
    left: Expression
    right: Expression
    type: Type


class Negative(Struct, frozen=True):
    operand: Expression
    type: Type


class Concatenation(Struct, frozen=True):
    """Strings, one behind the other."""

    parts: tuple[Expression, ...]
    type: Type = STRING


class Not(Struct, frozen=True):
    operand: Expression
    type: Type = BOOL


class Both(Struct, frozen=True):
    """Conditions that all have to hold, asked from left to right, up to the first that fails."""

    parts: tuple[Expression, ...]
    type: Type = BOOL


class Either(Struct, frozen=True):
    """Conditions of which one has to hold, asked from left to right, up to the first that does."""

    parts: tuple[Expression, ...]
    type: Type = BOOL


class Conditional(Struct, frozen=True):
    condition: Expression
    then: Expression
    otherwise: Expression
    type: Type


class IsPresent(Struct, frozen=True):
    """Whether a value that may be missing is there."""

    operand: Expression
    type: Type = BOOL


class OrElse(Struct, frozen=True):
    """A value that may be missing, or else the other one, which is only evaluated if needed."""

    operand: Expression
    other: Expression
    type: Type


class Attempted(Struct, frozen=True):
    """A value, or the other one where a step of it fails: missing where there is none (`None`)."""

    value: Expression
    instead: Expression | None
    type: Type


class WhenPresent(Struct, frozen=True):
    """The value evaluated with the operand bound to the local; missing when the operand is."""

    operand: Expression
    local: Local
    value: Expression
    type: Type


class Bound(Struct, frozen=True):
    """The value evaluated with the local standing for the operand, which may be missing."""

    operand: Expression
    local: Local
    value: Expression
    type: Type


class Widened(Struct, frozen=True):
    """An int as a decimal."""

    operand: Expression
    type: Type = DECIMAL


class Element(Struct, frozen=True):
    """An element of a list; `is_optional`: left out when it is missing."""

    value: Expression
    is_optional: bool = False


class Items(Struct, frozen=True):
    """A list written out."""

    elements: tuple[Element, ...]
    type: Type


class Entry(Struct, frozen=True):
    key: Expression
    value: Expression
    is_optional: bool = False


class Entries(Struct, frozen=True):
    """A map written out."""

    entries: tuple[Entry, ...]
    type: Type


class Loop(Struct, frozen=True):
    """Something evaluated for each element of a list, or each key of a map.

    `kind`: `list` collects the values, `map` collects them under `key`, `any`, `all` and `one` ask
    how often the value holds, `sorted` orders the elements by the value, `grouped` puts those with
    equal values together. `key` is the position in a list or the key in a map, where it is asked
    for. Elements for which the condition does not hold are skipped.
    """

    kind: LoopKind
    over: Expression
    local: Local
    key: Local | None
    condition: Expression | None
    value: Expression
    type: Type


Expression = (
    Constant
    | Regex
    | DateFormat
    | Variable
    | Local
    | Field
    | DocumentField
    | Call
    | Lookup
    | Operation
    | Negative
    | Concatenation
    | Not
    | Both
    | Either
    | Conditional
    | IsPresent
    | OrElse
    | Attempted
    | WhenPresent
    | Bound
    | Widened
    | Items
    | Entries
    | Loop
)


def is_optional(expression: Expression) -> bool:
    """Tell whether the value may be missing."""
    return isinstance(expression.type, Optional) or expression.type == NULL


def is_nothing(node: Expression | None) -> bool:
    """Tell whether this is what is missing, written out."""
    return isinstance(node, Constant) and node.value is None


def is_local(node: object, local: Local) -> bool:
    """Tell whether a node is a certain local."""
    return isinstance(node, Local) and node.number == local.number


def can_fail(expression: Expression) -> bool:
    """Tell whether a record can make the value impossible."""
    return any(
        (isinstance(one, Call) and one.is_fallible)
        or (isinstance(one, Lookup) and one.on_miss != "omit")
        or (
            isinstance(one, Operation)
            and one.operator == "/"
            and not isinstance(one.right, Constant)
        )
        for one in nodes(expression)
    )


# What a class says its members are: a member of such a name would be in the way of the type.
_ANNOTATIONS = frozenset({"bool", "date", "datetime", "dict", "int", "list", "str", "timedelta"})


# What a name of a schema may have in generated code: enough to be known by, not to fill a page.
_LONGEST_NAME = 60


@cache
def attribute_name(key: str) -> str:
    """Return the Python attribute for a JSON key: `AmazonOrderId` -> `amazon_order_id`.

    Two keys of one object may meet in one name: `attribute_names` tells them apart.
    """
    words = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", letters(key))
    name = re.sub(r"[\W_]+", "_", words).strip("_").lower()
    name = unicodedata.normalize("NFKC", name[:_LONGEST_NAME]).rstrip("_")
    if not name:
        return "field"
    if not name.isidentifier():
        name = f"field_{name}"
    if not name.isidentifier():
        return "field"
    return f"{name}_" if keyword.iskeyword(name) or name in _ANNOTATIONS else name


@cache
def attribute_names(keys: tuple[str, ...]) -> Mapping[str, str]:
    """Return the attribute of each key of one object, no two alike.

    The key that is spelt like the name has it (`id`), any other is numbered (`_id` -> `id_2`); the
    order of the keys does not matter.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for key in sorted(keys, key=lambda key: (attribute_name(key) != key, key)):
        name = stem = attribute_name(key)
        while name in taken:
            numbers[stem] = numbers.get(stem, 1) + 1
            name = f"{stem.rstrip('_')}_{numbers[stem]}"
        taken.add(name)
        found[key] = name
    return found


def letters(key: str) -> str:
    """Return a key as Python names may spell it, with a blank for any other sign.

    Latin letters lose their accents. Letters of scripts that are written from right to left would
    turn the order of the code around them: they are left out.
    """
    return "".join(_letter(sign) for sign in unicodedata.normalize("NFKC", key[:_LONGEST_KEY]))


_LONGEST_KEY = 200


def _letter(sign: str) -> str:
    if sign.isascii():
        return sign
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    if plain:
        return plain
    is_letter = f"a{sign}".isidentifier() and unicodedata.bidirectional(sign) in ("L", "NSM")
    return sign if is_letter else " "
