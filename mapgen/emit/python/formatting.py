"""Python text in, the same formatted by black out."""

from __future__ import annotations


def formatted(text: str) -> str:
    """Return the text as black writes it, a hundred columns wide."""
    import black
    from black.mode import TargetVersion

    mode = black.Mode(target_versions={TargetVersion.PY311}, line_length=100)
    return black.format_str(text, mode=mode)
