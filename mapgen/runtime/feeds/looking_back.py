"""How far a poll looks back behind the latest that was seen: what is committed late is older."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

_OVERLAP, _BACK = timedelta(minutes=10), 100

Place = datetime | date | int | Decimal | float


class Unfit(Exception):
    """A value or a column of which no feed can be made: why, and what to do."""

    def __init__(self, why: str, help: str) -> None:
        super().__init__(why)
        self.help = help


def aware(moment: datetime) -> datetime:
    """Return a moment with its offset; one without is in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def utc(moment: datetime) -> datetime:
    """Return a moment in UTC. Raises OverflowError for one that UTC has no date for."""
    return aware(moment).astimezone(UTC)


def moment_of(text: str) -> datetime:
    """Return the moment that a text is; without an offset, it is in UTC. Raises ValueError."""
    return aware(datetime.fromisoformat(text))


def begun(day: date) -> datetime:
    """Return the moment at which a day begins; a moment is one."""
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


def as_asked(moment: datetime) -> str:
    """Return a moment as queries have it: in UTC, told by a `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def behind(value: Place, overlap: float | None, back: int | None, what: str) -> Place:
    """Return from where on to read: `overlap` seconds before a moment, `back` before a number.

    Raises Unfit where the one that is not meant is said of `what` holds the value.
    """
    is_number = isinstance(value, int | Decimal | float)
    if (overlap if is_number else back) is not None:
        wanted, is_not = ("a number", "a duration") if is_number else ("a duration", "a number")
        raise Unfit(
            f"{what} asks for {wanted} as `overlap`, and not {is_not}",
            f"write {wanted} as `overlap` of the feed, or leave it out",
        )
    seconds = _OVERLAP if overlap is None else timedelta(seconds=overlap)
    try:
        match value:
            case datetime():
                return value - seconds
            case date():
                return value - timedelta(days=math.ceil(seconds / timedelta(days=1)))
            case _:
                return value - (_BACK if back is None else back)
    except OverflowError:
        return value  # the first day of all, which stands for none
