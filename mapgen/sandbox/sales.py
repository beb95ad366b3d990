"""Sales orders: defaults, addresses, lines, taxes, totals, status, and their actions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mapgen.sandbox.errors import button_disabled
from mapgen.sandbox.receivables import invoice_for
from mapgen.sandbox.records import Record
from mapgen.sandbox.screen import Parameters, Screen
from mapgen.sandbox.shipping import shipment_for
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import Value, business_date, rounded

# What new orders and lines hold before anybody says anything. Source: recorded exchanges.
_ORDER: Mapping[str, Value] = {
    "BillToAddressValidated": True,
    "ControlTotal": Decimal(0),
    "CurrencyRate": Decimal(1),
    "LocationID": "MAIN",
    "OrderType": "SO",
    "ReciprocalRate": Decimal(1),
    "ShipToAddressValidated": True,
}
_LINE: Mapping[str, Value] = {
    "Commissionable": True,
    "LineType": "Goods for Inventory",
    "Operation": "Issue",
    "OvershipThreshold": Decimal("100.000000"),
    "ShippingRule": "Cancel Remainder",
    "UndershipThreshold": Decimal("100.000000"),
    "UOM": "EA",
}
_FROM_ITEM: Mapping[str, str] = {
    "LineDescription": "Description",
    "TaxCategory": "TaxCategory",
    "UOM": "SalesUOM",
    "WarehouseID": "DefaultWarehouseID",
}
# Which part of an order copies which part of its customer while its override flag is off.
_CONTACTS = {
    "BillToContact": ("BillingContact", "MainContact"),
    "ShipToContact": ("ShippingContact", "MainContact"),
}
_ADDRESSES = {
    "BillToAddress": ("BillingContact", "MainContact"),
    "ShipToAddress": ("ShippingContact", "MainContact"),
}
_CONTACT_FIELDS = {
    "Attention": "Attention",
    "BusinessName": "CompanyName",
    "Email": "Email",
    "Phone1": "Phone1",
}
_FINAL = ("Canceled", "Completed")


def save_order(work: Work, order: Record, is_new: bool) -> None:
    """Compute an order. Values sent for what is computed are not kept. Source: recorded."""
    if not order.text("CustomerID"):
        work.fail(order, "CustomerID", "'Customer' cannot be empty.")
    customer = work.tenant.store.by_keys("Customer", [order.text("CustomerID")])
    if is_new:
        _default_order(work, order, customer)
    _copy_from_customer(work, order, customer)
    for line in order.lines("Details"):
        _save_line(work, order, line)
    _save_taxes(work, order)
    _total(work, order)
    _settle_status(work, order)
    _refuse_duplicate(work, order)


def _default_order(work: Work, order: Record, customer: Record | None) -> None:
    today = business_date(work.today)
    work.defaults(order, _ORDER)
    work.default(order, "Date", today)
    for name in ("EffectiveDate", "RequestedOn"):
        work.default(order, name, order.text("Date") or today)
    work.default(order, "BaseCurrencyID", work.tenant.setup.base_currency)
    work.default(order, "Branch", work.branch)
    currency = customer.text("CurrencyID") if customer is not None else ""
    work.default(order, "CurrencyID", currency or work.tenant.setup.base_currency)
    work.default(order, "Hold", work.tenant.setup.hold_on_entry)
    if customer is not None:
        work.default(order, "ShipVia", customer.text("ShipVia") or None)
    financial = work.part(order, "FinancialSettings")
    if financial is not None and customer is not None:
        work.default(financial, "Terms", customer.text("Terms") or None)
        work.default(financial, "CustomerTaxZone", customer.text("TaxZone") or None)


def _copy_from_customer(work: Work, order: Record, customer: Record | None) -> None:
    """Fill addresses and contacts from the customer.

    With the override flag set, fields that were sent or changed stay and only the others, the
    first time, come from the customer: an address line that nobody sends is the customer's.
    """
    for name, sources in (_CONTACTS | _ADDRESSES).items():
        part = work.part(order, name)
        contact = _contact(customer, sources)
        if part is None or contact is None:
            continue
        is_address = name in _ADDRESSES
        source = contact.part("Address") if is_address else contact
        if source is None:
            continue
        names = {field: field for field in source.values} if is_address else _CONTACT_FIELDS
        is_overridden = order.flag(f"{name}Override")
        for target, origin in names.items():
            if not is_overridden:
                work.set(part, target, source.values.get(origin))
            elif f"{name}Override" in order.sent:
                work.default(part, target, source.values.get(origin))


def _contact(customer: Record | None, names: tuple[str, ...]) -> Record | None:
    """Return the first contact of the customer that says anything."""
    if customer is None:
        return None
    for name in names:
        part = customer.part(name)
        address = part.part("Address") if part is not None else None
        if part is not None and (part.values or (address is not None and address.values)):
            return part
    return None


def _save_line(work: Work, order: Record, line: Record) -> None:
    lines = order.lines("Details")
    is_new = "LineNbr" not in line.values
    if is_new:
        work.set(line, "LineNbr", max((_line_number(other) for other in lines), default=0) + 1)
    item = _item(work, line.text("InventoryID"))
    if not line.text("InventoryID"):
        work.fail(line, "InventoryID", "'Inventory ID' cannot be empty.")
    if item is not None:
        for name, origin in _FROM_ITEM.items():
            work.default(line, name, item.text(origin) or None)
    work.defaults(line, _LINE)
    work.default(line, "Branch", order.text("Branch") or None)
    for name in ("RequestedOn", "ShipOn", "SchedOrderDate"):
        work.default(line, name, order.text("RequestedOn") or None)
    _price(work, order, line, item)


def _price(work: Work, order: Record, line: Record, item: Record | None) -> None:
    """Price a line. A price list wins over a price sent without `ManualPrice`.

    A discount stays only where it is said to be manual, on the line or for the whole order.
    """
    listed = item.number("DefaultPrice") if item is not None else Decimal(0)
    if listed and not line.flag("ManualPrice"):
        work.set(line, "UnitPrice", listed)
    quantity, price = line.number("OrderQty"), line.number("UnitPrice")
    extended = work.money(order, quantity * price)
    discount = Decimal(0)
    if line.flag("ManualDiscount") or order.flag("DisableAutomaticDiscountUpdate"):
        discount = line.number("DiscountAmount")
        if "DiscountPercent" in line.sent and "DiscountAmount" not in line.sent:
            discount = work.money(order, extended * line.number("DiscountPercent") / 100)
    amount = extended - discount
    work.set(line, "UnitPrice", price)
    work.set(line, "ExtendedPrice", extended)
    work.set(line, "DiscountAmount", discount)
    work.set(line, "DiscountPercent", _share(discount, extended))
    work.set(line, "Amount", amount)
    work.set(line, "DiscountedUnitPrice", rounded(amount / quantity, 6) if quantity else price)
    work.set(line, "OpenQty", quantity - line.number("QtyOnShipments"))
    work.set(line, "UnbilledAmount", amount)


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return rounded(part / whole * 100, 6) if whole else Decimal(0)


def _item(work: Work, inventory_id: str) -> Record | None:
    store = work.tenant.store
    keys = [inventory_id]
    return store.by_keys("StockItem", keys) or store.by_keys("NonStockItem", keys)


def _line_number(line: Record) -> int:
    number = line.values.get("LineNbr")
    return number if isinstance(number, int) else 0


def _save_taxes(work: Work, order: Record) -> None:
    """Keep the taxes sent where they are declared valid; this tenant has no tax engine of its own.

    Source: taxes that are not declared valid are calculated anew, and what was sent is lost.
    """
    if work.field_of(order, "TaxDetails") is None:
        return
    if not (order.flag("IsTaxValid") or order.flag("DisableAutomaticTaxCalculation")):
        order.details["TaxDetails"] = []
    total = Decimal(0)
    for tax in order.lines("TaxDetails"):
        if not tax.text("TaxID"):
            work.fail(tax, "TaxID", "'Tax ID' cannot be empty.")
        if "TaxAmount" not in tax.values:
            base = tax.number("TaxableAmount") * tax.number("TaxRate") / 100
            work.set(tax, "TaxAmount", work.money(order, base))
        work.set(tax, "TaxAmount", work.money(order, tax.number("TaxAmount")))
        total += tax.number("TaxAmount")
    work.set(order, "TaxTotal", total)


def _freight(work: Work, order: Record) -> Decimal:
    """Return the freight: a price of one's own counts only with its override flag."""
    shipping, totals = work.part(order, "ShippingSettings"), work.part(order, "Totals")
    price = premium = Decimal(0)
    if shipping is not None:
        price = shipping.number("FreightPrice") if shipping.flag("OverrideFreightPrice") else price
        premium = shipping.number("PremiumFreight")
    if totals is not None:
        if totals.flag("OverrideFreightAmount") and "Freight" in totals.sent:
            price = totals.number("Freight")
        if "PremiumFreight" in totals.sent:
            premium = totals.number("PremiumFreight")
    for part, name in ((shipping, "FreightPrice"), (totals, "Freight")):
        if part is not None:
            work.set(part, name, price)
            work.set(part, "PremiumFreight", premium)
    return price + premium


