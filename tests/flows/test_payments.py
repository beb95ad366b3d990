"""Payments of Shopify orders against a sandbox tenant: each finds the order that it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Sandbox, serve
from tests.cli.conftest import ROOT, mapgen

LOCK = ROOT / "specs/contracts/default-24.200.001.json"
EXAMPLES = ROOT / "specs/shopify/examples"
ORDERS = {5871232800768: "117.76", 5871232833536: "9.00", 5871232899072: "200.04"}


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A tenant without master data: it takes every customer, item and currency."""
    with serve(load(LOCK)) as sandbox:
        yield sandbox


def _transaction(number: int, order: int, amount: str, **more: object) -> dict[str, Any]:
    sample = json.loads((EXAMPLES / "transaction-6001.json").read_text(encoding="utf-8"))
    return {**sample, "id": number, "order_id": order, "amount": amount, **more}


def _orders() -> list[Any]:
    names = ("order-1001.json", "order-1002.json", "order-1004.json")
    return [json.loads((EXAMPLES / name).read_text(encoding="utf-8")) for name in names]


def _run(
    flow: str, records: list[Any], folder: Path, tenant: Sandbox, *more: str
) -> tuple[Mapping[str, Any], str]:
    """Return the counts of a run and what it said."""
    path = folder / f"{flow}.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    state = f"sqlite:///{folder / 'ledger.db'}"
    options = ("--input", path, "--env", "local", "--state", state, "--json", *more)
    done = mapgen("run", flow, *options, cwd=ROOT, **tenant.environment)
    return json.loads(done.stdout), done.stderr


def test_payments_of_orders(tmp_path: Path, tenant: Sandbox) -> None:
    """Each payment names the order's number and customer; several of one order ask once."""
    paid = [_transaction(at, order, amount) for at, (order, amount) in enumerate(ORDERS.items(), 1)]
    paid.append(_transaction(9, 5871232800768, "5.00", kind="sale"))
    paid.append(_transaction(10, 5871232800768, "5.00", kind="refund"))
    _run("shopify_orders", _orders(), tmp_path, tenant)

    asked = tenant.counts()["GET SalesOrder 200"]
    first, _ = _run("shopify_payments", paid, tmp_path, tenant)
    # One request for each order, and those that look for the payments themselves go to `Payment`.
    assert tenant.counts()["GET SalesOrder 200"] - asked == len(ORDERS)
    second, _ = _run("shopify_payments", paid, tmp_path, tenant)

    assert (first["created"], first["skipped"]) == (4, 1)
    assert (second["created"], second["already_exists"]) == (0, 4)
    orders = {one["OrderNbr"]: one for one in tenant.records("SalesOrder")}
    payments = tenant.records("Payment")
    assert len(payments) == 4
    for payment in payments:
        [row] = payment["OrdersToApply"]
        order = orders[row["OrderNbr"]]
        assert payment["CustomerID"] == order["CustomerID"]
        assert row["AppliedToOrder"] == payment["PaymentAmount"]
    applied = sum(one["PaymentAmount"] for one in payments)
    assert applied == sum(map(Decimal, ORDERS.values())) + 5


def test_payment_before_its_order(tmp_path: Path, tenant: Sandbox) -> None:
    """It waits, says for what, and is delivered by the run after the order's."""
    [order, *_] = _orders()
    paid = [_transaction(1, 5871232800768, "117.76")]

    early, said = _run("shopify_payments", paid, tmp_path, tenant)
    _run("shopify_orders", [order], tmp_path, tenant)
    later, _ = _run("shopify_payments", paid, tmp_path, tenant)

    assert (early["deferred"], early["rejected"], early["created"]) == (1, 0, 0)
    assert "R304 a key that the lookup does not know: OrdersToApply[].OrderNbr" in said
    assert (later["deferred"], later["created"]) == (0, 1)
    [order] = tenant.records("SalesOrder")
    [payment] = tenant.records("Payment")
    assert payment["OrdersToApply"][0]["OrderNbr"] == order["OrderNbr"]


def test_payment_of_an_order_with_two_owners(tmp_path: Path) -> None:
    """Two orders with one reference and different customers: nobody guesses whose payment it is."""
    reference = "5871232800768-kettle-fern"
    twin = {"OrderType": "SO", "ExternalRef": reference}
    twins = [{**twin, "OrderNbr": f"SO{name}", "CustomerID": name} for name in "AB"]
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({reference: "SOA"}))

    with serve(load(LOCK), seed={"SalesOrder": twins}) as tenant:
        paid = [_transaction(1, 5871232800768, "5.00")]
        counts, said = _run(
            "shopify_payments", paid, tmp_path, tenant, "--lookup", f"orders={orders}"
        )

    assert (counts["rejected"], counts["created"]) == (1, 0)
    assert "the lookup `payers` is ambiguous: several records have this `ExternalRef`" in said
