"""What a process of its own does, to be killed: it delivers, and says what it counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec.structs import replace

from mapgen.agreed.feeds import FilesFeed, HttpFeed, SqlFeed
from mapgen.agreed.plan import Plan, Reads, Retry, Shape
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.delivery.deliver import Outcomes
from mapgen.runtime.environment import Api, Environment, Limits
from mapgen.runtime.events import Observer
from mapgen.runtime.feeds.erp import PolledEntity
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.http import ListedRecords
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.feeds.sql import QueriedRows
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.storage.folder import FolderStorage
from tests.runtime_delivery.flows import (
    RECEIPT,
    RELEASED,
    UNSEEN,
    boths,
    current,
    paid,
    payments,
    states,
    twice,
    two_documents,
    with_file,
    written_twice,
)
from tests.runtime_delivery.orders import (
    RULES,
    PagedFeed,
    nothing,
    of_lines,
    order,
    orders,
    plan_of,
)
from tests.runtime_delivery.stand_in import tenant_of

ITEMS = Reads(
    endpoint="Default",
    version="24.200.001",
    contract_version=4,
    entity="StockItem",
    keys=("InventoryID",),
    query={"$select": "InventoryID,Description"},
    shape=Shape(("InventoryID", "Description")),
)


def of_items(page: Page) -> Iterator[Document]:
    """An order for each article of a page, whose identity it is."""
    for item in json.loads(page.stream.read()):
        name = item["InventoryID"]["value"]
        made = order(int(name.rpartition("-")[2]), identity=name)
        yield replace(
            made, body=made.body.replace(b'"AB-1"', b'"I-0001"').replace(b'"AB-2"', b'"I-0001"')
        )


LISTED = HttpFeed(
    "shop", "/orders", records="data.orders", cursor="meta.at", since="since", overlap=60.0
)


def of_list(page: Page) -> Iterator[Document]:
    """An order for each row of a list."""
    return (order(one["number"]) for one in json.loads(page.stream.read()))


def of_rows(page: Page) -> Iterator[Document]:
    """An order for each row of a page."""
    return (order(json.loads(line)["number"]) for line in page.stream)


def deliver_flow(
    counts: Connection, url: str, address: str, count: int, settle: float, *others: str
) -> None:
    """Deliver; `others` are the flow and what its records say."""
    flow, words = [*others, *("orders", "new")[len(others) :]]
    # So many attempts that no machine is too slow for them.
    retry = Retry(attempts=100, first=0.02, ceiling=0.1)
    flows: dict[str, tuple[Plan, Outcomes]] = {
        "pages": (plan_of(retry=retry), Mapped(PagedFeed(count), of_lines, nothing)),
        "files": (plan_of(retry=retry, batch_size=5), ()),
        "erp": (
            plan_of(retry=retry, reads=ITEMS),
            Mapped(PolledEntity(ITEMS, "LastModified", 60.0, "erp"), of_items, nothing),
        ),
        "inbox": (plan_of(retry=retry, batch_size=5), ()),
        "sql": (plan_of(retry=retry, batch_size=7), ()),
        "http": (
            plan_of(retry=retry, batch_size=7),
            Mapped(ListedRecords(LISTED), of_list, nothing),
        ),
        "orders": (plan_of(retry=retry), orders(count)),
        "both": (two_documents(retry=retry), boths(count)),
        "twice": (twice(retry=retry), written_twice(count)),
        "paid": (payments(RELEASED, retry=retry), paid(count)),
        "paid blindly": (payments(UNSEEN, retry=retry), paid(count)),
        "attached": (
            payments(RECEIPT, retry=retry),
            [with_file(number, "aGk=" * 2_000) for number in range(1, count + 1)],
        ),
        "current": (current(retry=retry), states(count, words)),
    }
    plan, outcomes = flows[flow]
    limits = Limits(request_timeout=settle / 2, settle=settle, concurrent_requests=3)
    with Ledger(address) as ledger:
        asked = {"shop": Api("shop", words)} if flow == "http" else {}
        environment = Environment("test", tenant_of(url), limits, asked=asked)
        if flow == "inbox":
            where = environment.tenant
            feed = InboxFeed(ledger, book_of("orders", where.tenant, where.url), "shop")
            outcomes = Mapped(feed, of_lines, nothing)
        if flow == "files":
            arriving = ArrivingFiles(FolderStorage(Path(words)), FilesFeed(".", still=0.01))
            outcomes = Mapped(arriving, of_lines, nothing)
        if flow == "sql":
            queried = SqlFeed("shop", "SELECT * FROM shop_orders", "changed_at", overlap=5.0)
            rows = QueriedRows(queried, words, Path(), threading.Event(), at_once=20)
            outcomes = Mapped(rows, of_rows, nothing)
        summary = deliver(outcomes, plan, environment, ledger, RULES, Observer())
    counts.send(summary.counts())
