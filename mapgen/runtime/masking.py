"""Masks personal values in texts of others.

The ERP answers in its own words, and quotes what it was sent: whole, a word of it, in capitals,
without accents, a number with other separators, escaped as URLs, JSON and HTML have it. Whatever
shares a piece of some length with a personal value is masked, too much rather than too little.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from msgspec import Struct

MASKED = "***"
# A shorter piece of a value tells nobody who it is, and is in too many other words.
_SHORTEST_PIECE = 4
_SHORTEST_WORD = 3
_WORD = re.compile(r"\w+")
# Digits with what people put between them: `+1 (555) 010-99`, `1,234.50`, `1/31/1980`.
_DIGITS = re.compile(r"\d(?:[\d\s().,/:-]*\d)?")
# A run of signs without a blank, and those in it that URLs, JSON or HTML write otherwise.
_TOKEN = re.compile(r"[^\s\"'<>]+")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|&#?\w{1,31};")
_JSON_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")
# A text that was escaped may have been escaped before.
_DEEPEST_ESCAPE = 3
# Letters that have no accent to leave away, and what stands for umlauts.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


class Masker(Struct, frozen=True):
    """Masks pieces of some personal values.

    `whole` matches the values as they are, `words` are theirs, `pieces` all parts of some length,
    `numbers` their digits alone.
    """

    whole: re.Pattern[str]
    words: frozenset[str]
    pieces: frozenset[str]
    numbers: frozenset[str]

    def masked(self, text: str) -> str:
        """Return a text without the values, and without any word that shares a piece with one."""
        return self._masked(_TOKEN.sub(self._token, unicodedata.normalize("NFC", text)))

    def _token(self, found: re.Match[str]) -> str:
        """Return a run of signs, masked where it holds a value that is escaped in it."""
        text = found[0]
        for _ in range(_DEEPEST_ESCAPE):
            if not _ESCAPE.search(text):
                break
            text = _unescaped(text)
            if self._masked(text) != text:
                return MASKED
        return found[0]

    def _masked(self, text: str) -> str:
        text = self.whole.sub(MASKED, text)
        text = _DIGITS.sub(self._number, text)
        return _WORD.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        word = _plain(found[0])
        is_told = word in self.words or not self.pieces.isdisjoint(_pieces(word))
        return MASKED if is_told else found[0]

    def _number(self, found: re.Match[str]) -> str:
        digits = "".join(re.findall(r"\d", found[0]))
        if len(digits) < _SHORTEST_WORD:
            return found[0]
        is_told = any(digits in number or number in digits for number in self.numbers)
        return MASKED if is_told else found[0]


def masker(values: Iterable[str]) -> Masker | None:
    """Return what masks some values, None where there are none."""
    known = sorted(
        {unicodedata.normalize("NFC", value.strip()) for value in values} - {""},
        key=lambda one: (-len(one), one),
    )
    if not known:
        return None
    words = {word for value in known for word in _words(value)}
    digits = {number for value in known for number in _numbers(value)}
    inner = "|".join(map(_quoted, known))
    return Masker(
        re.compile(rf"(?<!\w)(?:{inner})(?!\w)", re.IGNORECASE),
        frozenset(word for word in words if len(word) >= _SHORTEST_WORD),
        frozenset(piece for word in words for piece in _pieces(word)),
        frozenset(number for number in digits if len(number) >= _SHORTEST_WORD),
    )


def _words(value: str) -> Iterator[str]:
    """Yield the words of a value in plain letters, cut before and after they are made plain."""
    for text in (value, _with_umlauts(value)):
        yield from _WORD.findall(_plain(text))
        yield from map(_plain, _WORD.findall(text))


def _quoted(value: str) -> str:
    """Return a pattern of a value, its quotation marks doubled or escaped, its spaces any."""
    return "".join(
        rf"\\?{part}{{1,2}}" if part in "'\"" else r"\s+" if part.isspace() else re.escape(part)
        for part in re.split(r"(\s+|['\"])", value)
        if part
    )


def _numbers(value: str) -> Iterator[str]:
    """Yield the digits of a value, those of a day in other orders, too."""
    yield "".join(re.findall(r"\d", value))
    for year, month, day in _DAY.findall(value):
        for first, second in ((month, day), (day, month)):
            yield f"{first}{second}{year}"
            yield f"{int(first)}{int(second)}{year}"


def _unescaped(text: str) -> str:
    """Return a text with the signs that are escaped in it; bytes that are no UTF-8 are Latin-1."""
    text = html.unescape(_JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return unquote(text, encoding="latin-1")


def _with_umlauts(text: str) -> str:
    """Return a text with two letters for each umlaut."""
    return unicodedata.normalize("NFC", text.casefold()).translate(_UMLAUTS)


def _plain(text: str) -> str:
    """Return a text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _pieces(word: str) -> Iterable[str]:
    return (
        word[start : start + _SHORTEST_PIECE] for start in range(len(word) - _SHORTEST_PIECE + 1)
    )
