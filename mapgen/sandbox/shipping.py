"""Shipments: made from an order's open lines, and confirmed."""

from __future__ import annotations

from decimal import Decimal

from mapgen.sandbox.errors import button_disabled
from mapgen.sandbox.records import Record
from mapgen.sandbox.screen import Parameters, Screen
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import business_date

_COPIED = ("InventoryID", "UOM", "WarehouseID", "FreeItem")


def shipment_for(work: Work, order: Record, parameters: Parameters) -> None:
    """Make a shipment of everything open on an order, and note it on the order."""
    if "Shipment" not in work.tenant.contract.entities:
        return
    store = work.tenant.store
    number = work.number(
        "Shipment", "", _first_number(""), lambda key: store.by_keys("Shipment", [key]) is not None
    )
    shipped = sum((line.number("OpenQty") for line in order.lines("Details")), Decimal(0))
    shipment = Record("Shipment")
    day = parameters.get("ShipmentDate", business_date(work.today))
    facts = {
        "ShipmentNbr": number,
        "Type": "Shipment",
        "Status": "Open",
        "CustomerID": order.text("CustomerID"),
        "ShipVia": order.text("ShipVia"),
        "ShipmentDate": day,
        "ShippedQty": shipped,
        "WarehouseID": parameters.get("WarehouseID", ""),
    }
    for name, value in facts.items():
        work.set(shipment, name, value or None)
    _ship_lines(work, order, shipment)
    row = {"OrderType": order.text("OrderType"), "OrderNbr": order.text("OrderNbr")}
    _note(work, shipment, "Orders", {**row, "ShipmentNbr": number, "ShipmentType": "Shipment"})
    note = {"ShipmentNbr": number, "ShipmentType": "Shipment", "Status": "Open"}
    _note(work, order, "Shipments", {**note, "ShipmentDate": str(day)})
    for lines in (shipment.lines("Orders"), order.lines("Shipments")):
        work.set(lines[-1], "ShippedQty", shipped)
    work.stamp(shipment, is_new=True)
    work.beside.append(shipment)


def _ship_lines(work: Work, order: Record, shipment: Record) -> None:
    for at, line in enumerate(order.lines("Details"), start=1):
        held = _note(work, shipment, "Details", {name: line.text(name) for name in _COPIED[:3]})
        for name in ("OrderedQty", "ShippedQty"):
            work.set(held, name, line.number("OpenQty"))
        for name in ("OrderType", "OrderNbr"):
            work.set(held, name, order.text(name))
        work.set(held, "LineNbr", at)
        number = line.values.get("LineNbr")
        work.set(held, "OrderLineNbr", number)
        work.set(held, "Description", line.text("LineDescription") or None)
        work.set(line, "QtyOnShipments", line.number("QtyOnShipments") + line.number("OpenQty"))
        work.set(line, "OpenQty", Decimal(0))


def _note(work: Work, record: Record, name: str, facts: dict[str, str]) -> Record:
    """Add a line with these texts, and return it."""
    member = work.field_of(record, name)
    line = Record(member.entity if member is not None and member.entity is not None else name)
    if member is None:
        return line
    record.lines(name).append(line)
    for field, value in facts.items():
        work.set(line, field, value or None)
    return line


def _save_shipment(work: Work, shipment: Record, is_new: bool) -> None:
    if is_new:
        work.default(shipment, "Type", "Shipment")
        work.default(shipment, "ShipmentDate", business_date(work.today))
    if shipment.text("Status") in ("", "On Hold", "Open"):
        shipment.values["Status"] = "On Hold" if shipment.flag("Hold") else "Open"


def _confirm(work: Work, shipment: Record, _parameters: Parameters) -> None:
    if shipment.text("Status") != "Open":
        raise button_disabled("Confirm Shipment")
    shipment.values["Status"] = "Confirmed"
    for row in shipment.lines("Orders"):
        keys = [row.text("OrderType"), row.text("OrderNbr")]
        order = work.tenant.store.by_keys("SalesOrder", keys)
        if order is None:
            continue
        done = order.draft()
        done.values["Status"] = "Completed"
        for noted in done.lines("Shipments"):
            if noted.text("ShipmentNbr") == shipment.text("ShipmentNbr"):
                work.set(noted, "Status", "Confirmed")
        work.stamp(done, is_new=False)
        work.beside.append(done)


def _correct(_work: Work, shipment: Record, _parameters: Parameters) -> None:
    if shipment.text("Status") != "Confirmed":
        raise button_disabled("Correct Shipment")
    shipment.values["Status"] = "Open"


def _first_number(_series: str) -> str:
    return "SH000001"


SHIPMENTS = Screen(
    numbered_key="ShipmentNbr",
    first_number=_first_number,
    save=_save_shipment,
    actions={"ConfirmShipment": _confirm, "CorrectShipment": _correct},
    kept_statuses=frozenset({"Confirmed"}),
)
