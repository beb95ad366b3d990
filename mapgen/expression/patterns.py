"""Regular expressions and date formats as authors write them: what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable

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


def regex_fault(pattern: str) -> str | None:
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


def date_format_fault(words: str) -> str | None:
    """Return why dates cannot be written in a format."""
    return _format_fault(words, _more_than_a_date)


def time_format_fault(words: str) -> str | None:
    """Return why instants cannot be written in a format."""
    return _format_fault(words)


def date_reading_fault(words: str) -> str | None:
    """Return why dates cannot be read by a format."""
    return _format_fault(words, _more_than_a_date, DateFormat.reading_fault)


def time_reading_fault(words: str) -> str | None:
    """Return why times of a zone's clock cannot be read by a format."""
    return _format_fault(words, DateFormat.reading_fault)


def instant_reading_fault(words: str) -> str | None:
    """Return why instants cannot be read by a format, which has to say whose clock it is."""
    return _format_fault(words, DateFormat.reading_fault, _without_zone)


def _format_fault(words: str, *faults: Callable[[DateFormat], str | None]) -> str | None:
    try:
        format = DateFormat(words)
    except ValueError as error:
        return str(error)
    return next((reason for fault in faults if (reason := fault(format)) is not None), None)


def _more_than_a_date(format: DateFormat) -> str | None:
    if not format.has_time:
        return None
    known = ", ".join(f"`{word}`" for word in DATE_LETTERS)
    return f"it asks for a time, and this is a date; of a date there are {known}"


def _without_zone(format: DateFormat) -> str | None:
    if format.has_zone:
        return None
    return "it has no offset (`Z`, `XXX`): name the zone as the third argument"
