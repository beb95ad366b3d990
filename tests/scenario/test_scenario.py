"""A quarter of an hour of the scenario, and books that do not agree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.__main__ import run
from tests.scenario.books import Row, fulfilment_rows, order_rows, stock_rows, table_of
from tests.scenario.day import TINY

ORDER = {
    "id": 1, "currency": "USD", "total_price": "12.00", "test": False, "cancelled_at": None,
    "financial_status": "paid",
}  # fmt: skip
THERE = {"ExternalRef": "1-shop", "OrderNbr": "SO1", "OrderTotal": Decimal("12.0")}
SENT = {"#1": ("sent", "SO1")}


def test_a_quarter_of_an_hour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders, shipments and stock go both ways; one order is rejected, corrected and replayed."""
    assert run(TINY, tmp_path)

    said = capsys.readouterr().out
    assert "R301 CustomerOrder: 1 rejected" in said
    assert "#1222 is in the tenant" in said
    assert "orders in USD" in said
    assert "DOES NOT AGREE" not in said
    assert "46 of 46 rows agree" in said
    assert (tmp_path / "books.csv").read_text().count(",yes\n") == 46


@pytest.mark.parametrize(
    ("ledger", "there", "lost", "doubled"),
    [
        pytest.param(SENT, [], 1, 0, id="lost"),
        pytest.param(SENT, [THERE, THERE], 0, 1, id="doubled"),
        pytest.param(SENT, [{**THERE, "OrderTotal": Decimal("11.99")}], 0, 0, id="money"),
        pytest.param(SENT, [{**THERE, "OrderNbr": "SO2"}], 0, 0, id="another number"),
        pytest.param({"#1": ("staged", "None")}, [THERE], 0, 0, id="open"),
        pytest.param({}, [THERE], 0, 0, id="unknown to the ledger"),
        pytest.param(SENT, [THERE, {**THERE, "ExternalRef": "2-shop"}], 0, 1, id="nobody's"),
    ],
)
def test_orders_that_do_not_agree(ledger: Any, there: Any, lost: int, doubled: int) -> None:
    """Each is seen."""
    rows = list(order_rows({"#1": ORDER}, {"#1": 1}, ledger, there))

    assert not all(row.agrees for row in rows)
    assert (sum(row.lost for row in rows), sum(row.doubled for row in rows)) == (lost, doubled)


def test_orders_that_agree() -> None:
    """What is sent is there once; what is skipped is not."""
    test = {**ORDER, "id": 2, "test": True}
    ledger = {**SENT, "#2": ("skipped", "None")}
    rows = list(order_rows({"#1": ORDER, "#2": test}, {"#1": 3, "#2": 1}, ledger, [THERE]))

    assert all(row.agrees for row in rows)
    assert [line.split() for line in table_of(rows)][1:] == [
        ["orders", "in", "USD", "1", "3", "1", "0", "0", "12", "12", "1"],
        ["orders", "to", "skip", "1", "1", "1", "0", "0", "0", "0", "1"],
    ]


def test_what_goes_to_the_shop() -> None:
    """A fulfilment that is there twice, one of nothing, a level that is old."""
    shipment = {
        "ShipmentNbr": "S1", "Orders": [{"OrderNbr": "SO1"}], "Details": [{"ShippedQty": 2}],
    }  # fmt: skip
    made = {"name": "S1-SO1", "line_items": [{"quantity": 2}]}
    stray = {**made, "name": "S2-SO1"}
    sent = {"S1-SO1": ("sent", "None"), "POT-IRN-08/MAIN": ("sent", "None")}
    article = {
        "InventoryID": "POT-IRN-08", "WarehouseDetails": [{"WarehouseID": "MAIN", "QtyOnHand": 7}],
    }  # fmt: skip
    level = {"inventory_item_id": 48120000101, "location_id": 61120000001, "available": 7}

    def agree(rows: Any) -> list[bool]:
        return [row.agrees for row in rows]

    assert agree(fulfilment_rows([shipment], sent, [made])) == [True]
    assert agree(fulfilment_rows([shipment], sent, [made, made, stray])) == [False, False]
    assert agree(stock_rows([article], sent, [level])) == [True]
    assert agree(stock_rows([article], sent, [{**level, "available": 8}])) == [False]
    (row,) = stock_rows([article], sent, [])
    assert (row.lost, replace(row, found=1, at_shop=Decimal(7)).agrees) == (1, True)
    assert isinstance(row, Row)
