"""Feeds of a database against SQLite and PostgreSQL: what changed is read, digit for digit."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError

from mapgen.agreed.feeds import SqlFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.feeds.kind import Ways
from mapgen.runtime.feeds.sql import QueriedRows, _reason
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.servers import emptied
from tests.runtime_delivery.stand_in import standing_in

QUERY = "SELECT number, total, changed_at FROM shop_orders"
FEED = SqlFeed("shop", QUERY, "changed_at", overlap=60.0)
TABLE = "CREATE TABLE shop_orders (number INTEGER, total NUMERIC, changed_at TIMESTAMP)"


def change(address: str, *statements: str) -> None:
    """Write into the shop's database, as the shop does."""
    engine = create_engine(address)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def order(number: int, moment: str | None, total: str = "1.10") -> str:
    at = "NULL" if moment is None else f"'2026-11-30 {moment}'"
    return f"INSERT INTO shop_orders VALUES ({number}, {total}, {at})"


def rows_of(
    address: str, cursor: str | None = None, feed: SqlFeed = FEED
) -> tuple[list[list[dict[str, object]]], str | None]:
    """Read what one poll has: the rows of its pages, and where it ends."""
    pages = []
    opened = QueriedRows(feed, address, Path(), threading.Event())
    for page in opened.pages(cursor, Ways()):
        lines = page.stream.read().splitlines()
        pages.append([json.loads(line, parse_float=Decimal) for line in lines])
        cursor = page.cursor
    return pages, cursor


def numbers(pages: Sequence[Sequence[dict[str, object]]]) -> list[object]:
    return [row["number"] for page in pages for row in page]


def test_a_poll_has_what_was_changed(address: str) -> None:
    """The first reads all in order, each later one what came since, and the overlap again.

    A row that was committed late is in the overlap; one of which nobody knows when it was changed
    is read each time.
    """
    change(address, TABLE, order(2, "09:10:00"), order(1, "09:00:00"), order(3, None))
    first, cursor = rows_of(address)
    assert sorted(numbers(first)) == [1, 2, 3]
    change(address, order(4, "09:09:30"), order(5, "09:20:00"), order(6, "09:08:00"))

    later, cursor = rows_of(address, cursor)
    assert sorted(numbers(later)) == [2, 3, 4, 5]
    assert sorted(numbers(rows_of(address, cursor)[0])) == [3, 5]


def test_pages_lead_on(address: str) -> None:
    """A poll that broke off goes on behind its last page, and never further back than before."""
    many = ", ".join(f"({at}, {at}.50, '2026-11-30 1{at // 500}:00:00')" for at in range(1, 1201))
    change(address, TABLE, f"INSERT INTO shop_orders VALUES {many}")
    feed = QueriedRows(FEED, address, Path(), threading.Event())
    page = next(feed.pages(None, Ways()))
    assert len(page.stream.read().splitlines()) == 500

    rest, cursor = rows_of(address, page.cursor)
    assert set(numbers(rest)) == set(range(500 if "11:" in str(page.cursor) else 1, 1201))
    # A page that lies in the overlap alone does not lead back.
    wide = SqlFeed("shop", QUERY, "changed_at", overlap=86400.0)
    cursors = [
        page.cursor
        for page in QueriedRows(wide, address, Path(), threading.Event()).pages(cursor, Ways())
    ]
    assert cursors == [cursor] * 3


def test_numbers_that_grow(address: str) -> None:
    """A column of numbers looks back by a number; the database is only ever read."""
    many = ", ".join(f"({at}, 1, NULL)" for at in range(1, 301))
    change(address, TABLE, f"INSERT INTO shop_orders VALUES {many}")
    feed = SqlFeed("shop", QUERY, "number", back=5)
    first, cursor = rows_of(address, None, feed)
    change(address, order(301, None))
    assert (len(numbers(first)), numbers(rows_of(address, cursor, feed)[0])) == (
        300,
        [*range(295, 302)],
    )
    unsaid = SqlFeed("shop", QUERY, "number")
    assert len(numbers(rows_of(address, cursor, unsaid)[0])) == 102


def test_all_rows_each_time(address: str) -> None:
    """Without a column that says what changed, all rows come; colons and signs are the query's."""
    change(address, TABLE, order(1, "09:00:00"), order(2, "09:00:00"))
    query = (
        "SELECT number, ':number %s' AS words, '%' || 'x' AS sign FROM shop_orders"
        " WHERE ':a' <> '%(b)s' -- the end"
    )
    pages, cursor = rows_of(address, None, SqlFeed("shop", query))
    assert (numbers(pages), pages[0][0]["words"], pages[0][0]["sign"]) == (
        [1, 2],
        ":number %s",
        "%x",
    )
    assert cursor is None


