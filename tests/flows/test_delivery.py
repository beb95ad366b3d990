"""The flows of the workspace against a sandbox tenant: what their examples come to in the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Sandbox, serve
from tests.cli.conftest import ROOT, mapgen
from tests.ends import ended_aside

LOCK = ROOT / "specs/contracts/default-24.200.001.json"


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A tenant without master data: it takes every customer, item and currency."""
    with ended_aside(serve(load(LOCK))) as sandbox:
        yield sandbox


def _samples(pattern: str, folder: Path) -> Path:
    """Write the records of a flow's examples and rejects into one file."""
    given = sorted(one for one in (ROOT / "specs").glob(pattern) if one.name.count(".") == 1)
    records = [json.loads(one.read_text(encoding="utf-8")) for one in given]
    lines = folder / "records.jsonl"
    lines.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return lines


def _run(
    flow: str, records: Path, tenant: Sandbox, returns: int = 1, ledger: str = "ledger.db"
) -> dict[str, Any]:
    state = f"sqlite:///{records.parent / ledger}"
    options = ("--input", records, "--env", "local", "--state", state, "--json")
    done = mapgen("run", flow, *options, cwd=ROOT, **tenant.environment)
    assert done.returncode == returns, done.stderr
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


@pytest.mark.parametrize(
    ("flow", "pattern", "entity", "counts"),
    [
        pytest.param(
            "shopify_customers", "shopify/examples/customer-*.json", "Customer", (3, 2),
            id="Shopify customers",
        ),
        pytest.param(
            "stripe_charges", "stripe/examples/*.json", "Payment", (3, 3), id="Stripe charges"
        ),
        pytest.param(
            "shopify_refunds", "shopify/examples/refund-*.json", "SalesOrder", (4, 3),
            id="Shopify refunds",
        ),
        pytest.param(
            "shopify_orders", "shopify/examples/order-*.json", "SalesOrder", (4, 2),
            id="Shopify orders",
        ),
        pytest.param(
            "amazon_orders", "amazon/examples/*.json", "SalesOrder", (2, 6), id="Amazon orders"
        ),
    ],
)  # fmt: skip
def test_examples_are_created_once(
    flow: str, pattern: str, entity: str, counts: tuple[int, int], tmp_path: Path, tenant: Sandbox
) -> None:  # fmt: skip
    """Good records are created in the tenant, bad ones rejected; a second run creates nothing.

    Nor does one whose ledger knows nothing yet: the tenant is asked for each identity.
    """
    records = _samples(pattern, tmp_path)

    first = _run(flow, records, tenant)
    second = _run(flow, records, tenant)
    third = _run(flow, records, tenant, ledger="other.db")

    assert (first["created"], first["rejected"]) == counts
    assert (second["created"], second["already_exists"]) == (0, counts[0])
    assert (third["created"], third["already_exists"]) == (0, counts[0])
    assert len(tenant.records(entity)) == counts[0]


def test_woocommerce_totals_in_the_tenant(tmp_path: Path, tenant: Sandbox) -> None:
    """The tenant reckons the lines, discounts, taxes and freight to what the buyer has paid."""
    records = _samples("woocommerce/examples/*.json", tmp_path)

    _run("woocommerce_orders", records, tenant)

    reckoned = {order["ExternalRef"]: order for order in tenant.records("SalesOrder")}
    for line in records.read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        order = reckoned.pop(f"{given['id']}-kettle-fern-eu", None)
        if order is not None:
            assert order["OrderTotal"] == order["ControlTotal"] == Decimal(given["total"])
            assert order["TaxTotal"] == Decimal(given["total_tax"])
    assert reckoned == {}


def test_stripe_amounts_in_the_tenant(tmp_path: Path, tenant: Sandbox) -> None:
    """Payments are for the amounts captured, in the units of their currencies."""
    _run("stripe_charges", _samples("stripe/examples/*.json", tmp_path), tenant)

    payments = {(one["CurrencyID"], one["PaymentAmount"]) for one in tenant.records("Payment")}
    assert payments == {
        ("USD", Decimal("200.04")),
        ("JPY", Decimal("1250")),
        ("EUR", Decimal("49.50")),
    }


def test_places_of_delivery_come_before_their_orders(tmp_path: Path, tenant: Sandbox) -> None:
    """An order for another place goes to a location of its own, under the key that it got."""
    records = _samples("woocommerce/examples/*.json", tmp_path)

    first = _run("woocommerce_orders", records, tenant)
    second = _run("woocommerce_orders", records, tenant)

    places = {one["LocationID"]: one for one in tenant.records("CustomerLocation")}
    orders = tenant.records("SalesOrder")
    assert len(orders) == 5
    assert len(places) == 1
    assert (first["rejected"], second["rejected"]) == (4, 4)
    assert {order["LocationID"] for order in orders} == {*places, "MAIN"}
    assert first["created"] == len(orders) + len(places)
    assert (second["created"], second["already_exists"]) == (0, first["created"])


def test_variants_become_items(tmp_path: Path, tenant: Sandbox) -> None:
    """A product becomes an item for each variant; a second run sends nothing."""
    records = _samples("shopify/examples/product-*.json", tmp_path)

    first = _run("shopify_products", records, tenant)
    second = _run("shopify_products", records, tenant)

    items = tenant.records("StockItem")
    assert len(items) == first["created"] > first["read"] - first["rejected"]
    assert second["created"] == 0
