"""What a careful programmer writes by hand instead of the flow `shopify_orders`.

The same bytes for an order, the same problems for a dirty one: exact amounts, business days in the
shop's time zone, limits as the ERP counts them, all problems of an order with their places.

As a program: `python -m tests.bench.yardstick ORDERS OUTPUT`, beside `mapgen transform`.
"""

from __future__ import annotations

import csv
import html
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

Row = dict[str, Any]
Cell = dict[str, Any]

_LOOKUPS = Path(__file__).resolve().parents[2] / "specs" / "lookups"
_AMOUNT = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_MOST_DIGITS = 28
_ZERO = Decimal(0)
_KILO = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Setup:
    """Constants and tables of the shop."""

    store: str
    guest: str
    ship_via: str
    zone: ZoneInfo
    customers: Mapping[str, str]
    tax_ids: Mapping[str, str]
    ship_vias: Mapping[str, str]


def setup() -> Setup:
    """Return what the environment `local` says."""
    zone = ZoneInfo("America/New_York")
    tables = (_table(name) for name in ("customers", "tax_ids", "ship_via"))
    return Setup("kettle-fern", "GUEST", "GROUND", zone, *tables)


def _table(name: str) -> Mapping[str, str]:
    with (_LOOKUPS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return dict(row for row in rows if len(row) == 2)


class Skipped(Exception):
    """An order that is left out."""


class Rejected(Exception):
    """An order that gives no document; `problems` are codes and places."""

    def __init__(self, problems: list[tuple[str, str | None]]) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(slots=True)
class _Problems:
    """The problems of one order so far, and whether all that its total adds up is known."""

    found: list[tuple[str, str | None]] = field(default_factory=list)
    adds_up: bool = True

    def add(self, code: str, place: str) -> None:
        self.found.append((code, place))

    def misfit(self, row: Row, name: str, at: str) -> None:
        self.found.append(("R102" if name in row else "R103", f"{at}.{name}"))


def document_of(line: bytes, shop: Setup) -> bytes:
    """Return the document of an order as JSON. Raises Rejected and Skipped."""
    return orjson.dumps(transform(order_of(line), shop), default=exact)


def order_of(line: bytes) -> Row:
    """Return an order. Raises Rejected for what is none."""
    try:
        order = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise Rejected([("R101", None)]) from None
    if not isinstance(order, dict):
        raise Rejected([("R102", None)])
    return order


def exact(value: object) -> orjson.Fragment:
    """Return an amount as JSON with the digits it has."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value))


def transform(order: Row, shop: Setup) -> Row:
    """Return the document of an order. Raises Rejected and Skipped."""
    problems = _Problems()
    reason = _skip(order, problems)
    if reason is not None:
        raise Skipped(reason)
    taxes_included = _flag(order, "taxes_included", problems)
    billing = _part(order, "billing_address", "order", problems)
    shipping = _part(order, "shipping_address", "order", problems)
    total = _amount(order, "total_price", "order", problems)
    if total is not None and total < 0:
        problems.add("R303", "ControlTotal")
    document = _head(order, total, shop, problems)
    _add_people(document, order, billing, shipping, problems)
    details, sum_of_lines = _details(order, problems)
    document["Details"] = details
    document["IsTaxValid"] = {"value": True}
    document["TaxCalcMode"] = {"value": "Gross" if taxes_included else "Net"}
    destination = billing if shipping is None else shipping
    tax_details, taxes = _taxes(order, destination, shop, problems)
    if tax_details:
        document["TaxDetails"] = tax_details
    settings, freight = _shipping(order, shop, problems)
    document["ShippingSettings"] = settings
    note = _trimmed(order, "note", "order", problems)
    if note:
        document["note"] = {"value": note}
    document["custom"] = {
        "Document": {"UsrShopStore": {"value": shop.store, "type": "CustomStringField"}}
    }
    if problems.adds_up and total is not None:
        expected = sum_of_lines + freight + (_ZERO if taxes_included else taxes)
        if expected != total:
            problems.add("R306", "order total")
    if problems.found:
        raise Rejected(problems.found)
    return document


def _head(order: Row, total: Decimal | None, shop: Setup, problems: _Problems) -> Row:
    number = _whole(order, "id", "order", problems)
    name = _text(order, "name", "order", problems)
    day = _day(order, shop.zone, problems)
    document: Row = {
        "ExternalRef": {"value": f"{number}-{shop.store}"},
        "OrderType": {"value": "SO"},
        "Hold": {"value": False},
        "Date": {"value": day},
        "RequestedOn": {"value": day},
        "CurrencyID": {"value": _short(order, "currency", "order", problems, 5, "CurrencyID")},
        "CustomerID": {"value": _customer(order, shop, problems)},
    }
    po_number = _trimmed(order, "po_number", "order", problems, 40, "CustomerOrder")
    if po_number:
        document["CustomerOrder"] = {"value": po_number}
    about = f"{shop.store} | Order: {name} | Status: {order.get('financial_status')}"
    document["Description"] = {"value": _cut(about, 256)}
    source_name = _optional(order, "source_name", "order", problems)
    if source_name is not None:
        document["ExternalOrderSource"] = {"value": source_name}
    document["ControlTotal"] = {"value": total}
    return document


def _add_people(
    document: Row, order: Row, billing: Row | None, shipping: Row | None, problems: _Problems
) -> None:
    email = _optional(order, "email", "order", problems)
    phone = _optional(order, "phone", "order", problems)
    for prefix, address, at in (
        ("BillTo", billing, "order.billing_address"),
        ("ShipTo", shipping, "order.shipping_address"),
    ):
        if address:
            document[f"{prefix}AddressOverride"] = {"value": True}
            document[f"{prefix}Address"] = _address(address, at, problems, f"{prefix}Address")
            document[f"{prefix}ContactOverride"] = {"value": True}
            document[f"{prefix}Contact"] = _contact(address, at, email, phone, problems)


def _skip(order: Row, problems: _Problems) -> str | None:
    if _flag(order, "test", problems):
        return "test order"
    if _text(order, "financial_status", "order", problems) == "voided":
        return "voided in the shop"
    if order.get("cancelled_at") is not None and _moment(order, "cancelled_at", problems):
        return "cancelled in the shop"
    return None


def _customer(order: Row, shop: Setup, problems: _Problems) -> str:
    customer = _part(order, "customer", "order", problems)
    if not customer:
        return shop.guest
    number = _whole(customer, "id", "order.customer", problems)
    known = shop.customers.get(str(number))
    if known is None:
        if number is not None:
            problems.add("R304", "CustomerID")
        return ""
    return known


def _address(row: Row, at: str, problems: _Problems, target: str) -> Row:
    address: Row = {}
    first = _trimmed(row, "address1", at, problems, 50, f"{target}.AddressLine1")
    if first:
        address["AddressLine1"] = {"value": first}
    second = _trimmed(row, "address2", at, problems, 50, f"{target}.AddressLine2")
    if second:
        address["AddressLine2"] = {"value": second}
    city = _trimmed(row, "city", at, problems, 50, f"{target}.City")
    if city:
        address["City"] = {"value": city}
    state = _optional(row, "province_code", at, problems)
    if state is not None:
        address["State"] = {"value": state}
    postal_code = _trimmed(row, "zip", at, problems)
    if postal_code:
        address["PostalCode"] = {"value": postal_code}
    country = _short(row, "country_code", at, problems, 2, f"{target}.Country")
    address["Country"] = {"value": country}
    return address


def _contact(row: Row, at: str, email: str | None, phone: str | None, problems: _Problems) -> Row:
    contact: Row = {}
    name = _text(row, "name", at, problems) or ""
    business = _trimmed(row, "company", at, problems) or name.strip()
    if business:
        contact["BusinessName"] = {"value": _cut(business, 255)}
    contact["Attention"] = {"value": name}
    if email and (found := email.strip()):
        contact["Email"] = {"value": found}
    number = _trimmed(row, "phone", at, problems) or (phone or "").strip()
    if number:
        contact["Phone1"] = {"value": number}
    return contact


def _details(order: Row, problems: _Problems) -> tuple[list[Row], Decimal]:
    lines = _rows(order, "line_items", "order", problems)
    if lines is None:
        problems.adds_up = False
        return [], _ZERO
    if not lines:
        problems.add("R305", "Details")
        problems.adds_up = False
    total = _ZERO
    details = []
    for index, line in enumerate(lines):
        at, target = f"order.line_items[{index}]", f"Details[{index}]"
        sku = _trimmed(line, "sku", at, problems)
        if not sku:
            problems.add("R201", f"{target}.InventoryID")
        name = _text(line, "name", at, problems) or ""
        quantity = _whole(line, "quantity", at, problems)
        if quantity is None or quantity <= 0:
            problems.adds_up = False
            if quantity is not None:
                problems.add("R303", f"{target}.OrderQty")
            quantity = 0
        price = _amount(line, "price", at, problems)
        if price is None or price < 0:
            if price is not None:
                problems.add("R303", f"{target}.UnitPrice")
            problems.adds_up = False
            price = _ZERO
        discount = _discount(line, at, problems)
        total += quantity * price - discount
        detail: Row = {
            "InventoryID": {"value": sku},
            "LineDescription": {"value": _cut(html.unescape(name), 256)},
            "OrderQty": {"value": quantity},
            "ManualPrice": {"value": True},
            "UnitPrice": {"value": price},
            "ManualDiscount": {"value": True},
        }
        if discount:
            detail["DiscountAmount"] = {"value": discount}
        detail["ExternalRef"] = {"value": str(_whole(line, "id", at, problems))}
        details.append(detail)
    return details, total


def _discount(line: Row, at: str, problems: _Problems) -> Decimal:
    if line.get("discount_allocations") is None:
        return _ZERO
    total = _ZERO
    allocations = _rows(line, "discount_allocations", at, problems)
    if allocations is None:
        problems.adds_up = False
        return total
    for index, allocation in enumerate(allocations):
        amount = _amount(allocation, "amount", f"{at}.discount_allocations[{index}]", problems)
        total += _ZERO if amount is None else amount
    return total


def _taxes(
    order: Row, destination: Row | None, shop: Setup, problems: _Problems
) -> tuple[list[Row], Decimal]:
    rows = _rows(order, "tax_lines", "order", problems)
    if rows is None:
        problems.adds_up = False
        return [], _ZERO
    place, is_known = _place(destination)
    total, details, seen = _ZERO, [], set()
    is_twice, all_known = False, True
    for index, row in enumerate(rows):
        at = f"order.tax_lines[{index}]"
        title = _text(row, "title", at, problems)
        tax_id = None
        if title is not None and is_known:
            tax_id = place and shop.tax_ids.get(f"{title} {place}")
            tax_id = tax_id or shop.tax_ids.get(title)
            if tax_id is None:
                problems.add("R304", f"TaxDetails[{index}].TaxID")
        all_known = all_known and tax_id is not None
        is_twice |= all_known and tax_id in seen
        seen.add(tax_id)
        rate = _rate(row, at, problems)
        price = _amount(row, "price", at, problems)
        total += _ZERO if price is None else price
        details.append(
            {"TaxID": {"value": tax_id}, "TaxRate": {"value": rate}, "TaxAmount": {"value": price}}
        )
    if is_twice:
        problems.add("R312", "TaxDetails")
    return details, total


def _place(destination: Row | None) -> tuple[str | None, bool]:
    """Return the state of a destination, and whether it is known: a broken one is told already."""
    if destination is None:
        return None, True
    country, state = destination.get("country_code"), destination.get("province_code")
    if not isinstance(country, str) or not (state is None or isinstance(state, str)):
        return None, False
    return country if state is None else f"{country}-{state}", True


def _rate(row: Row, at: str, problems: _Problems) -> Decimal | None:
    adds_up = problems.adds_up  # the total has no rates in it
    rate = _amount(row, "rate", at, problems)
    problems.adds_up = adds_up
    return None if rate is None else rate * 100


def _shipping(order: Row, shop: Setup, problems: _Problems) -> tuple[Row, Decimal]:
    rows = _rows(order, "shipping_lines", "order", problems)
    freight, code = _ZERO, None
    if rows is None:
        problems.adds_up = False
    for index, row in enumerate(rows or ()):
        at = f"order.shipping_lines[{index}]"
        price = _amount(row, "price", at, problems)
        if row.get("discounted_price") is not None:
            price = _amount(row, "discounted_price", at, problems)
        freight += _ZERO if price is None else price
        own = _optional(row, "code", at, problems)
        if index == 0:
            code = own
    ship_via = shop.ship_via if code is None else shop.ship_vias.get(code, shop.ship_via)
    weight = _whole(order, "total_weight", "order", problems) or 0
    settings = {
        "ShipVia": {"value": ship_via},
        "PremiumFreight": {"value": freight},
        "OrderWeight": {"value": weight * _KILO},
        "ShipSeparately": {"value": False},
    }
    return settings, freight


# Members of a row, by type. What is none is a problem, and None.


def _text(row: Row, name: str, at: str, problems: _Problems) -> str | None:
    value = row.get(name)
    if isinstance(value, str):
        return value
    problems.misfit(row, name, at)
    return None


def _short(
    row: Row, name: str, at: str, problems: _Problems, longest: int, target: str
) -> str | None:
    value = _text(row, name, at, problems)
    if value is not None and not fits(value, longest):
        problems.add("R301", target)
    return value


def _optional(row: Row, name: str, at: str, problems: _Problems) -> str | None:
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    problems.misfit(row, name, at)
    return None


def _trimmed(
    row: Row, name: str, at: str, problems: _Problems, longest: int = 0, target: str = ""
) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        problems.misfit(row, name, at)
        return None
    value = value.strip()
    if longest and not fits(value, longest):
        problems.add("R301", target)
    return value


def _whole(row: Row, name: str, at: str, problems: _Problems) -> int | None:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    problems.misfit(row, name, at)
    return None


def _flag(order: Row, name: str, problems: _Problems) -> bool:
    value = order.get(name)
    if isinstance(value, bool):
        return value
    problems.misfit(order, name, "order")
    return False


def _amount(row: Row, name: str, at: str, problems: _Problems) -> Decimal | None:
    value = row.get(name)
    if isinstance(value, str):
        if _AMOUNT.fullmatch(value) and (len(value) <= _MOST_DIGITS or _is_short(value)):
            number = Decimal(value)
            return number if number else abs(number)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        return Decimal(repr(value))
    problems.misfit(row, name, at)
    problems.adds_up = False
    return None


def _is_short(value: str) -> bool:
    return sum(one.isdigit() for one in value) <= _MOST_DIGITS


def _moment(order: Row, name: str, problems: _Problems) -> datetime | None:
    value = order.get(name)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    problems.misfit(order, name, "order")
    return None


def _day(order: Row, zone: ZoneInfo, problems: _Problems) -> str | None:
    moment = _moment(order, "created_at", problems)
    return None if moment is None else moment.astimezone(zone).date().isoformat()


def _part(row: Row, name: str, at: str, problems: _Problems) -> Row | None:
    """Return an object, nothing where there is none, an empty one where it is something else."""
    value = row.get(name)
    if value is None or isinstance(value, dict):
        return value
    problems.misfit(row, name, at)
    return {}


def _rows(row: Row, name: str, at: str, problems: _Problems) -> list[Row] | None:
    value = row.get(name)
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    problems.misfit(row, name, at)
    return None


def fits(value: str, longest: int) -> bool:
    """Tell whether a field of the ERP, which counts UTF-16 units, holds a text."""
    return len(value) * 2 <= longest or len(value.encode("utf-16-le")) <= longest * 2


def _cut(value: str, longest: int) -> str:
    if fits(value, longest):
        return value
    return value.encode("utf-16-le")[: longest * 2].decode("utf-16-le", errors="ignore")


def lines_of(name: str, orders: Iterable[bytes], shop: Setup) -> Iterable[bytes]:
    """Yield what `mapgen transform` writes of a file of accepted orders."""
    for number, line in enumerate(orders, start=1):
        order = order_of(line)
        written = {
            "source": {"file": name, "record": number, "line": number, "key": order["name"]},
            "entity": "SalesOrder",
            "document": transform(order, shop),
        }
        yield orjson.dumps(written, default=exact, option=orjson.OPT_APPEND_NEWLINE)


def main(source: Path, output: Path) -> None:
    """Write the documents of a file of orders."""
    with source.open("rb") as orders, output.open("wb") as written:
        for line in lines_of(source.name, orders, setup()):
            written.write(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
