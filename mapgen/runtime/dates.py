"""Dates and times in texts, by a format such as `dd.MM.yyyy`: one reader and one writer.

`DateFormat("d MMM yyyy")` is ready to read and to write. The letters are those of Unicode (CLDR);
names of months and weekdays are English. Some formats have a name instead of letters (`NAMED`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct

Role = Literal[
    "year",
    "month",
    "day",
    "weekday",
    "hour",
    "hour12",
    "half",
    "minute",
    "second",
    "fraction",
    "offset",
    "epoch",
]

MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Hours east of UTC: the names of RFC 2822, and those of Europe. Names of several zones (IST, BST)
# are not among them.
ZONES: Mapping[str, int] = {
    **dict.fromkeys(("Z", "UT", "UTC", "GMT", "WET"), 0),
    "EDT": -4,
    "EST": -5,
    "CDT": -5,
    "CST": -6,
    "MDT": -6,
    "MST": -7,
    "PDT": -7,
    "PST": -8,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
}
_MICROSECOND = timedelta(microseconds=1)
_START = datetime(1970, 1, 1, tzinfo=UTC)


class ClockError(ValueError):
    """A local time that a zone's clock skips, or shows twice."""


class Piece(Struct, frozen=True):
    """A part of a format: what it says, which text it matches, how it is read and written.

    `role` is None for a text that stands for itself.
    """

    role: Role | None
    matches: str
    write: Callable[[Any], str]
    read: Callable[[str], int] = int

    @property
    def is_digits(self) -> bool:
        """Whether its text begins with a digit."""
        return self.matches.startswith(r"\d") or self.matches[:1].isdigit()

    @property
    def group(self) -> str:
        """Its part of the regular expression of the format."""
        return self.matches if self.role is None else f"(?P<{self.role}>{self.matches})"


_ONE_OR_TWO = r"\d{1,2}"


def _text(text: str) -> Piece:
    return Piece(None, re.escape(text), lambda _: text)


def _number(role: Role, matches: str, written: str) -> Piece:
    return Piece(role, matches, written.format)


def _names(role: Role, names: tuple[str, ...], at: Callable[[Any], int], first: int) -> Piece:
    known = {name.lower(): number for number, name in enumerate(names, first)}
    matches = f"(?i:{'|'.join(names)})"
    return Piece(role, matches, lambda day: names[at(day)], lambda text: known[text.lower()])


def _short(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[:3] for name in names)


def _year_of_two(text: str) -> int:
    """Return the year of two digits as POSIX reads it: 69 to 99 are 1969 to 1999."""
    return int(text) + (1900 if int(text) > 68 else 2000)


def _hour_of_twelve(moment: datetime) -> int:
    return (moment.hour + 11) % 12 + 1


def _fraction(digits: int) -> Piece:
    def write(moment: datetime) -> str:
        return f"{moment.microsecond:06}000"[:digits]

    return Piece("fraction", rf"\d{{{digits}}}", write, lambda text: int(f"{text[:6]:0<6}"))


def _offset_read(text: str) -> int:
    """Return the minutes east of UTC that `-0500`, `-05:00`, `-05`, `Z` or a zone's name spell."""
    if text[0] not in "+-":
        return ZONES[text.upper()] * 60
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


def _offset_text(moment: datetime, colon: str = "") -> str:
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"


def _offset_or_z(matches: str, colon: str = "", *, is_short: bool = False) -> Piece:
    def write(moment: datetime) -> str:
        text = _offset_text(moment, colon)
        if not moment.utcoffset():
            return "Z"
        return text.removesuffix("00") if is_short else text

    return Piece("offset", f"[Zz]|{matches}", write, _offset_read)


def _zone_text(moment: datetime) -> str:
    """Return the zone's name, the offset where the name could be another zone's."""
    name = moment.tzname() or ""
    is_known = name in ZONES and moment.utcoffset() == timedelta(hours=ZONES[name])
    return name if is_known else _offset_text(moment)


