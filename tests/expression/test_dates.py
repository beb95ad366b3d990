"""Dates and times in texts: what each format reads and writes, what it refuses."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.expression.patterns import format_error
from mapgen.runtime.dates import DATE_LETTERS, TIME_LETTERS, DateFormat

NEW_YORK = ZoneInfo("America/New_York")
MARCH = date(2026, 3, 7)
AT_THREE = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("M/d/yyyy", "3/7/2026"),
        ("M/d/yyyy", "03/07/2026"),
        ("d MMM yyyy", "7 Mar 2026"),
        ("d MMM yyyy", "7 mar 2026"),
        ("dd-MMM-yy", "07-MAR-26"),
        ("MMMM d, yyyy", "March 7, 2026"),
        ("EEE, d MMM yyyy", "Sat, 7 Mar 2026"),
        ("EEEE d.M.yy", "SATURDAY 7.3.26"),
        ("yyyyMMdd", "20260307"),
        ("'d'd'''M'''M yyyy", "d7'M'3 2026"),
    ],
)
def test_date_is_read(words: str, text: str) -> None:
    """A text of the format is its date."""
    assert DateFormat(words).read_date(text) == MARCH


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("MM/dd/yyyy hh:mm a", "03/07/2026 10:00 AM"),
        ("M/d/yy h:mm a", "3/7/26 10:00 am"),
        ("yyyy-MM-dd HH:mm:ss Z", "2026-03-07 20:30:00 +0530"),
        ("yyyy-MM-dd HH:mm:ss.SSS XXX", "2026-03-07 15:00:00.000 Z"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSSSSSXXX", "2026-03-07T10:00:00.0000009-05:00"),
        ("yyyy-MM-dd HH:mm:ssX", "2026-03-07 15:00:00+00"),
        ("yyyyMMdd'T'HHmmssXX", "20260307T150000Z"),
        ("EEE MMM dd HH:mm:ss z yyyy", "Sat Mar 07 16:00:00 CET 2026"),
        ("EEE MMM d HH:mm:ss yyyy", "Sat Mar 7 10:00:00 2026"),
        ("rfc2822", "Sat, 07 Mar 2026 10:00:00 -0500"),
        ("rfc2822", "7 Mar 2026 15:00 GMT"),
        ("rfc2822", "Sat,7  mar 26 07:00:00 PST (Pacific)"),
        ("rfc2822", "Sat, 07 Mar 126 15:00:00 -0000"),
        ("epochSeconds", "1772895600"),
        ("epochSeconds", "1772895600.0000009"),
        ("epochMillis", "1772895600000"),
    ],
)
def test_instant_is_read(words: str, text: str) -> None:
    """A text of the format is its instant; New York's clock counts where it has no offset."""
    assert DateFormat(words).read_instant(text, NEW_YORK) == AT_THREE


@pytest.mark.parametrize(
    ("words", "text", "reason"),
    [
        ("dd.MM.yyyy", "7.3.2026", "does not match"),
        ("d.M.yyyy", "7.3.2026 ", "does not match"),
        ("d.M.yyyy", "٧.3.2026", "does not match"),
        ("d.M.yyyy", "7.3.2026\n", "does not match"),
        ("d MMM yyyy", "7 Mär 2026", "does not match"),
        ("dd.MM.yyyy", "31.02.2026", "no such day"),
        ("yyyy-MM-dd", "0000-01-01", "no such day"),
        ("EEE, d MMM yyyy", "Sun, 7 Mar 2026", "another day of the week"),
        ("yyyy-MM-dd HH:mm", "2026-03-07 24:00", "no such time"),
        ("yyyy-MM-dd hh:mm a", "2026-03-07 13:00 PM", "no such time"),
        ("yyyy-MM-dd hh:mm a", "2026-03-07 00:00 AM", "no such time"),
        ("yyyy-MM-dd HH:mm Z", "2026-03-07 10:00 +9900", "no such offset"),
        ("yyyy-MM-dd HH:mm Z", "2026-03-07 10:00 +0199", "no such offset"),
        ("yyyy-MM-dd HH:mm Z", "0001-01-01 00:00 +0100", "beyond the calendar"),
        ("rfc2822", "Sat, 07 Mar 2026 10:00:00 A", "does not match"),
        ("rfc2822", "Sat, 07 Mar 2026 10:00:00 IST", "does not match"),
        ("epochMillis", "999999999999999", "beyond the calendar"),
        ("epochSeconds", "1e9", "does not match"),
    ],
)
def test_other_texts_are_none(words: str, text: str, reason: str) -> None:
    """A text that is none is refused; the message has the format, and nothing of the text."""
    format = DateFormat(words)
    with pytest.raises(ValueError, match=reason) as caught:
        format.read_instant(text, UTC) if format.has_time else format.read_date(text)
    assert f"`{words}`" in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [
        ("date_pattern", "YYYY-mm", "`YYYY` has no meaning: write `yyyy`"),
        ("date_pattern", "yyyy-bb", "`bb` has no meaning; known are"),
        ("date_pattern", "yyyy HH", "asks for a time"),
        ("date_pattern", "rfc2822", "asks for a time"),
        ("date_pattern", "epochMillis", "asks for a time"),
        ("date_pattern", "--", "it has none of"),
        ("date_pattern", "", "it has none of"),
        ("date_pattern", "yyyy 'x", "a quote in it is not closed"),
        ("date_pattern", "dMyyyy", "`d` is one digit or two"),
        ("date_pattern", "d1", "`d` is one digit or two"),
        ("date_reading_pattern", "dd.MM", "it has no year"),
        ("date_reading_pattern", "dd yyyy", "a day and no month"),
        ("date_reading_pattern", "dd.MM.yyyy MMM", "`MMM` says once more"),
        ("time_reading_pattern", "yyyy-MM-dd hh:mm", "only go together"),
        ("time_reading_pattern", "yyyy-MM-dd HH:mm a", "only go together"),
        ("time_reading_pattern", "yyyy-MM-dd HH hh a", "the hour twice"),
        ("time_reading_pattern", "yyyy-mm-dd", "a day and no month"),
        ("time_reading_pattern", "yyyy-MM-dd mm", "without an hour"),
        ("time_reading_pattern", "yyyy-MM HH", "an hour and no day"),
        ("instant_reading_pattern", "yyyy-MM-dd HH:mm", "name the zone"),
    ],
)
def test_format_is_refused(kind: str, words: str, reason: str) -> None:
    """A format that says nothing, or too little, is refused with the reason."""
    assert reason in str(format_error(kind, words))


