"""Orders to deliver, and the plan of their flow."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import update

from mapgen.agreed.plan import CircuitBreaker, DocumentPlan, Identity, Plan, Retry
from mapgen.runtime.events import Event
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.ledger import Claim, Ledger
from mapgen.runtime.ledger.schema import RECORDS
from mapgen.runtime.outcome import Document, Origin
from mapgen.runtime.rules import Rule, Rules
from mapgen.runtime.summary import Counts

RULES = Rules(
    {
        "CustomerID": Rule(
            "CustomerID", ("order.customer.id",), lambda: "orders.maps.yaml:20:5", may_come=True
        ),
        "Details": Rule("Details", ("order.line_items",), lambda: "orders.maps.yaml:30:5"),
        "Details[].InventoryID": Rule(
            "Details[].InventoryID", ("order.line_items[].sku",), lambda: "orders.maps.yaml:33:7"
        ),
        "BillToContact.Email": Rule(
            "BillToContact.Email",
            ("order.email",),
            lambda: "orders.maps.yaml:40:7",
            is_personal=True,
        ),
    }
)


ORDER = DocumentPlan(
    "document",
    "SalesOrder",
    "create",
    Identity("ExternalRef", {"OrderType": "SO"}),
    ("OrderType", "OrderNbr"),
)


def plan_of(**changes: Any) -> Plan:
    """A plan whose pauses suit a test."""
    chosen: dict[str, Any] = {
        "flow": "orders",
        "documents": (ORDER,),
        "endpoint": "Default",
        "version": "24.200.001",
        "contract_version": 4,
        "batch_size": 20,
        "concurrency": 4,
        "retry": Retry(attempts=4, first=0.02, ceiling=0.1),
        "circuit_breaker": CircuitBreaker(failures=50, within=60.0, cool_down=0.2),
        "dead_letter_days": 30,
    }
    return Plan(**(chosen | changes))


def order(number: int, *, identity: str | None = None) -> Document:
    """One order with an identity of its own."""
    reference = identity or f"{number}-shop"
    body = {
        "OrderType": {"value": "SO"},
        "ExternalRef": {"value": reference},
        "CustomerID": {"value": "C0001"},
        "BillToContact": {"Email": {"value": f"person{number}@example.org"}},
        "Details": [{"InventoryID": {"value": "AB-1"}}, {"InventoryID": {"value": "AB-2"}}],
    }
    origin = Origin("orders.jsonl", number, number, str(number))
    return Document(origin, "SalesOrder", reference, json.dumps(body).encode())


def orders(count: int) -> Iterator[Document]:
    """So many orders."""
    return (order(number) for number in range(1, count + 1))


@dataclass
class PagedFeed:
    """Orders in pages of so many, each as a line; the cursor is the last one's number."""

    count: int
    size: int = 7
    name: str = "paged"
    taken: list[str] = field(default_factory=list)

    def pages(self, cursor: str | None, _session: object) -> Iterator[Page]:
        for first in range(int(cursor or 0) + 1, self.count + 1, self.size):
            last = min(first + self.size - 1, self.count)
            lines = "".join(f"{number}\n" for number in range(first, last + 1))
            name = f"page {first}"
            done = partial(self.taken.append, name)
            yield Page(io.BytesIO(lines.encode()), name, str(last), taken=done)


def of_lines(page: Page) -> Iterator[Document]:
    """The orders of a page."""
    return (order(int(line)) for line in page.stream)


def nothing(_kept: object) -> Iterator[Document]:
    """No record waits."""
    yield from ()


class HastyLedger(Ledger):
    """A ledger in which a request without an answer is settled at once.

    A stand-in has done by then what it ever does, so that nothing hangs on how quick a machine is.
    """

    def unsettle(self, claim: Claim) -> None:
        """Give up a document, as if that were long ago."""
        super().unsettle(claim)
        with self.transaction() as connection:
            row = update(RECORDS).where(RECORDS.c.id == claim.row, RECORDS.c.claim.is_(None))
            connection.execute(row.values(intent_at=-1e9))


class Watcher:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.progress: list[Counts] = []

    def on_progress(self, progress: Counts) -> None:
        self.progress.append(progress)

    def on_event(self, event: Event) -> None:
        self.events.append(event)
