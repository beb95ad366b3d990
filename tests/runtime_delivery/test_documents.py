"""Several documents of a record: each after what it needs, with the keys that the ERP gave."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import Retry
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document, Origin, Outcome
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.flows import LOCATION, ORDER, both, boths, two_documents
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher
from tests.runtime_delivery.processes import LONG, at_once, start
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def run(sandbox: Sandbox, ledger: Ledger, outcomes: Iterable[Outcome], **changes: Any) -> Summary:
    plan = two_documents(**{"retry": Retry(6, 0.02, 0.1)} | changes)
    return deliver(outcomes, plan, environment_of(sandbox), ledger, RULES, Watcher())


def ends(summary: Summary) -> dict[str, int]:
    return {name: n for name, n in summary.counts().items() if isinstance(n, int) and n}


def assert_complete(sandbox: Sandbox, count: int) -> None:
    """Assert that each order is there once, at the one location of its record."""
    places = {
        str(one["LocationID"]): one["ExtRefNbr"] for one in sandbox.records("CustomerLocation")
    }
    orders = {str(one["ExternalRef"]): one for one in sandbox.records("SalesOrder")}
    assert sorted(places.values()) == sorted(f"{n}-place" for n in range(1, count + 1))
    assert len(sandbox.records("SalesOrder")) == len(orders) == count
    for reference, order in orders.items():
        at = places[str(order["LocationID"])]
        assert str(at).partition("-")[0] == reference.partition("-")[0]


def test_both(contract: Contract, address: str) -> None:
    """An order goes after its location, and to it; again, nothing is sent."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, boths(30))
        before = sandbox.counts()
        again = run(sandbox, ledger, boths(30))

        assert_complete(sandbox, 30)
        assert sandbox.counts() == before
        body = sandbox.records("SalesOrder")[0]["Details"]
        assert [str(row["OrderQty"]) for row in body] == ["1.1"]
    assert ends(first) == {"read": 30, "created": 60}
    assert ends(again) == {"read": 30, "already_exists": 60}
    assert first.left == again.left == 0


def test_one_location_for_two_orders(contract: Contract, address: str) -> None:
    """A location that two records make is made once, and serves both orders."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, [*both(1, place="dock"), *both(2, place="dock")])

        [location] = sandbox.records("CustomerLocation")
        orders = sandbox.records("SalesOrder")
        assert {order["LocationID"] for order in orders} == {location["LocationID"]}
    assert ends(summary) == {"read": 2, "created": 3, "already_exists": 1}


def test_needed_one_is_refused_then_mended(contract: Contract, address: str) -> None:
    """An order waits where its location is refused, and comes back by itself once it is there."""
    too_long = both(1, name="x" * 300)
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, [*too_long, *both(2)])
        assert ends(first) == {"read": 2, "created": 2, "rejected": 1, "deferred": 1}
        [waiting] = [shown for shown in first.shown if shown.kind == "deferred"]
        assert [error.code for error in waiting.errors] == ["R408"]
        assert "`location`" in waiting.errors[0].message
        assert "is rejected" in waiting.errors[0].message
        # The order itself is not in the input again: the location of another record brings it back.
        location = both(1)[0]
        assert isinstance(location, Document)
        origin = Origin("o", 9, 9, "9")
        moved = Document(origin, location.entity, location.identity, location.body, "location")
        mended = run(sandbox, ledger, [moved])

        assert ends(mended) == {"read": 1, "created": 2}
        assert_complete(sandbox, 2)
        assert ledger.counts() == {"sent": 4}


def test_mended_later_in_the_same_input(contract: Contract, tmp_path: Path) -> None:
    """What waits for a location is not told to wait while the input may still mend it."""
    mended = both(2, place="1-place")
    documents = (replace(LOCATION, operation="upsert"), ORDER)
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        outcomes = [*both(1, name="x" * 300), *both(3), *mended]
        summary = run(sandbox, ledger, outcomes, batch_size=2, documents=documents)

        assert len(sandbox.records("SalesOrder")) == 3
    assert (summary.deferred, summary.created) == (0, 5)


def test_cycle(contract: Contract, address: str) -> None:
    """Documents that need each other wait, and hang nobody."""
    origin = Origin("orders.jsonl", 1, 1, "1")
    body = b'{"Customer": {"value": "C0001"}}'
    outcomes = [
        Document(origin, "CustomerLocation", "a", body, "location", (("order", "b"),)),
        Document(origin, "SalesOrder", "b", body, "order", (("location", "a"),)),
    ]
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, outcomes)

    assert ends(summary) == {"read": 1, "deferred": 2}
    assert {error.code for shown in summary.shown for error in shown.errors} == {"R408"}


def test_needed_one_that_nobody_staged(contract: Contract, address: str) -> None:
    """A document that needs one that the ledger does not know waits, and says so."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, both(1)[1:])

    assert ends(summary) == {"read": 1, "deferred": 1}
    assert "never taken over" in summary.shown[0].errors[0].message


