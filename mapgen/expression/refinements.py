"""What literal arguments must look like: a literal comes in, the words of its error go out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import partial

from msgspec import Struct

from mapgen.expression.patterns import FORMAT_FAULTS, format_error, regex_error
from mapgen.expression.units import unit_error
from mapgen.ir.types import ScalarName
from mapgen.runtime.currency import COUNTINGS
from mapgen.runtime.zones import zone_of

Literal = bool | int | str


class Refinement(Struct, frozen=True):
    """One kind of argument: `of` a scalar type; `wanted` is how messages call it.

    `must_be_literal`: nothing but a literal will do; otherwise a literal is examined and anything
    else is left to the running code.
    """

    wanted: str
    diagnostic: Callable[[Literal], str | None]
    must_be_literal: bool = False
    of: ScalarName = "string"


def _matching(pattern: str, words: str) -> Callable[[Literal], str | None]:
    compiled = re.compile(pattern)

    def diagnostic(value: Literal) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else words

    return diagnostic


def _text(examine: Callable[[str], str | None]) -> Callable[[Literal], str | None]:
    return lambda value: examine(value) if isinstance(value, str) else "it is no string"


def _between(least: int, most: int) -> Callable[[Literal], str | None]:
    def diagnostic(value: Literal) -> str | None:
        fits = isinstance(value, int) and least <= value <= most
        return None if fits else f"it has to be from {least} to {most}"

    return diagnostic


OFFSET = re.compile(r"[+-]?(?:0[0-9]|1[0-4]):[0-5][0-9]")


def zone_error(name: str) -> str | None:
    """Return why a time zone's name, or its fixed distance from UTC (`+05:30`), is refused."""
    if OFFSET.fullmatch(name):
        return None
    try:
        zone_of(name)
    except ValueError as error:
        return str(error)
    return None


_DAY = r"(?P<day>\d{4}-\d{2}-\d{2})"
_INSTANT = re.compile(
    _DAY + r"[Tt](?P<time>\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?P<zone>[Zz]|[+-]\d{2}:\d{2})?"
)


def _integer_error(text: str) -> str | None:
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return "it has to be digits only, as in `-12`"
    return None if -(2**63) <= int(text) < 2**63 else "it does not fit into 64 bits"


def _date_error(text: str) -> str | None:
    if not re.fullmatch(_DAY, text):
        return "it has to look like `2024-02-29`"
    try:
        date.fromisoformat(text)
    except ValueError:
        return "the calendar has no such day"
    return None


def _timestamp_error(text: str) -> str | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return "it has to look like `2024-02-29T12:00:00Z`"
    if match["zone"] is None:
        return "it has no zone: put `Z` or an offset such as `+02:00` behind it"
    try:
        time.fromisoformat(match["time"][:8])
        datetime.fromisoformat(f"{match['day']}T00:00:00{match['zone'].upper()}")
    except ValueError:
        return "there is no such day, time or offset"
    return None


_NAMED_COUNTINGS = " or ".join(f"`'{name}'`" for name in COUNTINGS)

REFINEMENTS: Mapping[str, Refinement] = {
    "regex": Refinement("a regular expression", _text(regex_error), must_be_literal=True),
    **{
        name: Refinement("a date pattern", _text(partial(format_error, name)), must_be_literal=True)
        for name in FORMAT_FAULTS
    },
    "zone": Refinement("a time zone's name", _text(zone_error), of="timezone"),
    "places": Refinement("a number of places", _between(0, 12), of="int"),
    "width": Refinement(
        "a number of characters", _between(1, 4000), must_be_literal=True, of="int"
    ),
    "separator": Refinement(
        "a separator", _matching(r"(?s).+", "it is empty"), must_be_literal=True
    ),
    "filling": Refinement(
        "a character", _matching(r"(?s).", "it has to be one character"), must_be_literal=True
    ),
    "country": Refinement(
        "a country code", _matching("[A-Z]{2}", "it has to be two capital letters, as in `US`")
    ),
    "currency": Refinement(
        "a currency code", _matching("[A-Z]{3}", "it has to be three capital letters, as in `USD`")
    ),
    "counting": Refinement(
        "who counts the minor units",
        _matching("|".join(COUNTINGS), f"it has to be {_NAMED_COUNTINGS}"),
        must_be_literal=True,
    ),
    "unit": Refinement("a unit of measure", _text(unit_error), must_be_literal=True),
    "integer_text": Refinement("a whole number", _text(_integer_error)),
    "decimal_text": Refinement(
        "a number", _matching(r"[+-]?[0-9]{1,20}(\.[0-9]{1,8})?", "it has to look like `-19.90`")
    ),
    "boolean_text": Refinement(
        "a truth",
        _matching(r"true|True|TRUE|t|1|false|False|FALSE|f|0", "it has to be `true` or `false`"),
    ),
    "date_text": Refinement("a date", _text(_date_error)),
    "timestamp_text": Refinement("an instant", _text(_timestamp_error)),
    "duration_text": Refinement(
        "a duration",
        _matching(
            r"-?(?:0|(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|m|s|ms|us|ns))+)",
            "it has to look like `1h30m`, `90s` or `250ms`",
        ),
    ),
}
