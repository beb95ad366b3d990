"""Flows that know documents by one identity: its owner makes each once, whoever else runs."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from mapgen.agreed.plan import DocumentPlan, Identity, Plan, Retry
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, orders, plan_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, references, tenant
from tests.runtime_delivery.test_documents import ends

COUNT = 60


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def plan(flow: str, owner: str | None = None) -> Plan:
    made = DocumentPlan(
        "document",
        "SalesOrder",
        "create",
        Identity("ExternalRef", {"OrderType": "SO"}),
        ("OrderType", "OrderNbr"),
        owner=owner,
    )
    return plan_of(flow=flow, documents=(made,), retry=Retry(6, 0.02, 0.1))


def together(sandbox: Sandbox, runs: dict[str, tuple[Plan, Path]]) -> dict[str, Summary]:
    """Run flows at the same time, each with a ledger of its own."""
    done: dict[str, Summary] = {}
    gate = threading.Barrier(len(runs))

    def run(name: str, of: Plan, at: Path) -> None:
        with HastyLedger(f"sqlite:///{at}") as ledger:
            gate.wait()
            done[name] = deliver(
                orders(COUNT), of, environment_of(sandbox), ledger, RULES, Watcher()
            )

    threads = [threading.Thread(target=run, args=(name, *of)) for name, of in runs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param((), id="all goes well"),
        pytest.param(("drop@PUT:SalesOrder:3,17,30",), id="answers that are lost"),
        pytest.param(("slow-answer=1@PUT:SalesOrder:9",), id="an answer that is slow"),
    ],
)
def test_two_flows_with_two_ledgers(
    errors: tuple[str, ...], contract: Contract, tmp_path: Path
) -> None:
    """Each document is made once, by its owner; the other flow finds it, now or in a later run."""
    with tenant(contract, *errors) as sandbox:
        runs = {
            "shop": (plan("shop"), tmp_path / "shop.db"),
            "night": (plan("night", owner="shop"), tmp_path / "night.db"),
        }
        first = together(sandbox, runs)
        again = together(sandbox, {"night": runs["night"]})

        assert Counter(references(sandbox)) == {f"{n}-shop": 1 for n in range(1, COUNT + 1)}
    assert first["shop"].created == COUNT
    assert first["night"].created == 0
    assert first["night"].already_exists + first["night"].deferred == COUNT
    assert ends(again["night"]) == {"read": COUNT, "already_exists": COUNT}


def test_without_its_owner(contract: Contract, tmp_path: Path) -> None:
    """What the owner has not made waits, and says for whom; no request carries a document."""
    with tenant(contract) as sandbox:
        runs = {"night": (plan("night", owner="shop"), tmp_path / "night.db")}
        summary = together(sandbox, runs)["night"]

        assert sandbox.records("SalesOrder") == []
        assert not [words for words in sandbox.counts() if words.startswith("PUT ")]
    assert ends(summary) == {"read": COUNT, "deferred": COUNT}
    [error] = summary.shown[0].errors
    assert (error.code, error.target) == ("R414", "ExternalRef")
    assert error.message == "no `SalesOrder` of the ERP has this identity yet; `shop` makes it"
