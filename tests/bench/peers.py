"""The mapping `shopify_orders` in languages that others made, as far as they can express it.

None of them has exact amounts, limits, or problems with places; how much of the document comes out
as the flow makes it is measured, not estimated. A peer that is not installed is reported as such.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tests.bench.yardstick import Setup

Map = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to the same document: what makes it, by the name of its package on PyPI."""

    name: str
    module: str
    goal: float
    make: Callable[[Any, Setup], Map]

    def load(self, shop: Setup) -> Map | None:
        """Return the mapping, or nothing where the peer is not installed."""
        try:
            module = importlib.import_module(self.module)
        except ImportError:
            return None
        return self.make(module, shop)


def share(document: bytes, other: bytes) -> float:
    """Return which part of a document's values the other has too, at their places."""
    wanted, found = dict(_leaves(orjson.loads(document))), dict(_leaves(orjson.loads(other)))
    return sum(found.get(path) == value for path, value in wanted.items()) / len(wanted)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _leaves(inner, f"{path}.{name}")
        case list():
            for at, inner in enumerate(value):
                yield from _leaves(inner, f"{path}[{at}]")
        case _:
            yield path, value


_JQ = """
def cell: {value: .};
def trimmed: if . == null then null else gsub("^\\\\s+|\\\\s+$"; "")
  | if . == "" then null else . end end;
def unescaped: gsub("&quot;"; "\\"") | gsub("&#39;"; "'") | gsub("&amp;"; "&");
def sum: reduce .[] as $one (0; . + $one);
def kept: with_entries(select(.value | if type == "object" and has("value") then .value else . end
  | . != null));
def address: {
  AddressLine1: (.address1 | trimmed | cell), AddressLine2: (.address2 | trimmed | cell),
  City: (.city | trimmed | cell), State: (.province_code | cell),
  PostalCode: (.zip | trimmed | cell), Country: (.country_code | cell)} | kept;
def contact($order): {
  BusinessName: ((.company | trimmed) // (.name | trimmed) | cell), Attention: (.name | cell),
  Email: ($order.email | trimmed | cell),
  Phone1: ((.phone | trimmed) // ($order.phone | trimmed) | cell)} | kept;
. as $order
| (.shipping_address // .billing_address) as $to
| (if $to == null then "" elif $to.province_code then "\\($to.country_code)-\\($to.province_code)"
   else $to.country_code end) as $place
| {
  ExternalRef: ("\\(.id)-\\($store)" | cell), OrderType: ("SO" | cell), Hold: (false | cell),
  Date: (.created_at[0:10] | cell), RequestedOn: (.created_at[0:10] | cell),
  CurrencyID: (.currency | cell),
  CustomerID: (if .customer then $customers[.customer.id | tostring] else $guest end | cell),
  CustomerOrder: (.po_number | trimmed | cell),
  Description: ("\\($store) | Order: \\(.name) | Status: \\(.financial_status)"[0:256] | cell),
  ExternalOrderSource: (.source_name | cell), ControlTotal: (.total_price | tonumber | cell),
  BillToAddressOverride: (.billing_address != null | cell),
  BillToAddress: (.billing_address | if . then address else null end),
  BillToContactOverride: (.billing_address != null | cell),
  BillToContact: (.billing_address | if . then contact($order) else null end),
  ShipToAddressOverride: (.shipping_address != null | cell),
  ShipToAddress: (.shipping_address | if . then address else null end),
  ShipToContactOverride: (.shipping_address != null | cell),
  ShipToContact: (.shipping_address | if . then contact($order) else null end),
  Details: [.line_items[] | {
    InventoryID: (.sku | trimmed | cell), LineDescription: (.name | unescaped | .[0:256] | cell),
    OrderQty: (.quantity | cell), ManualPrice: (true | cell), UnitPrice: (.price | tonumber | cell),
    ManualDiscount: (true | cell),
    DiscountAmount: ([.discount_allocations[]? | .amount | tonumber] | sum
      | if . == 0 then null else . end | cell),
    ExternalRef: (.id | tostring | cell)} | kept],
  IsTaxValid: (true | cell), TaxCalcMode: (if .taxes_included then "Gross" else "Net" end | cell),
  TaxDetails: [.tax_lines[] | {
    TaxID: ($tax_ids["\\(.title) \\($place)"] // $tax_ids[.title] | cell),
    TaxRate: (.rate * 100 | cell), TaxAmount: (.price | tonumber | cell)}],
  ShippingSettings: {
    ShipVia: ($ship_vias[.shipping_lines[0].code // ""] // $ship_via | cell),
    PremiumFreight: ([.shipping_lines[] | (.discounted_price // .price) | tonumber] | sum | cell),
    OrderWeight: (.total_weight * 0.001 | cell), ShipSeparately: (false | cell)},
  note: (.note | trimmed | cell),
  custom: {Document: {UsrShopStore: {value: $store, type: "CustomStringField"}}}} | kept
"""


