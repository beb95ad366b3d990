"""JSON Schemas 2020-12 of a flow: what a record has to look like, what a document looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from mapgen.agreed.constraints import Constraints
from mapgen.emit.json_text import json_text
from mapgen.emit.python.types import CUSTOM_WRAPPERS
from mapgen.ir import flow as ir

Schema = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SOURCE_TYPES: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "decimal": {"type": ["string", "number"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}
_TEXT_OF_JSON: Schema = {"type": "string", "contentMediaType": "application/json"}
# How values are written that may be text or not.
_VARIED: Mapping[str, Schema] = {
    "string": {"type": "number"},
    "int": {"type": "string", "pattern": "^-?[0-9]+$"},
    "bool": {"enum": ["true", "false", "1", "0", 1, 0]},
    "decimal": _SOURCE_TYPES["decimal"],
    "timestamp": _SOURCE_TYPES["timestamp"],
    "date": _SOURCE_TYPES["date"],
}
_VALUE_TYPES: Mapping[ir.ValueKind, Schema] = {
    "string": {"type": "string"},
    "decimal": {"type": "number"},
    "decimal_text": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    "int": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "select": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}},
        "additionalProperties": False,
    },
}
# The value of a drop-down in contract version 5, and a date as contract version 4 answers it.
_OPTION = "Option"
_ANSWERED_DATE: Schema = {"type": "string"}


def source_schema_file(flow: ir.Flow) -> str:
    """Return the schema of what the rules read of a record; other members are free."""
    of_the_erp = flow.plan.reads is not None
    definitions = {
        item.name: _source_object(item, is_wrapped=of_the_erp and item.name != _OPTION)
        for item in flow.source_objects
    }
    root = definitions.pop(flow.record.name)
    schema: Schema = {"$schema": DIALECT, "title": flow.plan.source, **root}
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    return json_text(schema)


def _source_object(item: ir.SourceObject, *, is_wrapped: bool) -> Schema:
    member = _wrapped if is_wrapped else _in_files
    return {
        "type": "object",
        "required": [field.name for field in item.fields if not field.held.may_be_missing],
        "properties": {field.name: member(field.held) for field in item.fields},
    }


def _wrapped(held: ir.Held) -> Schema:
    """Return what a field looks like as the ERP answers it: `{}` or null where it is empty."""
    schema = _source_held(held)
    if held.type not in _SOURCE_TYPES and held.type != _OPTION:
        return schema
    if held.type == "date":
        schema = _or_null(_ANSWERED_DATE) if held.may_be_missing else _ANSWERED_DATE
    wrapped: Schema = {"type": "object", "properties": {"value": schema}}
    return _or_null(wrapped) if held.may_be_missing else {**wrapped, "required": ["value"]}


def _in_files(held: ir.Held) -> Schema:
    """Return what a member looks like in files: an empty list may stand for no object."""
    found = _source_held(held)
    if held.is_text:
        return found
    is_object = held.inner is None and held.type not in _SOURCE_TYPES
    is_empty = (is_object and held.may_be_missing) or held.type == "map"
    return _or(found, {"type": "array", "maxItems": 0}) if is_empty else found


def _or(schema: Schema, other: Schema) -> Schema:
    known = schema.get("anyOf")
    options = known if isinstance(known, list) and len(schema) == 1 else [schema]
    return {"anyOf": [*options, other]}


def _source_held(held: ir.Held) -> Schema:
    """Return what a member looks like, in each way in which it may be written."""
    if held.inner is None:
        schema = _SOURCE_TYPES.get(held.type, {"$ref": f"#/$defs/{held.type}"})
    elif held.type == "list":
        schema = {"type": "array", "items": _source_held(held.inner)}
    else:
        schema = {"type": "object", "additionalProperties": _source_held(held.inner)}
    found = _held(schema, held.constraints)
    if held.is_varied:
        other = _VARIED[held.type] if held.inner is None else _source_held(held.inner)
        found = _or(found, other)
    if held.is_text:
        content = _or_null(found) if held.may_be_missing else found
        found = {**_TEXT_OF_JSON, "contentSchema": content}
    if held.nothing:
        found = _or(found, {"enum": list(held.nothing)})
    return _or_null(found) if held.may_be_missing else found


def _held(schema: Schema, constraints: Iterable[Constraints]) -> Schema:
    """Return a schema with what values are held against when they are read, never with more."""
    for one in constraints:
        said = _said(one, schema)
        if said.keys() & schema.keys():
            known = schema.get("allOf")
            said = {"allOf": [*(known if isinstance(known, list) else []), said]}
        schema = {**schema, **said}
    return schema


# What JSON Schema calls the constraints that it knows as they are.
_KEYWORDS: Mapping[str, str] = {
    "pattern": "pattern",
    "format": "format",
    "shortest": "minLength",
    "longest": "maxLength",
    "fewest": "minItems",
    "most": "maxItems",
    "is_unique": "uniqueItems",
}


def _said(one: Constraints, schema: Schema) -> Schema:
    """Return what constraints say, in the words of JSON Schema."""
    found: Schema = {}
    if one.choices is not None:
        found |= _one_of(list(one.choices), "string", schema)
    if one.numbers is not None:
        found |= _one_of([_number(text) for text in one.numbers], "number", schema)
    found |= {_BOUNDS[sign]: _number(bound) for sign, bound in one.bounds}
    # A fraction is no multiple of another one to whoever reckons in binary: it is not said.
    if one.step is not None and isinstance(step := _number(one.step), int):
        found["multipleOf"] = step
    idle = dict(zip(one.__struct_fields__, one.__struct_defaults__, strict=True))
    values = ((keyword, name, getattr(one, name)) for name, keyword in _KEYWORDS.items())
    return found | {keyword: value for keyword, name, value in values if value != idle[name]}


def _one_of(values: list[object], kind: str, schema: Schema) -> Schema:
    """Return that a value is one of some; an amount is, where it is written as they are."""
    if schema.get("type") != _SOURCE_TYPES["decimal"]["type"]:
        return {"enum": values}
    return {"anyOf": [{"not": {"type": kind}}, {"enum": values}]}


def _or_null(schema: Schema) -> Schema:
    kind = schema.get("type")
    if kind is None or not {"enum", "anyOf", "allOf"}.isdisjoint(schema):
        return _or(schema, {"type": "null"})
    kinds = list(kind) if isinstance(kind, list) else [kind]
    return {**schema, "type": [*kinds, "null"]}


def target_schema_file(flow: ir.Flow) -> str:
    """Return the schema of the documents, closed: no member that no rule writes."""
    if flow.only is not None:
        part = _part(flow.only.part, flow.wraps_values)
        return json_text({"$schema": DIALECT, "title": flow.only.plan.entity, **part})
    needed = [one.name for one in flow.documents if one.when is None and not one.is_list]
    documents = {
        document.name: _document(document, flow.wraps_values) for document in flow.documents
    }
    return json_text({"$schema": DIALECT, "title": flow.name, **_closed(documents, needed)})


def _document(document: ir.Document, wraps: bool) -> Schema:
    schema: Schema = {"title": document.plan.entity, **_part(document.part, wraps)}
    if not document.is_list:
        return schema
    return {"type": "array", "minItems": 1, "items": schema}


def _part(part: ir.Part, wraps: bool) -> Schema:
    properties: dict[str, Schema] = {}
    required: list[str] = []
    notes = () if part.note is None else (part.note,)
    for member in (*part.members, *notes):
        is_there = member.is_always_set
        if isinstance(member, ir.Field):
            properties[member.name] = _field(member) if wraps else _plain(member)
            is_there = is_there or member.clears
        else:
            properties[member.name] = _rows(member, wraps)
        if is_there:
            required.append(member.name)
    if part.custom:
        properties["custom"] = _custom(part.custom)
    return _closed(properties, required)


def _closed(properties: Mapping[str, object], required: list[str]) -> Schema:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def _rows(member: ir.Rows, wraps: bool) -> Schema:
    kinds = [_part(block.part, wraps) for block in member.blocks]
    one: Schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if not member.is_list:
        return one
    rows: Schema = {"type": "array", "items": one}
    return {**rows, "minItems": member.least} if member.least else rows


def _field(field: ir.Field) -> Schema:
    return _closed({"value": _plain(field)}, ["value"])


def _plain(field: ir.Field) -> Schema:
    """Return what a value looks like, and a list of such values."""
    if not field.is_list:
        return _value(field)
    values: Schema = {"type": "array", "items": _value(field)}
    return {**values, "minItems": field.limits.least} if field.limits.least else values


def _value(field: ir.Field) -> Schema:
    if isinstance(field.value, ir.Made):
        return _made(field.value)
    schema = dict(_VALUE_TYPES[field.kind])
    limits = field.limits
    if field.clears:
        schema["type"] = [schema["type"], "null"]
    if isinstance(field.value, ir.Fixed):
        return {**schema, "const": _constant(field.value.text, field.kind)}
    if limits.choices:
        schema["enum"] = [_constant(text, field.kind) for text in limits.choices]
    if limits.pattern is not None:
        schema["pattern"] = limits.pattern
    if field.kind == "decimal_text":
        return schema
    if limits.max_length is not None:
        # JSON Schema counts characters, SQL Server UTF-16 units: never more characters than units.
        schema["maxLength"] = limits.max_length
    if limits.places is not None:
        schema["multipleOf"] = float(Decimal(1).scaleb(-limits.places))
    for sign, bound in limits.range:
        schema[_BOUNDS[sign]] = _number(bound)
    return schema


def _made(made: ir.Made) -> Schema:
    members = {"made": {"const": made.document}, "field": {"const": made.field}}
    schema = _closed(members, list(members))
    return {"anyOf": [schema, {"type": "string"}]} if made.otherwise is not None else schema


_BOUNDS: Mapping[ir.Comparison, str] = {
    "<": "exclusiveMaximum",
    "<=": "maximum",
    ">": "exclusiveMinimum",
    ">=": "minimum",
}


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _constant(text: str, kind: ir.ValueKind) -> object:
    match kind:
        case "boolean":
            return text.lower() == "true"
        case "int" | "decimal":
            return _number(text)
        case "select":
            return {"id": text}
        case _:
            return text


def _custom(fields: tuple[ir.CustomField, ...]) -> Schema:
    views: dict[str, dict[str, Schema]] = {}
    for item in fields:
        kind: Schema = {"const": CUSTOM_WRAPPERS[item.field.kind]}
        wrapped = _closed({"value": _value(item.field), "type": kind}, ["value", "type"])
        views.setdefault(item.view, {})[item.name] = wrapped
    return _closed({view: _closed(members, []) for view, members in views.items()}, [])
