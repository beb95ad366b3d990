"""Actions after a document: done once, followed to their end, in doubt left to what shows them."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Identity, Plan, Retry, Step
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.aborted import EnvironmentInvalid
from mapgen.runtime.delivery import deliver
from mapgen.runtime.delivery.following import with_steps
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document, Origin, Outcome
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.flows import RELEASED, UNSEEN, paid, payment, payments
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, plan_of
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.stand_in import tenant_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant
from tests.runtime_delivery.test_documents import ends

RELEASE = "POST Payment/ReleasePayment"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def run(sandbox: Sandbox, ledger: Ledger, outcomes: Iterable[Outcome], plan: Plan) -> Summary:
    return deliver(outcomes, plan, environment_of(sandbox), ledger, RULES, Watcher())


def statuses(sandbox: Sandbox) -> list[object]:
    return [one["Status"] for one in sandbox.records("Payment")]


def asked(sandbox: Sandbox) -> int:
    """How often a release was asked for, however it was answered."""
    return sum(count for line, count in sandbox.counts().items() if line.startswith(RELEASE))


@pytest.mark.parametrize("seconds", [0.0, 0.3])
@pytest.mark.parametrize("step", [RELEASED, UNSEEN], ids=["seen", "unseen"])
def test_released_once(contract: Contract, address: str, step: Any, seconds: float) -> None:
    """Each payment is released once, at once or by an action that takes long; again, nothing is."""
    with tenant(contract, action_seconds=seconds) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, paid(5), payments(step))
        before = asked(sandbox)
        again = run(sandbox, ledger, paid(5), payments(step))

        assert statuses(sandbox) == ["Open"] * 5
        assert before == asked(sandbox) == 5
        # What the session asks of a screen while an action runs there is refused.
        assert not [line for line in sandbox.counts() if line.endswith(" 409")]
    assert ends(first) == {"read": 5, "created": 5, "done": 5}
    assert ends(again) == {"read": 5, "already_exists": 10}
    assert first.left == again.left == 0


def test_refused_and_done_by_the_next_run(contract: Contract, address: str) -> None:
    """The document stays, the release is rejected; once it may, the next run does it."""
    plan = payments(RELEASED)
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, [payment(1, is_held=True)], plan)
        held = statuses(sandbox)
        freed = payments(RELEASED, operation="upsert")
        second = run(sandbox, ledger, [payment(1)], freed)

        assert (held, statuses(sandbox)) == (["On Hold"], ["Open"])
    assert ends(first) == {"read": 1, "created": 1, "rejected": 1}
    assert [one.code for shown in first.shown for one in shown.errors] == ["R402"]
    message = first.shown[0].errors[0].message
    assert re.match(r"\w+ stays as it is, `ReleasePayment` was not done: .*Release button", message)
    assert ends(second) == {"read": 1, "updated": 1, "done": 1}


def test_an_action_that_fails_later(contract: Contract, address: str) -> None:
    """An action that was accepted and came to nothing is rejected, and done by the next run."""
    errors = ["fails-later@POST:Payment/ReleasePayment:1"]
    with tenant(contract, *errors, action_seconds=0.2) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, paid(1), payments(UNSEEN))
        second = run(sandbox, ledger, paid(1), payments(UNSEEN))

        assert (statuses(sandbox), asked(sandbox)) == (["Open"], 2)
    assert ends(first) == {"read": 1, "created": 1, "rejected": 1}
    assert ends(second) == {"read": 1, "already_exists": 1, "done": 1}


def test_done_as_the_erp_says_and_without_effect(contract: Contract, address: str) -> None:
    """A 204 is not believed where the document shows otherwise."""
    errors = ["no-effect@POST:Payment/ReleasePayment:1"]
    with tenant(contract, *errors) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, paid(1), payments(RELEASED))
        second = run(sandbox, ledger, paid(1), payments(RELEASED))

        assert statuses(sandbox) == ["Open"]
    assert [one.code for shown in first.shown for one in shown.errors] == ["R422"]
    assert ends(second) == {"read": 1, "already_exists": 1, "done": 1}


@pytest.mark.parametrize(
    ("error", "times"),
    [("drop", 1), ("deadlock-after", 1), ("refuse", 2), ("unavailable", 2)],
)
def test_no_answer(contract: Contract, address: str, error: str, times: int) -> None:
    """An action without an answer is repeated only where the document shows that it is not done."""
    errors = [f"{error}@POST:Payment/ReleasePayment:1"]
    with tenant(contract, *errors) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, paid(1), payments(RELEASED))

        assert (statuses(sandbox), asked(sandbox)) == (["Open"], times)
    assert ends(summary) == {"read": 1, "created": 1, "done": 1}


@pytest.mark.parametrize("error", ["drop", "unavailable"])
def test_no_answer_and_nothing_shows_it(contract: Contract, address: str, error: str) -> None:
    """Where nothing shows it, a person looks; no run does it a second time."""
    errors = [f"{error}@POST:Payment/ReleasePayment:1"]
    with tenant(contract, *errors) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, paid(1), payments(UNSEEN))
        again = run(sandbox, ledger, paid(1), payments(UNSEEN))

        assert asked(sandbox) == 1
    assert ends(first) == {"read": 1, "created": 1, "dead_lettered": 1}
    (error_told,) = first.shown[0].errors
    assert error_told.code == "R421"
    assert "a person looks" in error_told.message
    assert ends(again)["dead_lettered"] == 1


def test_the_session_goes_while_an_action_runs(contract: Contract, address: str) -> None:
    """Its state went with the session: the document shows what came of it."""
    errors = ["sign-out@GET:Payment:3"]
    with tenant(contract, *errors, action_seconds=0.6) as sandbox, Ledger(address) as ledger:
        environment = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 1.0, 1.5))
        watcher = Watcher()
        summary = deliver(paid(1), payments(RELEASED), environment, ledger, RULES, watcher)

        assert (statuses(sandbox), asked(sandbox)) == (["Open"], 1)
    assert ends(summary) == {"read": 1, "created": 1, "done": 1}
    told = [one.name for one in watcher.events if isinstance(one, TechnicalEvent)]
    assert "session lost, signing in again" in told


def test_a_document_that_is_not_made(contract: Contract, address: str) -> None:
    """A step waits for its document."""
    errors = ["throttle@PUT:Payment:all"]
    plan = payments(RELEASED, retry=Retry(2, 0.02, 0.05))
    with tenant(contract, *errors) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, paid(1), plan)
        assert (asked(sandbox), sandbox.records("Payment")) == (0, [])
    assert ends(first) == {"read": 1, "dead_lettered": 1, "deferred": 1}
    assert {one.code for shown in first.shown for one in shown.errors} == {"R405", "R408"}


def test_a_ledger_that_was_lost(contract: Contract, address: str, tmp_path: Path) -> None:
    """What a document shows as done is not done again."""
    with tenant(contract) as sandbox:
        with HastyLedger(f"sqlite:///{tmp_path}/lost.db") as ledger:
            run(sandbox, ledger, paid(2), payments(RELEASED))
        with HastyLedger(address) as ledger:
            again = run(sandbox, ledger, paid(2), payments(RELEASED))
        assert asked(sandbox) == 2
    assert ends(again) == {"read": 2, "already_exists": 4}


@pytest.mark.parametrize("flow", ["paid", "paid blindly"])
@pytest.mark.parametrize("moment", ["document", "action"])
def test_killed(contract: Contract, address: str, flow: str, moment: str) -> None:
    """Killed between document and action, and amid the action: released once, or left to people."""
    reached = "PUT Payment 200" if moment == "document" else f"{RELEASE} 202"
    with tenant(contract, action_seconds=1.0) as sandbox:
        child = start(sandbox.url, address, 3, flow)
        deadline = time.monotonic() + 300
        while not sandbox.counts().get(reached) and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
        counts = start(sandbox.url, address, 3, flow).finish()

        in_doubt = counts["dead_lettered"]
        assert counts["read"] == 3
        assert len(sandbox.records("Payment")) == 3
        assert statuses(sandbox) == ["Open"] * 3
        assert asked(sandbox) == 3
    # Only what may be out is in doubt, and not the others that the dead one had in hand.
    assert in_doubt == (flow == "paid blindly" and moment == "action")


@pytest.mark.parametrize("branch", ["EAST", "settings.branch"])
def test_branch(contract: Contract, tmp_path: Path, branch: str) -> None:
    """Documents belong to the branch of their target, or to that of the environment."""
    plan = payments(RELEASED)
    plan = replace(plan, documents=(replace(plan.only, branch=branch),))
    with tenant(contract) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        place = environment_of(sandbox)
        of_east = dataclasses.replace(place, settings={"branch": "EAST"})
        summary = deliver(paid(2), plan, of_east, ledger, RULES, Watcher())
        assert [one["Branch"] for one in sandbox.records("Payment")] == ["EAST"] * 2
        if branch != "EAST":
            with pytest.raises(EnvironmentInvalid, match="`branch` names no branch"):
                deliver(paid(3), plan, place, ledger, RULES, Watcher())
    assert ends(summary) == {"read": 2, "created": 2, "done": 2}


@pytest.mark.parametrize("operation", ["create", "upsert"])
def test_branches_of_records(contract: Contract, address: str, operation: str) -> None:
    """Documents of several branches go through one flow, each with its step; updates, too."""
    plan = payments(RELEASED, operation=operation)
    plan = replace(plan, documents=(replace(plan.only, tells_branch=True),))

    def of(number: int, branch: str) -> Outcome:
        return replace(payment(number), branch=branch)

    records = [of(number, "EAST" if number % 2 else "WEST") for number in range(1, 7)]
    with tenant(contract, "drop@PUT:Payment:2") as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, records, plan)
        again = run(sandbox, ledger, [*records, of(7, "NORTH")], plan)
        found = {one["ExternalRef"]: one["Branch"] for one in sandbox.records("Payment")}
        branches = [found[f"{number}-shop"] for number in range(1, 8)]
        assert branches == ["EAST", "WEST", "EAST", "WEST", "EAST", "WEST", "NORTH"]
        assert statuses(sandbox) == ["Open"] * 7
    # One whose answer was lost is found, and updated where that is what the flow does.
    assert (first.created + first.updated, first.done, first.left) == (6, 6, 0)
    assert (again.created, again.done, again.left) == (1, 1, 0)


def _chain(**changes: Any) -> Plan:
    """An order that is shipped, then its invoice, then the payment of that; each with its step."""
    order = DocumentPlan(
        "order", "SalesOrder", "create", Identity("ExternalRef", {"OrderType": "SO"}),
        ("OrderType", "OrderNbr"),
        then=(Step("SalesOrderCreateShipment", {"Status": ("Shipping", "Completed")}),),
    )  # fmt: skip
    invoice = DocumentPlan(
        "invoice", "SalesInvoice", "create", Identity("ExternalRef", {"Type": "Invoice"}),
        ("Type", "ReferenceNbr"), after=("order",),
        then=(Step("ReleaseSalesInvoice", {"Status": ("Open", "Closed")}),),
    )  # fmt: skip
    payment = DocumentPlan(
        "payment", "Payment", "create", Identity("ExternalRef", {"Type": "Payment"}),
        ("Type", "ReferenceNbr"), after=("invoice",), then=(RELEASED,),
    )  # fmt: skip
    return plan_of(**{"flow": "chain", "documents": (order, invoice, payment)} | changes)


def _chained(number: int) -> list[Outcome]:
    """What one record of the chain becomes."""
    origin, known_as = Origin("orders.jsonl", number, number, str(number)), f"{number}-shop"
    common = {
        "ExternalRef": {"value": known_as},
        "Hold": {"value": False},
        "CustomerID": {"value": "C0001"},
    }
    order = common | {"OrderType": {"value": "SO"}}
    nbr = {"OrderNbr": {"value": {"made": "order", "field": "OrderNbr"}}}
    invoice = common | {"Type": {"value": "Invoice"}, "Details": [nbr]}
    reference = {"ReferenceNbr": {"value": {"made": "invoice", "field": "ReferenceNbr"}}}
    payment = common | {"Type": {"value": "Payment"}, "DocumentsToApply": [reference]}
    made: list[Outcome] = []
    before: tuple[tuple[str, str], ...] = ()
    for name, entity, body in (
        ("order", "SalesOrder", order),
        ("invoice", "SalesInvoice", invoice),
        ("payment", "Payment", payment),
    ):
        made.append(Document(origin, entity, known_as, json.dumps(body).encode(), name, before))
        before = ((name, known_as),)
    return made


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_from_the_order_to_the_payment(contract: Contract, address: str, seconds: float) -> None:
    """What goes after a document goes after its steps; each is done once, none before its turn."""
    errors = ["drop@POST:SalesInvoice/ReleaseSalesInvoice:1", "drop@PUT:SalesInvoice:2"]
    records = [outcome for number in (1, 2, 3) for outcome in _chained(number)]
    with tenant(contract, *errors, action_seconds=seconds) as sandbox, Ledger(address) as ledger:
        where = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 1.0, 1.5))
        summary = deliver(records, _chain(), where, ledger, RULES, Watcher())
        again = deliver(records, _chain(), where, ledger, RULES, Watcher())

        found = {name: sandbox.records(name) for name in ("SalesOrder", "SalesInvoice", "Payment")}
        assert [one["Status"] for one in found["SalesOrder"]] == ["Shipping"] * 3
        assert [one["Status"] for one in found["SalesInvoice"]] == ["Open"] * 3
        assert [one["Status"] for one in found["Payment"]] == ["Open"] * 3
        numbers = {one["ExternalRef"]: one["ReferenceNbr"] for one in found["SalesInvoice"]}
        for one in found["Payment"]:
            applied = [row["ReferenceNbr"] for row in one["DocumentsToApply"]]
            assert applied == [numbers[one["ExternalRef"]]]
    assert ends(summary) == {"read": 3, "created": 9, "done": 9}
    assert ends(again) == {"read": 3, "already_exists": 18}


def test_parameters() -> None:
    """A step carries its parameters as the ERP takes them, digits and types kept."""
    step = Step("ReleasePayment", given={"Reason": "07", "Copies": 2, "Rate": "1.10", "Now": True})

    document, release = with_steps([payment(1)], payments(step))

    assert isinstance(document, Document)
    assert isinstance(release, Document)
    assert release.needs == (("document", "1-shop"),)
    assert json.loads(release.body)["parameters"] == {
        "Reason": {"value": "07"},
        "Copies": {"value": 2},
        "Rate": {"value": "1.10"},
        "Now": {"value": True},
    }