def _jq(jq: Any, shop: Setup) -> Map:
    program = jq.compile(
        _JQ,
        args={
            "store": shop.store,
            "guest": shop.guest,
            "ship_via": shop.ship_via,
            "customers": dict(shop.customers),
            "tax_ids": dict(shop.tax_ids),
            "ship_vias": dict(shop.ship_vias),
        },
    )
    return lambda order: program.input_text(order.decode()).text().encode()


_JSONATA = """(
  $order := $;
  $cell := function($found) { $exists($found) and $found != null ? {"value": $found} };
  $trimmed := function($text) {
    $text != null and $trim($text) != "" ? $replace($text, /^\\s+|\\s+$/, "") };
  $first := function($one, $other) { $exists($one) ? $one : $other };
  $unescaped := function($text) {
    $replace($replace($replace($text, "&quot;", '"'), "&#39;", "'"), "&amp;", "&") };
  $address := function($at) { {
    "AddressLine1": $cell($trimmed($at.address1)), "AddressLine2": $cell($trimmed($at.address2)),
    "City": $cell($trimmed($at.city)), "State": $cell($at.province_code),
    "PostalCode": $cell($trimmed($at.zip)), "Country": $cell($at.country_code) } };
  $contact := function($at) { {
    "BusinessName": $cell($first($trimmed($at.company), $trimmed($at.name))),
    "Attention": $cell($at.name), "Email": $cell($trimmed($order.email)),
    "Phone1": $cell($first($trimmed($at.phone), $trimmed($order.phone))) } };
  $bill := $order.billing_address; $ship := $order.shipping_address;
  $to := $exists($ship) and $ship != null ? $ship : $bill;
  $place := $to.province_code != null
    ? $to.country_code & "-" & $to.province_code : $to.country_code;
  {
    "ExternalRef": $cell($string(id) & "-" & $store), "OrderType": $cell("SO"),
    "Hold": {"value": false}, "Date": $cell($substring(created_at, 0, 10)),
    "RequestedOn": $cell($substring(created_at, 0, 10)), "CurrencyID": $cell(currency),
    "CustomerID": $cell($exists(customer.id) ? $lookup($customers, $string(customer.id)) : $guest),
    "CustomerOrder": $cell($trimmed(po_number)),
    "Description": $cell($substring(
      $store & " | Order: " & name & " | Status: " & financial_status, 0, 256)),
    "ExternalOrderSource": $cell(source_name), "ControlTotal": $cell($number(total_price)),
    "BillToAddressOverride": {"value": $exists($bill)}, "BillToAddress": $bill ? $address($bill),
    "BillToContactOverride": {"value": $exists($bill)}, "BillToContact": $bill ? $contact($bill),
    "ShipToAddressOverride": {"value": $exists($ship)}, "ShipToAddress": $ship ? $address($ship),
    "ShipToContactOverride": {"value": $exists($ship)}, "ShipToContact": $ship ? $contact($ship),
    "Details": [line_items.{
      "InventoryID": $cell($trimmed(sku)),
      "LineDescription": $cell($substring($unescaped(name), 0, 256)),
      "OrderQty": $cell(quantity), "ManualPrice": {"value": true},
      "UnitPrice": $cell($number(price)), "ManualDiscount": {"value": true},
      "DiscountAmount": $count(discount_allocations) > 0
        ? $cell($sum(discount_allocations.$number(amount))),
      "ExternalRef": $cell($string(id)) }],
    "IsTaxValid": {"value": true}, "TaxCalcMode": $cell(taxes_included ? "Gross" : "Net"),
    "TaxDetails": [tax_lines.{
      "TaxID": $cell($first($lookup($taxes, title & " " & $place), $lookup($taxes, title))),
      "TaxRate": $cell(rate * 100), "TaxAmount": $cell($number(price)) }],
    "ShippingSettings": {
      "ShipVia": $cell($first($lookup($ship_vias, shipping_lines[0].code), $ship_via)),
      "PremiumFreight": $cell(
        $sum(shipping_lines.$number($first(discounted_price, price)))),
      "OrderWeight": $cell(total_weight * 0.001), "ShipSeparately": {"value": false} },
    "note": $cell($trimmed(note)),
    "custom": {"Document": {
      "UsrShopStore": {"value": $store, "type": "CustomStringField"} } }
  }
)"""


def _jsonata(jsonata: Any, shop: Setup) -> Map:
    program = jsonata.Jsonata(_JSONATA)
    for name, value in (
        ("store", shop.store),
        ("guest", shop.guest),
        ("ship_via", shop.ship_via),
        ("customers", dict(shop.customers)),
        ("taxes", dict(shop.tax_ids)),
        ("ship_vias", dict(shop.ship_vias)),
    ):
        program.assign(name, value)
    return lambda order: orjson.dumps(program.evaluate(orjson.loads(order)), default=str)


