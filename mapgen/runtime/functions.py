"""The functions that emitted expressions call: typed values come in, values or Errors go out."""

from __future__ import annotations

import calendar
import html
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    InvalidOperation,
)
from functools import lru_cache
from itertools import chain
from textwrap import TextWrapper
from typing import TypeVar

from mapgen.runtime.blanks import BLANKS
from mapgen.runtime.currency import COUNTINGS
from mapgen.runtime.dates import ClockError, DateFormat
from mapgen.runtime.errors import RuleError
from mapgen.runtime.exact import MOST_DIGITS, quotient, to_places, without_sign_of_zero

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)

MOST_COUNTED = 10_000
MOST_PLACES = 12

# Missing values


def value_or(value: T | None, default: Callable[[], T]) -> T:
    """Return the value, or what the default evaluates when it is missing."""
    return default() if value is None else value


def when_present(value: T | None, change: Callable[[T], R]) -> R | None:
    """Return the changed value, or None when it is missing."""
    return None if value is None else change(value)


def bound(value: T, change: Callable[[T], R]) -> R:
    """Return what the change makes of the value, which is evaluated once."""
    return change(value)


def demanded(value: T | None) -> T:
    """Return the value. Raises RuleError when it is missing."""
    if value is None:
        raise RuleError("R201", "the value is missing")
    return value


def of_its_kind(value: T | None, name: str) -> T:
    """Return the value of a member that all objects of a kind have. Raises RuleError without it."""
    if value is None:
        raise RuleError("R201", f"`{name}` is missing, which objects of this kind have")
    return value


_NOTHING = Decimal(0)


def non_blank(text: str | None) -> str | None:
    """Return the text without blanks at both ends, None when nothing is left."""
    if text is None:
        return None
    found = text.strip()
    # It is `trimmed` without a call: no function is called so often.
    return (found if found.isascii() else found.strip(BLANKS)) or None


def non_zero(value: T) -> T | None:
    """Return the value, None when it is empty, zero or false."""
    return value or None


def present(values: Iterable[T | None]) -> list[T]:
    """Return the values that are there."""
    return [value for value in values if value is not None]


def entry_if_present(key: K, value: T | None) -> dict[K, T]:
    """Return a map of the one entry, or an empty one when the value is missing."""
    return {} if value is None else {key: value}


# Lists and maps


def element(values: Sequence[T], position: int) -> T:
    """Return the element at a position, the first being 0. Raises RuleError when there is none."""
    if 0 <= position < len(values):
        return values[position]
    raise RuleError("R202", f"there is no such element in a list of {len(values)}", position)


def element_or_none(values: Sequence[T], position: int) -> T | None:
    """Return the element at a position, None when there is none."""
    return values[position] if 0 <= position < len(values) else None


def entry(entries: Mapping[K, T], key: K) -> T:
    """Return the value of a key. Raises RuleError when there is none."""
    if key in entries:
        return entries[key]
    raise RuleError("R203", "the map has no entry with this key", key)


def first(values: Iterable[T]) -> T | None:
    """Return the first element, None when there is none."""
    return next(iter(values), None)


def last(values: Iterable[T]) -> T | None:
    """Return the last element, None when there is none."""
    if isinstance(values, Sequence):
        return values[-1] if values else None
    return last(list(values))


def part(values: Sequence[T], start: int, end: int) -> list[T]:
    """Return the elements from start up to but not including end.

    Raises RuleError beyond the list.
    """
    if 0 <= start <= end <= len(values):
        return list(values[start:end])
    message = f"the elements are not all in a list of {len(values)}"
    raise RuleError("R202", message, f"{start} to {end}")


def flatten(lists: Iterable[Iterable[T]]) -> list[T]:
    """Return the elements of all lists, one after the other."""
    return list(chain.from_iterable(lists))


def counted(count: int) -> list[int]:
    """Return the numbers from 0 up to the count, without it. Raises RuleError beyond 10,000."""
    if 0 <= count <= MOST_COUNTED:
        return list(range(count))
    raise RuleError("R204", f"the count is not between 0 and {MOST_COUNTED}", count)


# Text


