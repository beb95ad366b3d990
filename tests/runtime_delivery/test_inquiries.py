"""Feeds of generic inquiries against the sandbox: what a poll reads, in which order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import cast

import pytest

from mapgen.agreed.feeds import InquiryFeed
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.aborted import AccessRefused, FeedFailed
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.environment import Environment
from mapgen.runtime.feeds import inquiry
from mapgen.runtime.feeds.inquiry import InquiredRows
from mapgen.runtime.feeds.kind import Page, Ways
from mapgen.runtime.feeds.moving import moved
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document
from mapgen.runtime.tenant import Connection
from mapgen.runtime.tenant.connection import Told
from mapgen.sandbox import Settings, serve
from tests.ends import ended_aside
from tests.runtime_delivery.orders import RULES, Watcher, nothing, order, plan_of
from tests.runtime_delivery.stand_in import tenant_of
from tests.runtime_delivery.test_against_sandbox import CREDENTIALS, LOCK, SEED
from tests.runtime_delivery.test_erp_feeds import name_of, save, save_aside, session, stocked

FEED = InquiryFeed("StockItem", "LastModified", 0.0)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four rows: what is at work between them shows."""
    monkeypatch.setattr(inquiry, "_AT_ONCE", 4)


def poll(
    erp: Connection, cursor: str | None, feed: InquiryFeed = FEED
) -> tuple[list[list[str]], str | None]:
    """Read what one poll has: the keys of its pages, and where it ends."""
    pages = []
    for page in InquiredRows(feed).pages(cursor, Ways(erp)):
        pages.append([row["InventoryID"] for row in json.loads(page.stream.read())])
        cursor = page.cursor
    return pages, cursor


def test_a_poll_has_what_was_changed(contract: Contract) -> None:
    """Rows of one moment are counted, others come behind it; a later poll has what is new."""
    with stocked(contract, 10) as sandbox, session(sandbox) as erp:
        first, cursor = poll(erp, None)
        assert sorted(set(chain(*first))) == [name_of(at) for at in range(1, 11)]
        save_aside(erp, name_of(7), "a cup")
        _, cursor = poll(erp, cursor)
        save_aside(erp, name_of(2), "a pot")
        later, _ = poll(erp, cursor)
        assert later == [[name_of(7), name_of(2)]]  # the last one seen once more: `ge`
        back = InquiryFeed("StockItem", "LastModified", 3600.0)
        assert len(set(chain(*poll(erp, cursor, back)[0]))) == 10


def test_rows_of_one_moment(contract: Contract) -> None:
    """More rows than a page holds were changed at once: they are counted, and all are there."""
    days = [1] * 2 + [2] * 10 + [3] * 3
    rows = [
        {
            "OrderType": "SO",
            "OrderNbr": f"{at:06}",
            "CustomerID": "C0001",
            "Date": f"2026-01-0{day}",
        }
        for at, day in enumerate(days)
    ]
    seed, settings = {**SEED, "SalesOrder": rows}, Settings(credentials=CREDENTIALS)
    feed = InquiryFeed("SalesOrder", "Date", 0.0)
    with ended_aside(serve(contract, seed=seed, settings=settings)) as box, session(box) as erp:
        pages = [json.loads(one.stream.read()) for one in InquiredRows(feed).pages(None, Ways(erp))]
    assert {row["OrderNbr"] for row in chain(*pages)} == {f"{at:06}" for at in range(15)}
    days_of = ["".join(sorted({row["Date"][9] for row in page})) for page in pages]
    assert days_of == ["12", "2", "2", "23", "3"]


def test_what_is_changed_while_pages_are_read(contract: Contract) -> None:
    """It moves behind all others, and nothing slides over the end of a page."""
    with stocked(contract, 10) as sandbox, session(sandbox) as erp:
        for at in range(1, 11):
            save(erp, name_of(at), f"cup {at}")
        seen: list[str] = []
        for number, page in enumerate(InquiredRows(FEED).pages(None, Ways(erp))):
            rows = json.loads(page.stream.read())
            seen += [row["InventoryID"] for row in rows]
            if number < 3:
                save(erp, rows[0]["InventoryID"], "changed meanwhile")
        assert set(seen) == {name_of(at) for at in range(1, 11)}


