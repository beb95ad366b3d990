"""One licence for several processes: the tenant never sees more of it than there is."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from mapgen.contract.lock import load
from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.clock import uptime
from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import Ledger, schema
from mapgen.runtime.ledger.licence import Asked, lock, renewed
from mapgen.runtime.ledger.licence import Licence as Share
from mapgen.runtime.network import rate_limit
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.rate_limit import NOTHING, Budget, RateLimiter
from mapgen.runtime.network.transport import RateLimitedTransport
from mapgen.sandbox import Limits as Licensed
from mapgen.sandbox import Sandbox, Settings, serve
from mapgen.sandbox.licence import Licence
from mapgen.sandbox.sites import Site
from tests.depth import examples
from tests.ends import ended_aside
from tests.runtime_delivery.asking import ask
from tests.runtime_delivery.processes import PROCESSES
from tests.runtime_delivery.test_against_sandbox import LOCK

PLACES = 4
LIMITS = Limits(None, PLACES, 1.0, 4.0)  # its lease is a second
LONGEST = 300.0


@dataclass
class Seen:
    """What the tenant saw: how many ask now, how many did at most, and who did how often."""

    now: int = 0
    most: int = 0
    asked: Counter[str] = field(default_factory=Counter)

    def wait_for(self, *who: str) -> None:
        """Wait until each of these has asked again."""
        before = self.asked.copy()
        ends = time.monotonic() + LONGEST
        while not all(self.asked[one] > before[one] for one in who):
            assert time.monotonic() < ends, f"not all of {who} ask: {self.asked}"
            time.sleep(0.02)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What the door of the sandbox lets in, from the first byte to the answer."""
    found = Seen()
    answer = Site._answer

    async def watched(self: Any, call: Any, *given: Any) -> Any:
        found.asked[call.path.rpartition("/")[2]] += 1
        return await answer(self, call, *given)

    admitted = Licence.admitted

    @asynccontextmanager
    async def counted(self: Any, **named: Any) -> Any:
        found.now += 1
        found.most = max(found.most, found.now)
        try:
            async with admitted(self, **named):
                yield
        finally:
            found.now -= 1

    monkeypatch.setattr(Licence, "admitted", counted)
    monkeypatch.setattr(Site, "_answer", watched)
    return found


@contextmanager
def tenant(**settings: Any) -> Iterator[Sandbox]:
    chosen = Settings(latency=0.02, **settings)
    with ended_aside(serve(load(LOCK), settings=chosen)) as sandbox:
        yield sandbox


@contextmanager
def asking(url: str, address: str, limits: Limits) -> Iterator[Callable[[str], ForkServerProcess]]:
    """Give a way to start processes that ask; kill them in the end."""
    children = []

    def begin(who: str) -> ForkServerProcess:
        child = PROCESSES.Process(target=ask, args=(url, address, who, limits), daemon=True)
        child.start()
        children.append(child)
        return child

    try:
        yield begin
    finally:
        for child in children:
            child.kill()
            child.join()


def strike(child: ForkServerProcess, number: signal.Signals) -> None:
    assert child.pid is not None
    os.kill(child.pid, number)


def _stop(child: ForkServerProcess, address: str) -> None:
    """Stop a process while it holds no lock of the ledger, for which all others would wait."""
    with Ledger(address) as ledger, ledger.transaction() as connection:
        lock(connection, "DEMO")
        strike(child, signal.SIGSTOP)


def test_places_of_several_processes(seen: Seen, address: str) -> None:
    """Processes come, freeze, wake and die; never do more ask at once than may, and all do."""
    with tenant() as sandbox, asking(sandbox.url, address, LIMITS) as begin:
        first = begin("first")
        seen.wait_for("first")
        second = begin("second")
        third = begin("third")
        seen.wait_for("first", "second", "third")
        _stop(first, address)
        time.sleep(2.5)  # its lease is over, and what it sent is answered
        seen.wait_for("second", "third")
        strike(first, signal.SIGCONT)
        seen.wait_for("first", "second", "third")
        strike(second, signal.SIGKILL)
        strike(third, signal.SIGKILL)
        seen.wait_for("first")
        time.sleep(1.5)
        seen.wait_for("first")

    assert seen.most == PLACES


def test_dead_ones_share_comes_back(seen: Seen, address: str) -> None:
    """With more processes than places each has its turn; the last one alive has all places."""
    limits = Limits(None, 1, 1.0, 4.0)
    with tenant() as sandbox, asking(sandbox.url, address, limits) as begin:
        first = begin("first")
        seen.wait_for("first")
        strike(first, signal.SIGKILL)
        begin("second")
        seen.wait_for("second")

    assert seen.most == 1


def test_minute_of_several_processes(seen: Seen, tmp_path: Path) -> None:
    """What one used of the minute no other uses again, whether it lives, freezes or is dead."""
    allowed = 100
    limits = Limits(allowed, PLACES, 1.0, 4.0)
    aimed_at = Budget.of_licence(PLACES, allowed).per_minute or 0
    licensed = Licensed(requests_per_minute=2 * allowed)  # that it delays nothing
    address = f"sqlite:///{tmp_path}/ledger.db"
    with tenant(limits=licensed) as sandbox, asking(sandbox.url, address, limits) as begin:
        first = begin("first")
        _wait_until(lambda: seen.asked["first"] >= 30)
        _stop(first, address)
        begin("second")
        _wait_until(lambda: seen.asked["second"] > 0)
        strike(first, signal.SIGCONT)
        time.sleep(2.0)
        strike(first, signal.SIGKILL)
        time.sleep(3.0)

        assert seen.asked["first"] + seen.asked["second"] <= aimed_at
        assert sandbox.overview()["declined"] == 0


