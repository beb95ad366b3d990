"""Reads the JSON body of a request as typed values, parts and lines of an entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.sandbox.errors import InvalidRequest
from mapgen.sandbox.records import CustomValue
from mapgen.sandbox.values import Value, coerce, custom_type

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Sent:
    """One entity of a body, as far as the contract knows its members.

    A value of None clears the field (`{"value": null}`); a field that is absent, null or `{}` is
    not in `values`. Unknown members are dropped silently, as the ERP does (recorded).
    """

    id: str | None = None
    is_deleted: bool = False
    note: str | None = None
    values: Mapping[str, Value | None] = field(default_factory=dict)
    linked: Mapping[str, Sent] = field(default_factory=dict)
    details: Mapping[str, tuple[Sent, ...]] = field(default_factory=dict)
    custom: Mapping[str, CustomValue] = field(default_factory=dict)


def parse_object(raw: bytes) -> dict[str, object]:
    """Return the JSON object of a body. Raises Refused (400) for anything else."""
    if not raw.strip():
        raise InvalidRequest("The request body should not be empty.")  # as recorded
    try:
        body = _DECODER.decode(raw)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidRequest(f"The request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The request body should be an object.")
    return body


def read_sent(
    body: Mapping[str, object],
    entity: Entity,
    contract: Contract,
    place: str = "entity",
    *,
    is_wrapped: bool = True,
) -> Sent:
    """Return what a body sends to an entity; `is_wrapped` fields are `{"value": …}`.

    Raises Refused (400) for a value of the wrong type; `place` is the path of the body.
    """
    values: dict[str, Value | None] = {}
    linked: dict[str, Sent] = {}
    details: dict[str, tuple[Sent, ...]] = {}
    for name, member in entity.fields.items():
        raw = body.get(name)
        if raw is None:
            continue
        here = f"{place}.{name}"
        if member.shape == "value":
            _read_value(member, raw, here, values, is_wrapped=is_wrapped)
        elif member.entity is not None:
            inner = contract.entities[member.entity]
            if member.shape == "details":
                rows = _rows(raw, here)
                details[name] = tuple(
                    read_sent(row, inner, contract, f"{here}[{at}]", is_wrapped=is_wrapped)
                    for at, row in enumerate(rows)
                )
            else:
                part = _members(raw, here)
                linked[name] = read_sent(part, inner, contract, here, is_wrapped=is_wrapped)
    return Sent(
        id=str(_coerced(body["id"], "guid", f"{place}.id")) if body.get("id") else None,
        is_deleted=body.get("delete") is True,
        note=_read_note(body.get("note"), place, is_wrapped=is_wrapped),
        values=values,
        linked=linked,
        details=details,
        custom=_read_custom(body.get("custom"), place),
    )


def _read_value(
    member: Field, raw: object, place: str, values: dict[str, Value | None], *, is_wrapped: bool
) -> None:
    if is_wrapped:
        if not isinstance(raw, dict):
            raise InvalidRequest(f"Error converting value to type '{member.name}'.", place)
        if "value" not in raw:
            return
        raw, place = raw["value"], f"{place}.value"
    if raw is None:
        values[member.name] = None
        return
    values[member.name] = _coerced(raw, member.value_type or "string", place)


def _coerced(raw: object, kind: ValueType, place: str) -> Value:
    try:
        return coerce(raw, kind)
    except ValueError as error:
        raise InvalidRequest(str(error), place) from None


def _rows(raw: object, place: str) -> list[dict[str, object]]:
    if not isinstance(raw, list):
        raise InvalidRequest("Cannot deserialize the value: an array is expected.", place)
    return [_members(row, f"{place}[{at}]") for at, row in enumerate(raw)]


def _read_note(raw: object, place: str, *, is_wrapped: bool) -> str | None:
    words = raw.get("value") if is_wrapped and isinstance(raw, dict) else raw
    if words is not None and (not isinstance(words, str) or (is_wrapped and words is raw)):
        raise InvalidRequest("Could not convert the value to string.", f"{place}.note")
    return words


def _read_custom(raw: object, place: str) -> dict[str, CustomValue]:
    """Read `{"View": {"Field": {"type", "value"}}}`; without a type the value counts as text."""
    found: dict[str, CustomValue] = {}
    if raw is None:
        return found
    for view, fields in _members(raw, f"{place}.custom").items():
        for name, wrapped in _members(fields, f"{place}.custom.{view}").items():
            here = f"{place}.custom.{view}.{name}"
            content = _members(wrapped, here)
            type_name = str(content.get("type", "CustomStringField"))
            kind = custom_type(type_name)
            if kind is None:
                raise InvalidRequest(f"The type '{type_name}' is unknown.", here)
            value = content.get("value")
            typed = None if value is None else _coerced(value, kind, here)
            found[f"{view}.{name}"] = CustomValue(type_name, typed)
    return found


def _members(raw: object, place: str) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise InvalidRequest("Cannot deserialize the value: an object is expected.", place)
    return raw
