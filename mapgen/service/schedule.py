"""When a flow is started: a schedule as specs write it, and the moments that it means."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from croniter import croniter
from msgspec import Struct

from mapgen.durations import DAY, HOUR, MINUTE

_PLACE = re.compile(r"(?P<when>.*?)(?:, after (?P<after>[a-z][a-z0-9_]*))?")
_EVERY = re.compile(r"every (?:(?P<count>[1-9]\d*) )?(?P<unit>minute|hour|day)s?")
_AT = re.compile(r"(?P<day>.*) at (?P<hour>\d\d):(?P<minute>\d\d)")
_MONTHLY = re.compile(r"monthly on (\d+)")
_UNITS = {"minute": int(MINUTE), "hour": int(HOUR), "day": int(DAY)}
_EPOCH = datetime(1970, 1, 1)


class Schedule(Struct, frozen=True):
    """Moments, by the clock on the wall of the machine: every so often, or at times of day.

    `seconds` are counted from midnight, so that `every 15 minutes` is at :00, :15, :30, :45; `cron`
    is five fields. With neither, nothing is started. Each start waits for that of the flow `after`.
    """

    seconds: int | None = None
    cron: str | None = None
    after: str | None = None

    def next(self, now: datetime) -> datetime | None:
        """Return the first moment behind `now`, which has no zone; None for none."""
        if self.seconds is not None:
            passed = int((now - _EPOCH).total_seconds())
            return _EPOCH + timedelta(seconds=passed - passed % self.seconds + self.seconds)
        if self.cron is not None:
            found: datetime = croniter(self.cron, now).get_next(datetime)
            return found
        return None


def schedule_of(words: str | None) -> Schedule:
    """Return the schedule that a spec writes, one without moments for None and `on demand`.

    Raises ValueError for what no spec has.
    """
    if words is None:
        return Schedule()
    found = _PLACE.fullmatch(words)
    assert found is not None, "each text has this form"
    when, after = found["when"], found["after"]
    if when == "on demand":
        return Schedule(after=after)
    if when.startswith("cron "):
        return Schedule(cron=when.removeprefix("cron "), after=after)
    if every := _EVERY.fullmatch(when):
        return Schedule(int(every["count"] or 1) * _UNITS[every["unit"]], after=after)
    if at := _AT.fullmatch(when):
        days = _cron_days(at["day"])
        return Schedule(cron=f"{int(at['minute'])} {int(at['hour'])} {days}", after=after)
    raise ValueError(words)


def _cron_days(day: str) -> str:
    """Return the last three fields of cron for what is in front of a time of day."""
    if day == "daily":
        return "* * *"
    if monthly := _MONTHLY.fullmatch(day):
        return f"{monthly[1]} * *"
    return f"* * {day.removeprefix('every ')[:3]}"
