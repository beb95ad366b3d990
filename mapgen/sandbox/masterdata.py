"""Customers and items: what the screens add to what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mapgen.sandbox.records import Record
from mapgen.sandbox.screen import Screen
from mapgen.sandbox.tenant import Work
from mapgen.sandbox.values import Value

# What new records hold before anybody says anything. Source: recorded exchanges.
_CUSTOMER: Mapping[str, Value] = {
    "CustomerClass": "DEFAULT",
    "LocationName": "Primary Location",
    "OrderPriority": 0,
    "PrintDunningLetters": True,
    "ShippingRule": "Cancel Remainder",
    "StatementCycleID": "DEFAULT",
    "StatementType": "Open Item",
    "Status": "Active",
}
_STOCK_ITEM: Mapping[str, Value] = {
    "BaseUOM": "EA",
    "ItemStatus": "Active",
    "ItemType": "Finished Good",
    "PackagingOption": "Manual",
    "PurchaseUOM": "EA",
    "SalesUOM": "EA",
    "ValuationMethod": "Average",
}


def _save_customer(work: Work, customer: Record, is_new: bool) -> None:
    if not customer.text("CustomerName"):
        work.fail(customer, "CustomerName", "'Customer Name' cannot be empty.")
    if is_new:
        work.defaults(customer, _CUSTOMER)
        work.default(customer, "CurrencyID", work.tenant.setup.base_currency)
    contact = work.part(customer, "MainContact")
    if contact is not None:
        work.part(contact, "Address")
        work.default(contact, "CompanyName", customer.text("CustomerName") or None)
        work.set(customer, "Email", contact.text("Email") or customer.text("Email") or None)


def _save_stock_item(work: Work, item: Record, is_new: bool) -> None:
    if is_new:
        work.defaults(item, _STOCK_ITEM)
        work.default(item, "DefaultPrice", Decimal(0))


CUSTOMERS = Screen(numbered_key="CustomerID", first_number=lambda _: "C000001", save=_save_customer)
STOCK_ITEMS = Screen(save=_save_stock_item)
CUSTOMER_LOCATIONS = Screen(numbered_key="LocationID", first_number=lambda _: "L00001")
