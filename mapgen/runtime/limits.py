"""What generated code calls where a value has to honour a limit: the value in, the value out.

Each raises RuleError, R3xx, when the value does not honour it. Lengths count UTF-16 code units, as
SQL Server's nvarchar does.
"""

from __future__ import annotations

import decimal
import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Literal, TypeVar
from urllib.parse import unquote

import msgspec

from mapgen.agreed.constraints import SIGNS, Sign
from mapgen.runtime.errors import RuleError
from mapgen.runtime.exact import has_places, to_places
from mapgen.runtime.patterns import Pattern

T = TypeVar("T")
Number = TypeVar("Number", Decimal, int)
Key = TypeVar("Key", bound=str | tuple[str, ...])
Row = TypeVar("Row", bound=msgspec.Struct)

Rounding = Literal["half_up", "half_even", "up", "down"]
_ROUNDINGS: Mapping[Rounding, str] = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
}

LARGEST_FILE = 25_000 << 10
"""Bytes of an attached file: the ERP takes no more unless it is told otherwise."""

_LONGEST_BRANCH = 30
_LONGEST_BASE64 = LARGEST_FILE * 4 // 3 * 81 // 80
_BLANKS = re.compile(r"[ \t\r\n]+")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NO_NAME = re.compile(rf'[\\/:*?"<>|]|{_UNSEEN.pattern}|^[\s.]|[\s.]$|^$')
_HOST = re.compile(r"https?://[^/?#]*")


def attempted(step: Callable[[], T]) -> T | None:
    """Return what the step gives, None where it fails."""
    try:
        return step()
    except (RuleError, ArithmeticError):
        return None


