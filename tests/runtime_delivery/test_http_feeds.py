"""Feeds of an HTTP API over sockets: what changed is read once, whatever the API answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from mapgen.agreed.feeds import HttpFeed, Pages
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.environment import Api, Limits
from mapgen.runtime.feeds.http import ListedRecords
from mapgen.runtime.feeds.kind import Ways
from mapgen.runtime.network import transport
from mapgen.runtime.network.api import HttpApi
from tests.runtime_delivery.listing import TOKEN, Answer, Listing, listing
from tests.runtime_delivery.orders import plan_of
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.stand_in import standing_in

STYLES = {
    "link": Pages(),
    "cursor": Pages(next="next", parameter="cursor"),
    "address": Pages(next="next"),
    "odata": Pages(next="`@odata.nextLink`"),
    "page": Pages(parameter="page"),
    "offset": Pages(parameter="offset", first=0, is_offset=True),
}


def feed_of(style: str = "link", **how: object) -> HttpFeed:
    chosen = {"records": "data.orders", "cursor": "meta.at", "since": "since", "overlap": 60.0}
    return HttpFeed("shop", "/orders", {"state": "any"}, pages=STYLES[style], **{**chosen, **how})  # type: ignore[arg-type]


@contextmanager
def asking(api: Listing) -> Iterator[Ways]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    place = Api("shop", api.url, headers, Limits(None, 4, 5.0, 10.0))
    stop = threading.Event()
    with HttpApi(place, plan_of(), stop=stop, tell=lambda _: None) as shop:
        yield Ways(None, {"shop": shop})


def poll(api: Listing, feed: HttpFeed, cursor: str | None = None) -> tuple[list[int], str | None]:
    """Read what one poll has: the numbers of the orders, and where it ends."""
    found: list[int] = []
    with asking(api) as ways:
        for page in ListedRecords(feed).pages(cursor, ways):
            rows = json.loads(page.stream.read(), parse_float=Decimal)
            assert all(str(row["total"]) == "1234567890123001.10" for row in rows)
            found += [row["number"] for row in rows]
            cursor = page.cursor
    return found, cursor


def at(number: int) -> str:
    return f"2026-11-30T09:{number:02}:00Z"


@pytest.mark.parametrize("style", STYLES)
def test_pages_of_each_kind(style: str) -> None:
    """All pages are read, in each way in which they follow; later ones have what came since."""
    with listing(style=style) as api:
        for number in range(1, 9):
            api.put(number, at(number))
        found, cursor = poll(api, feed_of(style))
        assert found == list(range(1, 9))
        assert all(one["state"] == "any" for one in api.asked)
        assert set(api.tokens) == {f"Bearer {TOKEN}"}

        api.put(3, at(30))
        later, cursor = poll(api, feed_of(style), cursor)
        assert (later, api.asked[-1]["since"]) == ([7, 8, 3], at(7))
        assert poll(api, feed_of(style), cursor)[0] == [3]


def test_a_poll_that_broke_off_goes_on() -> None:
    """It goes on at its next page, and anew where that is not there any more."""
    with listing() as api, asking(api) as ways:
        for number in range(1, 9):
            api.put(number, at(number))
        page = next(ListedRecords(feed_of()).pages(None, ways))
        assert poll(api, feed_of(), page.cursor)[0] == [4, 5, 6, 7, 8]

        api.instead = lambda nth, asked: (400, b"{}", {}) if nth == 0 else None
        api.asked.clear()
        again = poll(api, feed_of(), page.cursor)[0]
        assert again == [*range(1, 9)]


def test_what_is_changed_while_pages_are_read() -> None:
    """The next poll asks from before the first page, by the clock of the API."""
    with listing() as api:
        api.put(1, "2026-11-30T23:30:00Z")
        _, cursor = poll(api, feed_of())
        poll(api, feed_of(), cursor)
        assert api.asked[-1]["since"] == "2026-11-30T22:59:00Z"


def test_numbers_days_and_all() -> None:
    """A member may be a number or a day; without one, all is read each time."""
    with listing() as api:
        api.put(1, 1700000000)
        _, cursor = poll(api, feed_of(overlap=None, back=500))
        poll(api, feed_of(overlap=None, back=500), cursor)
        assert api.asked[-1]["since"] == "1699999500"
        api.put(1, "2026-11-20")
        _, cursor = poll(api, feed_of())
        poll(api, feed_of(), cursor)
        assert api.asked[-1]["since"] == "2026-11-19"
        whole = feed_of(cursor=None, since=None, overlap=None)
        assert poll(api, whole, poll(api, whole)[1])[0] == [1]
        assert "since" not in api.asked[-1]


def test_what_may_pass() -> None:
    """A limit, a proxy's page, a lost answer: it is asked again."""
    answers: list[Answer] = [
        (429, b"{}", {"Retry-After": "0"}),
        (200, b"<html>so sorry</html>", {}),
        (503, b"<html></html>", {}),
    ]
    with listing() as api:
        api.put(1, at(1))
        api.instead = lambda nth, asked: answers[nth] if nth < len(answers) else None
        assert poll(api, feed_of())[0] == [1]
        assert len(api.asked) == 4


