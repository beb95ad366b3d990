"""Documents that follow the state of their records: what is sent, what not, in what order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import Retry
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.ledger import Acknowledgement, Ledger
from mapgen.runtime.outcome import Document, Origin, Outcome
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.flows import CURRENT, current, state, states
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, plan_of
from tests.runtime_delivery.processes import LONG, at_once, start
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant
from tests.runtime_delivery.test_documents import ends, wait_for


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def run(
    sandbox: Sandbox, ledger: Ledger, outcomes: Iterable[Outcome], operation: str = "upsert",
    *, timeout: float = 60.0, **changes: Any
) -> Summary:  # fmt: skip
    plan = current(operation, **{"retry": Retry(6, 0.02, 0.1)} | changes)
    environment = environment_of(sandbox, timeout=timeout)
    return deliver(outcomes, plan, environment, ledger, RULES, Watcher())


def rows(order: Any) -> list[tuple[str, str]]:
    return sorted((row["InventoryID"], str(row["OrderQty"])) for row in order["Details"])


def lines_of(order: Any) -> list[dict[str, Any]]:
    return list(order["Details"])


def assert_state(sandbox: Sandbox, count: int, words: str) -> None:
    """Assert that each order is there once, in this state, with its rows once."""
    orders = sandbox.records("SalesOrder")
    assert sorted(str(one["ExternalRef"]) for one in orders) == sorted(
        f"{n}-shop" for n in range(1, count + 1)
    )
    for order in orders:
        assert order["Description"] == words
        assert rows(order) == [("AB-1", "1.0"), ("AB-2", "2.0")]


def puts(sandbox: Sandbox) -> int:
    return sum(n for words, n in sandbox.counts().items() if words.startswith("PUT "))


def requests(sandbox: Sandbox) -> int:
    return sum(sandbox.counts().values())


def test_state_follows(contract: Contract, address: str) -> None:
    """Created at first, then updated where something changed; no row is appended twice."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, states(10, "new"))
        second = run(sandbox, ledger, [*states(4, "paid"), *list(states(10, "new"))[4:]])

        described = [order["Description"] for order in sandbox.records("SalesOrder")]
        assert sorted(map(str, described)) == ["new"] * 6 + ["paid"] * 4
        assert all(len(rows(order)) == 2 for order in sandbox.records("SalesOrder"))
        assert puts(sandbox) == 14
    assert ends(first) == {"read": 10, "created": 10}
    assert ends(second) == {"read": 10, "updated": 4, "unchanged": 6}


def test_unchanged(contract: Contract, address: str) -> None:
    """A state that was sent last is not sent again: it makes no request at all."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        run(sandbox, ledger, states(10, "new"))
        before = requests(sandbox)
        summary = run(sandbox, ledger, states(10, "new"))

        assert requests(sandbox) == before
    assert ends(summary) == {"read": 10, "unchanged": 10}


def test_back_to_an_earlier_state(contract: Contract, tmp_path: Path) -> None:
    """Unchanged is what equals the state sent last, not one that was sent at some time."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        for words in ("new", "paid", "new"):
            run(sandbox, ledger, states(2, words))

        assert_state(sandbox, 2, "new")


def test_later_records_win(contract: Contract, address: str) -> None:
    """Of several states in one input the last one stays, whatever was sent of the others."""

    def at(record: int) -> Document:
        one = state(1, f"state {record}")
        return Document(Origin("orders.jsonl", record, record), one.entity, "1-shop", one.body)

    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, map(at, range(40)), batch_size=1)

        assert_state(sandbox, 1, "state 39")
        assert puts(sandbox) == summary.created + summary.updated
    assert summary.read == 40 == summary.created + summary.updated + summary.unchanged