def test_unknown_key(contract: Contract, tmp_path: Path) -> None:
    """A reference to a key that the needed document does not have is told, and nothing is sent."""
    first, order = both(1)
    assert isinstance(order, Document)
    body = order.body.replace(b'"field": "LocationID"', b'"field": "Warehouse"')
    odd = Document(order.origin, order.entity, order.identity, body, order.document, order.needs)
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        summary = run(sandbox, ledger, [first, odd])

        assert sandbox.records("SalesOrder") == []
    assert [error.code for error in summary.shown[0].errors] == ["R411"]


def test_document_that_the_flow_no_longer_makes(contract: Contract, tmp_path: Path) -> None:
    """What was staged under another name is given up, and the run ends."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        book = f"both in DEMO at {sandbox.url}"
        ledger.stage(book, "earlier", [Document(Origin("o", 1, 1), "Bill", "7", b"{}", "bill")])
        summary = run(sandbox, ledger, boths(1))

    assert ends(summary) == {"read": 1, "created": 2, "dead_lettered": 1, "open": 1}


def test_ledger_is_lost(contract: Contract, tmp_path: Path) -> None:
    """Without its ledger a run finds locations and orders, and doubles nothing."""
    with tenant(contract) as sandbox:
        with HastyLedger(f"sqlite:///{tmp_path}/first.db") as ledger:
            run(sandbox, ledger, boths(5))
        with HastyLedger(f"sqlite:///{tmp_path}/second.db") as ledger:
            # The sixth record is new: its order needs a key that only the tenant knows.
            summary = run(sandbox, ledger, [*boths(5), *both(6)])

        assert_complete(sandbox, 6)
    assert ends(summary) == {"read": 6, "created": 2, "already_exists": 10}


def test_keys_that_the_ledger_does_not_know(contract: Contract, tmp_path: Path) -> None:
    """A ledger that knows a location as sent, but not its keys, has them looked up."""
    file = tmp_path / "ledger.db"
    with tenant(contract) as sandbox:
        with HastyLedger(f"sqlite:///{file}") as ledger:
            run(sandbox, ledger, both(1)[:1])
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE mapgen_records SET erp_keys = NULL")
        connection.close()
        with HastyLedger(f"sqlite:///{file}") as ledger:
            run(sandbox, ledger, both(1))

        assert_complete(sandbox, 1)


def test_errors_of_all_kinds(contract: Contract, address: str) -> None:
    """Through cut connections, deadlocks and lost sessions, each document arrives once."""
    errors = (
        "drop@PUT:CustomerLocation:3,9", "drop@PUT:SalesOrder:2,11", "refuse@PUT:SalesOrder:5",
        "deadlock@PUT:CustomerLocation:5,6", "unavailable@PUT:SalesOrder:7",
        "sign-out@PUT:SalesOrder:9", "throttle@*:CustomerLocation:4",
    )  # fmt: skip
    with tenant(contract, *errors) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, boths(20))

        assert_complete(sandbox, 20)
    assert ends(summary) == {"read": 20, "created": 40}


# What is under way when a process dies has to end within the settle time, here about a second.
PLACES = {
    "staged, nothing asked": "slow=5@POST:token:1",
    "at the look-up of locations": "slow=5@GET:CustomerLocation:1",
    "first location under way, not done": "slow=0.8@PUT:CustomerLocation:1",
    "location done, not answered": "slow-answer=5@PUT:CustomerLocation:4",
    "locations there, orders looked up": "slow=5@GET:SalesOrder:1",
    "order under way, not done": "slow=0.8@PUT:SalesOrder:2",
    "first order done, not answered": "slow-answer=5@PUT:SalesOrder:1",
    "last order done, not answered": "slow-answer=5@PUT:SalesOrder:20",
    "all done, at the sign-out": "slow=5@POST:logout:1",
}


def test_killed_and_started_again(contract: Contract, tmp_path: Path) -> None:
    """Killed with SIGKILL at any place, the next run completes: each document once."""

    def scene(name: str) -> None:
        address = f"sqlite:///{tmp_path}/{name}.db"
        error = PLACES[name]
        kind, _, place = error.partition("@")
        method, target, nth = place.split(":")
        with tenant(contract, error) as sandbox:
            child = start(sandbox.url, address, 20, "both")
            wait_for(sandbox, method, target, int(nth), is_done="answer" in kind)
            child.kill()

            counts = start(sandbox.url, address, 20, "both").finish()

            assert counts["read"] == 20
            assert counts["created"] + counts["already_exists"] == 40
            assert_complete(sandbox, 20)

    at_once({name: partial(scene, name) for name in PLACES})


def wait_for(sandbox: Sandbox, method: str, target: str, nth: int, *, is_done: bool) -> None:
    """Wait until the tenant is at work with a request; it notes only what it has answered."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if is_done and method == "PUT" and len(sandbox.records(target)) >= nth:
            return
        done = sum(
            n for words, n in sandbox.counts().items() if words.startswith(f"{method} {target} ")
        )
        if not is_done and done >= nth - 1:
            time.sleep(0.3)
            return
        time.sleep(0.02)
    raise AssertionError("the tenant was not asked")


