"""Regular expressions and date patterns as authors write them: what is wrong, what they become."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


_DATE_WORDS: Mapping[str, str] = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d"}
_TIME_WORDS: Mapping[str, str] = {**_DATE_WORDS, "HH": "%H", "mm": "%M", "ss": "%S"}
_PATTERN_PIECE = re.compile(r"(?P<letters>([A-Za-z])\2*)|'(?P<quoted>[^']*)'|(?P<other>[^A-Za-z'])")


def date_pattern_fault(pattern: str) -> str | None:
    """Return why a date pattern is refused."""
    return _pattern_fault(pattern, _DATE_WORDS)


def time_pattern_fault(pattern: str) -> str | None:
    """Return why a pattern for a date with a time of day is refused."""
    return _pattern_fault(pattern, _TIME_WORDS)


def _pattern_fault(pattern: str, words: Mapping[str, str]) -> str | None:
    known = ", ".join(f"`{word}`" for word in words)
    at = 0
    while at < len(pattern):
        piece = _PATTERN_PIECE.match(pattern, at)
        if piece is None:
            return "a quote in it is not closed"
        letters = piece["letters"]
        if letters is not None and letters not in words:
            return f"`{letters}` is not one of {known}"
        at = piece.end()
    if not any(word in pattern for word in words):
        return f"it has none of {known}"
    return None


def python_date_pattern(pattern: str) -> str:
    """Return the pattern in the words of `strftime` and `strptime`."""

    def word(piece: re.Match[str]) -> str:
        if piece["letters"] is not None:
            return _TIME_WORDS[piece["letters"]]
        text: str = piece["other"] if piece["quoted"] is None else piece["quoted"] or "'"
        return text.replace("%", "%%")

    return _PATTERN_PIECE.sub(word, pattern)
