"""Values that differ from record to record in how they are written, or in whether they are there.

A source says of a field what it is: `Varied[str, Nothing("N/A")]` is text, also where a record has
a number, and missing where it has `N/A`. A list of one may be written as that one. What is written
as JSON in a text is `Varied[Payload, InText()]`, and may be blank or null with `InText("")`.
"""

from __future__ import annotations

import re
import typing
from decimal import Decimal
from types import GenericAlias, UnionType

import msgspec

from mapgen.runtime.exact import MOST_DIGITS

__all__ = [
    "InText",
    "Nothing",
    "Varied",
    "as_one_type",
    "is_nothing",
    "json_of",
    "nothing_of",
    "varied_of",
]

JsonValue = typing.Any

_WHOLE = re.compile(r"-?\d+(\.0+)?", re.ASCII)
_JSON = msgspec.json.Decoder(float_hook=Decimal)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


class Nothing(tuple[str, ...]):
    """The words of a field that mean that there is nothing."""

    __slots__ = ()

    def __new__(cls, *words: str) -> Nothing:
        """Take the words."""
        return super().__new__(cls, words)


class InText(Nothing):
    """The words for nothing of a value that is written as JSON in a text."""

    __slots__ = ()


if typing.TYPE_CHECKING:
    from typing import Annotated as Varied
else:

    class Varied(metaclass=type("_", (type,), {"__instancecheck__": lambda *_: True})):
        """A value of a type however it is written; None for words that mean nothing."""

        __class_getitem__ = classmethod(GenericAlias)


def varied_of(annotation: object) -> GenericAlias | None:
    """Return the varied type in an annotation, behind `| None` and `Annotated`, if there is one."""
    origin = typing.get_origin(annotation)
    if origin is Varied:
        return typing.cast(GenericAlias, annotation)
    if origin not in (typing.Annotated, typing.Union, UnionType):
        return None
    inner = typing.get_args(annotation)
    found = map(varied_of, inner[:1] if origin is typing.Annotated else inner)
    return next((one for one in found if one is not None), None)


def nothing_of(annotation: object) -> Nothing:
    """Return the words that mean nothing in an annotation."""
    varied = varied_of(annotation)
    return Nothing() if varied is None else typing.cast(Nothing, varied.__args__[1])


def is_nothing(words: Nothing, value: JsonValue) -> bool:
    """Tell whether a value is one of the words that mean nothing, as text or as a number."""
    return isinstance(value, str | int | Decimal) and _written(value).strip() in words


def as_one_type(kind: object, value: JsonValue) -> JsonValue:
    """Return a value that is there as JSON of its type, or as it is where it cannot be that.

    Args:
        kind: the type: `str`, `int`, `bool`, a list, or another.
        value: the JSON, with decimals for numbers with a fraction.
    """
    if typing.get_origin(kind) is list:
        return value if isinstance(value, list) else [value]
    if kind not in (str, int, bool) or not isinstance(value, str | int | Decimal):
        return value
    words = _written(value)
    if kind is str:
        return value if isinstance(value, bool) else words
    if kind is bool:
        return _FLAGS.get(words.strip().lower(), value)
    is_whole = not isinstance(value, bool) and _WHOLE.fullmatch(words.strip())
    return int(words.partition(".")[0]) if is_whole else value


def json_of(text: JsonValue) -> JsonValue:
    """Return the JSON that a text holds, with decimals; raises ValueError for what holds none."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        return _JSON.decode(text)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        raise ValueError("not JSON") from None


def _written(value: str | int | Decimal) -> str:
    """Return a value as it is written, a number without an exponent; "" for one beyond bounds."""
    if not isinstance(value, Decimal):
        return str(value)
    is_short = value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS
    return f"{value:f}" if is_short else ""
