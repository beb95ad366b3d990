"""Source schemas: JSON Schema in, the types of a record out."""

from __future__ import annotations

import json

import pytest

from mapgen.contract.source_schema import Stated, read_source_schema

TEXT_OF_JSON = {
    "type": "string",
    "contentMediaType": "application/json",
    "contentSchema": {"type": "object", "properties": {"b": {"type": "integer"}}},
}


def test_references_in_a_circle_are_told() -> None:
    """A `$ref` that leads back to itself without an object on the way has no type."""
    circle = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}
    text = json.dumps({**circle, "$defs": {"a": {"$ref": "#/$defs/a"}}})

    stated = read_source_schema("schemas/circle.json", text, "record").stated["record", "a"]

    assert [diagnostic.code for diagnostic in stated.unheld] == ["E423"]


def test_an_object_may_hold_itself() -> None:
    """A tree of objects of one kind is a type."""
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}
    text = json.dumps({**node, "$defs": {"node": node}})

    record = read_source_schema("schemas/tree.json", text, "record").record

    assert str(record.fields["child"]) == "node?"


def test_nullable_of_openapi_may_be_missing() -> None:
    """`nullable: true` is a null beside the type, beside a reference and in a list, too."""
    schema = {
        "type": "object",
        "required": ["note", "part", "rows", "plain"],
        "properties": {
            "note": {"type": "string", "nullable": True},
            "part": {"$ref": "#/$defs/Part", "nullable": True},
            "rows": {"type": "array", "items": {"type": "integer", "nullable": True}},
            "plain": {"type": "string", "nullable": False},
        },
        "$defs": {"Part": {"type": "object"}},
    }

    record = read_source_schema("schemas/o.json", json.dumps(schema), "order").record

    assert {name: str(kind) for name, kind in record.fields.items()} == {
        "note": "string?",
        "part": "Part?",
        "rows": "list(int?)",
        "plain": "string",
    }


def _stated(member: object) -> Stated:
    schema = {"type": "object", "properties": {"a": member}}
    found = read_source_schema("schemas/o.json", json.dumps(schema), "order")
    return found.stated.get(("order", "a"), Stated())


@pytest.mark.parametrize(
    "member",
    [
        {"type": "string", "title": "A", "examples": ["x"], "deprecated": True, "x-shown": 1},
        {"type": "object", "additionalProperties": False},
        {"type": "integer", "format": "int64"},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "or nothing"},
    ],
)
def test_remarks_ask_nothing(member: object) -> None:
    """Annotations are no errors, and no record is validated against them."""
    assert _stated(member) == Stated()


@pytest.mark.parametrize(
    ("member", "code", "named"),
    [
        ({"type": "object", "minProperties": 1}, "E428", "minProperties"),
        ({"type": "array", "contains": {"const": 1}}, "E428", "contains"),
        ({"type": "string", "format": "tracking-number"}, "E428", "tracking-number"),
        ({"type": "string", "pattern": "a(?=b)"}, "E428", "pattern"),
        ({"type": "string", "maxlength": 3}, "E428", "maxlength"),
        ({"type": "array", "enum": [[1]]}, "E428", "enum"),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, "E422", "oneOf"),
        ({"type": "string", "not": {"const": "a"}}, "E422", "not"),
        ({**TEXT_OF_JSON, "maxLength": 900}, "E428", "maxLength"),
        ({**TEXT_OF_JSON, "contentSchema": {"type": "integer"}}, "E422", "contentSchema"),
        ({"oneOf": [TEXT_OF_JSON, {"type": "integer"}]}, "E422", "oneOf"),
        ({**TEXT_OF_JSON, "contentSchema": TEXT_OF_JSON}, "E422", "contentSchema"),
    ],
)
def test_nothing_is_passed_over(member: object, code: str, named: str) -> None:
    """A keyword that asks for what no record is held against is an error where rules read it."""
    diagnostics = _stated(member).unheld

    assert [diagnostic.code for diagnostic in diagnostics] == [code]
    assert named in diagnostics[0].message
    assert "#/properties/a" in diagnostics[0].message


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "a?"),
        ({"contentMediaType": "application/vnd.shop+json; charset=utf-8"}, "a?"),
        ({"contentSchema": {"type": "array", "items": {"type": "integer"}}}, "list(int)?"),
        ({"contentMediaType": "text/html"}, "string?"),
        ({"contentSchema": None}, "string?"),
        ({"contentEncoding": "base64"}, "string?"),
    ],
)
def test_json_in_a_text(changes: dict[str, object], kind: str) -> None:
    """It is of the type of its content, where the schema says what that is."""
    schema = {"type": "object", "properties": {"a": {**TEXT_OF_JSON, **changes}}}

    found = read_source_schema("schemas/o.json", json.dumps(schema), "order")

    assert str(found.record.fields["a"]) == kind
    is_text = found.stated.get(("order", "a"), Stated()).is_text
    assert is_text == (kind != "string?")


def test_references_lead_anywhere() -> None:
    """`#/definitions`, a place among properties and escaped names are all of one file."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/definitions/Sum~1mary"},
            "b": {"$ref": "#/properties/a"},
            "self": {"$ref": "#"},
        },
        "definitions": {"Sum/mary": {"type": "string", "maxLength": 3}},
    }

    found = read_source_schema("schemas/o.json", json.dumps(schema), "order")

    kinds = {name: str(kind) for name, kind in found.record.fields.items()}
    assert kinds == {"a": "string?", "b": "string?", "self": "order?"}
    assert [one.longest for one in found.stated["order", "b"].own] == [3]
