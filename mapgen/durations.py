"""How long things take: the units that specs and options are written in, and words for people."""

from __future__ import annotations

from collections.abc import Mapping

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
"""Seconds, by the letters behind a number: `90s`, `10m`."""
_NAMED = ((int(DAY), "d"), (int(HOUR), "h"), (int(MINUTE), "min"), (1, "s"))


def seconds_of(text: str) -> float:
    """Return the seconds of a number and a unit. Raises ValueError, KeyError for another text."""
    number = text.rstrip("msdh")
    return float(number) * UNITS[text[len(number) :]]


def minute_of(moment: float) -> float:
    """Return when the minute of a moment began."""
    return moment // MINUTE * MINUTE


def last_minutes(now: float, count: int) -> tuple[float, ...]:
    """Return when each of the last minutes began, the one of now being the last."""
    return tuple(minute_of(now) - each * MINUTE for each in reversed(range(count)))


def span(seconds: float | None) -> str:
    """Return how long something takes, in its largest unit and the next one."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{max(0.0, seconds) * 1_000:.0f} ms"
    for place, (size, unit) in enumerate(_NAMED):
        if seconds >= size:
            count, rest = divmod(int(seconds), size)
            small, name = _NAMED[place + 1] if place + 1 < len(_NAMED) else (1, "")
            more = f" {rest // small} {name}" if count < 10 and name and rest // small else ""
            return f"{count} {unit}{more}"
    return f"{seconds:.0f} s"


def ago(seconds: float | None, now: float) -> str:
    """Return how long ago a moment was, in one unit; `never` for None."""
    if seconds is None:
        return "never"
    age = max(0, round(now - seconds))
    size, unit = next((one for one in _NAMED[:-1] if age >= 2 * one[0]), _NAMED[-1])
    return f"{age // size} {'days' if unit == 'd' else unit} ago"
