"""What a run made is taken back in order: steps before documents, what others changed stays."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import Plan, Step
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.delivery.rollback import Planned, planned, take_back
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.undos import Made, made_by
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.flows import payment, payments, state, twice, written_twice
from tests.runtime_delivery.orders import RULES, Watcher, plan_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def run(sandbox: Sandbox, ledger: Ledger, outcomes: Any, plan: Plan) -> str:
    where = environment_of(sandbox)
    return str(deliver(outcomes, plan, where, ledger, RULES, Watcher()).run)


def plans(sandbox: Sandbox, ledger: Ledger, of: str, plan: Plan) -> tuple[Planned, ...]:
    place = environment_of(sandbox).place
    return planned(made_by(ledger, of, book_of("", place.name, place.url)), plan, None)


def words(found: tuple[Planned, ...]) -> list[tuple[str, str | None]]:
    return [(one.made.document, one.action or one.stays or one.goes_with) for one in found]


def test_steps_first(contract: Contract, address: str) -> None:
    """The steps of a document are taken back before it, the last first, each once."""
    steps = (
        Step("OpenSalesOrder"),
        Step("CancelSalesOrder", {"Status": ("Canceled",)}, undo="ReopenSalesOrder"),
    )
    plan = plan_of()
    order = replace(plan.only, then=steps, undo="CancelSalesOrder")
    plan = replace(plan, documents=(order,))
    with tenant(contract) as sandbox, Ledger(address) as ledger:
        of = run(sandbox, ledger, [state(1, "first")], plan)
        found = plans(sandbox, ledger, of, plan)
        where = environment_of(sandbox)
        done = list(take_back(found, plan, where, ledger, RULES, "ada"))
        again = plans(sandbox, ledger, of, plan)
        log = [line for line in sandbox.counts() if line.startswith("POST SalesOrder")]
        assert [one["Status"] for one in sandbox.records("SalesOrder")] == ["Canceled"]

    assert words(found) == [
        ("document.CancelSalesOrder", "ReopenSalesOrder"),
        ("document.OpenSalesOrder", "document"),
        ("document", "CancelSalesOrder"),
    ]
    assert [(one.made.document, one.state) for one in done] == [
        ("document.CancelSalesOrder", "done"), ("document", "done"),
    ]  # fmt: skip
    assert any("ReopenSalesOrder" in line for line in log)
    assert [one.action for one in again] == [None] * 3


def test_a_step_that_stays_keeps_its_document(contract: Contract, tmp_path: Any) -> None:
    """With an irreversible step its document stays; so it does where undoing the step fails."""
    posted = payments(Step("ReleasePayment", irreversible="posted"))
    failing = payments(Step("ReleasePayment", undo="ReleasePayment"))
    posted, failing = (
        replace(one, documents=(replace(one.only, undo="VoidPayment"),))
        for one in (posted, failing)
    )
    address = f"sqlite:///{tmp_path}/l.db"
    with tenant(contract) as sandbox, Ledger(address) as ledger:
        of = run(sandbox, ledger, [payment(1)], posted)
        stays = plans(sandbox, ledger, of, posted)
        found = plans(sandbox, ledger, of, failing)
        where = environment_of(sandbox)
        done = list(take_back(found, failing, where, ledger, RULES, "ada"))
        assert [one["Status"] for one in sandbox.records("Payment")] == ["Open"]

    assert words(stays) == [
        ("document.ReleasePayment", "irreversible: posted"),
        ("document", "`ReleasePayment` was done with it, which stays"),
    ]
    assert [one.state for one in done] == ["refused", "refused"]
    assert done[1].reason == "a step that was done with it stays"


def test_a_step_that_is_taken_back_already() -> None:
    """Where an earlier rollback came as far as the step, the next one takes the document back."""
    plan = payments(Step("ReleasePayment", undo="VoidPayment"))
    plan = replace(plan, documents=(replace(plan.only, undo="VoidPayment"),))
    step = Made(2, "1", "document.ReleasePayment", "1-shop", "Payment", "P1", True, "done")
    document = Made(1, "1", "document", "1-shop", "Payment", "P1", True, None)
    assert words(planned([step, document], plan, None)) == [
        ("document.ReleasePayment", "it is taken back already"),
        ("document", "VoidPayment"),
    ]


def test_what_a_later_run_has_changed(contract: Contract, address: str) -> None:
    """A second write goes with its document; what a later run has changed since is named."""
    plan = twice()
    opened, finished = plan.documents
    plan = replace(plan, documents=(replace(opened, undo="VoidPayment"), finished))
    with tenant(contract) as sandbox, Ledger(address) as ledger:
        first = run(sandbox, ledger, list(written_twice(2)), plan)
        before = plans(sandbox, ledger, first, plan)
        newer = [
            replace(one, body=one.body.replace(b"99", b"98")) if one.identity[0] == "2" else one
            for one in written_twice(2)
        ]
        second = run(sandbox, ledger, newer, plan)
        after = plans(sandbox, ledger, first, plan)
        of_second = plans(sandbox, ledger, second, plan)

    assert sorted(words(before)) == sorted([("finished", "opened"), ("opened", "VoidPayment")] * 2)
    changed = f"run {second[:8]} has changed it since"
    assert {one.made.identity: one.stays for one in after if one.made.document == "opened"} == {
        "1-shop": None, "2-shop": changed,
    }  # fmt: skip
    assert [one.stays for one in of_second] == [
        "it was there before the run, which changed it at most"
    ]
