"""What counts as a blank: white space of Unicode, and characters without width around a text.

Forms and spreadsheets leave no-break spaces, byte order marks and zero-width spaces behind; nobody
sees them, and a text of them alone is no text.
"""

from __future__ import annotations

# Besides what Python strips, the no-break spaces among it: the Mongolian vowel separator, the
# zero-width space, the marks of direction, the word joiner, the zero-width no-break space. Joiners
# (U+200C, U+200D) are part of the letters and signs beside them.
_WITHOUT_WIDTH = "\u180e\u200b\u200e\u200f\u2060\ufeff"
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    f"\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000{_WITHOUT_WIDTH}"
)


def trimmed(text: str) -> str:
    """Return the text without blanks at both ends."""
    found = text.strip()
    # Of most texts this is known at once.
    return found if found.isascii() else found.strip(BLANKS)


def is_blank(text: str) -> bool:
    """Whether a text holds nothing but blanks."""
    return not trimmed(text)
