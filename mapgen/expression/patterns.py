"""Regular expressions and date formats as authors write them: what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mapgen.runtime.dates import DATE_LETTERS, DateFormat
from mapgen.runtime.patterns import LONGEST, Pattern, PatternError

_OUTSIDE = (
    (re.compile(r"\(\?<?[=!]"), "looks ahead or behind"),
    (re.compile(r"\\[1-9]|\(\?P="), "refers back to a group"),
    (re.compile(r"\(\?>|[*+?}]\+"), "has an atomic group or a possessive repeat"),
    (re.compile(r"\(\?\("), "has a condition"),
    (re.compile(r"\(\?[a-zA-Z]*[^imsP<:)a-zA-Z-]|\(\?[imsU-]*[aLuxU]"), "sets an unknown flag"),
    (re.compile(r"\\Z"), "ends in `\\Z`, which is written `$`"),
)


def regex_error(pattern: str) -> str | None:
    """Return why a regular expression is refused: it is none that RE2 knows."""
    try:
        Pattern(pattern)
    except PatternError as error:
        plain = re.sub(r"\\[\\\[\](){}.*+?|^$/-]", "xx", pattern[:LONGEST])
        for outside, words in _OUTSIDE:
            if outside.search(plain):
                return f"it {words}, which RE2 has not"
        return str(error)
    return None


def _more_than_a_date(format: DateFormat) -> str | None:
    if not format.has_time:
        return None
    known = ", ".join(f"`{word}`" for word in DATE_LETTERS)
    return f"it asks for a time, and this is a date; of a date there are {known}"


def _without_zone(format: DateFormat) -> str | None:
    if format.has_zone:
        return None
    return "it has no offset (`Z`, `XXX`): name the zone as the third argument"


# The kinds of date formats, by what is done with them: what may be wrong with each.
FORMAT_FAULTS: Mapping[str, tuple[Callable[[DateFormat], str | None], ...]] = {
    "date_pattern": (_more_than_a_date,),
    "time_pattern": (),
    "date_reading_pattern": (_more_than_a_date, DateFormat.reading_error),
    "time_reading_pattern": (DateFormat.reading_error,),
    "instant_reading_pattern": (DateFormat.reading_error, _without_zone),
}


def format_error(kind: str, words: str) -> str | None:
    """Return why words are no date format of a kind, None where they are one."""
    try:
        format = DateFormat(words)
    except ValueError as error:
        return str(error)
    return next((why for diagnostic in FORMAT_FAULTS[kind] if (why := diagnostic(format))), None)
