"""Python text in, the same formatted by black out."""

from __future__ import annotations

import importlib.metadata

# A year of black is a style. Another year would write other bytes, so it is refused.
STYLE_YEAR = "26"
FORMATTER = f"black {STYLE_YEAR}"


class WrongFormatter(Exception):
    """The black that is installed is not of the year whose style generated code has."""

    def __init__(self, installed: str) -> None:
        """Take the version that is installed."""
        super().__init__(f"generated code has the style of {FORMATTER}, installed is {installed}")
        self.installed = installed


def formatted(text: str) -> str:
    """Return the text as black writes it, a hundred columns wide. Raises WrongFormatter."""
    import black
    from black.mode import TargetVersion

    installed = importlib.metadata.version("black")
    if installed.partition(".")[0] != STYLE_YEAR:
        raise WrongFormatter(installed)
    mode = black.Mode(target_versions={TargetVersion.PY311}, line_length=100)
    return black.format_str(text, mode=mode)
