"""A seed goes in; the demo's orders, tenant and lookup tables come out, the same bytes every time.

    python specs/shopify/samples/make_orders.py

writes, beside this file and in specs/lookups:

- `orders.jsonl`: one order a line, as the shop of the invented Kettle & Fern sends them;
- `tenant.json`: the master data of the tenant that they are delivered to;
- `customers.csv`, `tax_ids.csv`, `ship_via.csv`, `shopify_inventory_items.csv`: the lookup tables
  of the flows;
- the tables in `README.md`: which order shows what.

What the shop sells, to whom and where to stands in `shop/*.csv`.

How the amounts come about, so that anyone can check an order by hand:

- a line's tax is (price x quantity - its discount allocations) x rate, to the cent, half up;
  where prices include taxes it is that net x rate / (1 + all rates);
- an order's tax row is the sum of its lines' rows of that title; shipping is not taxed;
- a discount on the order is shared among the lines in proportion, each share cut to the cent,
  and the cents left over are on the last line;
- total = lines - discounts + shipping after discounts + taxes (unless the prices include them).

An order is drafted (`Draft`), what is planted in it bends the draft before the amounts are
reckoned (`bend`) or the finished order after it (`break_`), and `PLANTED` is the list of it all.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import random
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
LOOKUPS = HERE.parents[1] / "lookups"
SEED = 20261005
FIRST, LAST = 1101, 1323
CENT = Decimal("0.01")

Order = dict[str, Any]
T = TypeVar("T")


class Dice:
    """Chance, from `random()` alone: the one method that gives the same on every Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random.random() * len(choices))]

    def falls(self, chance: float) -> bool:
        return self._random.random() < chance

    def between(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


# The shop


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    title: str
    variant: str | None
    price: Decimal
    grams: int
    is_taxable: bool
    kind: str  # goods, service or digital; only goods are stocked and shipped


@dataclass(frozen=True, slots=True)
class Method:
    code: str
    title: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    city: str
    zip: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str
    taxes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Person:
    first: str | None
    last: str
    company: str | None = None
    known: str = "yes"


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / "shop" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _product(row: dict[str, str]) -> Product:
    return Product(
        sku=row["sku"],
        title=row["title"],
        variant=row["variant"] or None,
        price=Decimal(row["price"]),
        grams=int(row["grams"]),
        is_taxable=row["taxed"] == "yes",
        kind=row["kind"],
    )


def _place(row: dict[str, str]) -> Place:
    taxes = (tax.strip().rpartition(" ") for tax in row["taxes"].split(";"))
    return Place(
        city=row["city"],
        zip=row["zip"],
        province=row["province"] or None,
        province_code=row["province_code"] or None,
        country=row["country"],
        country_code=row["country_code"],
        taxes=tuple((title, rate) for title, _, rate in taxes if title),
    )


def _person(row: dict[str, str]) -> Person:
    return Person(row["first"] or None, row["last"], row["company"] or None, row["known"])


CATALOGUE = tuple(_product(row) for row in _rows("products"))
PRODUCTS = tuple(product for product in CATALOGUE if product.kind != "digital")
DIGITAL = tuple(product for product in CATALOGUE if product.kind == "digital")
_EVERYWHERE = tuple(_place(row) for row in _rows("places"))
PLACES = tuple(place for place in _EVERYWHERE if place.country_code == "US")
CANADA = tuple(place for place in _EVERYWHERE if place.country_code == "CA")
VAT = tuple(place for place in _EVERYWHERE if place.country_code in ("GB", "DE"))
SINGAPORE = next(place for place in _EVERYWHERE if place.country_code == "SG")
CUSTOMERS = tuple(_person(row) for row in _rows("customers"))
NEW = tuple(at for at, person in enumerate(CUSTOMERS) if person.known == "to the shop only")
GONE = next(at for at, person in enumerate(CUSTOMERS) if "not to the tenant" in person.known)
FIRST_CUSTOMER_ID = 101
FIRST_INVENTORY_ITEM_ID = 48120000100

STANDARD = Method("Standard", "Standard Shipping", Decimal("6.90"))
FREE = Method("Free Shipping", "Free Shipping", Decimal("0.00"))
EXPRESS = Method("Express", "Express (2 days)", Decimal("14.90"))
FREIGHT = Method("Freight", "Freight, kerbside", Decimal("49.00"))
CARGO_BIKE = Method("Cargo Bike", "Cargo Bike, same day", Decimal("8.00"))
METHODS = (
    STANDARD,
    STANDARD,
    STANDARD,
    Method("Economy", "Economy", Decimal("4.50")),
    EXPRESS,
    Method("Overnight", "Overnight", Decimal("29.00")),
    Method("Local Pickup", "Pick up at the shop", Decimal("0.00")),
)
SHIP_VIA = {
    "Standard": "GROUND",
    "Economy": "GROUND",
    "Free Shipping": "GROUND",
    "Express": "EXPRESS",
    "Overnight": "NEXTDAY",
    "Local Pickup": "PICKUP",
    "Freight": "LTL",
}


STREETS = (
    "12 Mill Lane",
    "480 Quarry Road",
    "7 Old Ferry Street",
    "2219 Juniper Avenue",
    "66 Lantern Court",
    "1501 North Sandpiper Drive",
    "9 Rue des Hêtres",
    "3 Chapel Steps",
    "One Harbour Square, Tower B, 14th Floor, Suite 140",
    "PO Box 88",
)
SECOND_LINES = (
    None,
    None,
    None,
    "",
    "",
    "Apt. 4B",
    "Unit 12",
    "c/o Front Desk",
    "2e étage, porte gauche",
)
STATUSES = ("paid", "paid", "paid", "paid", "authorized", "pending", "partially_paid")
PHONES = (
    None,
    None,
    "",
    "555-0134",
    "+1 (555) 010-0177",
    "(555) 010-0143 ext. 12",
    "555.010.0199 after 6 pm",
    "+15550100121",
    "call the desk: 555 0102",
)
NOTES = (
    None,
    None,
    None,
    None,
    "",
    "Please leave it with the neighbour.",
    "Ring twice.\nThe bell is on the left.",
    "It's a present 🎁 — no invoice in the box, please!",
    "Livrer après 18 h, s'il vous plaît.",
    "Allergies: none; patience: some",
)


# A draft of an order


@dataclass(slots=True)
class Line:
    product: Product
    quantity: int
    sku: str | None
    allocations: list[tuple[int, Decimal]] = field(default_factory=list)

    @property
    def gross(self) -> Decimal:
        return self.product.price * self.quantity

    @property
    def net(self) -> Decimal:
        return self.gross - sum((amount for _, amount in self.allocations), Decimal(0))


@dataclass(frozen=True, slots=True)
class Discount:
    """A code or automatic discount: on all lines, on one line (`line`), or on shipping."""

    name: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    is_code: bool = True
    line: int | None = None
    is_shipping: bool = False


@dataclass(slots=True)
class Draft:
    """What an order says before any amount is reckoned."""

    number: int
    created_at: str
    customer: int
    is_guest: bool
    place: Place | None
    bill_to: Place | None
    lines: list[Line]
    methods: list[Method]
    discounts: list[Discount]
    currency: str = "USD"
    taxes_included: bool = False
    street: str = ""
    second_line: str | None = None
    phone: str | None = None
    company: str | None = None
    note: str | None = None
    po_number: str | None = None
    email: str | None = None
    source: str = "web"
    status: str = "paid"
    is_test: bool = False
    cancelled: str | None = None
    extra_taxes: tuple[tuple[str, str], ...] = ()

    @property
    def taxes(self) -> tuple[tuple[str, str], ...]:
        place = self.place or self.bill_to
        return (() if place is None else place.taxes) + self.extra_taxes


def draft_order(dice: Dice, number: int, at: datetime) -> Draft:
    """Return an ordinary order: everything in it is as it should be."""
    customer = dice.between(0, GONE - 1)
    person = CUSTOMERS[customer]
    place = dice.pick(PLACES)
    lines = _draft_lines(dice)
    value = sum((line.gross for line in lines), Decimal(0))
    method = FREE if value > 90 and dice.falls(0.6) else dice.pick(METHODS)
    company = person.company or dice.pick((None, None, None, ""))
    return Draft(
        number=number,
        created_at=at.isoformat(timespec="seconds"),
        customer=customer,
        is_guest=dice.falls(0.13),
        place=place,
        bill_to=place if dice.falls(0.8) else dice.pick(PLACES),
        lines=lines,
        methods=[method],
        discounts=_draft_discounts(dice, lines),
        street=dice.pick(STREETS),
        second_line=dice.pick(SECOND_LINES),
        phone=dice.pick(PHONES),
        company=company,
        note=dice.pick(NOTES),
        po_number=f"PO-{dice.between(4000, 9999)}" if person.company and dice.falls(0.5) else None,
        email=_email(person, number),
        status=dice.pick(STATUSES),
    )


def _draft_lines(dice: Dice) -> list[Line]:
    count = dice.pick((1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 8))
    quantities = (1, 1, 1, 1, 2, 2, 3, 6)
    products = [dice.pick(PRODUCTS) for _ in range(count)]
    return [Line(product, dice.pick(quantities), product.sku) for product in products]


def _draft_discounts(dice: Dice, lines: Sequence[Line]) -> list[Discount]:
    if dice.falls(0.14):
        return [Discount("TEATIME10", percent=Decimal(10))]
    if dice.falls(0.08):
        at = dice.between(0, len(lines) - 1)
        return [Discount("Autumn clearance", percent=Decimal(15), is_code=False, line=at)]
    return []


def _email(person: Person, number: int) -> str | None:
    if number % 29 == 0:
        return None
    if number % 31 == 0:
        return ""
    if number % 37 == 0:
        return f"x{hashlib.sha256(str(number).encode()).hexdigest()[:16]}@relay.example"
    name = f"{person.first or 'info'}.{person.last}".lower().replace(" ", "")
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip(".")
    kept = "".join(letter for letter in plain if letter.isalnum() or letter == ".")
    return f"{kept or f'buyer{number}'}@example.com"


# The amounts


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def text(amount: Decimal) -> str:
    return f"{cents(amount):.2f}"


def share(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return `amount` shared in proportion to `weights`, the cents left over on the last."""
    whole = sum(weights, Decimal(0))
    shares = [(amount * weight / whole).quantize(CENT, ROUND_DOWN) for weight in weights]
    shares[-1] += amount - sum(shares, Decimal(0))
    return shares


def allocate(draft: Draft) -> None:
    """Put every discount of the draft on the lines that it takes money off."""
    for index, discount in enumerate(draft.discounts):
        if discount.is_shipping:
            continue
        lines = draft.lines if discount.line is None else [draft.lines[discount.line]]
        nets = [line.net for line in lines]
        amount = discount.amount
        if amount is None:
            amount = cents(sum(nets, Decimal(0)) * (discount.percent or Decimal(0)) / 100)
        for line, part in zip(lines, share(amount, nets), strict=True):
            line.allocations.append((index, part))


def line_taxes(draft: Draft, line: Line) -> list[tuple[str, str, Decimal]]:
    if not line.product.is_taxable:
        return []
    whole = 1 + sum((Decimal(rate) for _, rate in draft.taxes), Decimal(0))
    part = line.net / whole if draft.taxes_included else line.net
    return [(title, rate, cents(part * Decimal(rate))) for title, rate in draft.taxes]


def shipping_discount(draft: Draft, method: Method) -> list[tuple[int, Decimal]]:
    return [
        (index, method.price)
        for index, discount in enumerate(draft.discounts)
        if discount.is_shipping and method.price
    ]


# The order as the shop sends it


def write_order(draft: Draft) -> Order:
    """Return the order of a draft, with all its amounts."""
    allocate(draft)
    lines = [write_line(draft, at, line) for at, line in enumerate(draft.lines)]
    shipping = [write_shipping(draft, at, method) for at, method in enumerate(draft.methods)]
    order = write_head(draft)
    order |= write_totals(draft, shipping)
    order["line_items"] = lines
    order["shipping_lines"] = shipping
    order["tax_lines"] = write_tax_lines(draft)
    order |= write_discounts(draft)
    order |= write_people(draft)
    return order


def write_head(draft: Draft) -> Order:
    token = hashlib.sha256(f"order {draft.number}".encode()).hexdigest()
    is_till = draft.source == "pos"
    gift = [{"name": "gift_message", "value": "Alles Gute zum Geburtstag! 🎂"}]
    return {
        "id": order_id(draft.number),
        "name": f"#{draft.number}",
        "order_number": draft.number,
        "number": draft.number - 1000,
        "confirmation_number": token[:9].upper(),
        "created_at": draft.created_at,
        "processed_at": draft.created_at,
        "updated_at": draft.created_at,
        "closed_at": None,
        "cancelled_at": draft.created_at if draft.cancelled else None,
        "cancel_reason": draft.cancelled,
        "currency": draft.currency,
        "presentment_currency": draft.currency,
        "financial_status": draft.status,
        "fulfillment_status": None,
        "confirmed": True,
        "test": draft.is_test,
        "taxes_included": draft.taxes_included,
        "email": draft.email,
        "phone": None,
        "po_number": draft.po_number,
        "note": draft.note,
        "note_attributes": gift if draft.number % 23 == 0 else [],
        "tags": "wholesale" if draft.po_number else "",
        "token": token[:32],
        "source_name": draft.source,
        "location_id": 61_200_448 if is_till else None,
        "payment_gateway_names": ["till"] if is_till else ["card"],
        "landing_site": None if is_till else "/collections/teas?utm_source=newsletter",
        "browser_ip": None if is_till else f"203.0.113.{draft.number % 250 + 1}",
        "customer_locale": "fr-CA" if draft.currency == "CAD" else "en",
        "buyer_accepts_marketing": draft.number % 3 == 0,
        "order_status_url": f"https://kettle-fern.example/orders/{token[:32]}",
    }


def write_totals(draft: Draft, shipping: Sequence[Order]) -> Order:
    gross = sum((line.gross for line in draft.lines), Decimal(0))
    subtotal = sum((line.net for line in draft.lines), Decimal(0))
    freight = sum((Decimal(row["discounted_price"]) for row in shipping), Decimal(0))
    freight_before = sum((method.price for method in draft.methods), Decimal(0))
    taxes = sum((row[2] for line in draft.lines for row in line_taxes(draft, line)), Decimal(0))
    total = subtotal + freight + (Decimal(0) if draft.taxes_included else taxes)
    return {
        "total_line_items_price": text(gross),
        "total_discounts": text(gross - subtotal + freight_before - freight),
        "subtotal_price": text(subtotal),
        "total_shipping_price_set": both(freight, draft.currency),
        "total_tax": text(taxes),
        "total_tip_received": "0.00",
        "total_price": text(total),
        "total_price_set": both(total, draft.currency),
        "current_total_price": text(total),
        "total_outstanding": "0.00" if draft.status == "paid" else text(total),
        "total_weight": sum(line.product.grams * line.quantity for line in draft.lines),
    }


def both(amount: Decimal, currency: str) -> Order:
    money = {"amount": text(amount), "currency_code": currency}
    return {"shop_money": money, "presentment_money": money}


def write_line(draft: Draft, at: int, line: Line) -> Order:
    product = line.product
    name = product.title if product.variant is None else f"{product.title} - {product.variant}"
    key = CATALOGUE.index(product)
    return {
        "id": 15_240_000_000_000 + (draft.number * 10 + at) * 32_768,
        "product_id": 8_105_000_000_000 + key * 32_768,
        "variant_id": 44_310_000_000_000 + key * 32_768,
        "sku": line.sku,
        "title": product.title,
        "variant_title": product.variant,
        "name": name,
        "vendor": "Kettle & Fern",
        "quantity": line.quantity,
        "fulfillment_service": "manual",
        "price": text(product.price),
        "total_discount": "0.00",
        "discount_allocations": write_allocations(line.allocations),
        "tax_lines": [write_tax(*row) for row in line_taxes(draft, line)],
        "taxable": product.is_taxable,
        "gift_card": False,
        "requires_shipping": product.kind == "goods",
        "grams": product.grams,
        "product_exists": True,
        "properties": [],
    }


def write_allocations(allocations: Iterable[tuple[int, Decimal]]) -> list[Order]:
    return [
        {"amount": text(amount), "discount_application_index": index}
        for index, amount in allocations
    ]


def write_tax(title: str, rate: str, amount: Decimal) -> Order:
    return {"title": title, "price": text(amount), "rate": float(rate)}


def write_tax_lines(draft: Draft) -> list[Order]:
    sums: dict[tuple[str, str], Decimal] = {}
    for line in draft.lines:
        for title, rate, amount in line_taxes(draft, line):
            sums[title, rate] = sums.get((title, rate), Decimal(0)) + amount
    return [write_tax(title, rate, amount) for (title, rate), amount in sums.items()]


def write_shipping(draft: Draft, at: int, method: Method) -> Order:
    taken_off = shipping_discount(draft, method)
    return {
        "id": 4_620_000_000_000 + (draft.number * 10 + at) * 32_768,
        "code": method.code,
        "title": method.title,
        "source": "shopify",
        "price": text(method.price),
        "discounted_price": text(method.price - sum((part for _, part in taken_off), Decimal(0))),
        "discount_allocations": write_allocations(taken_off),
        "tax_lines": [],
    }


def write_discounts(draft: Draft) -> Order:
    codes, applications = [], []
    for index, discount in enumerate(draft.discounts):
        parts = [part for line in draft.lines for at, part in line.allocations if at == index]
        parts += [
            part
            for method in draft.methods
            for at, part in shipping_discount(draft, method)
            if at == index
        ]
        kind = "percentage" if discount.percent is not None else "fixed_amount"
        if discount.is_code:
            amount = text(sum(parts, Decimal(0)))
            codes.append(
                {
                    "code": discount.name,
                    "amount": amount,
                    "type": "shipping" if discount.is_shipping else kind,
                }
            )
        applications.append(
            {
                "type": "discount_code" if discount.is_code else "automatic",
                "code" if discount.is_code else "title": discount.name,
                "target_type": "shipping_line" if discount.is_shipping else "line_item",
                "target_selection": "all" if discount.line is None else "entitled",
                "allocation_method": "across",
                "value": str(discount.percent or discount.amount),
                "value_type": kind,
            }
        )
    return {"discount_codes": codes, "discount_applications": applications}


def write_people(draft: Draft) -> Order:
    person = CUSTOMERS[draft.customer]
    people: Order = {}
    if not draft.is_guest:
        people["customer"] = {
            "id": customer_id(draft.customer),
            "email": draft.email,
            "first_name": person.first,
            "last_name": person.last,
            "phone": None,
            "tags": "",
        }
    elif draft.number % 2:
        people["customer"] = None  # both ways of saying guest occur: null and not there
    if draft.bill_to is not None:
        people["billing_address"] = write_address(draft, draft.bill_to, person)
    if draft.place is not None:
        people["shipping_address"] = write_address(draft, draft.place, person)
    return people


def write_address(draft: Draft, place: Place, person: Person) -> Order:
    return {
        "name": person.last if person.first is None else f"{person.first} {person.last}",
        "first_name": person.first,
        "last_name": person.last,
        "company": draft.company,
        "address1": draft.street,
        "address2": draft.second_line,
        "city": place.city,
        "province": place.province,
        "province_code": place.province_code,
        "zip": place.zip,
        "country": place.country,
        "country_code": place.country_code,
        "phone": draft.phone,
    }


def order_id(number: int) -> int:
    return 5_871_200_000_000 + number * 32_768


def customer_id(customer: int) -> int:
    return 7_402_600_000_000 + (customer + 1) * 65_536


# What is planted. `at` counts the orders of one row from 0.


def free_of_chance(draft: Draft, _at: int) -> None:
    """Take away what chance put in, so that only what is planted decides."""
    draft.discounts = []
    draft.is_guest = False


def three_mugs() -> list[Line]:
    return [Line(mug, 1, mug.sku) for mug in PRODUCTS if mug.sku.startswith("MUG-")]


def guest_at_the_till(draft: Draft, at: int) -> None:
    free_of_chance(draft, at)
    draft.is_guest, draft.source = True, "pos"
    draft.email = None
    draft.lines = three_mugs()[: at + 1]
    draft.place = draft.bill_to = None
    draft.methods = []
    draft.extra_taxes = (("State Tax", "0.06"),)


def digital_goods(draft: Draft, at: int) -> None:
    draft.discounts = []
    draft.place = None
    draft.methods = []
    draft.lines = [Line(DIGITAL[at % 2], 1, DIGITAL[at % 2].sku)]


def goes_to_canada(draft: Draft, at: int) -> None:
    draft.currency = "CAD"
    draft.place = draft.bill_to = CANADA[at % len(CANADA)]


def includes_taxes(draft: Draft, at: int) -> None:
    draft.taxes_included = True
    draft.place = draft.bill_to = VAT[at % 2]
    draft.lines[:0] = three_mugs()[: at + 1]


def goes_to_singapore(draft: Draft, _at: int) -> None:
    draft.place = draft.bill_to = SINGAPORE


def ten_off_three_mugs(draft: Draft, _at: int) -> None:
    draft.lines = three_mugs()
    draft.discounts = [Discount("TENNER", amount=Decimal("10.00"))]


def two_discounts(draft: Draft, _at: int) -> None:
    clearance = Discount("Autumn clearance", percent=Decimal(15), is_code=False, line=0)
    draft.discounts = [clearance, Discount("TEATIME10", percent=Decimal(10))]


def free_shipping_code(draft: Draft, _at: int) -> None:
    draft.methods = [STANDARD]
    draft.discounts = [Discount("FREESHIP", percent=Decimal(100), is_shipping=True)]


def two_shipments(draft: Draft, _at: int) -> None:
    tray = next(product for product in PRODUCTS if product.sku == "TRY-OAK-40")
    draft.lines.append(Line(tray, 2, tray.sku))
    draft.methods = [STANDARD, FREIGHT]


def cargo_bike(draft: Draft, _at: int) -> None:
    draft.methods = [CARGO_BIKE]


def spaces_around_sku(draft: Draft, at: int) -> None:
    line = draft.lines[0]
    line.sku = (f" {line.sku}", f"{line.sku}  ", f"\t{line.sku} ")[at]


def at_time(*moments: str) -> Callable[[Draft, int], None]:
    def bend(draft: Draft, at: int) -> None:
        draft.created_at = moments[at]

    return bend


def long_company(draft: Draft, _at: int) -> None:
    draft.company = "The Benevolent Society of Afternoon Tea Drinkers of " + ", ".join(
        f"{side} and {other} Fernhollow"
        for side in ("Upper", "Lower", "Nether")
        for other in ("East", "West", "Old")
    )


def long_note(draft: Draft, _at: int) -> None:
    day = "The gate sticks: lift, push, and mind the cat — she is called Biscuit. "
    draft.note = "\n".join(f"{step}. {day * 3}" for step in range(1, 15))


def no_tax_at_all(draft: Draft, _at: int) -> None:
    draft.place = draft.bill_to = next(place for place in PLACES if place.province_code == "OR")
    draft.extra_taxes = (("State Tax", "0.0"),)


def voided(draft: Draft, at: int) -> None:
    draft.status, draft.cancelled = "voided", ("customer", "fraud", "declined")[at % 3]
    if at == 2:
        draft.lines[0].sku = ""  # skipped, not rejected: the skip is asked first


def cancelled(draft: Draft, _at: int) -> None:
    draft.status, draft.cancelled = "refunded", "inventory"


def through_test_gateway(draft: Draft, _at: int) -> None:
    draft.is_test = True
    draft.note = "test, please ignore"


def blank_sku(draft: Draft, at: int) -> None:
    draft.lines[-1].sku = ("", "   ", None, "")[at]


def three_faults(draft: Draft, _at: int) -> None:
    draft.lines = three_mugs()
    draft.lines[0].sku, draft.lines[2].sku = None, " "
    draft.po_number = "Standing order, autumn and winter, see contract 2026/17"


def po_too_long(draft: Draft, _at: int) -> None:
    draft.po_number = "PO for the tearoom, attention of Mr Fairbrother only"


def unknown_tax(draft: Draft, _at: int) -> None:
    draft.extra_taxes = (("Stadium District Tax", "0.005"),)


def street_too_long(draft: Draft, _at: int) -> None:
    draft.street = "Former Customs House, Second Courtyard, 1140 Old Tobacco Quay Road"


def unknown_sku(draft: Draft, at: int) -> None:
    sku = ("MUG-STN-RED", "TEA-LAP-100", "POT-IRN-80", "OLD-0001")[at]
    draft.lines[-1].sku = sku


def sku_too_long(draft: Draft, _at: int) -> None:
    draft.lines[0].sku = "CUP-DWN-2/CUSTOM-ENGRAVED-INITIALS-TT"


def gone_customer(draft: Draft, at: int) -> None:
    free_of_chance(draft, at)
    draft.customer = GONE


def new_customer(draft: Draft, at: int) -> None:
    free_of_chance(draft, at)
    draft.customer = NEW[at % len(NEW)]
    draft.company = draft.po_number = None


def no_such_state(draft: Draft, _at: int) -> None:
    taxes = (("State Tax", "0.05"),)
    draft.place = Place("Nowhere", "00000", "Old Mexico", "OM", "United States", "US", taxes)


def total_off(*differences: str) -> Callable[[Order, int], None]:
    def break_(order: Order, at: int) -> None:
        order["total_price"] = text(Decimal(order["total_price"]) + Decimal(differences[at]))

    return break_


def tip(order: Order, _at: int) -> None:
    order["total_tip_received"] = "5.00"
    order["total_price"] = text(Decimal(order["total_price"]) + 5)


def line_removed(order: Order, _at: int) -> None:
    lost = order["line_items"].pop(0)
    order["note"] = f"Staff: {lost['name']} taken out after the order was placed."


def naive_time(order: Order, _at: int) -> None:
    order["created_at"] = order["created_at"][:19]


def decimal_comma(order: Order, _at: int) -> None:
    line = order["line_items"][0]
    line["price"] = line["price"].replace(".", ",")


def quantity_zero(order: Order, _at: int) -> None:
    bonus = json.loads(json.dumps(order["line_items"][0]))
    bonus |= {"id": bonus["id"] + 1, "quantity": 0, "discount_allocations": [], "tax_lines": []}
    order["line_items"].append(bonus)


def no_lines(order: Order, _at: int) -> None:
    order["line_items"], order["tax_lines"] = [], []
    freight = order["shipping_lines"][0]["discounted_price"]
    zeros = ("total_line_items_price", "total_discounts", "subtotal_price", "total_tax")
    order |= dict.fromkeys(zeros, "0.00")
    order |= {"total_price": freight, "current_total_price": freight, "total_weight": 0}


def dispatched_twice(_draft: Draft, _at: int) -> None:
    """Nothing to bend: `write_lines` sends the order a second time."""


@dataclass(frozen=True, slots=True)
class Planted:
    """Orders that show one thing, and what becomes of them."""

    outcome: str
    shows: str
    numbers: tuple[int, ...]
    bend: Callable[[Draft, int], None] | None = None
    break_: Callable[[Order, int], None] | None = None


REDELIVERED = (1116, 1150)
DOUBLE_MEMBER = 1306

PLANTED = (
    Planted("skipped", "voided in the shop", (1109, 1137, 1158, 1192, 1218, 1255, 1301), voided),
    Planted("skipped", "test order", (1103, 1145, 1182, 1236, 1285), through_test_gateway),
    Planted("skipped", "cancelled and refunded, not voided", (1167, 1268), cancelled),
    Planted(
        "rejected", "blank SKU: empty, spaces, null, empty", (1119, 1163, 1207, 1250), blank_sku
    ),
    Planted("rejected", "three errors at once: two blank SKUs, PO number", (1281,), three_faults),
    Planted(
        "rejected",
        "total off by cents: +0.01, -0.02, +0.03",
        (1128, 1176, 1233),
        break_=total_off("0.01", "-0.02", "0.03"),
    ),
    Planted("rejected", "total off by 5.00: a tip", (1140,), break_=tip),
    Planted(
        "rejected", "total off by a line that staff took out", (1262,), two_shipments, line_removed
    ),
    Planted("rejected", "created_at without an offset", (1151,), break_=naive_time),
    Planted("rejected", "price with a decimal comma", (1187,), break_=decimal_comma),
    Planted("rejected", "a line with quantity 0", (1214,), break_=quantity_zero),
    Planted("rejected", "PO number of 52 characters (field: 40)", (1222,), po_too_long),
    Planted("rejected", "tax that is in no table", (1240,), unknown_tax),
    Planted("rejected", "no lines at all", (1271,), free_of_chance, no_lines),
    Planted("rejected", "street of 66 characters (field: 50)", (1298,), street_too_long),
    Planted(
        "skipped",
        "member `financial_status` twice in the JSON: the last one holds",
        (DOUBLE_MEMBER,),
    ),
    Planted(
        "rejected by the tenant",
        "SKU the tenant does not have",
        (1133, 1170, 1226, 1312),
        unknown_sku,
    ),
    Planted("rejected by the tenant", "SKU of 37 characters, likewise", (1277,), sku_too_long),
    Planted(
        "rejected by the tenant", "customer in the table, not in the tenant", (1199,), gone_customer
    ),
    Planted(
        "rejected by the tenant", "state that the country does not have", (1245,), no_such_state
    ),
    Planted("deferred", "customer not in the table yet", (1142, 1204, 1259, 1317), new_customer),
    Planted(
        "created, then already exists", "delivered twice by the shop", REDELIVERED, dispatched_twice
    ),
    Planted(
        "created", "till sale: guest, no address, general tax", (1148, 1243), guest_at_the_till
    ),
    Planted(
        "created", "digital goods: no shipping address", (1107, 1161, 1210, 1265), digital_goods
    ),
    Planted(
        "created",
        "Canadian dollars: HST of two provinces, GST + PST, GST + QST, GST",
        (1112, 1131, 1155, 1174, 1196, 1231, 1257, 1287),
        goes_to_canada,
    ),
    Planted("created", "prices that include VAT", (1125, 1179, 1228, 1293), includes_taxes),
    Planted("created", "country without provinces", (1121, 1202, 1274), goes_to_singapore),
    Planted(
        "created",
        "10.00 off three lines, a spare cent",
        (1117, 1165, 1212, 1279),
        ten_off_three_mugs,
    ),
    Planted("created", "two discounts on one line", (1184, 1252), two_discounts),
    Planted("created", "shipping made free by a code", (1135, 1189, 1247), free_shipping_code),
    Planted("created", "two shipping lines", (1153, 1224), two_shipments),
    Planted("created", "shipping rate that is in no table", (1127, 1208, 1283), cargo_bike),
    Planted("created", "blanks around a SKU", (1123, 1194, 1238), spaces_around_sku),
    Planted("created", "company name of more than 255 characters", (1172,), long_company),
    Planted("created", "note of 3,000 characters in 14 lines", (1220,), long_note),
    Planted("created", "tax of rate 0", (1295,), no_tax_at_all),
    Planted(
        "created",
        "midnight and clocks: dated 10-31, 11-01, 11-01, 11-01, 11-12 in New York",
        (1235, 1237, 1239, 1241, 1291),
        at_time(
            "2026-10-31T23:58:41-04:00",
            "2026-11-01T01:30:00-04:00",
            "2026-11-01T01:30:00-05:00",
            "2026-11-02T04:30:12+00:00",
            "2026-11-13T04:59:59Z",
        ),
    ),
)


# The files

CLOCKS_SET_BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)


def local(moment: datetime) -> datetime:
    """Return the moment as the shop in New York writes it."""
    return moment.astimezone(timezone(timedelta(hours=-4 if moment < CLOCKS_SET_BACK else -5)))


def make_orders() -> dict[int, Order]:
    dice = Dice(SEED)
    planted = {number: (row, at) for row in PLANTED for at, number in enumerate(row.numbers)}
    moment = datetime(2026, 10, 5, 12, 14, 9, tzinfo=UTC)
    orders = {}
    for number in range(FIRST, LAST + 1):
        moment += timedelta(minutes=dice.between(4, 560), seconds=dice.between(0, 59))
        draft = draft_order(dice, number, local(moment))
        row, at = planted.get(number, (None, 0))
        if row is not None and row.bend is not None:
            row.bend(draft, at)
        if row is not None and row.outcome.startswith("rejected"):
            draft.is_guest = False
        order = write_order(draft)
        if row is not None and row.break_ is not None:
            row.break_(order, at)
        orders[number] = order
    return orders


def write_lines(orders: dict[int, Order]) -> list[str]:
    lines = {}
    for number, order in orders.items():
        line = json.dumps(order, ensure_ascii=False, separators=(",", ":"))
        if number == DOUBLE_MEMBER:
            member = f'"financial_status":"{order["financial_status"]}"'
            line = line.replace(member, member + ',"financial_status":"voided"', 1)
        lines[number] = line
    soon, late = REDELIVERED
    again = [line for number in lines for line in [lines[number]] * (2 if number == soon else 1)]
    return [*again, lines[late]]


def tax_ids() -> list[tuple[str, str]]:
    """Return title and place -> tax; the bare title last, for orders that name no place."""
    rows = []
    for place in PLACES:
        for title, _ in place.taxes:
            kind = title.split()[0].upper()
            rows.append((f"{title} US-{place.province_code}", f"{place.province_code}{kind}"))
    rows += [("HST CA-ON", "ONHST"), ("HST CA-NB", "NBHST"), ("PST CA-BC", "BCPST")]
    rows += [("QST CA-QC", "QCQST"), ("GST", "CAGST"), ("VAT GB", "GBVAT"), ("VAT DE", "DEVAT")]
    rows += [("State Tax", "USSTATE"), ("State Tax US-OR", "ORSTATE")]
    return sorted(set(rows))


def customer_ids() -> list[tuple[str, str]]:
    return [
        (str(customer_id(at)), f"C{FIRST_CUSTOMER_ID + at:06}")
        for at in range(len(CUSTOMERS))
        if at not in NEW
    ]


def make_tenant() -> Order:
    stock = [make_item(product) for product in CATALOGUE if product.kind == "goods"]
    other = [make_item(product) for product in CATALOGUE if product.kind != "goods"]
    states = {place.province_code for place in PLACES}
    provinces = {place.province_code for place in CANADA}
    return {
        "Customer": [*make_customers(), make_guest()],
        "StockItem": [item | stocked(at) for at, item in enumerate(stock)],
        "NonStockItem": other,
        "Tax": [{"TaxID": tax} for tax in sorted({tax for _, tax in tax_ids()})],
        "ShipVia": [{"CarrierID": via} for via in sorted(set(SHIP_VIA.values()))],
        "Warehouse": [{"WarehouseID": "MAIN"}],
        "Branch": [{"BranchID": "MAIN"}],
        "Currency": [{"CurrencyID": "USD"}, {"CurrencyID": "CAD"}],
        "Country": [
            {"CountryID": "US", "States": sorted(filter(None, states))},
            {"CountryID": "CA", "States": sorted(filter(None, provinces))},
            {"CountryID": "DE"},
            {"CountryID": "GB"},
            {"CountryID": "SG"},
        ],
        "setup": {
            "defaults": {
                "SalesOrder": {"Branch": "MAIN"},
                "SalesOrderDetail": {"WarehouseID": "MAIN"},
            },
            "custom_fields": {"SalesOrder": {"Document.UsrShopStore": "CustomStringField"}},
            "numbering": {"SalesOrder": {"SO": "SO000001"}, "Customer": "C001000"},
        },
    }


def make_item(product: Product) -> Order:
    description = html.unescape(" ".join(filter(None, (product.title, product.variant))))
    return {"InventoryID": product.sku, "Description": description}


def stocked(at: int) -> Order:
    """Return what the tenant knows of the goods in a place of the catalogue: some lie in MAIN."""
    return {
        "SalesUOM": "EA",
        "BaseUOM": "EA",
        "ItemStatus": "Active",
        "ExportToExternal": True,
        "DefaultWarehouseID": "MAIN",
        "WarehouseDetails": [{"WarehouseID": "MAIN", "QtyOnHand": 240 + at * 37 % 260}],
    }


def inventory_items() -> list[tuple[str, str]]:
    """Return article -> what the shop calls its stock; the examples of the flow come first."""
    first = [("POT-IRN-08", 1), ("TEA-ASM-100", 2), ("CUP-CLY-02", 3)]
    named = [sku for sku, _ in first]
    others = [one.sku for one in CATALOGUE if one.kind == "goods" and one.sku not in named]
    known = [*first, *((sku, at) for at, sku in enumerate(others, len(first) + 1))]
    return [(sku, str(FIRST_INVENTORY_ITEM_ID + at)) for sku, at in known]


def make_customers() -> list[Order]:
    customers = []
    for at, person in enumerate(CUSTOMERS):
        if at == GONE or at in NEW:
            continue
        name = person.last if person.first is None else f"{person.first} {person.last}"
        place = PLACES[at % len(PLACES)]
        customers.append(
            {
                "CustomerID": f"C{FIRST_CUSTOMER_ID + at:06}",
                "CustomerName": person.company or name,
                "CurrencyID": "USD",
                "EnableCurrencyOverride": True,
                "AccountRef": f"{customer_id(at)}-kettle-fern",
                "MainContact": {
                    "Attention": name,
                    "Email": _email(person, 1),
                    "Address": {
                        "AddressLine1": STREETS[at % 8],
                        "City": place.city,
                        "State": place.province_code,
                        "PostalCode": place.zip,
                        "Country": place.country_code,
                    },
                },
            }
        )
    return customers


def make_guest() -> Order:
    return {
        "CustomerID": "GUEST",
        "CustomerName": "Web shop guests",
        "CurrencyID": "USD",
        "EnableCurrencyOverride": True,
        "IsGuestCustomer": True,
    }


def is_guest(order: Order) -> bool:
    return order.get("customer") is None


FEATURES: tuple[tuple[str, Callable[[Order], bool]], ...] = (
    ("guests", is_guest),
    ("orders with a discount", lambda order: order["total_discounts"] != "0.00"),
    ("orders with two taxes", lambda order: len(order["tax_lines"]) == 2),
    ("orders without taxes", lambda order: not order["tax_lines"]),
    (
        "orders with taxed and untaxed lines",
        lambda order: {line["taxable"] for line in order["line_items"]} == {True, False},
    ),
    ("orders with five lines or more", lambda order: len(order["line_items"]) >= 5),
    (
        "orders with free shipping",
        lambda order: any(row["price"] == "0.00" for row in order["shipping_lines"]),
    ),
    ("orders with a PO number", lambda order: order["po_number"] is not None),
    ("orders with null or empty e-mail", lambda order: not order["email"]),
    ("orders whose billing and shipping places differ", lambda order: _has_two_places(order)),
    ("names or places beyond ASCII", lambda order: not str(order.get("billing_address")).isascii()),
    ("titles with HTML entities", lambda order: "&amp;" in str(order["line_items"])),
)


def _has_two_places(order: Order) -> bool:
    bill_to, ship_to = order.get("billing_address"), order.get("shipping_address")
    return bill_to is not None and ship_to is not None and bill_to["city"] != ship_to["city"]


def write_readme(orders: dict[int, Order], line_count: int) -> str:
    """Return the two tables of the README."""
    not_created = [row for row in PLANTED if not row.outcome.startswith("created")]
    other = {number for row in not_created for number in row.numbers}
    created = [number for number in orders if number not in other]
    counts: dict[str, int] = {"created": len(created), "already exists": len(REDELIVERED)}
    for row in not_created:
        counts[row.outcome] = counts.get(row.outcome, 0) + len(row.numbers)
    lines = [f"{line_count} lines, {len(orders)} orders:", "", "| outcome | lines |", "|---|---:|"]
    lines += [f"| {outcome} | {count} |" for outcome, count in counts.items()]
    lines += ["", "| outcome | what the orders show | orders |", "|---|---|---|"]
    for row in PLANTED:
        numbers = ", ".join(str(number) for number in row.numbers)
        lines.append(f"| {row.outcome} | {row.shows} | {numbers} |")
    lines += ["", "Among the orders created:", "", "| | orders |", "|---|---:|"]
    for name, holds in FEATURES:
        lines.append(f"| {name} | {sum(holds(orders[number]) for number in created)} |")
    return "\n".join(lines)


def write_csv(path: Path, header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def put_between(path: Path, tables: str) -> None:
    """Put the tables between the two marks of the README."""
    begin, end = "<!-- tables -->\n", "\n<!-- end of tables -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}{tables}{end}{after}", encoding="utf-8", newline="\n")


def main() -> None:
    orders = make_orders()
    lines = write_lines(orders)
    tenant = json.dumps(make_tenant(), ensure_ascii=False, indent=2)
    (HERE / "orders.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (HERE / "tenant.json").write_text(tenant + "\n", encoding="utf-8", newline="\n")
    write_csv(LOOKUPS / "customers.csv", ("shopify_id", "customer_id"), customer_ids())
    write_csv(LOOKUPS / "tax_ids.csv", ("name", "tax_id"), tax_ids())
    write_csv(LOOKUPS / "ship_via.csv", ("code", "ship_via"), SHIP_VIA.items())
    columns = ("inventory_id", "inventory_item_id")
    write_csv(LOOKUPS / "shopify_inventory_items.csv", columns, inventory_items())
    put_between(HERE / "README.md", write_readme(orders, len(lines)))


if __name__ == "__main__":
    main()
