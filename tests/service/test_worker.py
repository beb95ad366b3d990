"""Workers on PostgreSQL: killed and stopped; each order is delivered once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Delivery, Ledger, book_of
from mapgen.runtime.summary import Summary
from mapgen.service.clock import ServiceClock
from mapgen.service.loop import Around, Pace, Why
from mapgen.service.schedule import Schedule
from mapgen.service.worker import Worker
from tests.runtime_delivery.processes import PROCESSES
from tests.runtime_delivery.servers import empty_database
from tests.runtime_delivery.stand_in import StandIn, standing_in
from tests.service.test_serve import at_place, sample_orders, until
from tests.service.working import Orders, work

COUNT = 60
LONGEST = 60.0


@pytest.fixture
def database(postgresql: Any) -> str:
    return empty_database(postgresql)


@contextmanager
def workers(tenant: StandIn, address: str) -> Iterator[Callable[..., ForkServerProcess]]:
    """Give a way to start workers; they end in the end."""
    begun: list[ForkServerProcess] = []

    def begin(*rules: str) -> ForkServerProcess:
        child = PROCESSES.Process(target=work, args=(tenant.url, address, *rules), daemon=True)
        child.start()
        begun.append(child)
        return child

    try:
        yield begin
    finally:
        for child in begun:
            child.kill()
            child.join()


def receive(tenant: StandIn, address: str, numbers: range) -> None:
    with Ledger(address) as ledger:
        sent = [Delivery("webhook shop", f"d{one}", None, b'{"id":%d}' % one) for one in numbers]
        ledger.receive(Orders(tenant.url).book, sent)


def wait_for(tenant: StandIn, count: int) -> None:
    ends = time.monotonic() + LONGEST
    while len(tenant.identities) < count:
        assert time.monotonic() < ends, f"{len(tenant.identities)} of {count} orders arrived"
        time.sleep(0.05)


def strike(child: ForkServerProcess, number: signal.Signals) -> None:
    assert child.pid is not None
    os.kill(child.pid, number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_of_two_is_struck(database: str, number: signal.Signals) -> None:
    """What it had in hand another worker delivers; what wakes too late does nothing twice."""
    with standing_in() as tenant, workers(tenant, database) as begin:
        first = begin()
        receive(tenant, database, range(1, COUNT + 1))
        wait_for(tenant, 5)
        second = begin()
        strike(first, number)
        receive(tenant, database, range(COUNT + 1, 2 * COUNT + 1))
        if number == signal.SIGSTOP:
            time.sleep(3.0)  # the settle time and the lease of the licence are over
            strike(first, signal.SIGCONT)
        wait_for(tenant, 2 * COUNT)
        strike(second, signal.SIGTERM)
        second.join(LONGEST)

        assert second.exitcode == 0
        assert len(tenant.identities) == len(set(tenant.identities)) == 2 * COUNT


def test_the_bell(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives by another process is heard, where nobody would look for an hour."""
    monkeypatch.setattr("mapgen.service.worker._LOOK", 3_600.0)
    ended = threading.Event()
    with standing_in() as tenant, Ledger(database) as ledger:
        around = Around(ledger, ServiceClock(), Observer(), "one")
        flow = Orders(tenant.url)
        worker = Worker([flow], around, database)
        thread = threading.Thread(target=worker.run, args=(ended,))
        thread.start()
        until(lambda: flow.name in worker._known and worker._known[flow.name].look_at > 0)
        until(lambda: around.board.flows[flow.name].cycles > 0)
        receive(tenant, database, range(1, 4))
        wait_for(tenant, 3)
        ended.set()
        thread.join(LONGEST)
    assert sorted(tenant.identities) == ["1-shop", "2-shop", "3-shop"]


def test_rules_of_another_version(database: str) -> None:
    """A job for rules that a worker does not know waits for one that does."""
    with standing_in() as tenant, workers(tenant, database) as begin:
        begin("of tomorrow")
        begin("of today")
        receive(tenant, database, range(1, 6))
        wait_for(tenant, 5)

        assert len(tenant.identities) == 5


@dataclass
class Timed:
    """A flow that takes its time, and notes when it begins and ends what the clock says."""

    name: str
    schedule: Schedule
    notes: list[str]
    takes: float = 0.0
    rules: str = "of today"
    mode: str = "batch"
    retry_seconds: float = 3_600.0

    @property
    def pace(self) -> Pace:
        return Pace(self.rules, self.mode, self.schedule, self.retry_seconds)

    @property
    def book(self) -> str:
        return book_of(self.name, "Live", "https://erp")

    def cycle(self, why: Why, ledger: Ledger, observer: Observer, drain: Drain) -> Summary | None:
        if why == "scheduled":
            self.notes.append(f"{self.name} begins")
            drain.wait(self.takes)
            self.notes.append(f"{self.name} ends")
        return None


def test_after_another_flow(database: str) -> None:
    """A flow waits for the one that it comes after, also where that takes long."""
    notes: list[str] = []
    first = Timed("first", Schedule(seconds=3), notes, takes=1.0)
    second = Timed("second", Schedule(seconds=3, after="first"), notes)
    ended = threading.Event()
    with Ledger(database) as ledger:
        worker = Worker([second, first], Around(ledger, ServiceClock(), Observer(), "a"), database)
        thread = threading.Thread(target=worker.run, args=(ended,))
        thread.start()
        ends = time.monotonic() + LONGEST
        while notes.count("second ends") < 2 and time.monotonic() < ends:
            time.sleep(0.05)
        ended.set()
        thread.join()
    turn = ["first begins", "first ends", "second begins", "second ends"]
    assert notes[: 2 * len(turn)] == 2 * turn


def test_a_worker_with_a_door(database: str, tmp_path: Path) -> None:
    """`mapgen worker --port` takes webhooks, delivers them, and says how it is."""
    with at_place(tmp_path, database) as place, place.served(by="worker") as served:
        for at, sent in enumerate(sample_orders(3)):
            assert served.send(sent, f"d{at}") == 200
        until(lambda: len(place.references()) == 3)
        health = httpx2.get(f"{served.url}/health")
        ready = httpx2.get(f"{served.url}/ready").json()
        console = httpx2.get(f"{served.url}/console/")
        assert served.end() == 0
    assert (health.status_code, console.status_code) == (200, 200)
    assert ready["flows"]["shopify_orders"]["failure"] is None
    assert "shopify_inventory_levels" in ready["flows"]
