"""Formats emitted Python as black does, and gives black only the statements it would change.

The templates write each statement on a line of its own, as black would leave it. What is longer
than a line goes to black by itself, each text once.
"""

from __future__ import annotations

from functools import cache

# A year of black is a style. Another year would write other bytes, so it is refused.
STYLE_YEAR = "26"
FORMATTER = f"black {STYLE_YEAR}"
LINE_LENGTH = 100
_QUOTES = '"""'


class WrongFormatter(Exception):
    """The black that is installed is not of the year whose style generated code has."""

    def __init__(self, installed: str) -> None:
        """Take the version that is installed."""
        super().__init__(f"generated code has the style of {FORMATTER}, installed is {installed}")
        self.installed = installed


def formatted(text: str) -> str:
    """Return a module as black writes it, a hundred columns wide.

    Each statement of the text is on one line, or on lines that are short enough.
    """
    lines, is_docstring = [], False
    for line in text.split("\n"):
        is_docstring ^= line.count(_QUOTES) == 1
        is_prose = is_docstring or _QUOTES in line or line.lstrip().startswith("#")
        lines.append(line if is_prose or len(line) <= LINE_LENGTH else _statement(line))
    return "\n".join(lines)


def require_style() -> None:
    """Raise WrongFormatter where black is not of the year whose style generated code has."""
    from importlib.metadata import version  # slow, and examples of parts need none

    installed = version("black")
    if installed.partition(".")[0] != STYLE_YEAR:
        raise WrongFormatter(installed)


@cache
def _statement(line: str) -> str:
    """Return a statement, or the head of a compound one, as black writes it where it is."""
    import black
    from black.mode import TargetVersion

    depth = (len(line) - len(line.lstrip())) // 4
    outer = "".join(f"{'    ' * level}if True:\n" for level in range(depth))
    body = f"{'    ' * (depth + 1)}pass\n" if line.endswith(":") else ""
    mode = black.Mode(target_versions={TargetVersion.PY311}, line_length=LINE_LENGTH)
    lines = black.format_str(f"{outer}{line}\n{body}", mode=mode).splitlines()
    # A function has a blank line before it, which is in the text already.
    return "\n".join(lines[depth : len(lines) - bool(body)]).lstrip("\n")
