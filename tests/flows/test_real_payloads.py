"""The flows over real payloads: documents that reconcile, rejections that say why."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, mapgen

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
SOURCES = SHARED / "sources"

pytestmark = pytest.mark.skipif(not SOURCES.is_dir(), reason=f"no real payloads in {SOURCES}")

Lines = list[Any]
Transformed = Callable[..., tuple[Lines, Lines]]


@pytest.fixture
def transformed(tmp_path: Path) -> Transformed:
    """Return a function that carries a file, or records, through a flow.

    It gives the lines of the documents, and those of the records that gave none. Named lookups are
    files that stand for what a run would ask.
    """

    def carry(flow: str, records: Path | Lines, **lookups: object) -> tuple[Lines, Lines]:
        given, out, kept = (tmp_path / name for name in ("in.jsonl", "out.jsonl", "kept.jsonl"))
        if not isinstance(records, Path):
            given.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
            records = given
        files = ("--input", records, "--output", out, "--rejects", kept)
        tables = []
        for name, table in lookups.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(table), encoding="utf-8")
            tables += ["--lookup", f"{name}={path}"]
        done = mapgen("transform", flow, *files, *tables, "--env", "local", cwd=ROOT)
        assert done.returncode in (0, 1), done.stderr
        return _read_lines(out), _read_lines(kept)

    return carry


def _read_lines(path: Path) -> Lines:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def _payload(path: str) -> Any:
    return json.loads((SOURCES / path).read_text(encoding="utf-8"))


def _plain_values(document: Any) -> Any:
    """Return a document without the wrappers around its values."""
    if isinstance(document, list):
        return [_plain_values(row) for row in document]
    if not isinstance(document, dict):
        return document
    if "value" in document:
        return document["value"]
    return {name: _plain_values(member) for name, member in document.items()}


def _errors(line: Any) -> list[tuple[str, str, str]]:
    return [(error["code"], error["target"], error["source_path"]) for error in line["faults"]]


@pytest.mark.parametrize("file", ["customer.json", "customers_search.json"])
def test_shopify_customers(file: str, transformed: Transformed) -> None:
    """Shopify's own customers become customers, whichever envelope they come in."""
    [line], kept = transformed("shopify_customers", SOURCES / "shopify" / file)

    document = _plain_values(line["document"])
    assert kept == []
    assert document["AccountRef"] == "207119551-kettle-fern"
    assert document["CustomerName"] == "Bob Norman"
    assert document["TaxZone"] == "USOTHER"
    assert (document["SendInvoicesbyEmail"], document["PrintInvoices"]) == (True, False)
    assert document["MainContact"]["Phone1"] == "555-625-1199"
    assert document["MainContact"]["Address"] == {
        "AddressLine1": "Chestnut Street 92",
        "City": "Louisville",
        "State": "KY",
        "PostalCode": "40202",
        "Country": "US",
    }


def test_shopify_customer_without_name_and_address(transformed: Transformed) -> None:
    """The customer inside an order is enough; without any name it is rejected, once."""
    inside = {**_payload("shopify/customer.json")["customer"], "default_address": None}
    nobody = {**inside, "first_name": "", "last_name": None, "email": " "}

    [line], [kept] = transformed("shopify_customers", [inside, nobody])

    assert "Address" not in line["document"]["MainContact"]
    [(code, target, path)] = _errors(kept)
    assert (code, target) == ("R201", "CustomerName")
    assert "customer.first_name" in path


def test_stripe_charge_that_is_only_authorised(transformed: Transformed) -> None:
    """Stripe's own charge has not been captured: no payment."""
    documents, [kept] = transformed("stripe_charges", SOURCES / "stripe" / "charge.json")

    assert documents == []
    assert kept["reason"] == "authorised only; no money has been taken"


@pytest.mark.parametrize(
    ("currency", "amount", "expected", "account"),
    [
        pytest.param("usd", 100, Decimal("1.00"), "102000", id="cents"),
        pytest.param("usd", 4294967297, Decimal("42949672.97"), "102000", id="large"),
        pytest.param("jpy", 100, Decimal("100"), "102300", id="no minor unit"),
    ],
)
def test_stripe_charge_that_is_captured(
    transformed: Transformed, currency: str, amount: int, expected: Decimal, account: str
) -> None:
    """Once captured, the payment is for the amount to the cent, dated by the books' zone."""
    money = {"amount": amount, "amount_captured": amount, "currency": currency}
    charge = {**_payload("stripe/charge.json"), **money, "captured": True}

    [line], _ = transformed("stripe_charges", [charge])

    document = _plain_values(line["document"])
    assert document["PaymentAmount"] == expected
    assert document["CurrencyID"] == currency.upper()
    assert document["CashAccount"] == account
    assert document["CustomerID"] == "GUEST"
    assert document["ApplicationDate"] == "2009-02-13"
    assert document["PaymentRef"] == document["ExternalRef"] == charge["id"]