def test_newer_state_while_the_older_is_in_hand(address: str) -> None:
    """A state staged while an older one is in hand is sent after it, the latest alone."""
    with HastyLedger(address) as ledger:
        stage = {"flow": "current", "updating": frozenset({"document"})}
        ledger.stage(run="a", outcomes=[state(1, "one")], **stage)
        [claim] = ledger.claim("current", "a", limit=5, settle=60.0)
        for words in ("two", "three"):
            ledger.stage(run="b", outcomes=[state(1, words)], **stage)
        assert ledger.claim("current", "b", limit=5, settle=60.0) == []

        ledger.acknowledge("a", [Acknowledgement(claim, "sent", "SO1")])
        [after] = ledger.claim("current", "b", limit=5, settle=60.0)

        assert json.loads(after.body)["Description"] == {"value": "three"}
        ledger.acknowledge("b", [Acknowledgement(after, "sent", "SO1", "updated")])
        assert ledger.claim("current", "b", limit=5, settle=0.0) == []
        assert ledger.is_drained("current")
        assert ledger.counts() == {"sent": 1}


def test_newer_state_of_one_that_is_put_back(address: str) -> None:
    """Where the older state goes back into the queue unsent, the newer one takes its place."""
    with HastyLedger(address) as ledger:
        stage = {"flow": "current", "updating": frozenset({"document"})}
        ledger.stage(run="a", outcomes=[state(1, "one")], **stage)
        claims = ledger.claim("current", "a", limit=5, settle=60.0)
        ledger.stage(run="a", outcomes=[state(1, "two")], **stage)
        ledger.release(claims)

        [after] = ledger.claim("current", "a", limit=5, settle=60.0)
        assert json.loads(after.body)["Description"] == {"value": "two"}


def test_update_of_what_is_not_there(contract: Contract, address: str) -> None:
    """An update of an absent document waits, creates nothing, and arrives once it is there."""
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, states(2, "paid"), "update")
        assert (ends(first), puts(sandbox)) == ({"read": 2, "deferred": 2}, 0)
        assert first.shown[0].errors[0].code == "R409"
        run(sandbox, ledger, states(2, "new"), flow="another one")

        again = run(sandbox, ledger, states(2, "paid"), "update")

        assert ends(again) == {"read": 2, "updated": 2}
        assert_state(sandbox, 2, "paid")


def test_write_once(contract: Contract, tmp_path: Path) -> None:
    """What only a new document gets is left out of an update, the rest is written."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        run(sandbox, ledger, states(1, "new"))
        run(sandbox, ledger, states(1, "paid"))

        [order] = sandbox.records("SalesOrder")
        assert order["CustomerOrder"] == "new"
        contact: Any = order["BillToContact"]
        assert (contact["Email"], contact["Attention"]) == ("new@example.org", "paid")


def test_rows(contract: Contract, tmp_path: Path) -> None:
    """A known row is changed in its place, a new one appended, one that is not sent stays."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        run(sandbox, ledger, [state(1, "new", [("AB-1", 1), ("AB-3", 2)])])
        [before] = sandbox.records("SalesOrder")
        run(sandbox, ledger, [state(1, "new", [("ab-3 ", 5.50), ("AB-2", 1)])])

        [order] = sandbox.records("SalesOrder")
        assert rows(order) == [("AB-1", "1.0"), ("AB-2", "1.0"), ("ab-3 ", "5.5")]
        ids = [{row["id"] for row in lines_of(one)} for one in (before, order)]
        assert ids[0] < ids[1]


def doubled(contract: Contract, sandbox: Sandbox, ledger: Ledger) -> None:
    """Make an order with two rows of one item, as people do by hand."""
    plan = current("create", flow="by hand")
    double = state(1, "new", [("AB-1", 1), ("AB-1", 2)])
    deliver([double], plan, environment_of(sandbox), ledger, RULES, Watcher())


def test_two_rows_of_the_erp_have_the_key(contract: Contract, tmp_path: Path) -> None:
    """Where a row could be either of two, nothing is sent, and the message says which row."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        doubled(contract, sandbox, ledger)
        before = puts(sandbox)
        summary = run(sandbox, ledger, states(1, "paid"))

        assert puts(sandbox) == before
    [error] = summary.shown[0].errors
    assert (error.code, error.target) == ("R410", "Details[0]")
    assert "2 rows with this key (`InventoryID`, `UOM`)" in error.message


UNCLEAR = [
    pytest.param([("AB-1", 1), ("AB-1", 2)], {}, "row 1 has the same key", id="twice in the body"),
    pytest.param([], {"row_keys": {}}, "no `row_key`", id="no key"),
    pytest.param([], {"row_keys": {"Details": ("UOM", "WarehouseID")}}, "lacks a part", id="blank"),
]


@pytest.mark.parametrize(("given", "changes", "words"), UNCLEAR)
def test_unclear_rows(
    contract: Contract, given: Any, changes: Any, words: str, tmp_path: Path
) -> None:
    """Rows that cannot be told apart are refused before anything is sent."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        run(sandbox, ledger, states(1, "new"))
        before = puts(sandbox)
        document = replace(current().only, **changes)
        summary = run(sandbox, ledger, [state(1, "paid", given)], documents=(document,))

        assert puts(sandbox) == before
    assert [error.code for error in summary.shown[0].errors] == ["R410"]
    assert words in summary.shown[0].errors[0].message


