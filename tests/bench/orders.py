"""Shopify orders as a shop sends them: some 10 KB each, of 1 to 10 lines, the same every time.

They are drafted by the maker of the demo's orders, and have the members besides that a real shop
sends and no rule reads. A dirty one is an order with one to three mistakes, or no order at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from specs.shopify.samples import make_orders as shop

Order = dict[str, Any]

_SEED = 20261129
_FIRST = 200_000
_EPOCH = datetime(2026, 1, 1, 3, 30, 7, tzinfo=UTC)
_PLACES = (*shop.PLACES, *shop.PLACES, *shop.CANADA, *shop.VAT, shop.SINGAPORE)


def orders(count: int, first: int = 0) -> Iterator[bytes]:
    """Yield accepted orders by number: each is the same whichever are asked for beside it."""
    for number in range(first, first + count):
        yield _written(_order(number))


def dirty_orders(count: int, first: int = 0) -> Iterator[bytes]:
    """Yield orders that are rejected, of all kinds of mistakes in turn."""
    for number in range(first, first + count):
        if number % 12 == 11:
            yield _SPOILED[number // 12 % len(_SPOILED)](_written(_order(number)))
        else:
            yield _written(_dirty(number))


def mixed(count: int, dirty_in_hundred: int) -> Iterator[bytes]:
    """Yield orders of which so many in a hundred are rejected, spread evenly."""
    for number in range(count):
        is_dirty = (number * dirty_in_hundred) % 100 < dirty_in_hundred
        yield _written(_dirty(number) if is_dirty else _order(number))


def small_orders(count: int) -> Iterator[bytes]:
    """Yield orders of one line that have the least an order may have, some 700 bytes each."""
    head, _, tail = _written(_SMALL).partition(b"1000001")
    for number in range(1_000_001, 1_000_001 + count):
        yield b"%s%d%s\n" % (head, number, tail)


_SMALL: dict[str, Any] = {
    "id": 1_000_001,
    "name": "#1",
    "created_at": "2026-10-05T10:52:26-04:00",
    "currency": "USD",
    "financial_status": "paid",
    "test": False,
    "taxes_included": False,
    "total_price": "27.59",
    "total_weight": 70,
    "line_items": [{"id": 15, "sku": "TEA", "name": "Tea", "quantity": 1, "price": "18.75"}],
    "shipping_lines": [{"code": "Standard", "price": "6.90"}],
    "tax_lines": [
        {"title": "State Tax", "price": "1.22", "rate": 0.065},
        {"title": "City Tax US-WA", "price": "0.72", "rate": 0.0385},
    ],
}


def _written(order: Order) -> bytes:
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()


def _order(number: int) -> Order:
    dice = shop.Dice(_SEED + number)
    moment = _EPOCH + timedelta(minutes=number * 26 % 525_000, seconds=number % 60)
    draft = shop.draft_order(dice, _FIRST + number, shop.local(moment))
    draft.place = dice.pick(_PLACES)
    draft.bill_to = draft.place if dice.falls(0.8) else dice.pick(_PLACES)
    draft.currency = "CAD" if draft.place in shop.CANADA else "USD"
    draft.taxes_included = draft.place in shop.VAT
    products = [dice.pick(shop.PRODUCTS) for _ in range(dice.between(1, 10))]
    draft.lines = [shop.Line(one, dice.pick((1, 1, 2, 3)), one.sku) for one in products]
    draft.discounts = [one for one in draft.discounts if one.line is None]
    order = shop.write_order(draft)
    _add_what_no_rule_reads(order)
    return order


def _add_what_no_rule_reads(order: Order) -> None:
    currency = order["currency"]
    order["admin_graphql_api_id"] = f"gid://shopify/Order/{order['id']}"
    order["client_details"] = {
        "accept_language": "en-US,en;q=0.9",
        "browser_ip": order["browser_ip"],
        "session_hash": order["token"],
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
    }
    order["checkout_id"] = order["id"] + 17
    order["checkout_token"] = order["cart_token"] = order["token"][::-1]
    order["referring_site"] = "https://search.example/?q=cast+iron+teapot"
    for name in ("total_line_items_price", "total_discounts", "subtotal_price", "total_tax"):
        order[f"{name}_set"] = _both(order[name], currency)
        order[f"current_{name}"] = order[name]
    order["refunds"] = order["fulfillments"] = []
    for line in order["line_items"]:
        line["admin_graphql_api_id"] = f"gid://shopify/LineItem/{line['id']}"
        line["current_quantity"] = line["fulfillable_quantity"] = line["quantity"]
        line["fulfillment_status"] = None
        line["price_set"] = _both(line["price"], currency)
        line["total_discount_set"] = _both(line["total_discount"], currency)
        line["variant_inventory_management"] = "shopify"
        for tax in line["tax_lines"]:
            tax["price_set"] = _both(tax["price"], currency)
            tax["channel_liable"] = False
        for allocation in line["discount_allocations"]:
            allocation["amount_set"] = _both(allocation["amount"], currency)
    for row in (*order["shipping_lines"], *order["tax_lines"]):
        row["price_set"] = _both(row["price"], currency)
    if order.get("customer"):
        address = order.get("shipping_address") or order.get("billing_address")
        order["customer"] |= {
            "state": "enabled",
            "verified_email": True,
            "created_at": order["created_at"],
            "tax_exempt": False,
            "admin_graphql_api_id": f"gid://shopify/Customer/{order['customer']['id']}",
            "default_address": address,
        }


def _both(amount: str, currency: str) -> Order:
    return {
        "shop_money": {"amount": amount, "currency_code": currency},
        "presentment_money": {"amount": amount, "currency_code": currency},
    }


def _dirty(number: int) -> Order:
    dice = shop.Dice(_SEED - 1 - number)
    order = _order(number)
    _MISTAKES[number % len(_MISTAKES)](order, dice)
    while dice.falls(0.3):
        dice.pick(_MISTAKES)(order, dice)
    return order


def _line(order: Order, dice: shop.Dice) -> Order:
    lines: list[Order] = order["line_items"] or [{}]
    return dice.pick(lines)


def _blank_sku(order: Order, dice: shop.Dice) -> None:
    _line(order, dice)["sku"] = dice.pick(("", "  ", None))


def _no_quantity(order: Order, dice: shop.Dice) -> None:
    _line(order, dice)["quantity"] = dice.pick((0, -1))


def _quantity_as_text(order: Order, dice: shop.Dice) -> None:
    _line(order, dice)["quantity"] = "2"


def _decimal_comma(order: Order, dice: shop.Dice) -> None:
    _line(order, dice)["price"] = dice.pick(("12,50", "1e3", " 9.00", "", None))


def _negative_price(order: Order, dice: shop.Dice) -> None:
    _line(order, dice)["price"] = "-1.00"


def _line_without_name(order: Order, dice: shop.Dice) -> None:
    _line(order, dice).pop("name", None)


def _no_lines(order: Order, dice: shop.Dice) -> None:
    order["line_items"] = []


def _total_off(order: Order, dice: shop.Dice) -> None:
    order["total_price"] = f"{float(order['total_price']) + 0.01:.2f}"


def _negative_total(order: Order, dice: shop.Dice) -> None:
    order["total_price"] = "-1.00"


def _unknown_tax(order: Order, dice: shop.Dice) -> None:
    order["tax_lines"].append({"title": "Kettle Levy", "price": "0.00", "rate": 0.01})


def _tax_twice(order: Order, dice: shop.Dice) -> None:
    order["tax_lines"] += [{"title": "HST CA-ON", "price": "0.00", "rate": 0}] * 2


def _rate_as_word(order: Order, dice: shop.Dice) -> None:
    order["tax_lines"].append({"title": "VAT GB", "price": "0.00", "rate": "nil"})


def _new_customer(order: Order, dice: shop.Dice) -> None:
    order["customer"] = {"id": 7_402_699_999_999}


def _long_po(order: Order, dice: shop.Dice) -> None:
    order["po_number"] = "PO-" + "7" * 41


def _long_street(order: Order, dice: shop.Dice) -> None:
    for name in ("billing_address", "shipping_address"):
        if isinstance(order.get(name), dict):
            order[name] = order[name] | {"address1": "Straße des 17. Juni " * 3}


def _country_by_name(order: Order, dice: shop.Dice) -> None:
    order["shipping_address"] = order["shipping_address"] | {"country_code": "Canada"}


def _naive_time(order: Order, dice: shop.Dice) -> None:
    order["created_at"] = dice.pick(("2026-10-05T10:52:26", "yesterday", None))


def _no_order_name(order: Order, dice: shop.Dice) -> None:
    order.pop("name", None)


def _note_is_a_list(order: Order, dice: shop.Dice) -> None:
    order["note"] = ["ring twice"]


def _address_as_text(order: Order, dice: shop.Dice) -> None:
    order["billing_address"] = "12 Mill Lane"


_MISTAKES: tuple[Callable[[Order, shop.Dice], None], ...] = (
    _blank_sku,
    _no_quantity,
    _quantity_as_text,
    _decimal_comma,
    _negative_price,
    _line_without_name,
    _no_lines,
    _total_off,
    _negative_total,
    _unknown_tax,
    _tax_twice,
    _rate_as_word,
    _new_customer,
    _long_po,
    _long_street,
    _country_by_name,
    _naive_time,
    _no_order_name,
    _note_is_a_list,
    _address_as_text,
)

_SPOILED: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[:-1],
    lambda line: line.replace(b"web", b"w\xe9b", 1)[:-1] + b"\xff}",
    lambda line: line.replace(b'"test":false', b'"test":NaN', 1),
    lambda line: line.replace(b'"test":false', b"'test':false", 1),
    lambda line: b"[]",
)