def test_killed_again_and_again(contract: Contract, address: str) -> None:
    """Killed at arbitrary moments in a row, the last run completes: each document once."""
    with tenant(contract) as sandbox:
        for at in range(3):
            child = start(sandbox.url, address, 20, "both")
            deadline = time.monotonic() + 300
            while len(sandbox.records("CustomerLocation")) < 1 + at * 7 and child.is_running:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            child.kill()

        counts = start(sandbox.url, address, 20, "both").finish()

        assert counts["created"] + counts["already_exists"] == 40
        assert_complete(sandbox, 20)


def test_two_processes_share_a_ledger(contract: Contract, address: str) -> None:
    """Two processes with the same input make each document once, and both know all of them."""
    with tenant(contract) as sandbox:
        children = [start(sandbox.url, address, 20, "both", settle=LONG) for _ in range(2)]
        counts = [child.finish() for child in children]

        assert_complete(sandbox, 20)
    total = Counter[str]()
    for count in counts:
        total.update({name: n for name, n in count.items() if isinstance(n, int)})
        assert count["created"] + count["already_exists"] == 40
    assert total["created"] == 40


def test_names_are_told(contract: Contract, tmp_path: Path) -> None:
    """Events name the entity of each document."""
    watcher = Watcher()
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        deliver(boths(1), two_documents(), environment_of(sandbox), ledger, RULES, watcher)

    entities = [event.entity for event in watcher.events if hasattr(event, "entity")]
    assert entities == [LOCATION.entity, ORDER.entity]
    assert watcher.progress[-1].finished == 1


@pytest.mark.parametrize("writes", [1, 3, 4])
def test_killed_between_the_two_writes(contract: Contract, address: str, writes: int) -> None:
    """Killed after the first write, or amid the second: each payment is there once, completed."""
    with tenant(contract, latency=0.05) as sandbox:
        child = start(sandbox.url, address, 3, "twice")
        deadline = time.monotonic() + 300
        while sandbox.counts().get("PUT Payment 200", 0) < writes:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.kill()
        counts = start(sandbox.url, address, 3, "twice").finish()

        found = sandbox.records("Payment")
        assert sorted(str(one["ExternalRef"]) for one in found) == ["1-shop", "2-shop", "3-shop"]
        assert [one["Status"] for one in found] == ["Balanced"] * 3
        assert {str(one["PaymentAmount"]) for one in found} == {"99.0"}
    assert counts["read"] == 3
    assert counts["rejected"] == counts["dead_lettered"] == counts["deferred"] == 0
