"""How far a poll looks back behind the latest that was seen: what is committed late is older."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal

_OVERLAP, _BACK = timedelta(minutes=10), 100

Place = datetime | date | int | Decimal | float


class Unfit(Exception):
    """A value or a column of which no feed can be made: why, and what to do."""

    def __init__(self, why: str, help: str) -> None:
        super().__init__(why)
        self.help = help


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
