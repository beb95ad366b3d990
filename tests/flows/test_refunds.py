"""Refunds over real payloads: return orders that reconcile to the cent, whatever was refunded."""

from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, mapgen

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
SHOPIFY = SHARED / "sources" / "shopify"

pytestmark = pytest.mark.skipif(not SHOPIFY.is_dir(), reason=f"no real payloads in {SHOPIFY}")


def refund(**changes: Any) -> dict[str, Any]:
    """Return Shopify's own refund with members changed: two articles, 209.00 paid back."""
    found = json.loads((SHOPIFY / "refund.json").read_text(encoding="utf-8"))["refund"]
    return {**copy.deepcopy(found), **changes}


def carried(tmp_path: Path, record: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Any]]:
    """Return the document of a refund, its values unwrapped, and what became of it otherwise."""
    given, out, kept, buyers = (tmp_path / name for name in ("in.json", "out", "kept", "b.csv"))
    given.write_text(json.dumps({"refund": record}), encoding="utf-8")
    buyers.write_text(f"order_id,customer_id\n{record['order_id']},C000101\n", encoding="utf-8")
    files = ("--input", given, "--output", out, "--rejects", kept, "--lookup", f"buyers={buyers}")
    done = mapgen("transform", "shopify_refunds", *files, "--env", "local", cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    lines = [json.loads(line, parse_float=Decimal) for line in out.read_text().splitlines()]
    others = [json.loads(line) for line in kept.read_text().splitlines()]
    return (_plain(lines[0]["document"]) if lines else None), others


def _plain(document: Any) -> Any:
    if isinstance(document, list):
        return [_plain(row) for row in document]
    if not isinstance(document, dict):
        return document
    if "value" in document:
        return document["value"]
    return {name: _plain(member) for name, member in document.items()}


def total(document: dict[str, Any]) -> Decimal:
    """Return what the buyer gets back by the rows, the shipping and the taxes of a document."""
    rows = sum(
        (row["OrderQty"] * row["UnitPrice"] - row.get("DiscountAmount", 0))
        for row in document["Details"]
    )
    taxes = sum(tax["TaxAmount"] for tax in document.get("TaxDetails", []))
    return Decimal(rows + taxes + document["ShippingSettings"]["PremiumFreight"])


def adjustment(kind: str, amount: str) -> dict[str, Any]:
    return {"id": 4221, "kind": kind, "amount": amount, "tax_amount": "0.00", "reason": None}


def money(amount: str, status: str = "success") -> list[dict[str, Any]]:
    return [{"id": 1, "amount": amount, "kind": "refund", "status": status, "currency": "USD"}]


def test_lines_that_exceed_the_money(tmp_path: Path) -> None:
    """The shop's own refund: goods for more than was paid back; a row takes the difference off."""
    document, others = carried(tmp_path, refund())

    assert others == []
    assert document is not None
    *goods, rest = document["Details"]
    assert [row["InventoryID"] for row in goods] == ["IPOD2008BLACK", "IPOD2008GREEN"]
    assert rest["InventoryID"] == "REFUND"
    assert rest["UnitPrice"] == Decimal("209.00") - 2 * (Decimal("199.00") + Decimal("3.98"))
    assert "ExternalRef" not in rest
    assert total(document) == document["ControlTotal"] == Decimal("209.00")
    assert document["OrderType"] == "RC"
    assert document["CustomerOrder"] == "450789469-kettle-fern"
    assert document["note"] == "it broke during shipping"
    assert {tax["TaxID"]: tax["TaxAmount"] for tax in document["TaxDetails"]} == {
        "USSTATE": Decimal("7.96")
    }


@pytest.mark.parametrize(
    ("changes", "items"),
    [
        pytest.param(
            {"refund_line_items": [], "transactions": money("25.00")},
            ["REFUND"],
            id="an amount without quantity",
        ),
        pytest.param(
            {"transactions": money("500.00")},
            ["IPOD2008BLACK", "IPOD2008GREEN", "REFUND"],
            id="more than the lines come to",
        ),
        pytest.param(
            {"transactions": []},
            ["IPOD2008BLACK", "IPOD2008GREEN", "REFUND"],
            id="goods back for 0.00",
        ),
        pytest.param(
            {
                "transactions": money("410.96"),
                "order_adjustments": [adjustment("shipping_refund", "-5.00")],
            },
            ["IPOD2008BLACK", "IPOD2008GREEN"],
            id="the shipping, too",
        ),
        pytest.param(
            {
                "transactions": money("402.63"),
                "order_adjustments": [adjustment("refund_discrepancy", "3.33")],
            },
            ["IPOD2008BLACK", "IPOD2008GREEN", "REFUND"],
            id="a discrepancy that the shop names",
        ),
        pytest.param(
            {"transactions": money("405.96"), "restock": False},
            ["REFUND", "REFUND"],
            id="goods that stay with the buyer",
        ),
    ],
)
def test_whatever_was_refunded(tmp_path: Path, changes: dict[str, Any], items: list[str]) -> None:
    """Each row has its article, and all of them come to the money that went back."""
    record = refund(**changes)

    document, others = carried(tmp_path, record)

    assert others == []
    assert document is not None
    assert [row["InventoryID"] for row in document["Details"]] == items
    paid = sum((Decimal(one["amount"]) for one in record["transactions"]), Decimal(0))
    assert total(document) == paid == document["ControlTotal"]


def test_calculated_refund(tmp_path: Path) -> None:
    """The shop's own reckoning: subtotal after discounts, less money than it comes to."""
    reckoned = json.loads((SHOPIFY / "refund_calculate.json").read_text(encoding="utf-8"))["refund"]
    [share] = reckoned["refund_line_items"]
    [first, _] = refund()["refund_line_items"]
    line = {**first, "subtotal": share["subtotal"], "total_tax": share["total_tax"]}
    amount = reckoned["transactions"][0]["amount"]
    back = adjustment("shipping_refund", f"-{reckoned['shipping']['amount']}")
    record = refund(refund_line_items=[line], transactions=money(amount), order_adjustments=[back])

    document, _ = carried(tmp_path, record)

    assert document is not None
    goods, rest = document["Details"]
    assert goods["DiscountAmount"] == Decimal("3.33")
    assert rest["UnitPrice"] == Decimal("41.94") - Decimal("195.67") - Decimal("3.98") - 5
    assert total(document) == Decimal("41.94")


def test_part_of_a_line(tmp_path: Path) -> None:
    """Of two bought one comes back: half of the line's tax goes with it."""
    [first, _] = refund()["refund_line_items"]
    first["line_item"] |= {
        "quantity": 2,
        "tax_lines": [{"title": "State Tax", "price": "7.96", "rate": 0.02}],
    }

    document, _ = carried(tmp_path, refund(refund_line_items=[first], transactions=money("202.98")))

    assert document is not None
    assert document["TaxDetails"][0]["TaxAmount"] == Decimal("3.98")
    assert len(document["Details"]) == 1


def test_money_on_its_way(tmp_path: Path) -> None:
    """A refund whose money has not arrived is left out: it comes again."""
    document, [line] = carried(tmp_path, refund(transactions=money("209.00", status="pending")))

    assert document is None
    assert line["outcome"] == "skipped"
    assert "on its way" in line["reason"]


def test_rows_of_a_rejection(tmp_path: Path) -> None:
    """A error names the row of its own list, the row of the document, and the rule of its block."""
    record = refund(order_adjustments=[adjustment("refund_discrepancy", "3,33")])
    record["refund_line_items"][1]["line_item"]["sku"] = " "
    record["refund_line_items"][0]["restock_type"] = "no_restock"

    document, [line] = carried(tmp_path, record)

    assert document is None
    found = {(error["source_path"], error["target"]) for error in line["faults"]}
    assert found == {
        ("refund.order_adjustments[0].amount", "Details[2].UnitPrice"),
        ("refund.refund_line_items[1].line_item.sku", "Details[0].InventoryID"),
    }
    for error in line["faults"]:
        # Of a rule in a part, the place of the part is behind that of its use.
        file, number, _ = error["spec"].rpartition("(")[2].strip(")").split(":")
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert lines[int(number) - 1].strip().startswith(error["target"].rpartition(".")[2])
