"""The least that typed input and output take: the members that the flow reads, and its document.

Nothing is checked or mapped: bytes become structs, and structs that are there become bytes.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder, Encoder


class _ShippingLine(Struct):
    price: Decimal
    code: str | None = None
    discounted_price: Decimal | None = None


class _TaxLine(Struct):
    title: str
    price: Decimal
    rate: Decimal


class _Allocation(Struct):
    amount: Decimal


class _Line(Struct):
    id: int
    name: str
    quantity: int
    price: Decimal
    sku: str | None = None
    discount_allocations: list[_Allocation] | None = None


class _Address(Struct):
    name: str
    country_code: str
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    phone: str | None = None


class _Customer(Struct):
    id: int


class _Order(Struct):
    id: int
    name: str
    created_at: datetime
    currency: str
    financial_status: str
    test: bool
    taxes_included: bool
    total_price: Decimal
    total_weight: int
    line_items: list[_Line]
    shipping_lines: list[_ShippingLine]
    tax_lines: list[_TaxLine]
    po_number: str | None = None
    cancelled_at: datetime | None = None
    email: str | None = None
    phone: str | None = None
    customer: _Customer | None = None
    billing_address: _Address | None = None
    shipping_address: _Address | None = None
    note: str | None = None
    source_name: str | None = None


_DECODER = Decoder(_Order)
_ENCODER = Encoder(decimal_format="number")


def plain(value: Any) -> Any:
    """Return a document with amounts as the encoder knows them by itself."""
    match value:
        case Struct():
            members = (plain(getattr(value, name)) for name in value.__struct_fields__)
            return type(value)(*members)
        case list():
            return [plain(one) for one in value]
        case Decimal():
            return Decimal(value)
        case _:
            return value


def read_and_write(orders: list[bytes], documents: list[Any]) -> int:
    """Decode the orders and encode their documents; return how many bytes came out."""
    written = 0
    for order, document in zip(orders, documents, strict=True):
        _DECODER.decode(order)
        written += len(_ENCODER.encode(document))
    return written