def test_identity_is_there_twice(contract: Contract, tmp_path: Path) -> None:
    """Where two documents have the identity, neither is updated."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        run(sandbox, ledger, states(1, "new"))
        twin = state(2, "new")
        body = twin.body.replace(b"2-shop", b"1-shop")
        double = Document(twin.origin, twin.entity, "2-shop", body)
        run(sandbox, ledger, [double], "create", flow="by hand")
        before = puts(sandbox)
        summary = run(sandbox, ledger, states(1, "paid"))

        assert puts(sandbox) == before
    assert [error.code for error in summary.shown[0].errors] == ["R412"]


FAULTS = [
    pytest.param("drop@PUT:SalesOrder:11,14", id="done, not answered"),
    pytest.param("refuse@PUT:SalesOrder:11,14", id="not done, not answered"),
    pytest.param("slow-answer=3@PUT:SalesOrder:12", id="done, no answer in time"),
    pytest.param("unavailable@PUT:SalesOrder:12", id="unavailable"),
    pytest.param("conflict@PUT:SalesOrder:11-13", id="another process"),
    pytest.param("sign-out@PUT:SalesOrder:12", id="session lost between reading and writing"),
    pytest.param("sign-out@GET:SalesOrder:4", id="session lost at the reading"),
]


@pytest.mark.parametrize("error", FAULTS)
def test_errors_amid_updates(contract: Contract, error: str, address: str) -> None:
    """Whatever an update meets, it comes to the same: the new state, each row once."""
    with tenant(contract, error) as sandbox, HastyLedger(address) as ledger:
        run(sandbox, ledger, states(10, "new"))
        timeout = 2.0 if "slow" in error else 60.0
        summary = run(sandbox, ledger, states(10, "paid"), timeout=timeout)

        assert_state(sandbox, 10, "paid")
    assert ends(summary) == {"read": 10, "updated": 10}


def test_ids_of_rows_go_with_the_session(contract: Contract, tmp_path: Path) -> None:
    """After a new sign-in the rows are read again before anything is written."""
    with (
        tenant(contract, "sign-out@PUT:SalesOrder:2") as sandbox,
        HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger,
    ):
        run(sandbox, ledger, states(1, "new"))
        run(sandbox, ledger, states(1, "paid"))

        asked = [(one["method"], "$expand" in one["query"]) for one in sandbox_log(sandbox)]
    about = [one for one in asked if one != ("GET", False) and one[0] in ("GET", "PUT")]
    assert about[-4:] == [("GET", True), ("PUT", True), ("GET", True), ("PUT", True)]


def sandbox_log(sandbox: Sandbox) -> list[dict[str, Any]]:
    with urlopen(f"{sandbox.url}/sandbox/requests", timeout=10) as answer:
        entries: list[dict[str, Any]] = json.load(answer)["requests"]
    return [entry for entry in entries if entry["target"] == "SalesOrder"]


def test_ledger_is_lost(contract: Contract, tmp_path: Path) -> None:
    """Without its ledger a run updates what it finds, and appends nothing."""
    with tenant(contract) as sandbox:
        for name in ("first", "second", "third"):
            with HastyLedger(f"sqlite:///{tmp_path}/{name}.db") as ledger:
                summary = run(sandbox, ledger, states(5, "new"))

        assert_state(sandbox, 5, "new")
    assert ends(summary) == {"read": 5, "updated": 5}


PLACES = {
    "at the look-up": ("slow=5@GET:SalesOrder:2", 2),
    "at the reading of rows": ("slow=5@GET:SalesOrder:5", 5),
    "first update under way, not done": ("slow=0.8@PUT:SalesOrder:11", 11),
    "first update done, not answered": ("slow-answer=5@PUT:SalesOrder:11", 1),
    "last update done, not answered": ("slow-answer=5@PUT:SalesOrder:20", 10),
}


def test_killed_amid_updates(contract: Contract, tmp_path: Path) -> None:
    """Killed with SIGKILL at any place, the next run completes: each row once, nothing lost."""

    def scene(name: str) -> None:
        address = f"sqlite:///{tmp_path}/{name}.db"
        error, nth = PLACES[name]
        with tenant(contract, error) as sandbox:
            start(sandbox.url, address, 10, "current", "new").finish()
            child = start(sandbox.url, address, 10, "current", "paid")
            if "answer" in error:
                deadline = time.monotonic() + 300
                while sum(o["Description"] == "paid" for o in sandbox.records("SalesOrder")) < nth:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            else:
                method = error.partition("@")[2][:3]
                wait_for(sandbox, method, "SalesOrder", nth, is_done=False)
            child.kill()

            counts = start(sandbox.url, address, 10, "current", "paid").finish()

            assert_state(sandbox, 10, "paid")
        assert counts["updated"] + counts["unchanged"] + counts["already_exists"] == 10

    at_once({name: partial(scene, name) for name in PLACES})


def test_two_processes_share_a_ledger(contract: Contract, address: str) -> None:
    """Two processes with the same states send each once, and append nothing."""
    with tenant(contract) as sandbox:
        start(sandbox.url, address, 10, "current", "new").finish()
        children = [
            start(sandbox.url, address, 10, "current", "paid", settle=LONG) for _ in range(2)
        ]
        counts = [child.finish() for child in children]

        assert_state(sandbox, 10, "paid")
        assert puts(sandbox) == 20
    assert sum(count["updated"] for count in counts) == 10
    for count in counts:
        assert count["updated"] + count["unchanged"] + count["already_exists"] == 10


def test_two_processes_with_two_states(contract: Contract, address: str) -> None:
    """Two processes with different states end in one of them, each row once."""
    with tenant(contract) as sandbox:
        children = [
            start(sandbox.url, address, 10, "current", words, settle=LONG)
            for words in ("paid", "shipped")
        ]
        for child in children:
            child.finish()

        orders = sandbox.records("SalesOrder")
        assert len(orders) == 10
        for order in orders:
            assert order["Description"] in ("paid", "shipped")
            assert rows(order) == [("AB-1", "1.0"), ("AB-2", "2.0")]


def test_money_keeps_its_digits(contract: Contract, tmp_path: Path) -> None:
    """Numbers of an update go out with the digits that they have."""
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        run(sandbox, ledger, states(1, "new"))
        document = state(1, "new", [("AB-1", 3)])
        digits = document.body.replace(
            b'"OrderQty": {"value": 3}', b'"OrderQty": {"value": 0.123456}'
        )
        run(sandbox, ledger, [Document(document.origin, document.entity, "1-shop", digits)])

        [order] = sandbox.records("SalesOrder")
        details: Any = order["Details"]
        assert details[0]["OrderQty"] == Decimal("0.123456")


@pytest.mark.parametrize(
    ("way", "left"),
    [
        ("", [("AB-1", "3.0"), ("AB-2", "2.0")]),
        ("delete", [("AB-1", "3.0")]),
        ("zero OrderQty", [("AB-1", "3.0"), ("AB-2", "0.0")]),
    ],
)
def test_rows_that_were_removed(
    contract: Contract, address: str, way: str, left: list[tuple[str, str]]
) -> None:
    """A row that the record does not have any more stays, goes, or counts nothing; sent once."""
    chosen = replace(CURRENT, removed_rows={"Details": way} if way else {})
    plan = plan_of(flow="current", documents=(chosen,))
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        for words, lines in (("new", ()), ("changed", [("AB-1", 3)]), ("again", [("AB-1", 3)])):
            summary = deliver(
                [state(1, words, lines)],
                plan,
                environment_of(sandbox),
                ledger,
                RULES,
                Watcher(),
            )
            assert summary.created + summary.updated == 1

        [order] = sandbox.records("SalesOrder")
        assert rows(order) == left
