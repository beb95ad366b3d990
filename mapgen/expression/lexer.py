"""From the text of an expression to its tokens; what is no token becomes a diagnostic."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import expression as catalogue

TokenKind = Literal["name", "quoted_name", "int", "decimal", "string", "sign", "end"]

NO_FIELDS = ("in", "true", "false", "null")
"""What is no name of a field without backquotes."""

MOST_DIGITS = 28
LARGEST_INT = 2**63

_TOKEN = re.compile(
    r"""
      (?P<space>(?:[ \t\r\n\f]+|//[^\n]*)+)
    | (?P<hex>0[xX][0-9a-fA-F]+)
    | (?P<decimal>(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>[0-9]+)
    | (?P<string>[rR]?(?:\"\"\"|'''|"|'))
    | (?P<bytes>(?:[bB][rR]?|[rR][bB])(?:"|'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
# What may be meant as the name of a field.
_FIELD = re.compile(r"[^\s.,()\[\]{}?`]+")
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_CODED = re.compile(r"[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})")


class Token(Struct, frozen=True):
    """One word of an expression, from `start` up to but not including `end`.

    `text` is what the parser compares (a name, a sign); `value` what a literal stands for.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    value: int | Decimal | str | None = None


class Unreadable(Exception):
    """Carries the diagnostic of the place where reading cannot go on."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def tokens(text: Text) -> list[Token]:
    """Return the tokens of an expression, closed by one of kind `end`.

    Raises Unreadable at the first place that is no token.
    """
    found: list[Token] = []
    at, words = 0, text.value
    while at < len(words):
        match = _TOKEN.match(words, at)
        if match is None:
            behind = words[:at].endswith((".", ".?"))
            field = _FIELD.match(words, at) if behind else None
            span = text.span(at, at + 1)
            raise Unreadable(
                catalogue.unknown_character(span, words[at], field[0] if field else "")
            )
        if match.lastgroup != "space":
            token = _token(text, match)
            found.append(token)
            at = token.end
        else:
            at = match.end()
    found.append(Token("end", "", len(words), len(words)))
    return found


def _token(text: Text, match: re.Match[str]) -> Token:
    start, end, words = match.start(), match.end(), match.group()
    kind = match.lastgroup
    if kind == "string":
        return _string(text, start, end)
    if kind == "bytes":
        raise Unreadable(catalogue.not_in_dialect(text.span(start, end), what="a bytes literal"))
    if kind in ("hex", "decimal", "int"):
        return _number(text, start, end)
    if kind == "quoted":
        return Token("quoted_name", words[1:-1].replace("``", "`"), start, end)
    return Token("name" if kind == "name" else "sign", words, start, end)


def _number(text: Text, start: int, end: int) -> Token:
    words = text.value[start:end]
    follower = text.value[end : end + 1]
    if follower in ("u", "U") and not text.value[end + 1 : end + 2].isalnum():
        raise Unreadable(
            catalogue.not_in_dialect(text.span(start, end + 1), what="an unsigned int literal")
        )
    if follower.isalnum() or follower == "_":
        raise Unreadable(catalogue.malformed_number(text.span(start, end + 1)))
    if words[:2] in ("0x", "0X"):
        number = int(words, 16) if len(words) <= 18 else LARGEST_INT + 1
    elif words.isdigit():
        number = int(words) if len(words) <= 2 * MOST_DIGITS else LARGEST_INT + 1
    else:
        return Token("decimal", words, start, end, _decimal(text, start, end))
    if number > LARGEST_INT:
        raise Unreadable(catalogue.number_too_large(text.span(start, end), limit="64 bits"))
    return Token("int", words, start, end, number)


def _decimal(text: Text, start: int, end: int) -> Decimal:
    """Return a literal's exact value; refuse what could not be added up without rounding."""
    words = text.value[start:end]
    exponent = words.lower().partition("e")[2]
    if len(exponent.lstrip("+-0")) <= 2 and len(words) <= 2 * MOST_DIGITS:
        value = Decimal(words)
        plain = format(value, "f").lstrip("-").replace(".", "").lstrip("0")
        if len(plain) <= MOST_DIGITS and -MOST_DIGITS <= value.adjusted() <= MOST_DIGITS:
            return value
    raise Unreadable(
        catalogue.number_too_large(text.span(start, end), limit=f"{MOST_DIGITS} digits")
    )


def _string(text: Text, start: int, opened: int) -> Token:
    """Return a string token; `opened` is the offset behind its opening quotes."""
    words = text.value
    is_raw = words[start] in "rR"
    quotes = words[start + is_raw : opened]
    parts: list[str] = []
    at = opened
    while not words.startswith(quotes, at):
        letter = words[at : at + 1]
        if letter == "" or (letter in "\r\n" and len(quotes) == 1):
            raise Unreadable(catalogue.string_not_closed(text.span(start, opened), quotes=quotes))
        if letter == "\\" and not is_raw:
            part, at = _escape(text, at)
        else:
            part, at = letter, at + 1
        parts.append(part)
    end = at + len(quotes)
    return Token("string", words[start:end], start, end, "".join(parts))


def _escape(text: Text, at: int) -> tuple[str, int]:
    """Return the character that an escape stands for, and the offset behind it."""
    letter = text.value[at + 1 : at + 2]
    if letter in _ESCAPES and letter:
        return _ESCAPES[letter], at + 2
    coded = _CODED.match(text.value, at + 1)
    if coded is not None:
        octal = coded.group(4)
        digits = next(group for group in coded.groups() if group is not None)
        number = int(digits, 8 if octal is not None else 16)
        if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
            return chr(number), coded.end()
    end = coded.end() if coded is not None else min(at + 2, len(text.value))
    raise Unreadable(catalogue.unknown_escape(text.span(at, end), words=text.value[at:end]))
