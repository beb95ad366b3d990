"""Generic inquiries as the ERP exposes them by OData 4: one an entity, of the values it has.

Sources: the ERP's user guide to generic inquiries by OData: plain values under `value`, `$filter`,
`$orderby`, `$top` and `$skip`, and types of the columns in `$metadata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from xml.sax.saxutils import quoteattr

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.sandbox.errors import InvalidRequest, Refused, not_found
from mapgen.sandbox.filter import EDM, comparable, compile_filter, operand
from mapgen.sandbox.query import read_page
from mapgen.sandbox.records import Store

_TYPES: Mapping[ValueType, str] = {
    **dict.fromkeys(("int", "short", "byte"), "Int32"),
    **dict.fromkeys(("decimal", "double"), "Decimal"),
    **dict.fromkeys(("datetime", "date"), "DateTimeOffset"),
    "long": "Int64",
    "boolean": "Boolean",
    "guid": "Guid",
}


def inquired(store: Store, contract: Contract, name: str, asked: Mapping[str, str]) -> object:
    """Return the answer of an inquiry. Raises Refused."""
    entity = contract.top_level.get(name)
    if entity is None:
        raise not_found(name)
    columns = _columns(entity)
    if words := asked.get("$filter"):
        try:
            chosen = compile_filter(words, entity, contract, version=4)
        except Refused as refused:  # here it is the request that is wrong, and no error inside
            raise Refused(400, refused.body) from None
        records = [one for one in store.all(name, chosen.among(entity)) if chosen.test(one)]
    else:
        records = store.all(name)
    rows = [{one.name: record.values.get(one.name) for one in columns} for record in records]
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
    raise InvalidRequest(f"Could not find a property named '{name}'.", "$orderby")


def _order(field: Field, row: Mapping[str, object]) -> tuple[bool, Any]:
    """Return by what rows are sorted: what has no value comes first."""
    found = operand(row[field.name], EDM[field.value_type or "string"])
    return found is not None, "" if found is None else comparable(found)
