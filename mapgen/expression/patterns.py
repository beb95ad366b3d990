"""Regular expressions and date patterns as authors write them: what is wrong, what they become."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping

_OUTSIDE = (
    (re.compile(r"\(\?<?[=!]"), "looks ahead or behind"),
    (re.compile(r"\\[1-9]|\(\?P="), "refers back to a group"),
    (re.compile(r"\(\?>|[*+?}]\+"), "has an atomic group or a possessive repeat"),
    (re.compile(r"\(\?\("), "has a condition"),
    (re.compile(r"\(\?[a-zA-Z]*[^imsP<:)a-zA-Z-]|\(\?[imsU-]*[aLuxU]"), "sets an unknown flag"),
    (re.compile(r"\\Z"), "ends in `\\Z`, which is written `$`"),
    (re.compile(r"\[\[:"), "names a class of characters, which is written out: `[A-Za-z]`"),
)
_PIECE = re.compile(
    r"(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<escape>\\.)|(?P<open>\((?:\?(?:P?<\w+>|[ims-]*:))?)"
    r"|(?P<close>\))|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)|(?P<bar>\|)|(?P<other>.)",
    re.DOTALL,
)
MOST_REPEATS = 1000


def regex_fault(pattern: str) -> str | None:
    """Return why a regular expression is refused: no RE2, or one that may take for ever."""
    plain = re.sub(r"\\[\\\[\](){}.*+?|^$/-]", "xx", pattern)
    for outside, words in _OUTSIDE:
        if outside.search(plain):
            return f"it {words}, which RE2 has not"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return f"{error}".partition("\n")[0]
    if any(int(count) > MOST_REPEATS for count in re.findall(r"\{(\d+)", plain)):
        return f"it repeats something more than {MOST_REPEATS} times"
    if _is_explosive(pattern):
        return "it repeats a group that itself repeats or has alternatives that begin alike"
    return None


def _is_explosive(pattern: str) -> bool:
    """Tell whether a repeated group has inner repeats or alternatives that may begin alike.

    Python's matcher tries every way to share a text between such repeats, which takes exponential
    time; RE2's does not, so that the pattern alone would not betray it.
    """
    groups: list[tuple[bool, list[str]]] = []
    inner, firsts, last_was_group = False, [""], False
    for piece in _PIECE.finditer(pattern):
        kind, words = piece.lastgroup, piece.group()
        if kind == "open":
            groups.append((inner, firsts))
            inner, firsts = False, [""]
        elif kind == "close" and groups:
            is_risky = inner or len(set(firsts)) < len(firsts) or "?" in firsts
            outer, firsts = groups.pop()
            firsts[-1] = firsts[-1] or "?"
            inner, last_was_group = outer, is_risky
            continue
        elif kind == "repeat":
            is_open = words[0] in "*+" or (words[0] == "{" and not words.rstrip("?").endswith("}"))
            is_many = is_open or "," in words
            if last_was_group and is_many:
                return True
            inner = inner or is_many
        elif kind == "bar":
            firsts.append("")
        else:
            is_literal = kind == "other" and words not in ".^$"
            firsts[-1] = firsts[-1] or (words if is_literal else "?" if kind != "escape" else words)
        last_was_group = False
    return False


def python_regex(pattern: str) -> str:
    """Return the pattern in Python's words: `$` is the very end, not also before a last newline."""
    if re.match(r"\(\?[is]*m", pattern):
        return pattern
    return _PIECE.sub(lambda piece: r"\Z" if piece["other"] == "$" else piece.group(), pattern)


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
