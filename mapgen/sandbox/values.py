"""Types the values of fields, and rounds and writes them as the ERP does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache, partial
from typing import TypeAlias
from uuid import UUID

from mapgen.contract.model import Field, ValueType

Value: TypeAlias = str | bool | int | Decimal

# Wide enough for the product of any two numbers that columns hold.
_EXACT = Context(prec=100)
_LARGEST = Decimal("1e19")


def custom_type(name: str) -> ValueType | None:
    """Return the value type of a custom field's `type`: `CustomDecimalField`; None for another."""
    return next((kind for kind in _READERS if f"custom{kind}field" == name.lower()), None)


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


@lru_cache(16)  # each part of a record is stamped with the same one
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


def coerce(raw: object, kind: ValueType) -> Value:
    """Return the typed value of a JSON one. Numbers may come as text (recorded: `"2.00"`).

    Raises ValueError with the words of the ERP's JSON reader.
    """
    try:
        return _READERS[kind](raw)
    except (ValueError, ArithmeticError):
        raise ValueError(f"Could not convert {type(raw).__name__} to {kind}.") from None


def fit(value: Value, field: Field) -> Value:
    """Return the value with the decimal places the contract gives the field."""
    if isinstance(value, Decimal) and field.places is not None:
        return at_least_one_place(rounded(value, field.places))
    return value


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 units, as SQL Server counts `nvarchar`."""
    return len(text.encode("utf-16-le")) // 2


def _text(raw: object) -> str:
    if isinstance(raw, bool):
        return "True" if raw else "False"
    if isinstance(raw, list):
        return ",".join(_text(part) for part in raw)
    if isinstance(raw, dict):
        raw = raw.get("id")
    if not isinstance(raw, (str, int, Decimal)) or "\0" in str(raw):
        raise ValueError
    return str(raw)


def _decimal(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal, str)):
        raise ValueError
    number = Decimal(raw.strip() if isinstance(raw, str) else raw)
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise ValueError
    return at_least_one_place(number)


def _boolean(raw: object) -> bool:
    word = str(raw).strip().lower()
    if isinstance(raw, (bool, str)) and word in ("true", "false"):
        return word == "true"
    raise ValueError


def _integer(bits: int, raw: object) -> int:
    number = _decimal(raw)
    if number % 1 or not -(2**bits) <= number < 2**bits:
        raise ValueError
    return int(number)


def _guid(raw: object) -> str:
    return str(UUID(str(raw)))


def _moment(raw: object) -> str:
    return instant(moment(raw if isinstance(raw, str) else ""))


def _day(raw: object) -> str:
    return f"{_moment(raw)[:10]}T00:00:00+00:00"


_READERS: Mapping[ValueType, Callable[[object], Value]] = {
    "string": _text,
    "single_select": _text,
    "multi_select": _text,
    "decimal": _decimal,
    "double": _decimal,
    "boolean": _boolean,
    "byte": partial(_integer, 8),
    "short": partial(_integer, 15),
    "int": partial(_integer, 31),
    "long": partial(_integer, 63),
    "guid": _guid,
    "datetime": _moment,
    "date": _day,
}
