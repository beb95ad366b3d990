"""A wish to end is heard by whatever waits: pauses of feeds, tries again, files not whole yet."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mapgen.agreed.feeds import FilesFeed
from mapgen.agreed.plan import CircuitBreaker, Retry
from mapgen.contract.lock import load
from mapgen.runtime.aborted import Terminated
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Event, Observer, TechnicalEvent
from mapgen.runtime.feeds.erp import PolledEntity
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.kind import Ways
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.storage.folder import FolderStorage
from tests.runtime_delivery.child import ITEMS, of_items
from tests.runtime_delivery.orders import RULES, nothing, plan_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant

_AN_HOUR = 3_600.0


class _Ending(Observer):
    """Asks the run to end as soon as something of a kind is reported."""

    def __init__(self, name: str, drain: Drain) -> None:
        self._name = name
        self._drain = drain

    def on_event(self, event: Event) -> None:
        """Ask, where it is what was waited for."""
        if isinstance(event, TechnicalEvent) and event.name == self._name:
            self._drain.set()


@pytest.mark.parametrize(
    ("told", "retry", "breaker"),
    [
        pytest.param("request failed", _AN_HOUR, 1_000, id="between tries"),
        pytest.param("circuit opened", 0.01, 1, id="open circuit"),
    ],
)
def test_a_feed_that_waits(tmp_path: Path, told: str, retry: float, breaker: int) -> None:
    """A run whose feed waits for an hour before it asks again ends when it is asked to."""
    plan = plan_of(
        reads=ITEMS,
        retry=Retry(100, retry, retry),
        circuit_breaker=CircuitBreaker(breaker, _AN_HOUR, _AN_HOUR),
    )
    drain = Drain()
    feed = PolledEntity(ITEMS, "LastModified", 60.0, "erp")
    mapped = Mapped(feed, of_items, nothing, drain=drain)
    errors = ["deadlock@GET:StockItem:all"]
    with tenant(load(LOCK), *errors) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        observer = _Ending(told, drain)
        with pytest.raises(Terminated):
            deliver(mapped, plan, environment_of(sandbox), ledger, RULES, observer)


def test_a_file_that_is_not_whole_yet(tmp_path: Path) -> None:
    """Who looks again in an hour whether a file has changed looks no more, and takes nothing."""
    (tmp_path / "orders.jsonl").write_text("{}")
    drain = Drain()
    drain.set()
    feed = ArrivingFiles(FolderStorage(tmp_path), FilesFeed(".", still=_AN_HOUR), drain)
    assert [*feed.pages(None, Ways())] == []


def test_events_that_are_stopped() -> None:
    """What is stopped is set with the wish, and let alone once its work is over."""
    drain, before, after, over = Drain(), threading.Event(), threading.Event(), threading.Event()
    with drain.stops(over):
        pass
    with drain.stops(before):
        drain.set()
        with drain.stops(after):
            assert (before.is_set(), after.is_set(), over.is_set()) == (True, True, False)
