"""Values of fields: JSON as clients send it, in; typed values and the JSON of answers, out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TypeAlias, assert_never
from uuid import UUID

from mapgen.contract.model import Field, ValueType

Value: TypeAlias = str | bool | int | Decimal

# Wide enough for the product of any two numbers that columns hold.
_EXACT = Context(prec=100)
_LARGEST = Decimal("1e19")

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "byte": (0, 255),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}
_CUSTOM_TYPES: Mapping[str, ValueType] = {
    "CustomStringField": "string",
    "CustomDecimalField": "decimal",
    "CustomDoubleField": "double",
    "CustomBooleanField": "boolean",
    "CustomIntField": "int",
    "CustomShortField": "short",
    "CustomByteField": "byte",
    "CustomLongField": "long",
    "CustomGuidField": "guid",
    "CustomDateTimeField": "datetime",
}

# What the column keeps, in decimal places, where it is not the four of money: as recorded lists
# show it (`OrderTotal` 7000.0000, `OrderedQty` 0.000000, `CurrencyRate` 1.00000000).
_SCALES: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"^(CurrencyRate|ReciprocalRate)$"), 8),
    (
        re.compile(
            r"Qty|Quantity|Percent|Threshold|Price$|Cost$|MSRP|Markup|Weight|Volume|TaxRate"
        ),
        6,
    ),
)


def custom_type(name: str) -> ValueType | None:
    """Return the value type of a custom field's `type` member, None for an unknown one."""
    return _CUSTOM_TYPES.get(name)


def at_least_one_place(number: Decimal) -> Decimal:
    """Return the number as .NET writes a computed decimal: `2.0`, never `2` or `2E+1`."""
    trimmed = number.normalize(_EXACT)
    exponent = trimmed.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -1:
        return trimmed.quantize(Decimal("0.1"), context=_EXACT)
    return trimmed


def rounded(number: Decimal, places: int) -> Decimal:
    """Return the number with so many places, halves away from zero, as the ERP rounds money."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)


def stored_scale(name: str, number: Decimal) -> Decimal:
    """Return the number with the places its column keeps, as it reads back from the database."""
    places = next((places for pattern, places in _SCALES if pattern.search(name)), 4)
    return rounded(number, places)


def instant(moment: datetime) -> str:
    """Return a timestamp as answers hold it: `2023-12-14T19:57:08.06+00:00`."""
    moment = moment.astimezone(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    thousandths = f"{moment.microsecond // 1000:03d}".rstrip("0")
    return f"{text}.{thousandths}+00:00" if thousandths else f"{text}+00:00"


def moment(text: str) -> datetime:
    """Return the instant a text names; without an offset it counts as UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text.strip())
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def business_date(day: date) -> str:
    """Return a calendar date as it is stored and as contract 4 answers hold it: midnight, UTC."""
    return f"{day.isoformat()}T00:00:00+00:00"


def coerce(raw: object, kind: ValueType) -> Value:
    """Return the typed value of a JSON one. Numbers may come as text (recorded: `"2.00"`).

    Raises ValueError with the words of the ERP's JSON reader.
    """
    match kind:
        case "string" | "single_select" | "multi_select":
            return _text(raw)
        case "decimal" | "double":
            return _decimal(raw)
        case "boolean":
            return _boolean(raw)
        case "int" | "short" | "byte" | "long":
            return _integer(raw, kind)
        case "guid":
            return _guid(raw)
        case "datetime" | "date":
            return _datetime(raw, kind)
        case _:
            assert_never(kind)


def fit(value: Value, field: Field) -> Value:
    """Return the value with the decimal places the contract gives the field."""
    if isinstance(value, Decimal) and field.places is not None:
        return at_least_one_place(rounded(value, field.places))
    return value


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 units, as SQL Server counts `nvarchar`."""
    return len(text.encode("utf-16-le")) // 2


def _refusal(raw: object, kind: str) -> ValueError:
    return ValueError(f"Could not convert {_shown(raw)} to {kind}.")


def _shown(raw: object) -> str:
    return {True: "boolean", False: "boolean"}[raw] if isinstance(raw, bool) else type(raw).__name__


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "True" if raw else "False"
    if isinstance(raw, (int, Decimal)):
        return str(raw)
    if isinstance(raw, dict) and isinstance(raw.get("id"), str):
        return str(raw["id"])
    if isinstance(raw, list):
        return ",".join(_text(part) for part in raw)
    raise _refusal(raw, "string")


def _decimal(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal, str)):
        raise _refusal(raw, "decimal")
    try:
        number = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise _refusal(raw, "decimal") from None
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise _refusal(raw, "decimal")
    return at_least_one_place(number)


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
        return raw.strip().lower() == "true"
    raise _refusal(raw, "boolean")


def _integer(raw: object, kind: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal, str)):
        raise _refusal(raw, "integer")
    try:
        number = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise _refusal(raw, "integer") from None
    low, high = _BOUNDS[kind]
    if not number.is_finite() or not low <= number <= high or number % 1:
        raise _refusal(raw, "integer")
    return int(number)


def _guid(raw: object) -> str:
    try:
        return str(UUID(raw)) if isinstance(raw, str) else str(UUID(""))
    except ValueError:
        raise _refusal(raw, "guid") from None


def _datetime(raw: object, kind: ValueType) -> str:
    try:
        parsed = moment(raw) if isinstance(raw, str) else moment("")
    except (ValueError, OverflowError):
        raise _refusal(raw, "date and time") from None
    return business_date(parsed.date()) if kind == "date" else instant(parsed)
