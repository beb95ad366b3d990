"""Sales invoices and payments: made, held, released, voided."""

from __future__ import annotations

from decimal import Decimal

from mapgen.sandbox.errors import button_disabled
from mapgen.sandbox.records import Record
from mapgen.sandbox.screen import Parameters, Screen
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import business_date

_LINE_FROM_ORDER = {
    "InventoryID": "InventoryID",
    "LineNbr": "LineNbr",
    "OrderLineNbr": "LineNbr",
    "Qty": "OrderQty",
    "UnitPrice": "UnitPrice",
    "DiscountAmount": "DiscountAmount",
    "Amount": "Amount",
    "UOM": "UOM",
    "TransactionDescr": "LineDescription",
    "WarehouseID": "WarehouseID",
    "ExternalRef": "ExternalRef",
}


def invoice_for(work: Work, order: Record) -> None:
    """Make the balanced invoice of an order; it is released by an action of its own."""
    entity = work.tenant.contract.entities.get("SalesInvoice")
    if entity is None:
        return
    store = work.tenant.store
    number = work.number(
        "SalesInvoice",
        "Invoice",
        _first_invoice("Invoice"),
        lambda key: store.by_keys("SalesInvoice", ["Invoice", key]) is not None,
    )
    invoice = Record("SalesInvoice")
    for name, value in {
        "Type": "Invoice",
        "ReferenceNbr": number,
        "Status": "Balanced",
        "CustomerID": order.text("CustomerID"),
        "Currency": order.text("CurrencyID"),
        "CustomerOrder": order.text("CustomerOrder"),
        "ExternalRef": order.text("ExternalRef"),
        "Description": order.text("Description"),
        "Date": business_date(work.today),
    }.items():
        work.set(invoice, name, value or None)
    work.set(invoice, "Hold", False)
    for name in ("Amount", "Balance"):
        work.set(invoice, name, order.number("OrderTotal"))
    work.set(invoice, "TaxTotal", order.number("TaxTotal"))
    _copy_lines(work, order, invoice)
    work.stamp(invoice, is_new=True)
    work.beside.append(invoice)
    for row in order.lines("Shipments"):
        work.set(row, "InvoiceType", "Invoice")
        work.set(row, "InvoiceNbr", number)


def _copy_lines(work: Work, order: Record, invoice: Record) -> None:
    member = work.field_of(invoice, "Details")
    if member is None or member.entity is None:
        return
    for line in order.lines("Details"):
        billed = Record(member.entity)
        for name, origin in _LINE_FROM_ORDER.items():
            work.set(billed, name, line.values.get(origin))
        for name in ("OrderType", "OrderNbr"):
            work.set(billed, name, order.text(name))
        invoice.lines("Details").append(billed)
        work.set(line, "UnbilledAmount", Decimal(0))


def _save_invoice(work: Work, invoice: Record, is_new: bool) -> None:
    if is_new:
        work.default(invoice, "Type", "Invoice")
        work.default(invoice, "Date", business_date(work.today))
        work.default(invoice, "Currency", work.tenant.setup.base_currency)
        work.default(invoice, "Hold", work.tenant.setup.hold_on_entry)
    for line in invoice.lines("Details"):
        amount = work.money(invoice, line.number("Qty") * line.number("UnitPrice"))
        work.set(line, "Amount", amount - line.number("DiscountAmount"))
    if invoice.text("Status") in ("", "On Hold", "Balanced"):
        lines = sum((line.number("Amount") for line in invoice.lines("Details")), Decimal(0))
        tax = sum((line.number("TaxAmount") for line in invoice.lines("TaxDetails")), Decimal(0))
        work.set(invoice, "DetailTotal", lines)
        work.set(invoice, "TaxTotal", tax)
        for name in ("Amount", "Balance"):
            work.set(invoice, name, lines + tax)
        invoice.values["Status"] = "On Hold" if invoice.flag("Hold") else "Balanced"


def _release_invoice(_work: Work, invoice: Record, _parameters: Parameters) -> None:
    if invoice.text("Status") != "Balanced":
        raise button_disabled("Release")
    invoice.values["Status"] = "Open"


def _save_payment(work: Work, payment: Record, is_new: bool) -> None:
    if not payment.text("CustomerID"):
        work.fail(payment, "CustomerID", "'Customer' cannot be empty.")
    if is_new:
        work.default(payment, "Type", "Payment")
        work.default(payment, "ApplicationDate", business_date(work.today))
        work.default(payment, "CurrencyID", work.tenant.setup.base_currency)
        work.default(payment, "Hold", work.tenant.setup.hold_on_entry)
    if payment.text("Status") in ("", "On Hold", "Balanced"):
        payment.values["Status"] = "On Hold" if payment.flag("Hold") else "Balanced"
        applied = sum(
            (row.number("AmountPaid") for row in payment.lines("DocumentsToApply")), Decimal(0)
        )
        ordered = sum(
            (row.number("AppliedToOrder") for row in payment.lines("OrdersToApply")), Decimal(0)
        )
        work.set(payment, "AppliedToDocuments", applied)
        work.set(payment, "AppliedToOrders", ordered)
        work.set(payment, "AvailableBalance", payment.number("PaymentAmount") - applied - ordered)


def _release_payment(_work: Work, payment: Record, _parameters: Parameters) -> None:
    if payment.text("Status") != "Balanced":
        raise button_disabled("Release")
    is_used_up = not payment.number("AvailableBalance")
    payment.values["Status"] = "Closed" if is_used_up else "Open"


def _void_payment(_work: Work, payment: Record, _parameters: Parameters) -> None:
    if payment.text("Status") not in ("Open", "Closed"):
        raise button_disabled("Void")
    payment.values["Status"] = "Voided"


def _first_invoice(_series: str) -> str:
    return "AR000001"


INVOICES = Screen(
    numbered_key="ReferenceNbr",
    first_number=_first_invoice,
    key_defaults={"Type": "Invoice"},
    save=_save_invoice,
    actions={"ReleaseSalesInvoice": _release_invoice},
    kept_statuses=frozenset({"Open"}),
)
PAYMENTS = Screen(
    numbered_key="ReferenceNbr",
    first_number=lambda _: "PM000001",
    key_defaults={"Type": "Payment"},
    save=_save_payment,
    actions={"ReleasePayment": _release_payment, "VoidPayment": _void_payment},
    kept_statuses=frozenset({"Open", "Closed", "Voided"}),
)
