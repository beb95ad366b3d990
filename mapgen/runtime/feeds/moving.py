"""How far a feed is, moved back: what was changed since a moment is read again."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from mapgen.agreed.feeds import ErpFeed, Feed, HttpFeed, InquiryFeed, SqlFeed, TapFeed
from mapgen.runtime.feeds.erp import Polled
from mapgen.runtime.feeds.http import Listed, place_of
from mapgen.runtime.feeds.kind import Cursor
from mapgen.runtime.feeds.looking_back import Place, begun, moment_of, utc
from mapgen.runtime.feeds.sql import Reached

_State = Reached | Listed | Polled
_Moving = ErpFeed | InquiryFeed | SqlFeed | HttpFeed | TapFeed


class Moved(Struct, frozen=True):
    """Where a feed was, and is after it, in words; its cursor is None where it begins anew."""

    was: str
    to: str
    cursor: Cursor | None


class Unmoved(Exception):
    """A feed that cannot be moved back to there; the message says why."""


def moved(feed: Feed, cursor: Cursor | None, to: Place | None) -> Moved:
    """Return how far a feed is that reads again from `to` on, None for its beginning.

    A moment without an offset is as the source writes it, in UTC where that has offsets. Raises
    Unmoved where nothing would be read again by it.
    """
    if not isinstance(feed, _Moving):
        raise Unmoved("takes what comes, and asks for nothing: have it sent again")
    if _reads_all(feed):
        raise Unmoved("reads all each time")
    if cursor is None:
        raise Unmoved("begins with all that is there: it has not read anything yet")
    if isinstance(feed, TapFeed):
        if to is not None:
            raise Unmoved("is where its tap says, in words of its own: `--from start` begins anew")
        return Moved("where its tap said", "", None)
    state = _state(feed, cursor)
    was = state.at if isinstance(state, Reached) else state.since
    if was is None:
        raise Unmoved("is amid its first poll, which reads all")
    if to is None:
        return Moved(str(was), "", None)
    at = _as(to, _place(state, was))
    words = _as_text(at, str(was))
    return Moved(str(was), words, msgspec.json.encode(_at(state, words)).decode())


def _reads_all(feed: _Moving) -> bool:
    match feed:
        case ErpFeed():
            return feed.changed is None
        case TapFeed():
            return False
        case _:
            return feed.cursor is None


def _state(feed: ErpFeed | InquiryFeed | SqlFeed | HttpFeed, cursor: Cursor) -> _State:
    match feed:
        case ErpFeed() | InquiryFeed():
            return msgspec.json.decode(cursor, type=Polled)
        case SqlFeed():
            return msgspec.json.decode(cursor, type=Reached)
        case HttpFeed():
            return msgspec.json.decode(cursor, type=Listed)


def _place(state: _State, was: str | int) -> Place:
    """Return where a feed is."""
    match state:
        case Polled():
            return utc(moment_of(str(was)))
        case Reached(kind="text") | Listed():
            return place_of(was)
        case Reached():
            value = state.value
            assert not isinstance(value, str)
            return value


def _at(state: _State, words: str) -> _State:
    """Return the state of a feed that has come to its end there."""
    match state:
        case Polled():
            return Polled(words)
        case Reached():
            return Reached(state.kind, words)
        case Listed():
            return Listed(int(words) if isinstance(state.since, int) else words)


def _as(to: Place, reached: Place) -> Place:
    """Return where to go in the form of where a feed is. Raises Unmoved for what is not behind."""
    if isinstance(reached, date) != isinstance(to, date):
        wanted = "a moment" if isinstance(reached, date) else "a number"
        raise Unmoved(f"is at {reached}: give {wanted}")
    if isinstance(to, date) and isinstance(reached, date):
        day = _as_date(to, reached)
        at: Place = day
        is_behind = utc(begun(day)) < utc(begun(reached))
    else:
        at = to
        is_behind = _number(at) < _number(reached)
    if not is_behind:
        raise Unmoved(f"is at {reached}, which is not after that: nothing is read again")
    return at


def _as_date(to: date, reached: date) -> date:
    if not isinstance(reached, datetime):
        return to.date() if isinstance(to, datetime) else to
    moment = begun(to)
    if reached.tzinfo is not None:
        return utc(moment)
    return moment if moment.tzinfo is None else utc(moment).replace(tzinfo=None)


def _number(value: Place) -> Decimal:
    assert isinstance(value, int | Decimal | float)
    return Decimal(value)


def _as_text(at: Place, was: str) -> str:
    """Return a place as the source writes it, whose texts may be compared as such."""
    if not isinstance(at, datetime):
        return str(at)
    words = at.isoformat(was[10:11] or "T")
    return words if len(was) > 10 else words[:10]
