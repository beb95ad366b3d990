"""Texts as the ERP's database compares them, for sure (`folded`) and at worst (`alike`)."""

from __future__ import annotations

import unicodedata

_WITHOUT_WEIGHT = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0xFE00, 0xFE10)))
)
"""Besides format characters (zero-width, no-break, soft hyphen), what no collation weighs."""


def folded(text: str) -> str:
    """Return a text without the blanks at its end, and without regard to case."""
    return text.rstrip(" ").casefold()


def alike(text: str) -> str:
    """Return what a text has in common with all that some collation of SQL Server takes for it.

    Which one a tenant has nobody tells: whether composed, wide or invisible characters count.
    """
    if text.isascii():
        return folded(text)
    seen = "".join(filter(_has_weight, unicodedata.normalize("NFKD", text)))
    for _ in range(2):
        seen = unicodedata.normalize("NFKD", seen.casefold())
    return seen.rstrip(" ")


def _has_weight(character: str) -> bool:
    return unicodedata.category(character) != "Cf" and character not in _WITHOUT_WEIGHT