def test_stripe_charge_in_a_currency_without_an_account(transformed: Transformed) -> None:
    """Money in a currency that the books have no account for is rejected with the key tried."""
    charge = {**_payload("stripe/charge.json"), "captured": True, "amount_captured": 100}

    _, [kept] = transformed("stripe_charges", [{**charge, "currency": "chf"}])

    [error] = kept["faults"]
    assert (error["code"], error["target"]) == ("R304", "CashAccount")
    assert error["value"] == "`card CHF`"


PAID_ORDER = "450789469-kettle-fern"


@pytest.mark.parametrize("file", ["transaction.json", "transactions.json"])
def test_shopify_transaction_that_only_authorises(file: str, transformed: Transformed) -> None:
    """Shopify's own transaction takes no money yet: no payment."""
    path = SOURCES / "shopify" / file

    documents, [kept] = transformed("shopify_payments", path, orders={}, payers={})

    assert documents == []
    assert kept["reason"] == "no money has been taken"


def test_shopify_transaction_that_takes_money(transformed: Transformed) -> None:
    """Captured, it is a prepayment of its order; an unknown gateway is reported with its name."""
    authorised = _payload("shopify/transaction.json")["transaction"]
    captured = {**authorised, "kind": "capture"}
    known = {**captured, "gateway": "shopify_payments"}

    [line], [kept] = transformed(
        "shopify_payments", [captured, known], orders={PAID_ORDER: "SO1"}, payers={PAID_ORDER: "C1"}
    )

    document = _plain_values(line["document"])
    assert document["ExternalRef"] == "389404469-kettle-fern"
    assert (document["CustomerID"], document["CashAccount"]) == ("C1", "102000")
    assert document["ApplicationDate"] == "2005-08-01"
    assert document["PaymentRef"] == "authorization-key"
    assert document["PaymentAmount"] == Decimal("409.94")
    assert document["OrdersToApply"] == [
        {"OrderType": "SO", "OrderNbr": "SO1", "AppliedToOrder": Decimal("409.94")}
    ]
    assert _errors(kept) == [
        ("R304", "PaymentMethod", "transaction.gateway"),
        ("R304", "CashAccount", "transaction.gateway, transaction.currency"),
    ]
    assert [error["value"] for error in kept["faults"]] == ["`bogus`", "`bogus` with `USD`"]


def test_shopify_transactions_of_a_refund(transformed: Transformed) -> None:
    """The transactions inside a refund are left to the refunds' own flow, each with the reason."""
    found = _payload("shopify/refund.json")
    inside = [one for refund in _every(found, "transactions") for one in refund]

    documents, kept = transformed("shopify_payments", inside, orders={}, payers={})

    assert documents == []
    assert inside
    assert {line["reason"] for line in kept} == {"refunds have a flow of their own"}


def _every(value: Any, name: str) -> Lines:
    """Return every member of that name, however deep it lies."""
    if isinstance(value, list):
        return [found for item in value for found in _every(item, name)]
    if not isinstance(value, dict):
        return []
    own = [value[name]] if name in value else []
    return own + [found for member in value.values() for found in _every(member, name)]


def _woocommerce_orders() -> Lines:
    """Return the orders of the reference's examples, each once."""
    orders = {}
    for number in (2, 3, 4, 5):
        body = _payload(f"woocommerce/docs_v3_orders_{number:02d}.json")["body"]
        for order in body if isinstance(body, list) else [body]:
            orders[order["id"], order["status"]] = order
    return list(orders.values())


def test_woocommerce_orders_as_they_are(transformed: Transformed) -> None:
    """Each line without a SKU is named, by row and by its path in the source."""
    orders = _woocommerce_orders()

    documents, kept = transformed("woocommerce_orders", orders)

    assert len(orders) == 3
    assert documents == []
    for line, order in zip(kept, orders, strict=True):
        blank = [n for n, row in enumerate(order["line_items"]) if not row["sku"]]
        assert line["source"]["key"] == order["number"]
        assert _errors(line) == [
            ("R201", f"order: Details[{n}].InventoryID", f"order.line_items[{n}].sku")
            for n in blank
        ]


