"""Goods that leave a warehouse, once a shipment's issue is posted."""

from __future__ import annotations

from decimal import Decimal

from mapgen.sandbox.errors import button_disabled
from mapgen.sandbox.records import Record, folded
from mapgen.sandbox.tenant import Work


def issue(work: Work, shipment: Record) -> None:
    """Take what was shipped off the stock on hand, and note the issue, at each of its orders.

    Quantities have a table of their own in the ERP: when a stock item was last modified does not
    tell of them. Raises Refused (500) where the shipment has its issue already.
    """
    orders = shipment.lines("Orders")
    if any(order.text("InventoryRefNbr") for order in orders):
        raise button_disabled("Update IN")
    for line in shipment.lines("Details"):
        _take(work, line, line.text("WarehouseID") or shipment.text("WarehouseID"))
    number = work.tenant.store.next_number("INIssue", "", "000001")
    for order in orders:
        work.set(order, "InventoryDocType", "Issue")
        work.set(order, "InventoryRefNbr", number)


def _take(work: Work, line: Record, warehouse: str) -> None:
    """Take a line of a shipment off what lies in a warehouse; what is not stocked has none."""
    store = work.tenant.store
    item = store.by_keys("StockItem", [line.text("InventoryID")])
    if item is None:
        return
    pieces = line.number("ShippedQty") * _base_units(item, line.text("UOM"))
    for place in item.lines("WarehouseDetails"):
        if folded(place.text("WarehouseID")) == folded(warehouse):
            work.set(place, "QtyOnHand", place.number("QtyOnHand") - pieces)
    store.save(item)


def _base_units(item: Record, unit: str) -> Decimal:
    """Return how many of the unit that stock is counted in one of another is."""
    if folded(unit) in ("", folded(item.text("BaseUOM"))):
        return Decimal(1)
    for row in item.lines("UOMConversions"):
        if folded(row.text("FromUOM")) == folded(unit):
            factor = row.number("ConversionFactor")
            return 1 / factor if row.text("MultiplyOrDivide") == "Divide" else factor
    return Decimal(1)
