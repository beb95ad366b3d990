"""What counts as a blank: white space of Unicode, and characters without width around a text.

Forms and spreadsheets leave no-break spaces, byte order marks and zero-width spaces behind; nobody
sees them, and a text of them alone is no text.
"""

from __future__ import annotations

# Besides what Python strips, the no-break spaces among it: the Mongolian vowel separator, the
# zero-width space, the marks of direction, the word joiner, the zero-width no-break space. Joiners
# (U+200C, U+200D) are part of the letters and signs beside them.
_WITHOUT_WIDTH = frozenset("\u180e\u200b\u200e\u200f\u2060\ufeff")


def trimmed(text: str) -> str:
    """Return the text without blanks at both ends."""
    found = text.strip()
    # Of most texts this is known at once.
    return found if found.isascii() else _trimmed(found)


def is_blank(text: str) -> bool:
    """Whether a text holds nothing but blanks."""
    return not trimmed(text)


def _trimmed(text: str) -> str:
    start, end = 0, len(text)
    while start < end and (text[start] in _WITHOUT_WIDTH or text[start].isspace()):
        start += 1
    while start < end and (text[end - 1] in _WITHOUT_WIDTH or text[end - 1].isspace()):
        end -= 1
    return text[start:end]