def test_woocommerce_orders_with_skus(transformed: Transformed) -> None:
    """With SKUs, every order reconciles with what its buyer paid; sent home, it has no location."""
    orders = _with_skus(_woocommerce_orders())

    documents, kept = transformed("woocommerce_orders", orders)

    assert kept == []
    assert [line["name"] for line in documents] == ["order"] * len(orders)
    assert [line["source"]["key"] for line in documents] == [order["number"] for order in orders]
    for line, order in zip(documents, orders, strict=True):
        document = _plain_values(line["document"])
        rows = document["Details"]
        total = sum(row["OrderQty"] * row["UnitPrice"] for row in rows)
        total -= sum(row.get("DiscountAmount", 0) for row in rows)
        total += document["ShippingSettings"]["PremiumFreight"]
        total += sum(tax["TaxAmount"] for tax in document.get("TaxDetails", []))
        assert total == Decimal(order["total"]) == document["ControlTotal"]
        assert document["Date"] == order["date_created_gmt"][:10]
        is_guest = order["customer_id"] == 0
        assert document["CustomerID"] == ("GUEST" if is_guest else "C000101")
    descriptions = [row["LineDescription"] for row in documents[0]["document"]["Details"]]
    assert descriptions[1] == {"value": "Ship Your Idea – Color: Black, Size: M Test"}


def test_woocommerce_batch_answer(transformed: Transformed) -> None:
    """The answer to a batch of writes is no order, and is told so member by member."""
    body = _payload("woocommerce/docs_v3_orders_06.json")["body"]

    documents, [kept] = transformed("woocommerce_orders", [body])

    assert documents == []
    assert ("R103", "location: ExtRefNbr", "order.id") in _errors(kept)
    assert {code for code, _, _ in _errors(kept)} == {"R103"}


def _with_skus(orders: Lines) -> Lines:
    for order in orders:
        for row in order["line_items"]:
            row["sku"] = row["sku"] or f"WOO-{row['product_id']}"
    return orders


def test_woocommerce_orders_sent_elsewhere(transformed: Transformed) -> None:
    """A customer's order to another place has its location before it; a guest's has none."""
    orders = _with_skus(_woocommerce_orders())
    for order in orders:
        order["shipping"] = {**order["shipping"], "address_1": "1 Elsewhere"}

    documents, kept = transformed("woocommerce_orders", orders)

    assert kept == []
    by_order: dict[str, dict[str, Any]] = {}
    for line in documents:
        by_order.setdefault(line["source"]["key"], {})[line["name"]] = line["document"]
    for order in orders:
        made = _plain_values(by_order[order["number"]])
        if order["customer_id"] == 0:
            assert list(made) == ["order"]
            assert made["order"]["ShipToAddress"]["AddressLine1"] == "1 Elsewhere"
            continue
        assert list(made) == ["location", "order"]
        place = made["location"]["LocationContact"]["Address"]
        assert place["AddressLine1"] == "1 Elsewhere"
        assert place["PostalCode"] == order["shipping"]["postcode"]
        assert made["location"]["Customer"] == made["order"]["CustomerID"] == "C000101"
        assert made["order"]["LocationID"] == {"made": "location", "field": "LocationID"}
        assert "ShipToAddress" not in made["order"]


@pytest.mark.parametrize("file", ["product.json", "products.json"])
def test_shopify_products(file: str, transformed: Transformed) -> None:
    """Each variant of Shopify's own products becomes an item with its number, price and weight."""
    found = _payload(f"shopify/{file}")
    products = [one.get("product", one) for one in (found if isinstance(found, list) else [found])]

    documents, kept = transformed("shopify_products", products)

    assert kept == []
    variants = [(product, variant) for product in products for variant in product["variants"]]
    for line, (product, variant) in zip(documents, variants, strict=True):
        item = _plain_values(line["document"])
        assert (line["name"], line["entity"]) == ("item", "StockItem")
        assert item["InventoryID"] == variant["sku"]
        assert item["Description"] == f"{product['title']}, {variant['title']}"
        assert item["DefaultPrice"] == Decimal(variant["price"])
        assert item["DimensionWeight"] == Decimal(variant["grams"]) / 1000
        assert "CrossReferences" not in item  # without barcodes there are no rows


def test_shopify_variants_with_one_number(transformed: Transformed) -> None:
    """Two variants with one SKU keep the product back, and the SKU is shown."""
    product = _payload("shopify/product.json")["product"]
    product["variants"][3]["sku"] = product["variants"][1]["sku"]

    documents, [kept] = transformed("shopify_products", [product])

    assert documents == []
    assert _errors(kept) == [("R224", "item[]: InventoryID", "product.variants[].sku")]
    assert kept["faults"][0]["value"] == "IPOD2008RED"


def test_shopify_variant_without_a_price(transformed: Transformed) -> None:
    """A error of one variant names it; none of the others is made, either."""
    product = _payload("shopify/product.json")["product"]
    product["variants"][2]["price"] = "free"

    documents, [kept] = transformed("shopify_products", [product])

    assert documents == []
    assert _errors(kept) == [("R102", "item[2]: DefaultPrice", "product.variants[2].price")]
