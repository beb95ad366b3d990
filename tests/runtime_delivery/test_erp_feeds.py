"""Feeds of the ERP against the sandbox: what a poll reads, and what a push leads to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.environment import Environment
from mapgen.runtime.feeds.erp import PolledEntity, PushedKeys
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Feed, Ways
from mapgen.runtime.ledger import Delivery, Ledger, book_of
from mapgen.runtime.summary import Summary
from mapgen.runtime.tenant import Connection
from mapgen.sandbox import Sandbox, Settings, serve
from tests.ends import ended_aside
from tests.runtime_delivery.child import ITEMS, of_items
from tests.runtime_delivery.orders import RULES, Watcher, nothing, plan_of
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.stand_in import tenant_of
from tests.runtime_delivery.test_against_sandbox import CREDENTIALS, LOCK, SEED

COUNT = 230


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def name_of(number: int) -> str:
    return f"I-{number:04d}"


@contextmanager
def stocked(contract: Contract, count: int = COUNT) -> Iterator[Sandbox]:
    """A tenant with so many articles."""
    seed = {**SEED, "StockItem": [{"InventoryID": name_of(at)} for at in range(1, count + 1)]}
    settings = Settings(credentials=CREDENTIALS)
    with ended_aside(serve(contract, seed=seed, settings=settings)) as sandbox:
        yield sandbox


@contextmanager
def session(sandbox: Sandbox) -> Iterator[Connection]:
    environment = Environment("test", tenant_of(sandbox.url))
    stop = threading.Event()
    with Connection(environment, plan_of(), stop=stop, tell=lambda _: None) as erp:
        yield erp


def save(erp: Connection, name: str, description: str) -> None:
    """Change an article, as somebody at the screen does."""
    body = {"InventoryID": {"value": name}, "Description": {"value": description}}
    erp.attempt(lambda http, _: http.build_request("PUT", f"{erp.endpoint}/StockItem", json=body))


def save_aside(erp: Connection, name: str, description: str) -> None:
    """Change an article, at least a second from what comes before and after.

    The clock in an answer tells seconds.
    """
    time.sleep(1.1)
    save(erp, name, description)
    time.sleep(1.1)


def polled(overlap: float = 0.0) -> PolledEntity:
    return PolledEntity(ITEMS, "LastModified", overlap, "erp")


def names_in(content: bytes) -> list[str]:
    return [row["InventoryID"]["value"] for row in json.loads(content)]


def flat(pages: Iterable[list[str]]) -> list[str]:
    return list(chain.from_iterable(pages))


def poll(
    erp: Connection, cursor: str | None, overlap: float = 0.0
) -> tuple[list[list[str]], str | None]:
    """Read what one poll has: the names of its pages, and where it ends."""
    pages = []
    for page in polled(overlap).pages(cursor, Ways(erp)):
        pages.append(names_in(page.stream.read()))
        cursor = page.cursor
    return pages, cursor


def test_a_poll_has_what_was_changed(contract: Contract) -> None:
    """The first one reads all in pages, each later one what came since, and the overlap again."""
    with stocked(contract) as sandbox, session(sandbox) as erp:
        first, cursor = poll(erp, None)
        assert [len(one) for one in first] == [100, 100, 30]
        assert flat(first) == [name_of(at) for at in range(1, COUNT + 1)]

        save_aside(erp, name_of(7), "a cup")
        _, cursor = poll(erp, cursor)
        save_aside(erp, name_of(210), "a pot")
        later, later_on = poll(erp, cursor)
        assert later == [[name_of(7), name_of(210)]]  # the last one seen once more: `ge`
        save_aside(erp, name_of(1), "a lid")
        assert poll(erp, later_on)[0] == [[name_of(1), name_of(210)]]
        assert len(poll(erp, later_on, overlap=3600.0)[0]) == 3


def test_a_field_that_tells_no_time(contract: Contract) -> None:
    """It stops the feed in words, and the cursor stays where it was."""
    with stocked(contract, 3) as sandbox, session(sandbox) as erp:
        save(erp, name_of(2), "a cup")
        feed = PolledEntity(ITEMS, "Description", 0.0, "erp")
        with pytest.raises(FeedFailed, match="is not a date and time"):
            list(feed.pages(None, Ways(erp)))


def test_what_is_changed_while_pages_are_read(contract: Contract) -> None:
    """A change behind the page is older than one before it, and is in the next poll all the same.

    By the latest time seen alone it would be asked for no more.
    """
    with stocked(contract) as sandbox, session(sandbox) as erp:
        time.sleep(1.1)  # the clock in an answer tells seconds
        _, cursor = poll(erp, None)
        for at in range(1, 151):
            save(erp, name_of(at), "a cup")
        pages = polled().pages(cursor, Ways(erp))
        assert names_in(next(pages).stream.read())[-1] == name_of(100)
        save(erp, name_of(3), "a cup without a handle")
        time.sleep(1.1)
        save(erp, name_of(200), "a pot")
        [last] = pages
        assert name_of(200) in names_in(last.stream.read())

        found = flat(poll(erp, last.cursor)[0])
        assert {name_of(3), name_of(200)} <= set(found)


def test_a_poll_that_broke_off_goes_on(contract: Contract) -> None:
    """It goes on behind the key of its last page, and the next asks from where it began."""
    with stocked(contract) as sandbox, session(sandbox) as erp:
        page = next(polled().pages(None, Ways(erp)))
        time.sleep(1.1)
        save(erp, name_of(2), "a cup")

        rest, cursor = poll(erp, page.cursor)
        assert [len(one) for one in rest] == [100, 30]
        assert name_of(2) in flat(poll(erp, cursor)[0])


def articles(sandbox: Sandbox) -> list[str]:
    return sorted(str(record["ExternalRef"]) for record in sandbox.records("SalesOrder"))


def test_killed_amid_a_poll(contract: Contract, tmp_path: Path) -> None:
    """Killed with SIGKILL again and again while it polls, each article has gone on once."""
    address = f"sqlite:///{tmp_path}/l.db"
    with stocked(contract) as sandbox:
        for at in (0, 2):
            child = start(sandbox.url, address, COUNT, "erp")
            deadline = time.monotonic() + 300
            while child.is_running and time.monotonic() < deadline:
                if len(articles(sandbox)) > at * 50:
                    break
                time.sleep(0.02)
            child.kill()
        start(sandbox.url, address, COUNT, "erp").finish()

        assert articles(sandbox) == [name_of(at) for at in range(1, COUNT + 1)]


BOOK = "orders at the shop"


def push(stamp: int, **lists: list[dict[str, Any]]) -> Delivery:
    """What the ERP sends of a query: rows as its columns are called."""
    body = {"Inserted": [], "Deleted": [], **lists, "Query": "Articles", "Id": f"t{stamp}"}
    return Delivery("push Articles", f"t{stamp}", "Articles", json.dumps(body).encode(), stamp)


def row(number: int, column: str = "InventoryID") -> dict[str, Any]:
    return {column: name_of(number), "Descr": None}


def ledger_in(folder: Path) -> Ledger:
    return Ledger(f"sqlite:///{folder}/l.db")


def pushed(ledger: Ledger, book: str = BOOK) -> PushedKeys:
    return PushedKeys(ITEMS, InboxFeed(ledger, book, "push Articles"))


def test_pushes_lead_to_records(contract: Contract, tmp_path: Path) -> None:
    """Each is read as it is now: deleted and inserted is one change; what is gone is left out."""
    with stocked(contract) as sandbox, session(sandbox) as erp, ledger_in(tmp_path) as ledger:
        sent = [
            push(9, Inserted=[row(1)]),
            push(3, Inserted=[row(2)], Deleted=[row(2)]),
            push(4, Deleted=[row(1)]),
            push(5, Deleted=[row(9999)]),
            push(6, Inserted=[row(4, "Inventory ID")]),
        ]
        assert ledger.receive(BOOK, sent) == 5
        assert ledger.receive(BOOK, sent[:2]) == 0

        [page] = pushed(ledger).pages(None, Ways(erp))
        assert sorted(names_in(page.stream.read())) == [name_of(at) for at in (1, 2, 4)]
        assert len(page.inbox) == 5


def test_many_pushes_take_few_requests(contract: Contract, tmp_path: Path) -> None:
    """Keys go together, as many as a query takes."""
    with stocked(contract) as sandbox, session(sandbox) as erp, ledger_in(tmp_path) as ledger:
        ledger.receive(BOOK, [push(at, Inserted=[row(at)]) for at in range(1, 151)])
        pages = list(pushed(ledger).pages(None, Ways(erp)))

        assert sorted(flat(names_in(one.stream.read()) for one in pages)) == [
            name_of(at) for at in range(1, 151)
        ]
        assert sandbox.counts()["GET StockItem 200"] < 10


def test_a_pushed_row_without_its_key_is_seen(contract: Contract, tmp_path: Path) -> None:
    """It is handed on, so that it is rejected, and nobody waits for a record in vain."""
    with stocked(contract, 1) as sandbox, session(sandbox) as erp, ledger_in(tmp_path) as ledger:
        ledger.receive(BOOK, [push(1, Inserted=[{"Descr": "a cup"}, row(1)])])
        [page] = pushed(ledger).pages(None, Ways(erp))
        first, second = json.loads(page.stream.read())
        assert (first, second["InventoryID"]) == ({"Descr": "a cup"}, {"value": name_of(1)})


def test_a_push_is_delivered_once(contract: Contract, tmp_path: Path) -> None:
    """Sent by poll and push, one article has one document."""
    with stocked(contract, 5) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        where = tenant_of(sandbox.url)
        book = book_of("orders", where.tenant, where.url)
        assert run(polled(), ledger, sandbox).created == 5
        ledger.receive(book, [push(1, Inserted=[row(2)])])
        again = run(pushed(ledger, book), ledger, sandbox)

        assert (again.read, again.created, again.already_exists) == (1, 0, 1)
        assert articles(sandbox) == [name_of(at) for at in range(1, 6)]
        assert ledger.count_waiting(book) == 0


def run(feed: Feed, ledger: Ledger, sandbox: Sandbox) -> Summary:
    mapped = Mapped(feed, of_items, nothing)
    environment = Environment("test", tenant_of(sandbox.url))
    return deliver(mapped, plan_of(reads=ITEMS), environment, ledger, RULES, Watcher())
