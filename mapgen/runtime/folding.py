"""Text in, the text as the ERP's database compares it out."""

from __future__ import annotations


def folded(text: str) -> str:
    """Return a text without the blanks at its end, and without regard to case."""
    return text.rstrip(" ").casefold()