def attempted_or(step: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """Return what the step gives, or what stands for it where it fails."""
    try:
        return step()
    except (RuleError, ArithmeticError):
        return otherwise()


def where_there(value: T | None, within: Callable[[T], object]) -> None:
    """Have a value that is there honour a limit."""
    if value is not None:
        within(value)


def required(value: T | None) -> T:
    """Return the value, or raise R201 when it is missing."""
    if value is None:
        raise RuleError("R201", "the value is missing")
    return value


def text(value: str, longest: int) -> str:
    """Return the text, or raise R301 when it has more than `longest` UTF-16 units."""
    length = len(value)
    # Two units at most for each character: most texts need no second look.
    if length * 2 > longest and (length > longest or not value.isascii()):
        units = len(value.encode("utf-16-le")) // 2
        if units > longest:
            message = f"the text has {units} characters, the field holds {longest}"
            raise RuleError("R301", message, value)
    return value


def truncated(value: str, longest: int) -> str:
    """Return the text cut to `longest` UTF-16 units, never inside a surrogate pair."""
    length = len(value)
    if length * 2 <= longest or (length <= longest and value.isascii()):
        return value
    units = value.encode("utf-16-le")
    if len(units) <= longest * 2:
        return value
    return units[: longest * 2].decode("utf-16-le", errors="ignore")


def file_name(value: str) -> str:
    """Return the name of a file, or raise R309 for one that no system takes as it is."""
    if _NO_NAME.search(value):
        words = 'the name of a file holds none of \\ / : * ? " < > |, nothing that cannot be seen,'
        raise RuleError("R309", f"{words} and no blank or dot at its ends", value)
    return value


def branch_id(value: str) -> str:
    """Return the id of a branch, or raise R313 for what is none: it goes into a header."""
    is_plain = value.isascii() and value.isprintable() and value.strip() == value != ""
    if not is_plain or len(value) > _LONGEST_BRANCH or value.startswith("settings."):
        raise RuleError("R313", "the ERP has no branch of this id", value)
    return value


def file_path(value: str) -> str:
    """Return the path of a file, or raise R310 for one that does not lead further down.

    An address of an API may begin with its host; whether that is the right one is known later.
    """
    path = _HOST.sub("", value).partition("?")[0]
    is_plain = not (set(value) & {"\\", "#"} or _UNSEEN.search(value))
    if not path.strip("/") or not is_plain or {".", ".."} & set(unquote(path).split("/")):
        raise RuleError("R310", "the path of a file leads down from where it begins", value)
    return value


def base64_text(value: str) -> str:
    """Return the bytes of a file as base64, or raise R311 for what is none, or too much."""
    if len(value) > _LONGEST_BASE64:
        raise RuleError("R311", f"an attached file has at most {LARGEST_FILE >> 10} KiB")
    try:
        a2b_base64(_BLANKS.sub("", value), strict_mode=True)
    except ValueError:
        raise RuleError("R311", "the content of an attached file has to be base64") from None
    return value


def matching(value: str, pattern: Pattern) -> str:
    """Return the text, or raise R260 when nothing in it is of the pattern."""
    if not pattern.is_in(value):
        raise RuleError("R260", f"the text is not of the pattern `{pattern.words}`", value)
    return value


def one_of(value: T, *choices: T) -> T:
    """Return the value, or raise R261 when it is none of those that the target takes."""
    if value not in choices:
        raise RuleError("R261", "the value is none of those that the target takes", value)
    return value


def as_text(value: Decimal | int) -> str:
    """Return an amount as text with the digits it has."""
    return format(value, "zf") if isinstance(value, Decimal) else str(value)


def with_places(value: Decimal, places: int) -> Decimal:
    """Return the number, or raise R302 when it has more decimal places than that."""
    if has_places(value, places):
        return value
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places and value != rounded(value, places, "down"):
        raise RuleError("R302", f"the number has more than {places} decimal places", value)
    return value


def rounded(value: Decimal, places: int, rounding: Rounding) -> Decimal:
    """Return the number rounded to the places; raise R302 when it has too many digits for that."""
    try:
        return to_places(value, places, _ROUNDINGS[rounding])
    except decimal.InvalidOperation:
        raise RuleError(
            "R302", f"the number is too long for {places} decimal places", value
        ) from None


# What is asked of numbers: with `words`, the bound is a value of the record, which may be personal.


def below(value: Number, bound: Number, words: str = "") -> Number:
    """Return the number, or raise R303 when it is not below the bound."""
    return value if value < bound else _out_of_range(value, "<", bound, words)


def at_most(value: Number, bound: Number, words: str = "") -> Number:
    """Return the number, or raise R303 when it is above the bound."""
    return value if value <= bound else _out_of_range(value, "<=", bound, words)


def above(value: Number, bound: Number, words: str = "") -> Number:
    """Return the number, or raise R303 when it is not above the bound."""
    return value if value > bound else _out_of_range(value, ">", bound, words)


def at_least(value: Number, bound: Number, words: str = "") -> Number:
    """Return the number, or raise R303 when it is below the bound."""
    return value if value >= bound else _out_of_range(value, ">=", bound, words)


def _out_of_range(value: Number, sign: Sign, bound: Number, words: str) -> Number:
    if not words:
        raise RuleError("R303", f"the number has to be {SIGNS[sign]} {bound}", value)
    shown = f"{as_text(value)} against {as_text(bound)}"
    raise RuleError("R303", f"the number has to be {SIGNS[sign]} `{words}`", shown)


def whole(value: int, lowest: int, highest: int) -> int:
    """Return the number, or raise R303 when the ERP's integer type cannot hold it."""
    if lowest <= value <= highest:
        return value
    raise RuleError("R303", f"the number has to lie between {lowest} and {highest}", value)


def found(table: Mapping[Key, T], name: str, *keys: Key | None) -> T:
    """Return what the table has for the first key it knows; raise R304 when it knows none.

    A key of several columns is a tuple.
    """
    for key in keys:  # `first_found`, without a call
        if key is not None and (value := table.get(key)) is not None:
            return value
    raise _missed(name, keys, retry=False)


def found_in_time(table: Mapping[Key, T], name: str, *keys: Key | None) -> T:
    """Do what `found` does; a miss may go away by itself, so that the record waits."""
    value = first_found(table, *keys)
    if value is None:
        raise _missed(name, keys, retry=True)
    return value


def _missed(name: str, keys: Sequence[Key | None], *, retry: bool) -> RuleError:
    tried = [shown_key(key) for key in keys if key is not None]
    known = "the key" if len(tried) < 2 else f"any of the {len(tried)} keys"
    message = f"the lookup `{name}` does not know {known}"
    return RuleError("R304", message, ", then ".join(tried), retry=retry)


def shown_key(key: str | tuple[str, ...]) -> str:
    """Return a key as a report shows it."""
    return f"`{key}`" if isinstance(key, str) else " with ".join(f"`{part}`" for part in key)


def first_found(table: Mapping[Key, T], *keys: Key | None) -> T | None:
    """Return what the table has for the first key it knows, or None."""
    for key in keys:
        if key is not None and (value := table.get(key)) is not None:
            return value
    return None


def rows(values: list[T], fewest: int) -> list[T]:
    """Return the rows, or raise R305 when there are fewer."""
    if len(values) < fewest:
        raise RuleError("R305", f"at least {fewest} row{'s' * (fewest != 1)} needed", len(values))
    return values


def unique(values: list[Row], *fields: str) -> list[Row]:
    """Return the rows, or raise R312 when two of them have the same values in the fields.

    A row that lacks one of the fields is like no other.
    """
    if len(values) < 2 or _are_different(values, fields):
        return values
    seen: dict[tuple[object, ...], int] = {}
    for number, row in enumerate(values, start=1):
        wrapped = [getattr(row, field) for field in fields]
        if msgspec.UNSET in wrapped:
            continue
        key = tuple(getattr(one, "value", one) for one in wrapped)
        first = seen.setdefault(key, number)
        if first != number:
            named = " and ".join(f"`{field}`" for field in fields)
            # The values stay untold: nothing here knows whether one of them is personal.
            raise RuleError("R312", f"the rows {first} and {number} have the same {named}")
    return values


def _are_different(values: list[Row], fields: tuple[str, ...]) -> bool:
    """Tell whether the rows are sure to be different: none where a value is missing or faulty."""
    try:
        return len(set(map(_values_of(fields), values))) == len(values)
    except (AttributeError, RuleError):
        return False


@lru_cache(256)
def _values_of(fields: tuple[str, ...]) -> Callable[[msgspec.Struct], object]:
    return attrgetter(*(f"{field}.value" for field in fields))


def equal(
    name: str,
    left: Decimal,
    right: Decimal,
    within: Decimal,
    why: Callable[[], str] = lambda: "the two sides differ",
) -> None:
    """Raise R306 when two amounts differ by more than the tolerance."""
    if left != right and abs(left - right) > within:
        shown = f"{left:f} against {right:f}: {left - right:+f}"
        raise RuleError("R306", f"{name}: {why()}", shown)


def same(
    name: str, left: object, right: object, why: Callable[[], str] = lambda: "the two sides differ"
) -> None:
    """Raise R306 when two values differ."""
    if left != right:
        raise RuleError("R306", f"{name}: {why()}", f"{left} against {right}")


def holds(
    name: str, condition: bool, why: Callable[[], str] = lambda: "the check does not hold"
) -> None:
    """Raise R307 when a check over a document, or a part of it, does not hold."""
    if not condition:
        raise RuleError("R307", f"{name}: {why()}")


def unless_empty(part: Row) -> Row | msgspec.UnsetType:
    """Return a part, or nothing where none of its fields is set: what is missing is not sent."""
    for name in part.__struct_fields__:
        if getattr(part, name) is not msgspec.UNSET:
            return part
    return msgspec.UNSET


def set_fields(
    views: dict[str, dict[str, T | msgspec.UnsetType]],
) -> dict[str, dict[str, T]] | msgspec.UnsetType:
    """Return fields outside the contract by view and name; unset ones are left out."""
    found = {
        view: {name: value for name, value in fields.items() if value is not msgspec.UNSET}
        for view, fields in views.items()
    }
    return {view: fields for view, fields in found.items() if fields} or msgspec.UNSET