_MONTH_NAME = _names("month", _short(MONTHS), lambda day: day.month - 1, 1)
_WEEKDAY_NAME = _names("weekday", _short(WEEKDAYS), lambda day: day.weekday(), 0)
_ZONE_NAMES = f"(?i:{'|'.join(sorted(ZONES, key=len, reverse=True))})"

_LETTERS: Mapping[str, Piece] = {
    "yyyy": _number("year", r"\d{4}", "{0.year:04}"),
    "yy": Piece("year", r"\d{2}", lambda day: f"{day.year % 100:02}", _year_of_two),
    "M": _number("month", _ONE_OR_TWO, "{0.month}"),
    "MM": _number("month", r"\d{2}", "{0.month:02}"),
    "MMM": _MONTH_NAME,
    "MMMM": _names("month", MONTHS, lambda day: day.month - 1, 1),
    "d": _number("day", _ONE_OR_TWO, "{0.day}"),
    "dd": _number("day", r"\d{2}", "{0.day:02}"),
    "EEE": _WEEKDAY_NAME,
    "EEEE": _names("weekday", WEEKDAYS, lambda day: day.weekday(), 0),
    "H": _number("hour", _ONE_OR_TWO, "{0.hour}"),
    "HH": _number("hour", r"\d{2}", "{0.hour:02}"),
    "h": Piece("hour12", _ONE_OR_TWO, lambda moment: f"{_hour_of_twelve(moment)}"),
    "hh": Piece("hour12", r"\d{2}", lambda moment: f"{_hour_of_twelve(moment):02}"),
    "a": _names("half", ("AM", "PM"), lambda moment: moment.hour // 12, 0),
    "m": _number("minute", _ONE_OR_TWO, "{0.minute}"),
    "mm": _number("minute", r"\d{2}", "{0.minute:02}"),
    "s": _number("second", _ONE_OR_TWO, "{0.second}"),
    "ss": _number("second", r"\d{2}", "{0.second:02}"),
    "SSS": _fraction(3),
    "Z": Piece("offset", r"[+-]\d{4}", _offset_text, _offset_read),
    "XXX": _offset_or_z(r"[+-]\d{2}:\d{2}", ":"),
    "XX": _offset_or_z(r"[+-]\d{4}"),
    "X": _offset_or_z(r"[+-]\d{2}(?:\d{2})?", is_short=True),
    "z": Piece("offset", rf"{_ZONE_NAMES}|[+-]\d{{4}}", _zone_text, _offset_read),
}
DATE_ROLES = frozenset[Role]({"year", "month", "day", "weekday"})
DATE_LETTERS = tuple(word for word, piece in _LETTERS.items() if piece.role in DATE_ROLES)
TIME_LETTERS = tuple(_LETTERS)
_MOST_FRACTION = 9


class _Named(Struct, frozen=True):
    """A format with a name: a regular expression with a group for each role, and its readers."""

    matches: str
    read: Mapping[Role, Callable[[str], int]]
    write: Callable[[Any], str]


def _epoch(unit: int) -> _Named:
    """Return the format of seconds since 1970, a second being so many microseconds, or parts."""

    def read(text: str) -> int:
        whole, _, rest = text.lstrip("+-").partition(".")
        counted = int(whole) * unit + int(f"{rest:0<6}"[:6]) * unit // 1_000_000
        return -counted if text.startswith("-") else counted

    matches = r"(?P<epoch>[+-]?\d{1,15}(?:\.\d{1,9})?)"
    return _Named(
        matches, {"epoch": read}, lambda moment: str((moment - _START) // _MICROSECOND // unit)
    )


def _year_of_mail(text: str) -> int:
    """Return the year of a date of mail, where two digits and three are of the old form."""
    if len(text) > 3:
        return int(text)
    return int(text) + (2000 if len(text) == 2 and int(text) < 50 else 1900)


def _of_mail(moment: datetime) -> str:
    day = f"{_WEEKDAY_NAME.write(moment)}, {moment.day:02} {_MONTH_NAME.write(moment)}"
    return f"{day} {moment.year:04} {moment:%H:%M:%S} {_offset_text(moment)}"


_BLANK, _COMMENT = r"[ \t]+", r"(?:[ \t]*\([^()]*\))?"
NAMED: Mapping[str, _Named] = {
    "rfc2822": _Named(
        rf"(?:(?P<weekday>{_WEEKDAY_NAME.matches})[ \t]*,[ \t]*)?"
        rf"(?P<day>\d{{1,2}}){_BLANK}(?P<month>{_MONTH_NAME.matches}){_BLANK}(?P<year>\d{{2,4}})"
        rf"{_BLANK}(?P<hour>\d{{2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?"
        rf"{_BLANK}(?P<offset>[+-]\d{{4}}|{_ZONE_NAMES}){_COMMENT}",
        {
            "weekday": _WEEKDAY_NAME.read,
            "day": int,
            "month": _MONTH_NAME.read,
            "year": _year_of_mail,
            "hour": int,
            "minute": int,
            "second": int,
            "offset": _offset_read,
        },
        _of_mail,
    ),
    "epochSeconds": _epoch(1_000_000),
    "epochMillis": _epoch(1000),
}
_PIECE = re.compile(r"(?P<letters>([A-Za-z])\2*)|'(?P<quoted>[^']*)'|(?P<other>[^A-Za-z'])")


class DateFormat:
    """A format of dates or times, ready to read and to write.

    `words` is the format as its author wrote it, `roles` what a text says in it.
    """

    __slots__ = ("_match", "_readers", "_twice", "_write", "roles", "words")

    def __init__(self, words: str) -> None:
        """Take a format by its letters or its name. Raises ValueError, in plain words, for none."""
        self.words = words
        self._twice: str | None = None
        named = NAMED.get(words)
        if named is not None:
            self._match = re.compile(named.matches, re.ASCII).fullmatch
            self._readers, self._write = dict(named.read), named.write
        else:
            self._of_letters(_pieces(words))
        self.roles = frozenset[Role](self._readers)

    def _of_letters(self, pieces: Sequence[tuple[str, Piece]]) -> None:
        self._readers = dict[Role, Callable[[str], int]]()
        matches, writers = "", [piece.write for _, piece in pieces]
        for word, piece in pieces:
            if piece.role is None or piece.role not in self._readers:
                matches += piece.group
            else:
                self._twice = word
            if piece.role is not None:
                self._readers.setdefault(piece.role, piece.read)
        self._match = re.compile(matches, re.ASCII).fullmatch
        self._write = lambda value: "".join([write(value) for write in writers])

    @property
    def has_time(self) -> bool:
        """Whether it says more than a date."""
        return not self.roles <= DATE_ROLES

    @property
    def has_zone(self) -> bool:
        """Whether each text says itself how far its clock is from UTC."""
        return not self.roles.isdisjoint(("offset", "epoch"))

    def reading_error(self) -> str | None:
        """Return why no text can be read by it, None where texts can."""
        if self._twice is not None:
            return f"`{self._twice}` says once more what other letters say"
        if "epoch" in self.roles:
            return None
        if "year" not in self.roles:
            return "it has no year (`yyyy`)"
        if "day" in self.roles and "month" not in self.roles:
            return "it has a day and no month (`MM`)"
        if ("hour12" in self.roles) != ("half" in self.roles):
            return "an hour of twelve (`hh`) and AM or PM (`a`) only go together"
        if {"hour", "hour12"} <= self.roles:
            return "it has the hour twice (`HH`, `hh`)"
        if not self.has_time:
            return None
        if {"hour", "hour12"}.isdisjoint(self.roles):
            return "it has a time without an hour (`HH`)"
        return None if "day" in self.roles else "it has an hour and no day (`dd`)"

    def read_date(self, text: str) -> date:
        """Return the date that the text spells, exactly; the first day where it names none.

        Raises ValueError for any other text; the words do not quote it.
        """
        return self._day(self._said(text))

    def read_instant(self, text: str, zone: tzinfo | None = None) -> datetime:
        """Return the instant (UTC) that the text spells.

        Where the text does not say how far its clock is from UTC, it is the clock of the zone.
        Raises ValueError for any other text, ClockError for a time that the clock skips or repeats.
        """
        said = self._said(text)
        try:
            if "epoch" in said:
                return _START + said["epoch"] * _MICROSECOND
            clock = self._clock(said)
            if "offset" in said:
                east = timezone(timedelta(minutes=said["offset"]))
                return clock.replace(tzinfo=east).astimezone(UTC)
            if zone is None:
                raise self._error("the time is of no zone")
            return _at(clock, zone)
        except OverflowError:
            raise self._error("the instant is beyond the calendar") from None

    def write(self, value: date) -> str:
        """Return a date, or an instant as its own clock shows it, as text."""
        return self._write(value)

    def _said(self, text: str) -> dict[Role, int]:
        match = self._match(text)
        if match is None:
            raise ValueError(f"the text does not match the date format `{self.words}`")
        try:
            return {
                role: read(found)
                for role, read in self._readers.items()
                if (found := match[role]) is not None
            }
        except ValueError:
            raise self._error("there is no such offset from UTC") from None

    def _day(self, said: Mapping[Role, int]) -> date:
        try:
            day = date(said["year"], said.get("month", 1), said.get("day", 1))
        except ValueError:
            raise self._error("the calendar has no such day") from None
        if said.get("weekday", day.weekday()) != day.weekday():
            raise self._error("the date is another day of the week")
        return day

    def _clock(self, said: Mapping[Role, int]) -> datetime:
        day, hour = self._day(said), said.get("hour", 0)
        if "hour12" in said:
            if not 1 <= said["hour12"] <= 12:
                raise self._error("there is no such time of day")
            hour = said["hour12"] % 12 + 12 * said["half"]
        try:
            return datetime(
                day.year,
                day.month,
                day.day,
                hour,
                said.get("minute", 0),
                said.get("second", 0),
                said.get("fraction", 0),
            )
        except ValueError:
            raise self._error("there is no such time of day") from None

    def _error(self, reason: str) -> ValueError:
        return ValueError(f"{reason} (date format `{self.words}`)")


def _at(clock: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which a zone's clock shows a time."""
    local = clock.replace(tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != clock:
        raise ClockError("the zone's clock skips this time when it is put forward")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ClockError("the zone's clock shows this time twice when it is put back")
    return instant


def _pieces(words: str) -> Sequence[tuple[str, Piece]]:
    """Return the parts of a format, each with its letters. Raises ValueError for what is none."""
    pieces, at = list[tuple[str, Piece]](), 0
    while at < len(words):
        found = _PIECE.match(words, at)
        if found is None:
            raise ValueError("a quote in it is not closed")
        plain = found["other"] if found["quoted"] is None else found["quoted"] or "'"
        pieces.append((found[0], _text(plain) if plain else _of_word(found[0])))
        at = found.end()
    if all(piece.role is None for _, piece in pieces):
        raise ValueError(f"it has none of {listed(TIME_LETTERS)}")
    for (word, piece), (_, following) in pairwise(pieces):
        if piece.matches == _ONE_OR_TWO and following.is_digits:
            raise ValueError(f"`{word}` is one digit or two, so no digit can follow it")
    return pieces


def _of_word(word: str) -> Piece:
    if word in _LETTERS:
        return _LETTERS[word]
    if set(word) == {"S"} and len(word) <= _MOST_FRACTION:
        return _fraction(len(word))
    meant = next((known for known in _LETTERS if known.lower() == word.lower()), None)
    hint = f": write `{meant}`" if meant is not None else f"; known are {listed(TIME_LETTERS)}"
    raise ValueError(f"`{word}` has no meaning{hint}")


def listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
