"""References: which field names a record of which kind, and how master data is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KEY_OF_KIND: Mapping[str, str] = {
    "Customer": "CustomerID",
    "StockItem": "InventoryID",
    "NonStockItem": "InventoryID",
    "Tax": "TaxID",
    "TaxZone": "TaxZoneID",
    "ShipVia": "CarrierID",
    "ShippingTerm": "TermID",
    "Warehouse": "WarehouseID",
    "PaymentMethod": "PaymentMethodID",
    "Terms": "TermsID",
    "Branch": "BranchID",
    "Currency": "CurrencyID",
    "Country": "CountryID",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names a record of one of `kinds`; `label` is how the screen calls it."""

    kinds: tuple[str, ...]
    label: str


# Wherever a field of this name stands, it means the same.
_BY_FIELD: Mapping[str, Reference] = {
    "CustomerID": Reference(("Customer",), "Customer"),
    "InventoryID": Reference(("StockItem", "NonStockItem"), "Inventory ID"),
    "TaxID": Reference(("Tax",), "Tax ID"),
    "TaxZone": Reference(("TaxZone",), "Tax Zone"),
    "CustomerTaxZone": Reference(("TaxZone",), "Customer Tax Zone"),
    "ShipVia": Reference(("ShipVia",), "Ship Via"),
    "ShippingTerms": Reference(("ShippingTerm",), "Shipping Terms"),
    "WarehouseID": Reference(("Warehouse",), "Warehouse"),
    "PreferredWarehouseID": Reference(("Warehouse",), "Preferred Warehouse ID"),
    "PaymentMethod": Reference(("PaymentMethod",), "Payment Method"),
    "Terms": Reference(("Terms",), "Terms"),
    "Branch": Reference(("Branch",), "Branch"),
    "CurrencyID": Reference(("Currency",), "Currency"),
    "Country": Reference(("Country",), "Country"),
}
_OWN_KEYS = frozenset(KEY_OF_KIND.items())


def reference(entity: str, name: str) -> Reference | None:
    """Return what a field refers to; the key of a kind's own entity refers to nothing."""
    if (entity, name) == ("CustomerLocation", "Customer"):
        return _BY_FIELD["CustomerID"]
    return None if (entity, name) in _OWN_KEYS else _BY_FIELD.get(name)