def _total(work: Work, order: Record) -> None:
    lines = order.lines("Details")
    if not order.flag("DisableAutomaticDiscountUpdate"):
        order.details["DiscountDetails"] = []
    line_total = sum((line.number("Amount") for line in lines), Decimal(0))
    discount = sum(
        (row.number("DiscountAmount") for row in order.lines("DiscountDetails")), Decimal(0)
    )
    paid = sum((row.number("AppliedToOrder") for row in order.lines("Payments")), Decimal(0))
    freight, tax = _freight(work, order), order.number("TaxTotal")
    # With gross entry the prices hold the tax already.
    added = Decimal(0) if order.text("TaxCalcMode") == "Gross" else tax
    total = work.money(order, line_total - discount + freight + added)
    quantity = sum((line.number("OrderQty") for line in lines), Decimal(0))
    work.set(order, "OrderedQty", quantity)
    work.set(order, "OrderTotal", total)
    work.set(order, "TaxTotal", tax)
    totals = work.part(order, "Totals")
    if totals is not None:
        work.set(totals, "LineTotalAmount", line_total)
        work.set(totals, "DiscountTotal", discount)
        work.set(totals, "TaxTotal", tax)
        work.set(totals, "UnbilledAmount", total)
        work.set(totals, "UnbilledQty", quantity)
        work.set(totals, "UnpaidBalance", total - paid)