def _glom(glom: Any, shop: Setup) -> Map:
    """Return the mapping in glom's words, with the functions of Python that it leaves to Python."""
    from html import unescape

    get, one, skip, of = glom.Coalesce, glom.T, glom.SKIP, glom.S

    def cell(*paths: object, default: object = skip) -> object:
        return get(*(((path, {"value": one})) for path in paths), default=default)

    def trimmed(*paths: str) -> object:
        return get(
            *((path, lambda text: (text or "").strip() or 1 / 0, {"value": one}) for path in paths),
            default=skip,
            skip_exc=(glom.GlomError, ZeroDivisionError),
        )

    def given(path: str) -> object:
        return get(
            (path, lambda found: 1 / 0 if found is None else found, {"value": one}),
            default=skip,
            skip_exc=(glom.GlomError, ZeroDivisionError),
        )

    def known(table: Any, key: object, otherwise: str | None = None) -> object:
        return key, lambda found: {"value": table.get(found, otherwise)}

    def there(path: str) -> object:
        return get(path, default=None), lambda found: {"value": found is not None}

    def part(path: str, spec: object) -> object:
        return get(
            (path, lambda found: found or 1 / 0, spec),
            default=skip,
            skip_exc=(glom.GlomError, ZeroDivisionError),
        )

    def tax_of(place: str, title: str) -> str | None:
        return shop.tax_ids.get(f"{title} {place}") or shop.tax_ids.get(title)

    def place(order: Any) -> str:
        at = order.get("shipping_address") or order.get("billing_address") or {}
        return "-".join(filter(None, (at.get("country_code"), at.get("province_code"))))

    address = {
        "AddressLine1": trimmed("address1"),
        "AddressLine2": trimmed("address2"),
        "City": trimmed("city"),
        "State": given("province_code"),
        "PostalCode": trimmed("zip"),
        "Country": cell("country_code"),
    }
    contact = {
        "BusinessName": trimmed("company", "name"),
        "Attention": cell("name"),
        "Email": (of.order, trimmed("email")),
        "Phone1": trimmed("phone"),
    }
    detail = {
        "InventoryID": trimmed("sku"),
        "LineDescription": ("name", unescape, lambda name: {"value": name[:256]}),
        "OrderQty": cell("quantity"),
        "ManualPrice": glom.Val({"value": True}),
        "UnitPrice": ("price", float, {"value": one}),
        "ManualDiscount": glom.Val({"value": True}),
        "DiscountAmount": (
            "discount_allocations",
            [("amount", float)],
            lambda amounts: {"value": sum(amounts)} if amounts else skip,
        ),
        "ExternalRef": ("id", str, {"value": one}),
    }
    tax = {
        "TaxID": (
            lambda row: row["title"],
            glom.Invoke(tax_of).specs(of.place, one),
            {"value": one},
        ),
        "TaxRate": ("rate", lambda rate: {"value": rate * 100}),
        "TaxAmount": ("price", float, {"value": one}),
    }
    document = {
        "ExternalRef": ("id", lambda number: {"value": f"{number}-{shop.store}"}),
        "OrderType": glom.Val({"value": "SO"}),
        "Hold": glom.Val({"value": False}),
        "Date": ("created_at", one[:10], {"value": one}),
        "RequestedOn": ("created_at", one[:10], {"value": one}),
        "CurrencyID": cell("currency"),
        "CustomerID": get(
            known(shop.customers, ("customer.id", str)), default={"value": shop.guest}
        ),
        "CustomerOrder": trimmed("po_number"),
        "Description": lambda order: {
            "value": f"{shop.store} | Order: {order['name']} | Status: {order['financial_status']}"
        },
        "ExternalOrderSource": given("source_name"),
        "ControlTotal": ("total_price", float, {"value": one}),
        "BillToAddressOverride": there("billing_address"),
        "BillToAddress": part("billing_address", address),
        "BillToContactOverride": there("billing_address"),
        "BillToContact": part("billing_address", contact),
        "ShipToAddressOverride": there("shipping_address"),
        "ShipToAddress": part("shipping_address", address),
        "ShipToContactOverride": there("shipping_address"),
        "ShipToContact": part("shipping_address", contact),
        "Details": ("line_items", [detail]),
        "IsTaxValid": glom.Val({"value": True}),
        "TaxCalcMode": (
            "taxes_included",
            lambda included: {"value": "Gross" if included else "Net"},
        ),
        "TaxDetails": ("tax_lines", [tax]),
        "ShippingSettings": {
            "ShipVia": known(
                shop.ship_vias, get("shipping_lines.0.code", default=""), shop.ship_via
            ),
            "PremiumFreight": (
                "shipping_lines",
                [(get("discounted_price", "price"), float)],
                lambda amounts: {"value": sum(amounts)},
            ),
            "OrderWeight": ("total_weight", lambda grams: {"value": grams * 0.001}),
            "ShipSeparately": glom.Val({"value": False}),
        },
        "note": trimmed("note"),
        "custom": glom.Val(
            {"Document": {"UsrShopStore": {"value": shop.store, "type": "CustomStringField"}}}
        ),
    }
    placed = of(order=one, place=glom.Invoke(place).specs(one))
    program = glom.Spec((placed, document))
    return lambda order: orjson.dumps(program.glom(orjson.loads(order)))


PEERS = (
    Peer("jsonata-python", "jsonata", 100, _jsonata),
    Peer("glom", "glom", 25, _glom),
    Peer("jq", "jq", 20, _jq),
)