_LOWER = {letter: letter + 32 for letter in range(65, 91)}
_UPPER = {letter: letter - 32 for letter in range(97, 123)}


def lower_ascii(text: str) -> str:
    """Return the text with the letters A to Z made small."""
    return text.translate(_LOWER)


def upper_ascii(text: str) -> str:
    """Return the text with the letters a to z made capital."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


def title_case(text: str) -> str:
    """Return the text with each word's first letter capital and the others small.

    A word begins behind white space, a hyphen, or the apostrophe of a short prefix (O'Neill).
    """
    return re.sub(r"(?<![^\W\d_])(?<![^\W\d_]{2}')[^\W\d_]", _capital, text.lower())


def _capital(letter: re.Match[str]) -> str:
    return letter.group().title()


def substring(text: str, start: int, end: int | None = None) -> str:
    """Return the characters from start up to but not including end.

    Raises RuleError when a position lies outside the text.
    """
    stop = len(text) if end is None else end
    if 0 <= start <= stop <= len(text):
        return text[start:stop]
    message = f"the characters are not all in a text of {len(text)}"
    raise RuleError("R205", message, f"{start} to {stop} of `{text}`")


def char_at(text: str, position: int) -> str:
    """Return the character at a position, nothing at the very end. Raises RuleError beyond it."""
    return substring(text, position, min(position + 1, max(len(text), position)))


def index_of(text: str, sought: str, start: int) -> int:
    """Return where the part first appears at or behind start, -1 for nowhere.

    Raises RuleError when start lies outside the text.
    """
    if 0 <= start <= len(text):
        return text.find(sought, start)
    raise RuleError("R205", f"the position is not in a text of {len(text)}", f"{start} of `{text}`")


def last_index_of(text: str, sought: str, start: int) -> int:
    """Return where the part last appears at or before start, -1 for nowhere.

    Raises RuleError when start lies outside the text.
    """
    if 0 <= start <= len(text):
        return text.rfind(sought, 0, start + len(sought))
    raise RuleError("R205", f"the position is not in a text of {len(text)}", f"{start} of `{text}`")


def split_text(text: str, separator: str, most: int) -> list[str]:
    """Return at most so many parts between the separators; a negative number is no limit."""
    if most == 0:
        return []
    return text.split(separator, most - 1 if most > 0 else -1)


def before(text: str, separator: str) -> str | None:
    """Return the text before the first separator, None when there is none."""
    head, found, _ = text.partition(separator)
    return head if found else None


def after(text: str, separator: str) -> str | None:
    """Return the text behind the first separator, None when there is none."""
    _, found, tail = text.partition(separator)
    return tail if found else None


def unescape(text: str) -> str:
    """Return the text with HTML entities turned into what they stand for."""
    if "&" not in text:
        return text
    return _unescaped(text) if len(text) <= _LONGEST_KNOWN else html.unescape(text)


# Names of products come again and again.
_LONGEST_KNOWN = 256
_unescaped = lru_cache(2048)(html.unescape)

_NO_DIGITS = re.compile(r"[^0-9]+")
_TO_DIGITS = dict.fromkeys(code for code in range(128) if not chr(code).isdigit())


def digits(text: str) -> str:
    """Return only the digits 0 to 9 of the text."""
    if text.isascii():
        return text if text.isdigit() else text.translate(_TO_DIGITS)
    return _NO_DIGITS.sub("", text)


def wrap_text(text: str, width: int) -> list[str]:
    """Return the text in lines of at most so many characters, broken between words.

    Only a word longer than a line is broken inside.
    """
    return TextWrapper(width, break_on_hyphens=False).wrap(text)


# Numbers


_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_PLAIN = r"[+-]?+(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)"
_is_plain = re.compile(_PLAIN).fullmatch
_DECIMAL = re.compile(_PLAIN + r"(?:[eE][+-]?[0-9]{1,2})?")


def parse_int(text: str) -> int:
    """Return the whole number that the text spells.

    Raises RuleError for any other text, and for a number of more than 64 bits.
    """
    if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    raise RuleError("R207", "the text is not a whole number", text)


def parse_decimal(text: str) -> Decimal:
    """Return the number that the text spells, exactly, of at most 28 digits.

    Raises RuleError for any other text: spaces, thousands' separators, decimal commas.
    """
    if len(text) <= MOST_DIGITS and _is_plain(text):
        found = Decimal(text)
        return found if found else found.copy_abs()  # `without_sign_of_zero`, without a call
    if len(text) <= 2 * MOST_DIGITS and _DECIMAL.fullmatch(text):
        number = Decimal(text)
        shown = number.as_tuple()
        assert isinstance(shown.exponent, int)
        if len(shown.digits) <= MOST_DIGITS and -MOST_DIGITS <= shown.exponent <= MOST_DIGITS:
            number = number if shown.exponent <= 0 else number.quantize(Decimal(1))
            return without_sign_of_zero(number)
    raise RuleError("R208", "the text is not a number that can be taken exactly", text)


_BOOLS = dict.fromkeys(("true", "True", "TRUE", "t", "1"), True) | dict.fromkeys(
    ("false", "False", "FALSE", "f", "0"), False
)


def parse_bool(text: str) -> bool:
    """Return the truth that the text spells. Raises RuleError for any other text."""
    if text in _BOOLS:
        return _BOOLS[text]
    raise RuleError("R209", "the text is neither true nor false", text)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return all amounts added up, zero for none."""
    return sum(amounts, _NOTHING)


def divided(amount: Decimal | int, by: Decimal | int) -> Decimal:
    """Return the quotient, to more digits than any rounding looks at.

    Raises RuleError for a division by zero.
    """
    if by == 0:
        raise RuleError("R210", "this divides by zero", amount)
    return quotient(Decimal(amount), Decimal(by))


def int_div(number: int, by: int) -> int:
    """Return the whole part of the quotient. Raises RuleError for a division by zero."""
    if by == 0:
        raise RuleError("R210", "this divides by zero", number)
    quotient = abs(number) // abs(by)
    return quotient if (number < 0) == (by < 0) else -quotient


def int_mod(number: int, by: int) -> int:
    """Return what `int_div` leaves over. Raises RuleError for a division by zero."""
    return number - int_div(number, by) * by


def sign(number: Decimal | int) -> int:
    """Return -1, 0 or 1."""
    return (number > 0) - (number < 0)


def _rounded(amount: Decimal, places: int, rounding: str) -> Decimal:
    if not 0 <= places <= MOST_PLACES:
        raise RuleError("R211", f"an amount is rounded to 0 to {MOST_PLACES} places", places)
    try:
        return to_places(amount, places, rounding)
    except InvalidOperation:
        message = f"the amount is too large to be rounded to {places} places"
        raise RuleError("R211", message, amount) from None


def round_half_up(amount: Decimal, places: int) -> Decimal:
    """Return the amount rounded to places, a half away from zero.

    Raises RuleError beyond 28 digits, as all that round do.
    """
    return _rounded(amount, places, ROUND_HALF_UP)


def round_half_even(amount: Decimal, places: int) -> Decimal:
    """Return the amount rounded to places, a half to the even neighbour."""
    return _rounded(amount, places, ROUND_HALF_EVEN)


def round_down(amount: Decimal, places: int) -> Decimal:
    """Return the amount cut off to places."""
    return _rounded(amount, places, ROUND_DOWN)


def round_up(amount: Decimal, places: int) -> Decimal:
    """Return the amount rounded to places, away from zero."""
    return _rounded(amount, places, ROUND_UP)


def round_floor(amount: Decimal) -> Decimal:
    """Return the next whole number downwards."""
    return _rounded(amount, 0, ROUND_FLOOR)


def round_ceiling(amount: Decimal) -> Decimal:
    """Return the next whole number upwards."""
    return _rounded(amount, 0, ROUND_CEILING)


def currency_places(currency: str, counting: str = "iso") -> int:
    """Return the decimal places of a currency, as ISO 4217 or a payment service counts them.

    Raises RuleError for a currency that is unknown there.
    """
    places = COUNTINGS[counting].get(currency)
    if places is None:
        raise RuleError("R212", "the currency is not known", currency)
    return places


def from_minor_units(count: int, currency: str, counting: str = "iso") -> Decimal:
    """Return the amount that so many cents make. Raises RuleError for an unknown currency."""
    return Decimal(count).scaleb(-currency_places(currency, counting))


def to_minor_units(amount: Decimal, currency: str, counting: str = "iso") -> int:
    """Return the amount in cents. Raises RuleError for a fraction of one, an unknown currency."""
    cents = amount.scaleb(currency_places(currency, counting))
    if cents != cents.to_integral_value():
        raise RuleError("R213", "the amount has more places than its currency", amount)
    return int(cents)


# Dates


_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)