def _settle_status(_work: Work, order: Record) -> None:
    if order.text("Status") in (*_FINAL, "Shipping"):
        return
    status = "Credit Hold" if order.flag("CreditHold") else "Open"
    order.values["Status"] = "On Hold" if order.flag("Hold") else status


def _refuse_duplicate(work: Work, order: Record) -> None:
    """Refuse a second order of a customer's number, where the order type forbids duplicates."""
    number = order.text("CustomerOrder").casefold()
    if not number or not work.tenant.setup.forbid_duplicate_customer_order:
        return
    for other in work.tenant.store.all("SalesOrder"):
        same = other.text("CustomerOrder").casefold() == number
        if same and other.id != order.id and other.text("CustomerID") == order.text("CustomerID"):
            words = (
                f"The customer order number is already used in the {other.text('OrderNbr')} order."
            )
            work.fail(order, "CustomerOrder", words)
            return


def _number_lines(work: Work, order: Record) -> None:
    """Repeat the order's keys in the lines that have them."""
    for lines in order.details.values():
        for line in lines:
            for name in ("OrderType", "OrderNbr"):
                work.set(line, name, order.text(name))


def _cancel(work: Work, order: Record, _parameters: Parameters) -> None:
    if order.text("Status") in (*_FINAL, "Shipping"):
        raise button_disabled("Cancel Order")
    order.values["Status"] = "Canceled"
    for line in order.lines("Details"):
        work.set(line, "OpenQty", Decimal(0))


def _reopen(work: Work, order: Record, _parameters: Parameters) -> None:
    if order.text("Status") not in _FINAL:
        raise button_disabled("Reopen Order")
    order.values["Status"] = ""
    for line in order.lines("Details"):
        work.set(line, "OpenQty", line.number("OrderQty") - line.number("QtyOnShipments"))
    _settle_status(work, order)


def _open(work: Work, order: Record, _parameters: Parameters) -> None:
    if order.text("Status") != "On Hold":
        raise button_disabled("Remove Hold")
    order.values["Hold"] = False
    _settle_status(work, order)


def _release_credit(work: Work, order: Record, _parameters: Parameters) -> None:
    if order.text("Status") != "Credit Hold":
        raise button_disabled("Release from Credit Hold")
    order.values["CreditHold"] = False
    _settle_status(work, order)


def _create_shipment(work: Work, order: Record, parameters: Parameters) -> None:
    if order.text("Status") != "Open":
        raise button_disabled("Create Shipment")
    shipment_for(work, order, parameters)
    order.values["Status"] = "Shipping"


def _prepare_invoice(work: Work, order: Record, _parameters: Parameters) -> None:
    if order.text("Status") not in ("Open", "Shipping", "Completed"):
        raise button_disabled("Prepare Invoice")
    invoice_for(work, order)
    order.values["Status"] = "Completed"


ORDERS = Screen(
    numbered_key="OrderNbr",
    key_defaults={"OrderType": "SO"},
    save=save_order,
    numbered=_number_lines,
    actions={
        "CancelSalesOrder": _cancel,
        "OpenSalesOrder": _open,
        "PrepareSalesInvoice": _prepare_invoice,
        "ReleaseFromCreditHoldSalesOrder": _release_credit,
        "ReopenSalesOrder": _reopen,
        "SalesOrderCreateShipment": _create_shipment,
    },
    kept_statuses=frozenset({"Shipping", "Completed"}),
)
