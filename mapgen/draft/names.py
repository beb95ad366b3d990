"""Two names in, how much they say the same out: by known synonyms, by words, by spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from mapgen.contract.personal import words_of
from mapgen.report.near import distance

# What sources call what the ERP calls so; the better name first.
_SYNONYMS: Mapping[str, str] = {
    "AddressLine1": (
        "address1 address_1 address_line_1 line1 street street1 address_line1 street_address"
    ),
    "AddressLine2": "address2 address_2 address_line_2 line2 street2 address_line2",
    "Attention": "name full_name recipient attention contact_name contact_person",
    "BillToAddress": "billing_address billing bill_to invoice_address",
    "BillToContact": "billing_address billing bill_to invoice_address",
    "BusinessName": "company company_name organization",
    "City": "city town locality",
    "ControlTotal": "total_price grand_total order_total total total_inc_tax order_amount",
    "Country": "country_code country_iso2 country country_iso country_iso_code",
    "CurrencyID": "currency currency_code currency_iso",
    "CustomerName": "company company_name display_name name full_name",
    "CustomerOrder": (
        "po_number purchase_order_number purchase_order po customer_reference your_reference"
    ),
    "Date": (
        "created_at order_date date_created purchase_date created date ordered_at placed_at"
        " order_created_at purchased_at"
    ),
    "DefaultPrice": "price list_price unit_price sales_price",
    "Description": "title subject product_name item_name article_name",
    "Details": "line_items order_items items lines products order_lines cart_items positions",
    "DimensionWeight": "weight net_weight",
    "DiscountAmount": "discount_amount total_discount discount",
    "Email": "email email_address buyer_email customer_email contact_email mail",
    "ExternalRef": "id",
    "InventoryID": (
        "sku seller_sku item_code product_code item_number article article_number item_sku"
        " product_sku"
    ),
    "LineDescription": "name title product_name item_name",
    "MainAddress": "default_address address billing billing_address",
    "OrderQty": "quantity quantity_ordered units qty amount_ordered",
    "OrderWeight": "total_weight weight",
    "PaymentAmount": "amount",
    "PaymentRef": "reference transaction_id",
    "Phone1": "phone phone_number telephone mobile customer_phone contact_phone tel",
    "PostalCode": "zip postcode zip_code",
    "Qty": "quantity units",
    "ShipToAddress": (
        "shipping_address shipping ship_to delivery_address shipping_addresses delivery"
    ),
    "ShipToContact": (
        "shipping_address shipping ship_to delivery_address shipping_addresses delivery"
    ),
    "ShipVia": "shipping_method shipping_code carrier",
    "State": "province_code state_code state_or_region state province region",
    "TaxAmount": "tax_amount price amount tax_total",
    "TaxDetails": "tax_lines taxes",
    "TaxID": "tax_code title rate_code",
    "TaxRate": "rate rate_percent",
    "UnitPrice": (
        "unit_price price item_price price_ex_tax price_excl_tax net_price base_price"
        " unit_price_ex_tax"
    ),
}
SAME_WORDS = 90
SAME_CORE = 75
SAME_SPELLING = 70
_KNOWN = 200

_LONG_FORMS: Mapping[str, str] = {
    "addr": "address",
    "amt": "amount",
    "desc": "description",
    "nbr": "number",
    "no": "number",
    "num": "number",
    "ord": "order",
    "qty": "quantity",
    "ref": "reference",
}
# Words that tell how a thing is written rather than what it is.
_WEAK = frozenset({"code", "id", "name", "value"})


# A draft compares each field with each member.
@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, small and in full: `OrderQty` -> order, quantity."""
    parts = words_of(name)
    return tuple(_LONG_FORMS.get(part, part) for part in parts)


def likeness(target: str, source: str, owners: frozenset[str] = frozenset()) -> int:
    """Return how well a source's name fits a target field; 0 where it does not.

    Args:
        target: the field of the entity: `PostalCode`.
        source: the member of the record: `zip`.
        owners: words that only say whose the things are: order, line.
    """
    theirs = words(source)
    for rank, known in enumerate(_SYNONYMS.get(target, "").split()):
        if words(known) == theirs:
            return _KNOWN - rank
    ours = words(target)
    if ours == theirs:
        return SAME_WORDS
    core, other = _core(ours, owners), _core(theirs, owners)
    if core and core == other:
        return SAME_CORE
    left, right = "".join(ours), "".join(theirs)
    most = len(left) // 6
    return SAME_SPELLING if distance(left, right, most) <= most else 0


def _core(parts: tuple[str, ...], owners: frozenset[str]) -> list[str]:
    """Return the words that say what it is; whose it is, is no owner's name at the end."""
    last = next((word for word in reversed(parts) if word not in _WEAK), None)
    return [word for word in parts if word not in _WEAK and (word not in owners or word == last)]


def snake(name: str) -> str:
    """Return a name in small letters: `LineItems` -> line_items."""
    found = "_".join(words_of(name))
    return found if found[:1].isalpha() else f"part_{found}".rstrip("_")
