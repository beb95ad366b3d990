"""How far a feed is, moved back: only ever back, and in the form that the source has."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mapgen.agreed.feeds import ErpFeed, Feed, FilesFeed, HttpFeed, SqlFeed, TapFeed
from mapgen.runtime.feeds.looking_back import Place
from mapgen.runtime.feeds.moving import Unmoved, moved

SQL = SqlFeed("shop", "SELECT 1", "at")
HTTP = HttpFeed("shop", "/orders", cursor="at", since="since")
ERP = ErpFeed("LastModified")
NINE = datetime(2026, 11, 30, 9, tzinfo=UTC)
SECOND = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("feed", "cursor", "to", "expected"),
    [
        (ERP, '{"since":"2026-11-30T10:00:00.5"}', NINE, '{"since":"2026-11-30T09:00:00+00:00"}'),
        (
            ERP,
            '{"since":"2026-11-30T10:00:00","seen":"2026-12-01T00:00:00","after":["A"]}',
            date(2026, 11, 30),
            '{"since":"2026-11-30T00:00:00+00:00"}',
        ),
        (
            SQL,
            '{"kind":"moment","at":"2026-11-30T12:00:00"}',
            datetime(2026, 11, 30, 11),
            '{"kind":"moment","at":"2026-11-30T11:00:00"}',
        ),
        (
            SQL,
            '{"kind":"text","at":"2026-11-30 12:00:00"}',
            NINE,
            '{"kind":"text","at":"2026-11-30 09:00:00"}',
        ),
        (SQL, '{"kind":"day","at":"2026-11-30"}', SECOND, '{"kind":"day","at":"2026-11-02"}'),
        (SQL, '{"kind":"decimal","at":"120.5"}', 100, '{"kind":"decimal","at":"100"}'),
        (HTTP, '{"since":"2026-11-30T10:00:00Z"}', NINE, '{"since":"2026-11-30T09:00:00+00:00"}'),
        (HTTP, '{"since":1700000000,"next":"x"}', 1600000000, '{"since":1600000000}'),
        (HTTP, '{"since":"2026-11-30"}', NINE.replace(day=1), '{"since":"2026-11-01"}'),
        (SQL, '{"kind":"whole","at":"7"}', None, None),
        (TapFeed(("tap",), "orders"), "{}", None, None),
    ],
)  # fmt: skip
def test_back(feed: Feed, cursor: str, to: Place | None, expected: str | None) -> None:
    """A feed that is moved back has come to its end there, whatever it was amid."""
    assert moved(feed, cursor, to).cursor == expected


@pytest.mark.parametrize(
    ("feed", "cursor", "to", "words"),
    [
        (ERP, '{"since":"2026-11-30T09:00:00"}', NINE, "not after that"),
        (SQL, '{"kind":"whole","at":"7"}', 8, "not after that"),
        (SQL, '{"kind":"whole","at":"7"}', NINE, "give a number"),
        (HTTP, '{"since":"2026-11-30"}', 8, "give a moment"),
        (HTTP, '{"seen":"2026-11-30","next":"x"}', NINE, "first poll"),
        (ERP, None, NINE, "begins with all"),
        (ErpFeed(), "{}", NINE, "reads all"),
        (TapFeed(("tap",), "orders"), "{}", NINE, "--from start"),
        (FilesFeed("in"), None, None, "sent again"),
    ],
)
def test_not_back(feed: Feed, cursor: str | None, to: Place | None, words: str) -> None:
    """What would read nothing again, or miss something, is said in words."""
    with pytest.raises(Unmoved, match=words):
        moved(feed, cursor, to)