def parse_timestamp(text: str) -> datetime:
    """Return the instant that the text spells (RFC 3339), to the microsecond.

    Raises RuleError for any other text, and for one without a zone.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise RuleError("R214", "the text is not an instant (RFC 3339)", text)
    day, time, fraction, zone = match.groups()
    if zone is None:
        raise RuleError("R215", "the instant has no zone, so that its date is not known", text)
    try:
        return datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone.upper()}")
    except ValueError:
        raise RuleError("R214", "there is no such day or time", text) from None


def from_unix_seconds(seconds: int) -> datetime:
    """Return the instant so many seconds after 1970. Raises RuleError beyond the year 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise RuleError("R214", "the instant lies beyond the calendar", seconds) from None


def from_unix_millis(milliseconds: int) -> datetime:
    """Return the instant so many milliseconds after 1970. Raises RuleError beyond the calendar."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise RuleError("R214", "the instant lies beyond the calendar", milliseconds) from None


def unix_seconds(instant: datetime) -> int:
    """Return the whole seconds since 1970 began."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def timestamp_text(instant: datetime) -> str:
    """Return the instant in UTC (RFC 3339), with a fraction only where there is one."""
    text = instant.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


_ISO_DAY = DateFormat("yyyy-MM-dd")


def parse_date(text: str, format: DateFormat = _ISO_DAY) -> date:
    """Return the date that the text spells in the format, exactly. Raises RuleError otherwise."""
    try:
        return format.read_date(text)
    except ValueError as error:
        raise RuleError("R216", str(error), text) from None