def test_digit_for_digit(exact: str) -> None:
    """Numbers, JSON, days, moments and bytes of PostgreSQL are what they are there."""
    [[row]], cursor = rows_of(exact, None, SqlFeed("shop", "SELECT * FROM exact", "at"))
    assert (row["number"], str(row["number"])) == (
        Decimal("1234567890123001.10"),
        "1234567890123001.10",
    )
    held = row["held"]
    assert isinstance(held, dict)
    assert str(held["price"]) == "1234567890123001.10"
    assert row["written"] == {"a": [Decimal("0.10"), 12345678901234567890123]}
    assert row["day"] == "2026-02-28"
    assert row["at"] == "2026-03-01T09:00:00.123456Z"
    assert (row["flag"], row["none"], row["bytes"]) == (True, None, "AP8=")
    assert (row["nan"], row["prices"]) == ("NaN", [Decimal("1.50"), Decimal("2.0")])
    assert row["uuid"] == "00000000-0000-0000-0000-00000000000a"
    assert len(rows_of(exact, cursor, SqlFeed("shop", "SELECT * FROM exact", "at"))[0]) == 1


@pytest.fixture
def exact(postgresql: URL) -> str:
    """A table with a column of each type."""
    found = emptied(postgresql)
    change(
        found,
        "CREATE TABLE exact AS SELECT 1234567890123001.10::numeric AS number,"
        """ '{"price": 1234567890123001.10}'::jsonb AS held,"""
        """ E'{"a":\\n [0.10, 12345678901234567890123]}'::json AS written,"""
        " DATE '2026-02-28' AS day, TIMESTAMPTZ '2026-03-01 10:00:00.123456+01' AS at,"
        " true AS flag, NULL::text AS none, '\\x00ff'::bytea AS bytes, 'NaN'::numeric AS nan,"
        " ARRAY[1.50, 2.0]::numeric[] AS prices,"
        " '00000000-0000-0000-0000-00000000000a'::uuid AS uuid",
    )
    return found


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        pytest.param(SqlFeed("shop", "SELECT nowhere FROM shop_orders"), "nowhere", id="query"),
        pytest.param(SqlFeed("shop", QUERY, "changed"), "changed", id="no such column"),
        pytest.param(
            SqlFeed("shop", "SELECT 'Ann' AS name FROM shop_orders", "name"),
            "`name` holds neither moments nor numbers",
            id="no moment",
        ),
        pytest.param(
            SqlFeed("shop", f"{QUERY}; DELETE FROM shop_orders"), "does not take", id="two"
        ),
        pytest.param(
            SqlFeed("shop", "SELECT 1 AS a, number, number FROM shop_orders"),
            "several columns",
            id="names twice",
        ),
    ],
)
def test_what_is_wrong(feed: SqlFeed, words: str, address: str) -> None:
    """It stops the feed in words of what it is about, and none of a record."""
    change(address, TABLE, order(1, "09:00:00"))
    with pytest.raises(FeedFailed, match=words) as failed:
        rows_of(address, None, feed)
    assert "Ann" not in failed.value.message
    assert len(numbers(rows_of(address)[0])) == 1


def test_an_overlap_of_another_kind(address: str) -> None:
    """Where the column holds moments a number says nothing, and is not skipped."""
    change(address, TABLE, order(1, "09:00:00"))
    feed = SqlFeed("shop", QUERY, "changed_at", back=5)
    _, cursor = rows_of(address, None, feed)
    with pytest.raises(FeedFailed, match="asks for a duration"):
        rows_of(address, cursor, feed)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        pytest.param("sqlite:///gone.db", "cannot be reached", id="no file"),
        pytest.param("postgresql://u:s3cret@127.0.0.1:9/d", "cannot be reached", id="no server"),
        pytest.param("oracle+none://u:s3cret@h/d", "driver", id="no driver"),
        pytest.param("s3cret", "address", id="no address"),
    ],
)
def test_nothing_to_reach(address: str, words: str, tmp_path: Path) -> None:
    """It is said in words, without the password; no file is made."""
    feed = QueriedRows(FEED, address, tmp_path, threading.Event())
    with pytest.raises(FeedFailed, match=words) as failed:
        list(feed.pages(None, Ways()))
    assert "s3cret" not in failed.value.message + failed.value.help + repr(feed)
    assert not list(tmp_path.iterdir())


def test_words_of_a_driver_that_nobody_knows() -> None:
    """They may hold the address: what kind of failure it is, is all that is said."""
    words = Exception("cannot connect with PWD=s3cret")

    assert _reason(DBAPIError("", {}, words)) == "Exception"


def test_killed_amid_a_poll(tmp_path: Path) -> None:
    """Killed with SIGKILL again and again while it reads, each row has become an order once."""
    shop, count = f"sqlite:///{tmp_path}/shop.db", 120
    many = ", ".join(
        f"({at}, 1, '2026-11-30 09:{at // 60:02}:{at % 60:02}')" for at in range(1, count + 1)
    )
    change(shop, TABLE, f"INSERT INTO shop_orders VALUES {many}")
    ledger = f"sqlite:///{tmp_path}/l.db"
    with standing_in() as tenant:
        for at in range(2):
            child = start(tenant.url, ledger, count, "sql", shop)
            deadline = time.monotonic() + 300
            while child.is_running and time.monotonic() < deadline:
                if len(tenant.identities) > at * 50:
                    break
                time.sleep(0.02)
            child.kill()
        start(tenant.url, ledger, count, "sql", shop).finish()

        assert tenant.identities == sorted(f"{at}-shop" for at in range(1, count + 1))
