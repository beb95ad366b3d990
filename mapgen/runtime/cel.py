"""What expressions call whose numbers are CEL's: 64-bit integers, binary fractions, logic.

Typed values come in, values or Faults go out. Semantics: the language definition of CEL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from mapgen.runtime.faults import Fault, uncountable
from mapgen.runtime.functions import int_div, int_mod

LARGEST = 2**63 - 1
LEAST = -(2**63)
# CEL holds a length of time as nanoseconds in 64 bits, some 292 years.
LONGEST = timedelta(microseconds=LARGEST // 1000)

# Logic


def all_hold(conditions: Iterable[Callable[[], bool]]) -> bool:
    """Return whether every condition holds; one that does not outweighs the faults of others.

    Raises the first fault of a condition where no condition fails to hold.
    """
    return not _decided(conditions, by=False)


def any_holds(conditions: Iterable[Callable[[], bool]]) -> bool:
    """Return whether a condition holds; one that does outweighs the faults of others.

    Raises the first fault of a condition where none holds.
    """
    return _decided(conditions, by=True)


def _decided(conditions: Iterable[Callable[[], bool]], *, by: bool) -> bool:
    """Return whether a condition turns out as the one value that decides by itself."""
    fault: Fault | ArithmeticError | None = None
    for condition in conditions:
        try:
            if condition() is by:
                return True
        except (Fault, ArithmeticError) as found:
            fault = fault or found
    if fault is not None:
        raise fault
    return False


# Whole numbers


def in_64_bits(number: int) -> int:
    """Return the number. Raises a Fault when it does not fit into 64 bits with a sign."""
    if LEAST <= number <= LARGEST:
        return number
    raise uncountable()


def remainder(number: int, by: int) -> int:
    """Return what a division cut off towards zero leaves over.

    Raises a Fault for a division by zero, and where the quotient does not fit into 64 bits.
    """
    in_64_bits(int_div(number, by))
    return int_mod(number, by)


def shift_left(number: int, bits: int) -> int:
    """Return the 64 bits moved up, zeros moving in. Raises a Fault for fewer than no bits."""
    moved = (number << min(_shift(bits), 64)) & (2**64 - 1)
    return moved - 2**64 if moved > LARGEST else moved


def shift_right(number: int, bits: int) -> int:
    """Return the 64 bits moved down, zeros moving in. Raises a Fault for fewer than no bits."""
    count = _shift(bits)
    return number if count == 0 else (number & (2**64 - 1)) >> min(count, 64)


def _shift(bits: int) -> int:
    if bits < 0:
        raise Fault("R204", "the number of bits is negative", bits)
    return bits


# Binary fractions

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.I | re.ASCII
)


def parse_double(text: str) -> float:
    """Return the nearest binary fraction to the number that the text spells.

    Raises a Fault for any other text.
    """
    if _NUMBER.fullmatch(text):
        return float(text)
    raise Fault("R208", "the text is not a number", text)


def double_text(number: float) -> str:
    """Return the shortest text that spells the number: `1.5`, `2`, `1e+06`, `NaN`, `+Inf`."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    shown = Decimal(repr(number)).normalize()
    sign = "-" if math.copysign(1, number) < 0 else ""
    exponent = shown.adjusted()
    if number != 0 and not -5 < exponent < MOST_PLAIN:
        digits = "".join(map(str, shown.as_tuple().digits))
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
    return sign + f"{abs(shown):f}"


# From this power of ten on, a number is written with an exponent.
MOST_PLAIN = 6


def whole(number: float) -> int:
    """Return the number cut off towards zero. Raises a Fault beyond 64 bits and for no number."""
    if math.isfinite(number) and LEAST < number < LARGEST + 1:
        return int(number)
    raise uncountable()


def quotient(number: float, by: float) -> float:
    """Return the quotient of binary fractions: by zero it is infinite, or no number."""
    if by != 0:
        return number / by
    if number == 0 or math.isnan(number):
        return math.nan
    return math.copysign(math.inf, number) * math.copysign(1, by)


def next_up(number: float) -> float:
    """Return the next whole number upwards."""
    return math.copysign(math.ceil(number), number) if math.isfinite(number) else number


def next_down(number: float) -> float:
    """Return the next whole number downwards."""
    return math.copysign(math.floor(number), number) if math.isfinite(number) else number


def cut_off(number: float) -> float:
    """Return the whole number left when the places are cut off."""
    return math.copysign(math.trunc(number), number) if math.isfinite(number) else number


def nearest(number: float) -> float:
    """Return the nearest whole number; a half goes away from zero."""
    if not math.isfinite(number) or abs(number) >= 2**52:
        return number
    size = math.floor(abs(number))
    return math.copysign(size + 1 if abs(number) - size >= 0.5 else size, number)


def sign_of(number: float) -> float:
    """Return -1, 0 or 1; no number for no number."""
    if math.isnan(number) or number == 0:
        return abs(number)
    return math.copysign(1.0, number)


def square_root(number: float) -> float:
    """Return the square root; no number for a negative one."""
    return math.sqrt(number) if number >= 0 else math.nan


# Time


def in_range(span: timedelta) -> timedelta:
    """Return the length of time. Raises a Fault beyond some 292 years either way."""
    if -LONGEST <= span <= LONGEST:
        return span
    raise Fault("R219", "the duration is longer than 292 years", None)


def day_of_year(instant: datetime) -> int:
    """Return the day of the year, the first being 0."""
    return instant.timetuple().tm_yday - 1


def quoted(text: str) -> str:
    """Return the text in double quotes, what could not stand there escaped."""
    return '"' + "".join(_ESCAPED.get(letter, letter) for letter in text) + '"'


_ESCAPED = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip
