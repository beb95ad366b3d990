"""A process of its own that works for a flow of orders, whose feed is the inbox."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from mapgen.agreed.plan import Retry
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.draining import Drain
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Observer
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.summary import Summary
from mapgen.service.clock import ServiceClock
from mapgen.service.loop import Around, Pace, Why
from mapgen.service.schedule import Schedule
from mapgen.service.service import holder
from mapgen.service.worker import Worker
from tests.runtime_delivery.orders import RULES, nothing, order, plan_of
from tests.runtime_delivery.stand_in import tenant_of

_LIMITS = Limits(request_timeout=0.8, settle=1.6, concurrent_requests=3)
_RETRY = Retry(attempts=100, first=0.02, ceiling=0.2)


@dataclass(frozen=True)
class Orders:
    """A flow of orders."""

    url: str
    rules: str = "of today"
    name: str = "orders"
    mode: str = "direct"
    schedule: Schedule = field(default_factory=Schedule)
    retry_seconds: float = 1.0

    @property
    def pace(self) -> Pace:
        return Pace(self.rules, self.mode, self.schedule, self.retry_seconds)

    @property
    def book(self) -> str:
        return book_of("orders", tenant_of(self.url).tenant, self.url)

    def cycle(self, why: Why, ledger: Ledger, observer: Observer, drain: Drain) -> Summary | None:
        feed = InboxFeed(ledger, self.book, "webhook shop")
        mapped = Mapped(feed, numbers, nothing, drain=drain)
        environment = Environment("test", tenant_of(self.url), _LIMITS)
        plan = plan_of(batch_size=5, retry=_RETRY)
        return deliver(mapped, plan, environment, ledger, RULES, observer)


def numbers(page: Page) -> Iterator[Document]:
    yield order(json.loads(page.stream.read())["id"])


def work(url: str, address: str, rules: str = "of today") -> None:
    """Work until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Ledger(address) as ledger:
        around = Around(ledger, ServiceClock(), Observer(), holder())
        Worker([Orders(url, rules)], around, address).run(ended)
