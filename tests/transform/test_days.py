"""A day is the same on every machine, and it is that of its zone: whatever `TZ` says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.agreed.plan import Shape
from mapgen.expression.refinements import zone_error
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.entity import unwrapped
from mapgen.runtime.testing import FlowUnderTest
from mapgen.runtime.values import ENCODER, DateValue
from mapgen.runtime.zones import zone_of
from tests.depth import examples

MACHINES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Asia/Kathmandu")
ZONE = ZoneInfo("America/New_York")  # `settings.order_zone` of the examples
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Both ends of the calendar are two days away: there the day of a zone may not exist.
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)


@contextmanager
def _machine_in(zone: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@given(moment=MOMENTS)
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_day_of_an_instant(moment: datetime, flow: FlowUnderTest, order: Any) -> None:
    """What goes out for a day is that of the zone in the settings, in the same bytes everywhere."""
    record = ENCODER.encode({**order, "created_at": moment.isoformat()}).decode()
    sent = set()
    for zone in MACHINES:
        with _machine_in(zone):
            outcome = flow.outcome(record)
        assert isinstance(outcome, Document)
        sent.add(outcome.body)

    [document] = sent
    day = moment.astimezone(ZONE).date().isoformat().encode()
    assert b'"Date":{"value":"%s"}' % day in document
    assert b'"RequestedOn":{"value":"%s"}' % day in document


@given(day=st.dates(), offset=OFFSETS, machine=st.sampled_from(MACHINES))
def test_a_day_of_the_erp(day: Any, offset: timezone, machine: str) -> None:
    """A day comes back as the day that was sent, whatever offset the ERP writes with it."""
    answered = datetime(day.year, day.month, day.day, tzinfo=offset).isoformat()
    with _machine_in(machine):
        sent = ENCODER.encode(DateValue(day))
        found = unwrapped({"Date": {"value": answered}}, Shape(dates=("Date",)))

    assert found == {"Date": day.isoformat()}
    assert sent == b'{"value":"%s"}' % day.isoformat().encode()


@pytest.mark.parametrize("name", ["localtime", "Factory", "right/Europe/Berlin", "posix/UTC"])
def test_a_zone_of_the_machine(name: str) -> None:
    """A name that means another time elsewhere is none, so no day depends on the machine."""
    with pytest.raises(ValueError, match="another machine"):
        zone_of(name)
    assert zone_error(name) is not None


@pytest.mark.parametrize("name", ["", ".", "Europe", "../UTC", "Mars/Olympus", "UTC ", "U\0TC"])
def test_no_zone(name: str) -> None:
    """A name that the time zone database does not have is reported, whatever it looks like."""
    with pytest.raises(ValueError, match="no such name"):
        zone_of(name)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_moment_goes_out_with_its_offset(machine: str) -> None:
    """What is a moment stays one, whatever the clock of the machine shows."""
    moment = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    with _machine_in(machine):
        assert ENCODER.encode({"at": moment}) == b'{"at":"2026-01-31T23:30:00Z"}'
