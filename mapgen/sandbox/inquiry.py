"""Generic inquiries as the ERP exposes them by OData 4: one an entity, of the values it has.

Sources: the ERP's user guide to generic inquiries by OData: plain values under `value`, `$filter`,
`$orderby`, `$top` and `$skip`, and types of the columns in `$metadata`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from xml.sax.saxutils import quoteattr

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.sandbox.errors import InvalidRequest, not_found
from mapgen.sandbox.query import read_page
from mapgen.sandbox.records import Store
from mapgen.sandbox.values import moment

_TYPES: Mapping[ValueType, str] = {
    **dict.fromkeys(("int", "short", "byte"), "Int32"),
    **dict.fromkeys(("decimal", "double"), "Decimal"),
    **dict.fromkeys(("datetime", "date"), "DateTimeOffset"),
    "long": "Int64",
    "boolean": "Boolean",
    "guid": "Guid",
}
_COMPARISON = re.compile(r"(\w+) (eq|ge|gt|le|lt) (?:'((?:[^']|'')*)'|(\S+))")
_SIGNS: Mapping[str, Callable[[int], bool]] = {
    "eq": lambda order: order == 0,
    "ge": lambda order: order >= 0,
    "gt": lambda order: order > 0,
    "le": lambda order: order <= 0,
    "lt": lambda order: order < 0,
}


def inquired(store: Store, contract: Contract, name: str, asked: Mapping[str, str]) -> object:
    """Return the answer of an inquiry. Raises Refused."""
    entity = contract.top_level.get(name)
    if entity is None:
        raise not_found(name)
    columns = _columns(entity)
    rows = [
        {one.name: record.values.get(one.name) for one in columns} for record in store.all(name)
    ]
    for condition in filter(None, asked.get("$filter", "").split(" and ")):
        rows = [row for row in rows if _holds(row, condition, columns)]
    for column in reversed([one for one in asked.get("$orderby", "").split(",") if one]):
        field, _, direction = column.strip().partition(" ")
        known = _named(columns, field)
        rows.sort(key=partial(_order, known), reverse=direction == "desc")
    page = read_page(asked)
    shown = rows[page.skip : None if page.top is None else page.skip + page.top]
    return {"@odata.context": f"$metadata#{name}", "value": shown}


def metadata(contract: Contract) -> bytes:
    """Return what OData says of all inquiries: XML."""
    types, sets = [], []
    for name, entity in sorted(contract.top_level.items()):
        keys = "".join(f"<PropertyRef Name={quoteattr(key)}/>" for key in entity.keys)
        columns = "".join(_property(one, entity) for one in _columns(entity))
        key = f"<Key>{keys}</Key>" if keys else ""
        types.append(f"<EntityType Name={quoteattr(name)}>{key}{columns}</EntityType>")
        sets.append(f'<EntitySet Name={quoteattr(name)} EntityType="PX.Data.{name}"/>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
        '<edmx:DataServices><Schema Namespace="PX.Data"'
        f' xmlns="http://docs.oasis-open.org/odata/ns/edm">{"".join(types)}'
        f'<EntityContainer Name="Default">{"".join(sets)}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _columns(entity: Entity) -> list[Field]:
    return [one for one in entity.fields.values() if one.shape == "value"]


def _property(field: Field, entity: Entity) -> str:
    kind = _TYPES.get(field.value_type or "string", "String")
    more = "" if field.max_length is None else f' MaxLength="{field.max_length}"'
    more += ' Nullable="false"' if field.name in entity.keys else ""
    return f'<Property Name={quoteattr(field.name)} Type="Edm.{kind}"{more}/>'


def _named(columns: Iterable[Field], name: str) -> Field:
    for one in columns:
        if one.name == name:
            return one
    raise InvalidRequest(f"Could not find a property named '{name}'.", "$filter")


def _holds(row: Mapping[str, object], condition: str, columns: Iterable[Field]) -> bool:
    found = _COMPARISON.fullmatch(condition.strip())
    if found is None:
        raise InvalidRequest(f"Syntax error in '{condition}'.", "$filter")
    field = _named(columns, found[1])
    if row[field.name] is None:
        return False
    words = found[4] if found[3] is None else found[3].replace("''", "'")
    one, other = _order(field, row)[1], _value(field, words)
    return _SIGNS[found[2]](int(one > other) - int(one < other))


def _order(field: Field, row: Mapping[str, object]) -> tuple[bool, Any]:
    """Return by what rows are sorted: what has no value comes first."""
    value = row[field.name]
    return (False, "") if value is None else (True, _value(field, value))


def _value(field: Field, value: object) -> Any:
    match _TYPES.get(field.value_type or "string"):
        case "DateTimeOffset":
            return value if isinstance(value, datetime) else moment(str(value))
        case "Int32" | "Int64" | "Decimal":
            return Decimal(str(value))
        case _:
            return str(value).casefold()