def test_broken_off(contract: Contract) -> None:
    """The next poll goes on behind the page that was taken last."""
    with stocked(contract, 10) as sandbox, session(sandbox) as erp:
        for at in range(1, 11):
            save(erp, name_of(at), f"cup {at}")
        page = next(iter(InquiredRows(FEED).pages(None, Ways(erp))))
        taken = [row["InventoryID"] for row in json.loads(page.stream.read())]
        rest, cursor = poll(erp, page.cursor)
        assert set(chain(taken, *rest)) == {name_of(at) for at in range(1, 11)}
        assert len(rest) <= 4
        assert cursor is not None
        assert moved(FEED, cursor, None).cursor is None


def test_all_rows(contract: Contract) -> None:
    """Without a cursor all come each time, every digit of their numbers."""
    with stocked(contract, 6) as sandbox, session(sandbox) as erp:
        body = {"InventoryID": {"value": name_of(1)}, "DefaultPrice": {"value": 1234567.1250}}
        url = f"{erp.endpoint}/StockItem"
        erp.attempt(lambda http, _: http.build_request("PUT", url, json=body))
        feed = InquiryFeed("StockItem")
        [page] = InquiredRows(feed).pages(None, Ways(erp))
        content = page.stream.read()
        assert b'"DefaultPrice":1234567.125' in content
        assert len(json.loads(content)) == 6
        assert page.cursor is None


def test_what_is_refused(contract: Contract) -> None:
    """An inquiry that is not there, a column that tells no time: in words, with what to do."""
    with stocked(contract, 3) as sandbox, session(sandbox) as erp:
        with pytest.raises(AccessRefused, match="refuses the inquiry `Nowhere`") as told:
            poll(erp, None, InquiryFeed("Nowhere"))
        assert "exposed via OData" in told.value.help
        save(erp, name_of(1), "a cup")
        with pytest.raises(FeedFailed, match="`Description` is not a date and time"):
            poll(erp, None, InquiryFeed("StockItem", "Description"))


def of_rows(page: Page) -> Iterator[Document]:
    """An order for each row: its number is that of the article."""
    for row in json.loads(page.stream.read()):
        yield order(int(row["InventoryID"][2:]))


def test_delivered_once(contract: Contract, tmp_path: Path) -> None:
    """What a poll reads again makes no second document."""
    with stocked(contract, 6) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        environment = Environment("test", tenant_of(sandbox.url))
        counts = []
        for _ in range(2):
            mapped = Mapped(InquiredRows(FEED), of_rows, nothing)
            summary = deliver(mapped, plan_of(), environment, ledger, RULES, Watcher())
            counts.append((summary.created, summary.rejected))
        assert counts[0][0] + counts[0][1] == 6
        assert counts[1][0] == 0


class Lying:
    """An ERP that answers each page of an inquiry alike."""

    inquiries = "https://erp.example.com/t/x/api/odata/gi/"

    def __init__(self, answer: object) -> None:
        self._answer = json.dumps(answer).encode()

    def inquire(self, _url: str, _inquiry: str) -> Told:
        return Told(self._answer, datetime(2026, 11, 30, tzinfo=UTC))


def _rows(*moments: object) -> dict[str, object]:
    return {"value": [{"InventoryID": "A", "LastModified": one} for one in moments]}


@pytest.mark.parametrize(
    ("feed", "answer", "words"),
    [
        (FEED, _rows(*["2026-01-01T00:00:00Z"] * 4), "the same rows whatever is left out"),
        (FEED, _rows(*[None] * 4), "the same rows whatever is left out"),
        (FEED, _rows("0001-01-01T00:00:00+05:00"), "is not a date and time"),
        (FEED, _rows("9999-12-31T23:59:59-05:00"), "is not a date and time"),
        (FEED, _rows(7), "is not a date and time"),
        (FEED, _rows("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "not come in the order of"),
        *(
            (InquiryFeed("StockItem"), {"value": [], "@odata.nextLink": link}, "page that is none")
            for link in (
                "https://[erp",
                "//[",
                "?a=\x00",
                f"?{'a' * 70_000}",
                "../../x",
                "",
                "//b/x",
            )
        ),
    ],
)
def test_answers_that_lie(feed: InquiryFeed, answer: object, words: str) -> None:
    """Rows in no order, moments that are none, pages without end: in words, and it ends."""
    with pytest.raises(FeedFailed, match=words):
        poll(cast(Connection, Lying(answer)), None, feed)
