"""What documents do by themselves, as tables: defaults, numbers, statuses, actions.

An order's amounts are computed besides. Entities that are not named here keep what they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mapgen.contract.model import Entity
from mapgen.sandbox.errors import button_disabled
from mapgen.sandbox.records import Record
from mapgen.sandbox.stock import issue
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import Value, rounded

DEFAULTS: Mapping[str, Mapping[str, Value]] = {
    "Payment": {"Type": "Payment", "Hold": True},
    "SalesOrder": {"OrderType": "SO", "LocationID": "MAIN", "Hold": True},
}
"""What a new record holds before anybody says anything. Source: recorded exchanges."""

_FIRST_NUMBERS: Mapping[str, str] = {"Customer": "C000001", "CustomerLocation": "L00001"}
_WORKING_STATUSES: Mapping[str, str] = {
    "Payment": "Balanced",
    "SalesInvoice": "Balanced",
    "SalesOrder": "Open",
    "Shipment": "Open",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """An action's effect: the statuses it starts from, the one it leads to, values it sets."""

    button: str
    before: frozenset[str]
    after: str
    values: Mapping[str, Value] = field(default_factory=dict)


_STEPS: Mapping[str, _Step] = {
    "ConfirmShipment": _Step("Confirm Shipment", frozenset({"Open"}), "Confirmed"),
    "ReleaseSalesInvoice": _Step("Release", frozenset({"Balanced"}), "Open"),
    "SalesOrderCreateShipment": _Step("Create Shipment", frozenset({"Open"}), "Shipping"),
    "CancelSalesOrder": _Step("Cancel Order", frozenset({"On Hold", "Open"}), "Canceled"),
    "OpenSalesOrder": _Step("Remove Hold", frozenset({"On Hold"}), "Open", {"Hold": False}),
    "ReleasePayment": _Step("Release", frozenset({"Balanced"}), "Open"),
    "ReopenSalesOrder": _Step("Reopen Order", frozenset({"Canceled"}), "Open"),
    "UpdateIN": _Step("Update IN", frozenset({"Confirmed"}), "Confirmed"),
    "VoidPayment": _Step("Void", frozenset({"Open"}), "Voided"),
}


def numbered_key(work: Work, entity: Entity) -> str | None:
    """Return the key that the tenant numbers itself, None where keys are typed in."""
    is_manual = work.tenant.setup.numbering.get(entity.name) == "manual"
    return None if is_manual else entity.number


def first_number(entity: Entity, series: str) -> str:
    """Return the first number of a series, which an order's type or the like tells apart."""
    initials = "".join(word[0] for word in series.split())
    prefix = series if len(series) <= 2 else initials
    return _FIRST_NUMBERS.get(entity.name, f"{prefix}000001")


def settle(work: Work, record: Record) -> None:
    """Bring a record that was written to the amounts and the status that it has now."""
    if record.entity == "SalesOrder":
        _total(work, record)
    working = _WORKING_STATUSES.get(record.entity)
    if working is not None and record.text("Status") in ("", "On Hold", working):
        work.set(record, "Status", "On Hold" if record.flag("Hold") else working)


def act(work: Work, record: Record, action: str) -> None:
    """Do what an action does to a record; one without a step here changes nothing.

    Raises Refused (500) where the record's status does not allow it.
    """
    step = _STEPS.get(action)
    if step is None:
        return
    if record.text("Status") not in step.before:
        raise button_disabled(step.button)
    if action == "UpdateIN":
        issue(work, record)
    for name, value in {**step.values, "Status": step.after}.items():
        work.set(record, name, value)


def _total(work: Work, order: Record) -> None:
    """Compute an order's amounts. What is sent for them is not kept. Source: recorded."""
    for line in order.lines("Details"):
        _total_line(work, line)
    lines = _sum(order, "Details", "Amount")
    tax = _sum(order, "TaxDetails", "TaxAmount")
    total = lines - _sum(order, "DiscountDetails", "DiscountAmount")
    shipping = order.linked.get("ShippingSettings")
    if shipping is not None:
        total += shipping.number("FreightPrice") + shipping.number("PremiumFreight")
    # With gross entry the prices hold the tax already.
    total += Decimal(0) if order.text("TaxCalcMode") == "Gross" else tax
    work.set(order, "OrderedQty", _sum(order, "Details", "OrderQty"))
    work.set(order, "OrderTotal", rounded(total, 2))
    work.set(order, "TaxTotal", tax)


def _total_line(work: Work, line: Record) -> None:
    extended = rounded(line.number("OrderQty") * line.number("UnitPrice"), 2)
    discount = line.number("DiscountAmount")
    if not discount:
        discount = rounded(extended * line.number("DiscountPercent") / 100, 2)
    work.set(line, "ExtendedPrice", extended)
    work.set(line, "Amount", extended - discount)


def _sum(order: Record, rows: str, name: str) -> Decimal:
    return sum((row.number(name) for row in order.details.get(rows, ())), Decimal(0))
