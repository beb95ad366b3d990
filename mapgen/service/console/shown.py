"""How pages say numbers, times and spans; charts as points of a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from mapgen.durations import span
from mapgen.escaping import visible

WIDTH, HEIGHT = 360.0, 96.0


def instant(seconds: float | None) -> str:
    """Return a moment for people, in UTC."""
    if seconds is None:
        return "–"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(seconds: float) -> str:
    """Return a time of day in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")


def count(number: float | None) -> str:
    """Return a number with its thousands apart."""
    return "–" if number is None else f"{number:,.0f}".replace(",", "\u202f")


FILTERS: Mapping[str, Callable[..., str]] = {
    "span": span,
    "instant": instant,
    "clock": clock,
    "count": count,
    "visible": visible,
}


class Chart(Struct, frozen=True):
    """A chart of values by time: what it shows, the line and the area below it, its corners.

    `words` say the same for those who do not see it. A moment without a value is a gap.
    """

    title: str
    line: str
    area: str
    top: str
    latest: str
    begins: str
    ends: str
    words: str


def chart(
    title: str, points: Sequence[tuple[float, float | None]], say: Callable[[float | None], str]
) -> Chart:
    """Return a chart of moments (seconds since 1970) and values."""
    values = [value for _, value in points if value is not None]
    top = max(values, default=0.0)
    first, last = (points[0][0], points[-1][0]) if points else (0.0, 0.0)
    places = [
        None if value is None else (_x(at, first, last), _y(value, top)) for at, value in points
    ]
    parts = _parts(places)
    latest = next((value for _, value in reversed(points) if value is not None), None)
    words = (
        f"{title}, from {clock(first)} to {clock(last)} UTC: now {say(latest)}, at most {say(top)}"
        if values
        else f"{title}: nothing yet"
    )
    return Chart(
        title,
        " ".join(_line(part) for part in parts),
        " ".join(f"{_line(part)} L{part[-1][0]:.1f} {HEIGHT} L{part[0][0]:.1f} {HEIGHT} Z"
                 for part in parts),
        say(top) if values else "",
        say(latest),
        clock(first) if points else "",
        clock(last) if points else "",
        words,
    )  # fmt: skip


def _x(at: float, first: float, last: float) -> float:
    return WIDTH * (at - first) / (last - first) if last > first else WIDTH


def _y(value: float, top: float) -> float:
    return HEIGHT - 4 - (HEIGHT - 8) * value / top if top else HEIGHT - 4


def _parts(
    places: Sequence[tuple[float, float] | None],
) -> list[list[tuple[float, float]]]:
    """Return the points between gaps; a lone one is a short line."""
    parts: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            parts.append([])
        else:
            parts[-1].append(place)
    return [
        [*part, (part[0][0] + 2, part[0][1])] if len(part) == 1 else part for part in parts if part
    ]


def _line(part: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in part)
