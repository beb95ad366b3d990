"""Flows over records that are put together: Amazon's orders with their items, a flat price list."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Sandbox, serve
from tests.cli.conftest import ROOT, mapgen

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
EXAMPLES = SHARED / "sources" / "amazon" / "ordersV0.examples.json"
LOCK = ROOT / "specs/contracts/default-24.200.001.json"
PRICES = ROOT / "specs/price_list/samples/prices.csv"

Lines = list[Any]
real = pytest.mark.skipif(not EXAMPLES.is_file(), reason=f"no real payloads in {EXAMPLES}")


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A tenant without master data: it takes every customer, item and currency."""
    with serve(load(LOCK)) as sandbox:
        yield sandbox


def _written(folder: Path, orders: Lines, items: Lines) -> tuple[str | Path, ...]:
    """Write both resources, and return the options that name them."""
    for name, records in (("orders.jsonl", orders), ("items.jsonl", items)):
        (folder / name).write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return ("--input", folder / "orders.jsonl", "--join", f"items={folder / 'items.jsonl'}")


def _transformed(folder: Path, orders: Lines, items: Lines) -> tuple[Lines, Lines, str]:
    """Return the documents, the records that gave none, and what was said at the end."""
    out, kept = folder / "out.jsonl", folder / "kept.jsonl"
    files = ("--output", out, "--rejects", kept, "--env", "local")
    done = mapgen("transform", "amazon_orders", *_written(folder, orders, items), *files, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return _lines(out), _lines(kept), done.stderr


def _lines(path: Path) -> Lines:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def _real() -> tuple[dict[str, Any], Lines]:
    """Return Amazon's own examples: orders by number, answers with items."""
    orders: dict[str, Any] = {}
    items = []
    for body in json.loads(EXAMPLES.read_text(encoding="utf-8")).values():
        payload = body.get("payload", {})
        for order in payload.get("Orders", [payload]):
            if "PurchaseDate" in order:
                orders[order["AmazonOrderId"]] = order
        if any("SellerSKU" in item for item in payload.get("OrderItems", [])):
            items.append(body)
    return orders, items


@real
def test_amazon_orders_as_they_are(tmp_path: Path) -> None:
    """The order whose items are there reconciles to the cent; the others wait, or are not due."""
    orders, items = _real()

    [line], kept, said = _transformed(tmp_path, list(orders.values()), items)

    document = line["document"]
    [row] = document["Details"]
    assert line["source"]["key"] == document["CustomerOrder"]["value"] == "902-1845936-5435065"
    assert document["OrderType"] == {"value": "SO"}
    assert document["Hold"] == {"value": True}
    assert row["InventoryID"] == {"value": "NABetaASINB00551Q3CS"}
    tax = sum(one["TaxAmount"]["value"] for one in document["TaxDetails"])
    total = row["OrderQty"]["value"] * row["UnitPrice"]["value"] + tax
    assert total == document["ControlTotal"]["value"] == Decimal("11.01")
    outcomes = {one["source"]["key"]: one for one in kept}
    assert outcomes["902-3159896-1390916"]["reason"].startswith("not released by Amazon")
    for number in ("902-8745147-1934268", "921-3175655-0452641"):
        [error] = outcomes[number]["faults"]
        assert (error["code"], error["source_path"], error["value"], error["retry"]) == (
            "R105",
            "order.items",
            number,
            True,
        )
    assert "items.jsonl: 1 record belongs to no record of the input" in said


@real
def test_amazon_items_that_are_not_all_there(tmp_path: Path) -> None:
    """A first page in two currencies is no whole order, and both reasons are reported."""
    orders, items = _real()
    of_page = next(one["payload"] for one in items if "NextToken" in one["payload"])
    total = {"CurrencyCode": "JPY", "Amount": "1.00"}
    order = {**orders["902-8745147-1934268"], "AmazonOrderId": of_page["AmazonOrderId"]}

    documents, [line], _ = _transformed(tmp_path, [{**order, "OrderTotal": total}], items)

    assert documents == []
    assert {error["target"] for error in line["faults"]} == {
        "all pages of the items are there",
        "one currency",
        "order total",
    }


@real
def test_amazon_items_of_two_answers(tmp_path: Path) -> None:
    """Two pages under one number are two different records: nobody can say which it is."""
    orders, items = _real()
    order = orders["902-1845936-5435065"]
    [own] = [one for one in items if one["payload"]["AmazonOrderId"] == order["AmazonOrderId"]]
    other = {"payload": {**own["payload"], "OrderItems": []}}

    [line], _, _ = _transformed(tmp_path, [order], [own, own])
    _, [kept], _ = _transformed(tmp_path, [order], [own, other])

    assert line["document"]["ControlTotal"]["value"] == Decimal("11.01")
    assert [error["code"] for error in kept["faults"]] == ["R106"]


def _examples() -> Lines:
    found = sorted((ROOT / "specs/amazon/examples").glob("order-*.json"))
    return [json.loads(one.read_text("utf-8")) for one in found if one.name.count(".") == 1]


def test_amazon_orders_are_created_once(tmp_path: Path, tenant: Sandbox) -> None:
    """Items from a file of their own are the same as items in the record; none is sent twice."""
    given = {one["AmazonOrderId"]: one for one in reversed(_examples())}
    items = [{"payload": one.pop("items")} for one in given.values()]
    files = _written(tmp_path, list(given.values()), items)
    state = f"sqlite:///{tmp_path / 'ledger.db'}"
    options = (*files, "--env", "local", "--state", state, "--json")

    for created, there in ((2, 0), (0, 2)):
        done = mapgen("run", "amazon_orders", *options, cwd=ROOT, **tenant.environment)
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)
        assert (counts["created"], counts["already_exists"]) == (created, there)

    orders = {one["CustomerOrder"]: one for one in tenant.records("SalesOrder")}
    assert {one["OrderType"] for one in orders.values()} == {"SO", "IN"}
    for number, record in given.items():
        total = Decimal(record["OrderTotal"]["Amount"])
        assert orders[number]["ControlTotal"] == total