def _wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is declined halves what is asked for; it comes back step by step."""
    clock = [100.0]
    monkeypatch.setattr(rate_limit, "uptime", lambda: clock[0])
    limiter = RateLimiter(concurrent_requests=8, requests_per_minute=None)

    def places() -> int:
        with limiter._turn:
            return sum(limiter._rest(clock[0]) == 0.0 for limiter._under_way in range(8))

    assert places() == 8
    limiter.declined()
    limiter.declined()  # of the same moment: no other word
    assert places() == 4
    clock[0] += 1.0
    limiter.declined()
    assert places() == 2
    clock[0] += 30.0
    assert places() == 4
    clock[0] += 60.0
    assert places() == 8


def test_connection_that_the_server_has_ended() -> None:
    """A share is asked for once more: who was stopped amid it goes on, and the run does not end."""
    asked: list[Asked] = []

    def renew(given: Asked) -> Budget:
        asked.append(given)
        if len(asked) == 1:
            raise LedgerFailed("the server has closed the connection", "run again")
        return given.whole

    share = Share("a tenant", LIMITS, renew)
    try:
        with share.limiter.token(threading.Event()):
            assert len(asked) == 2
    finally:
        share.leave()


def test_no_share_after_the_lease() -> None:
    """Without a lease nothing is asked; a run that ends waits for none."""
    limiter = RateLimiter(concurrent_requests=8, requests_per_minute=None)
    limiter.grant(NOTHING, 0.0)
    wanted, stop = threading.Event(), threading.Event()
    limiter.asks = wanted.set
    stop.set()

    with pytest.raises(Stopping), limiter.token(stop):
        pass
    assert wanted.is_set()


def test_token_of_a_lease_that_is_over(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was stopped with a token in hand, and wakes when its lease is over, sends nothing."""
    limiter = RateLimiter(concurrent_requests=1, requests_per_minute=None)
    transport = RateLimitedTransport(
        limiter, places=1, connections=httpx2.Limits(), longest=LONGEST, stop=threading.Event()
    )
    with tenant() as sandbox, httpx2.Client(transport=transport) as client:
        ends = uptime()
        limiter.grant(Budget(1, None), ends)
        with monkeypatch.context() as earlier:
            earlier.setattr(rate_limit, "uptime", lambda: ends - 1.0)
            with pytest.raises(httpx2.ConnectTimeout, match="no share any more"):
                client.get(f"{sandbox.url}/entity/late")
        limiter.grant(Budget(1, None), uptime() + LONGEST)
        client.get(f"{sandbox.url}/entity/early")

    assert seen.asked == {"early": 1}


@given(
    st.lists(
        st.tuples(st.sampled_from(["renew", "renew", "ask", "end", "leave"]), st.integers(0, 3)),
        max_size=40,
    ),
    st.integers(1, 6),
)
@settings(max_examples=examples(60))
def test_shares_of_any_order(events: list[tuple[str, int]], places: int) -> None:
    """In whatever order processes come, ask, end and leave: no more is granted than there is."""
    whole = Budget.of_licence(places, None)
    with create_engine("sqlite://").connect() as connection:
        schema.PROCESSES.create(connection)
        limiters = [
            RateLimiter(concurrent_requests=places, requests_per_minute=None) for _ in range(4)
        ]
        for one in limiters:
            one.grant(NOTHING, float("inf"))
        tokens: list[list[ExitStack]] = [[] for _ in limiters]
        for event, number in events:
            limiter, held = limiters[number], tokens[number]
            if event in ("renew", "leave"):
                is_leaving = event == "leave"
                asked = Asked(
                    str(number), "DEMO", whole, 10.0, is_leaving, limiter.shrink, limiter.used
                )
                limiter.grant(renewed(connection, asked, 1000.0), float("inf"))
            elif event == "ask" and limiter._rest(uptime()) == 0.0:
                held.append(ExitStack())
                held[-1].enter_context(limiter.token())
            elif event == "end" and held:
                held.pop().close()
            granted = zip(limiters, tokens, strict=True)
            assert (
                sum(max(one._budget.places, len(under_way)) for one, under_way in granted) <= places
            )


def test_connections_outlive_threads() -> None:
    """A service makes new threads for each cycle: they go on with what earlier ones opened."""
    limiter = RateLimiter(concurrent_requests=2, requests_per_minute=None)
    transport = RateLimitedTransport(
        limiter, places=2, connections=httpx2.Limits(), longest=LONGEST, stop=threading.Event()
    )
    with tenant() as sandbox, httpx2.Client(transport=transport) as client:
        for _ in range(5):
            asking = threading.Thread(target=client.get, args=(sandbox.url,))
            asking.start()
            asking.join()
        assert len(transport._idle) == 1
