"""The table of what was measured, and its place in docs/performance.md."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.bench.rounds import Measured

Sign = Literal[">=", "<="]

_HOLDS: Mapping[Sign, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was measured, and what it should be. A word stands for a number not taken."""

    what: str
    measured: Measured | str
    sign: Sign = ">="
    goal: float | None = None
    unit: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line's cells."""
        goal = "" if self.goal is None else f"{self.sign} {self.goal:g}{self.unit}"
        if isinstance(self.measured, str):
            return self.what, self.measured, goal, ""
        low, high = _number(self.measured.lowest), _number(self.measured.highest)
        shown = f"{_number(self.measured.median)}{self.unit}"
        if self.measured.lowest < self.measured.highest:
            shown += f" ({low}–{high})"
        if self.goal is None:
            return self.what, shown, "", ""
        is_met = _HOLDS[self.sign](self.measured.median, self.goal)
        return self.what, shown, goal, "yes" if is_met else "no"


def _number(value: float) -> str:
    """Return a number with three digits that count, or as many as it has before the point."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{decimals}f}"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table of Markdown, in columns that also read as they are."""
    lines = [("what", "measured: median (min–max)", "goal", "met"), *(row.cells for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(4)]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    padded = (
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in ruled
    )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in padded)


def chart(title: str, points: Iterable[tuple[int, float]], unit: str) -> str:
    """Return a chart of growth: a bar for each size, flat where the cost of one stays the same."""
    found = list(points)
    longest = max(value for _, value in found)
    lines = [title, ""]
    for size, value in found:
        bar = "█" * max(1, round(40 * value / longest))
        lines.append(f"{size:>9,}  {bar} {_number(value)}{unit}")
    return "\n".join(lines) + "\n"


def listing(title: str, rows: Iterable[Row]) -> str:
    """Return rows without goals, one below the other."""
    found = [row.cells[:2] for row in rows]
    width = max(len(what) for what, _ in found)
    return "\n".join([title, "", *(f"  {what:<{width}}  {shown}" for what, shown in found)]) + "\n"


def put_between(page: Path, text: str) -> None:
    """Put a text between the marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"{page} has no marks for what was measured")
    page.write_text(f"{before}{_BEGIN}\n\n{text.strip()}\n\n{_END}{after}", encoding="utf-8")