def test_items_that_are_broken(tmp_path: Path, tenant: Sandbox) -> None:
    """A broken record of the joined file is one rejection of the run; whole orders arrive."""
    [order] = [one for one in _examples() if "702-2200102-5500102" in one["AmazonOrderId"]]
    items = {"payload": order.pop("items")}
    files = _written(tmp_path, [order], [items, {"payload": {"OrderItems": []}}])
    state = f"sqlite:///{tmp_path / 'ledger.db'}"
    options = (*files, "--env", "local", "--state", state, "--json")

    done = mapgen("run", "amazon_orders", *options, cwd=ROOT, **tenant.environment)

    assert done.returncode == 1
    counts = json.loads(done.stdout)
    assert (counts["created"], counts["rejected"]) == (1, 1)
    assert "items.jsonl:2" in done.stderr


def test_the_price_list(tmp_path: Path) -> None:
    """Each list and day of the sample is one worksheet that holds every row of it."""
    out = tmp_path / "out.jsonl"
    files = ("--input", PRICES, "--output", out)

    done = mapgen("transform", "price_list_prices", *files, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    rows = [
        (price["InventoryID"]["value"], price["BreakQty"]["value"], price["PendingPrice"]["value"])
        for line in _lines(out)
        for price in line["document"]["SalesPrices"]
    ]
    cells = [line.split(";") for line in PRICES.read_text("utf-8").splitlines()[1:]]
    assert rows == [(cell[2], Decimal(cell[5] or 0), Decimal(cell[6])) for cell in cells]
    assert [line["document"]["Description"]["value"] for line in _lines(out)] == [
        "Price list Spring 2026 from 2026-03-01",
        "Price list Spring 2026 EU from 2026-03-01",
        "Price list Spring 2026 EU from 2026-04-01",
    ]


def test_price_worksheets_are_created_once(tmp_path: Path, tenant: Sandbox) -> None:
    """A worksheet is found by its description: a second run of the list creates none."""
    state = f"sqlite:///{tmp_path / 'ledger.db'}"
    options = ("--input", PRICES, "--env", "local", "--json")

    for name, created in (("first", 3), ("second", 0)):
        other = f"{state}.{name}"
        done = mapgen(
            "run", "price_list_prices", *options, "--state", other, cwd=ROOT, **tenant.environment
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["created"] == created

    assert len(tenant.records("SalesPriceWorksheet")) == 3
