"""Sessions of the licence: a process has one of a tenant, and no more processes than it allows."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from mapgen.agreed.plan import CircuitBreaker, Retry
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.conditions import Conditions
from mapgen.runtime.ledger.schema import SEATS
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.tenant.sessions import SESSIONS
from tests.runtime_delivery.orders import RULES, Watcher, order, plan_of
from tests.runtime_delivery.stand_in import Answer, Asked, Hold, StandIn, standing_in

ONE = Limits(sessions=1)


def run(tenant: StandIn, ledger: Ledger, number: int, flow: str = "orders") -> None:
    plan = plan_of(flow=flow)
    deliver([order(number)], plan, tenant.environment(sessions=1), ledger, RULES, Watcher())


def test_runs_of_a_process_share_a_session(tmp_path: Path) -> None:
    """The first signs in, the last signs out; another one that runs meanwhile does neither."""

    def script(asked: Asked) -> Hold | None:
        return Hold() if (asked.kind, asked.nth) == ("put", 1) else None

    with standing_in(script=script) as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        first = threading.Thread(target=run, args=(tenant, ledger, 1))
        first.start()
        assert tenant.held.wait(30)
        run(tenant, ledger, 2, "others")
        during = tenant.sign_outs
        tenant.go_on.set()
        first.join()
        assert (tenant.grants, during, tenant.sign_outs) == (["password"], 0, 1)

        with SESSIONS.lingering(30.0):
            run(tenant, ledger, 3)
            run(tenant, ledger, 4)
            assert (tenant.grants, tenant.sign_outs) == (["password"] * 2, 1)
        assert tenant.sign_outs == 2
        with ledger.transaction() as connection:
            assert connection.execute(SEATS.select()).all() == []


def test_no_more_sessions_than_there_are(address: str) -> None:
    """Who finds none free waits until one is left, or its process is long dead, or it is ended."""
    with Ledger(address) as one, Ledger(address) as other:
        first, second = one.seat("t", ONE), other.seat("t", ONE)
        assert first is not None
        assert second is not None
        first.take(threading.Event())
        ended = threading.Event()
        threading.Timer(0.3, ended.set).start()
        with pytest.raises(Stopping):
            second.take(ended)
        waits = threading.Thread(target=second.take, args=(threading.Event(),))
        waits.start()
        first.leave()
        waits.join(30)
        assert not waits.is_alive()
        third = one.seat("u", ONE)
        assert third is not None
        third.take(threading.Event())  # another tenant has seats of its own
        with one.transaction() as connection:
            connection.execute(update(SEATS).where(SEATS.c.tenant == "t").values(until=0.0))
        first.take(threading.Event())
        for seat in (first, second, third):
            seat.leave()
        assert one.seat("t", Limits()) is None


def test_a_circuit_is_seen_from_outside(tmp_path: Path) -> None:
    """While requests are held back the ledger says so, and why; at the end of the run no more."""
    is_down = threading.Event()
    is_down.set()

    def script(asked: Asked) -> Answer | None:
        if asked.kind == "put" and asked.nth > 1 and is_down.is_set():
            return Answer(503)
        return None

    plan = plan_of(
        circuit_breaker=CircuitBreaker(3, 60.0, 0.3),
        retry=Retry(attempts=100, first=0.02, ceiling=0.1),
    )
    with standing_in(script=script) as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        environment = tenant.environment(request_timeout=0.5, settle=1.0)
        work = threading.Thread(
            target=deliver,
            args=([order(n) for n in range(1, 9)], plan, environment, ledger, RULES, Watcher()),
        )
        work.start()
        ends = time.monotonic() + 30
        while not (found := Conditions(ledger).current()):
            assert time.monotonic() < ends
            time.sleep(0.02)
        is_down.clear()
        work.join(60)
        assert [(one.of.flow, one.name) for one in found] == [("orders", "circuit open")]
        assert "503" in found[0].reason
        assert Conditions(ledger).current() == ()
        assert len(tenant.orders) == 8