def test_formats_are_accepted() -> None:
    """What is only written may say less, or the same twice."""
    assert format_error("date_pattern", "dd.MM") is None
    assert format_error("date_pattern", "MMM MM") is None
    assert format_error("date_reading_pattern", "MM/yyyy") is None
    assert format_error("instant_reading_pattern", "rfc2822") is None
    assert format_error("instant_reading_pattern", "epochSeconds") is None


moments = st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
seams = st.sampled_from([" ", "-", "/", "'T'", "''", ".", "(", "\\"])


@st.composite
def formats(draw: st.DrawFn, letters: tuple[str, ...], needed: tuple[str, ...]) -> str:
    """Return a format of such letters that reads: each part once, the needed ones among them."""
    chosen = {}
    for word in draw(st.permutations(letters)):
        chosen.setdefault(DateFormat(word).roles, word)
    roles = [frozenset({role}) for role in needed]
    words = [chosen[role] for role in draw(st.permutations(roles)) if role in chosen]
    return draw(seams).join(words)


@given(day=st.dates(date(1970, 1, 1), date(2068, 12, 31)), data=st.data())
def test_dates_come_back(day: date, data: st.DataObject) -> None:
    """What a format of the three parts writes, it reads, whatever its letters."""
    words = data.draw(formats(DATE_LETTERS, ("year", "month", "day", "weekday")))
    assert DateFormat(words).read_date(DateFormat(words).write(day)) == day


@given(moment=moments, east=offsets, data=st.data())
def test_instants_come_back(moment: datetime, east: timezone, data: st.DataObject) -> None:
    """What a format of an instant writes, it reads, whatever its letters."""
    letters = tuple(word for word in TIME_LETTERS if word not in ("yy", "h", "hh", "SSS"))
    roles = ("year", "month", "day", "weekday", "hour", "minute", "second", "offset")
    format = DateFormat(data.draw(formats(letters, roles)))
    instant = moment.replace(tzinfo=east, microsecond=0)
    assert format.read_instant(format.write(instant)) == instant


@given(moment=moments, east=offsets)
def test_mail_agrees_with_the_library(moment: datetime, east: timezone) -> None:
    """Dates of mail are read and written as the standard library has them."""
    instant, format = moment.replace(tzinfo=east, microsecond=0), DateFormat("rfc2822")
    assert format.write(instant) == format_datetime(instant)
    assert format.read_instant(format_datetime(instant)) == parsedate_to_datetime(
        format_datetime(instant)
    )


@given(moment=moments)
def test_twelve_hours_agree_with_the_library(moment: datetime) -> None:
    """Hours of twelve are those of `%I %p`."""
    format = DateFormat("yyyy-MM-dd hh:mm:ss a")
    assert format.write(moment) == moment.strftime("%Y-%m-%d %I:%M:%S %p")
    assert format.read_instant(format.write(moment), UTC) == moment.replace(
        microsecond=0, tzinfo=UTC
    )


@given(moment=moments)
def test_epochs_come_back(moment: datetime) -> None:
    """Milliseconds since 1970 come back, before it, too."""
    instant, format = moment.replace(tzinfo=UTC), DateFormat("epochMillis")
    whole = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert format.read_instant(format.write(instant)) == whole
    seconds = f"{int(format.write(whole)) / 1000:.3f}"
    assert DateFormat("epochSeconds").read_instant(seconds) == whole


@given(words=st.text(st.sampled_from("yMdEHhmsaSZXz'-. 1()[\\"), max_size=12), text=st.text())
def test_any_format_is_one_or_is_refused(words: str, text: str) -> None:
    """Whatever the words and the text: there is no other error than a reason."""
    with suppress(ValueError):
        format = DateFormat(words)
        assert format.write(AT_THREE)
        if format.reading_error() is None:
            format.read_instant(text, UTC)


def test_names_of_zones_that_are_of_another_zone_are_not_written() -> None:
    """`CST` is not written for Shanghai's clock, which would be read as Chicago's."""
    format = DateFormat("z")
    assert format.write(AT_THREE.astimezone(ZoneInfo("Asia/Shanghai"))) == "+0800"
    assert format.write(AT_THREE.astimezone(ZoneInfo("America/Chicago"))) == "CST"
