"""The screens with logic of their own; every other entity keeps what it is sent."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.contract.model import Entity
from mapgen.sandbox.masterdata import CUSTOMER_LOCATIONS, CUSTOMERS, STOCK_ITEMS
from mapgen.sandbox.receivables import INVOICES, PAYMENTS
from mapgen.sandbox.sales import ORDERS
from mapgen.sandbox.screen import Screen
from mapgen.sandbox.shipping import SHIPMENTS

SCREENS: Mapping[str, Screen] = {
    "Customer": CUSTOMERS,
    "CustomerLocation": CUSTOMER_LOCATIONS,
    "Payment": PAYMENTS,
    "SalesInvoice": INVOICES,
    "SalesOrder": ORDERS,
    "Shipment": SHIPMENTS,
    "StockItem": STOCK_ITEMS,
}
_PLAIN = Screen()


def screen_of(entity: Entity) -> Screen:
    return SCREENS.get(entity.name, _PLAIN)