def parse_instant(text: str, format: DateFormat, zone: tzinfo | None = None) -> datetime:
    """Return the instant that the text spells, by the zone's clock where it names no offset.

    Raises RuleError for any other text, and for a time that the clock skips or shows twice.
    """
    try:
        return format.read_instant(text, zone)
    except ClockError as error:
        raise RuleError("R217", str(error), text) from None
    except ValueError as error:
        raise RuleError("R216", str(error), text) from None


def add_days(day: date, days: int) -> date:
    """Return the date so many days later. Raises RuleError beyond the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise RuleError("R218", "the date lies beyond the calendar", days) from None


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the last one of a shorter month.

    Raises RuleError beyond the calendar.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise RuleError("R218", "the date lies beyond the calendar", months)
    longest = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, longest))


_SPAN = re.compile(r"-?(?:0|(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|us|ns|s))+)", re.ASCII)
_SPAN_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|us|ns|s)", re.ASCII)
_MICROSECONDS = {
    "h": Decimal(3_600_000_000),
    "m": Decimal(60_000_000),
    "s": Decimal(1_000_000),
    "ms": Decimal(1000),
    "us": Decimal(1),
    "ns": Decimal("0.001"),
}


def parse_duration(text: str) -> timedelta:
    """Return the length of time that the text spells: `1h30m`.

    Raises RuleError for any other text.
    """
    if _SPAN.fullmatch(text) is None:
        raise RuleError("R219", "the text is not a duration such as 1h30m", text)
    parts = (Decimal(number) * _MICROSECONDS[unit] for number, unit in _SPAN_PART.findall(text))
    span = timedelta(microseconds=int(sum(parts, Decimal(0))))
    return -span if text.startswith("-") else span


def duration_text(span: timedelta) -> str:
    """Return a length of time in seconds: `5400s`."""
    seconds = Decimal(span // timedelta(microseconds=1)).scaleb(-6).normalize()
    return f"{seconds:f}s"


def whole_units(span: timedelta, unit: timedelta) -> int:
    """Return how many whole units the length of time has, cut off towards zero."""
    return int_div(span // timedelta(microseconds=1), unit // timedelta(microseconds=1))
