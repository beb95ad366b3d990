"""Values as the ERP's contract wraps them, and the encoder that keeps every digit.

A field is `{"value": X}`; a field that is not sent is left out (never `null`), one that is to be
emptied is `{"value": null}`. Contract version 4, protocol section 3.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

# No value leads back to what holds it (`gc=False`); of ErrorValues, `Collector.start` sees to that.


class StringValue(msgspec.Struct, frozen=True, gc=False):
    """Text, and drop-downs by their displayed text."""

    value: str


class DecimalValue(msgspec.Struct, frozen=True, gc=False):
    """An exact number, written as a JSON number with the digits it has."""

    value: Decimal


class IntValue(msgspec.Struct, frozen=True, gc=False):
    """A whole number."""

    value: int


class BooleanValue(msgspec.Struct, frozen=True, gc=False):
    """True or false."""

    value: bool


class Option(str):
    """The internal value of a drop-down, as contract version 5 writes it: `{"id": "AC"}`."""

    __slots__ = ()


class SelectValue(msgspec.Struct, frozen=True, gc=False):
    """One value of a drop-down, in contract version 5."""

    value: Option


class MultiSelectValue(msgspec.Struct, frozen=True, gc=False):
    """Several values of a drop-down, in contract version 5."""

    value: list[Option]


class DateValue(msgspec.Struct, frozen=True, gc=False):
    """A calendar date, written `2026-01-31`: the ERP takes it without an offset to shift it by."""

    value: date


class DateTimeValue(msgspec.Struct, frozen=True, gc=False):
    """An instant, written with its offset."""

    value: datetime


class Cleared(msgspec.Struct, frozen=True, gc=False):
    """What empties a field."""

    value: None = None


CLEARED = Cleared()


class ClearedField(msgspec.Struct, frozen=True, gc=False):
    """What empties a field outside the contract."""

    type: str
    value: None = None


class Made(msgspec.Struct, frozen=True, gc=False):
    """A key that the ERP gives another document of the same record, which goes first."""

    made: str
    field: str


class MadeValue(msgspec.Struct, frozen=True, gc=False):
    """Text that is only known once another document is in the ERP."""

    value: Made


class CustomStringField(msgspec.Struct, frozen=True, gc=False):
    """Text in a field outside the contract."""

    value: str
    type: Literal["CustomStringField"] = "CustomStringField"


class CustomDecimalField(msgspec.Struct, frozen=True, gc=False):
    """An exact number in a field outside the contract."""

    value: Decimal
    type: Literal["CustomDecimalField"] = "CustomDecimalField"


class CustomIntField(msgspec.Struct, frozen=True, gc=False):
    """A whole number in a field outside the contract."""

    value: int
    type: Literal["CustomIntField"] = "CustomIntField"


class CustomBooleanField(msgspec.Struct, frozen=True, gc=False):
    """True or false in a field outside the contract."""

    value: bool
    type: Literal["CustomBooleanField"] = "CustomBooleanField"


class CustomDateTimeField(msgspec.Struct, frozen=True, gc=False):
    """A date in a field outside the contract."""

    value: date
    type: Literal["CustomDateTimeField"] = "CustomDateTimeField"


class Skip(msgspec.Struct, frozen=True, gc=False):
    """What a transformer gives for a record that the spec leaves out."""

    reason: str


def _plain(value: object) -> object:
    """Return an amount, a moment or an option as what the encoder knows."""
    if isinstance(value, Option):
        return {"id": str(value)}
    if isinstance(value, Decimal):
        return Decimal(value)
    if isinstance(value, datetime):
        return datetime.fromisoformat(value.isoformat())
    raise NotImplementedError(type(value))


ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