def _page(body: object, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return 200, content, headers


ROW = {"number": 1, "total": 1, "meta": {"at": at(1)}}
DATA = {"data": {"orders": [ROW]}}
WRONG = {
    "html": (feed_of(), _page(b"<html></html>"), "no JSON"),
    "broken off": (feed_of(), _page(b'{"data": {"orders": ['), "no JSON"),
    "no list": (feed_of(), _page({"data": {"orders": {"a": 1}}}), "`data.orders` of the answer"),
    "elsewhere": (feed_of(), _page({"data": None}), "is no list"),
    "redirect": (feed_of(), (302, b"", {"Location": "https://else.example/"}), "another address"),
    "not let in": (feed_of(), (401, b"{}", {}), "let the connection in"),
    "refused": (feed_of(), (422, b"{}", {}), "status 422"),
    "other host": (
        feed_of(),
        _page(DATA, Link='<https://else.example/orders>; rel="next"'),
        "another host",
    ),
    "other host in the body": (
        feed_of("address"),
        _page({**DATA, "next": "http://127.0.0.1:9/orders"}),
        "another host",
    ),
    "one link for ever": (feed_of(), _page(DATA, Link='</orders?a=1>; rel="next"'), "comes again"),
    "one cursor for ever": (feed_of("cursor"), _page({**DATA, "next": "x"}), "comes again"),
    "pages that do not count": (feed_of("page"), _page(DATA), "comes again"),
    "no moment": (feed_of(cursor="number.at"), _page(DATA), "neither a moment nor a number"),
    "bare words": (feed_of(records=None), _page(DATA), "the answer is no list"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(name: str) -> None:
    """It stops the feed in words; what lets requests in goes to no other host."""
    feed, answer, words = WRONG[name]
    with listing() as api:
        api.instead = lambda nth, asked: answer
        with pytest.raises(FeedFailed, match=words) as failed:
            poll_any(api, feed)
    assert TOKEN not in failed.value.message + failed.value.help


def poll_any(api: Listing, feed: HttpFeed) -> None:
    with asking(api) as ways:
        for page in ListedRecords(feed).pages(None, ways):
            page.stream.read()


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond all measure is none."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1000)
    with listing() as api:
        api.instead = lambda nth, asked: _page(DATA | {"more": "x" * 2000})
        with pytest.raises(FeedFailed, match="larger than"):
            poll_any(api, feed_of())


def test_killed_amid_a_poll(tmp_path: Path) -> None:
    """Killed with SIGKILL while it polls, each order has gone on once."""
    count = 60
    with listing(size=10) as api, standing_in() as tenant:
        for number in range(1, count + 1):
            api.put(number, at(number % 60))
        ledger = f"sqlite:///{tmp_path}/l.db"
        child = start(tenant.url, ledger, count, "http", api.url)
        deadline = time.monotonic() + 60
        while child.is_running and time.monotonic() < deadline and len(tenant.identities) < 12:
            time.sleep(0.02)
        child.kill()
        start(tenant.url, ledger, count, "http", api.url).finish()

        assert tenant.identities == sorted(f"{number}-shop" for number in range(1, count + 1))
