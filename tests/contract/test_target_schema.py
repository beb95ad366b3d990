"""Target schemas: JSON Schema in, a contract of documents outside the ERP out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mapgen.contract.model import Allowed, Field
from mapgen.contract.target_schema import read_target_schema
from mapgen.report import Stopped


def _read(**members: Any) -> dict[str, Field]:
    schema = {"type": "object", "properties": members}
    contract = read_target_schema("schemas/x.json", json.dumps(schema), "Thing")
    assert contract.is_plain
    return dict(contract.entities["Thing"].fields)


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        pytest.param(
            {"type": "string", "maxLength": 8}, {"value_type": "string", "max_length": 8}, id="text"
        ),
        pytest.param(
            {"type": ["integer", "null"]}, {"value_type": "long"}, id="a whole number or null"
        ),
        pytest.param(
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1.5},
            {"value_type": "decimal", "allowed": Allowed(bounds=((">=", "0"), ("<", "1.5")))},
            id="bounds",
        ),
        pytest.param({"type": "boolean"}, {"value_type": "boolean"}, id="a flag"),
        pytest.param({"type": "string", "format": "date"}, {"value_type": "date"}, id="a date"),
        pytest.param(
            {"type": "string", "format": "date-time"},
            {"value_type": "datetime"},
            id="an instant",
        ),
        pytest.param(
            {"type": "string", "format": "decimal"},
            {"value_type": "decimal", "allowed": Allowed(is_text=True)},
            id="an amount as text",
        ),
        pytest.param(
            {"type": "string", "enum": ["a", "b", None], "pattern": "^."},
            {"value_type": "string", "allowed": Allowed(choices=("a", "b"), pattern="^.")},
            id="choices",
        ),
        pytest.param(
            {"type": "boolean", "const": True},
            {"value_type": "boolean", "allowed": Allowed(choices=("true",))},
            id="one choice",
        ),
        pytest.param(
            {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 3}},
            {"value_type": "string", "is_list": True, "least": 2, "max_length": 3},
            id="single values",
        ),
        pytest.param(
            {"type": "string", "readOnly": True},
            {"value_type": "string", "is_read_only": True},
            id="read-only",
        ),
    ],
)
def test_value(schema: Any, field: dict[str, Any]) -> None:
    """A single value, or a list of them, has one type and what it is held to."""
    assert _read(x=schema)["x"] == Field("x", "value", **field)


def test_parts() -> None:
    """Objects and lists of objects are entities with names of their own."""
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {
        "type": "object",
        "required": ["home"],
        "properties": {
            "home": {"$ref": "#/$defs/place"},
            "work": {"$ref": "#/$defs/place"},
            "line_items": {"type": "array", "items": place},
            "line_item": place,
        },
        "$defs": {
            "place": {
                **place,
                "properties": {**place["properties"], "in": {"$ref": "#/$defs/place"}},
            }
        },
    }

    contract = read_target_schema("x.json", json.dumps(schema), "Thing")

    parts = {name: field.entity for name, field in contract.entities["Thing"].fields.items()}
    assert parts == {
        "home": "Home",
        "work": "Home",
        "line_items": "LineItem",
        "line_item": "LineItem2",
    }
    assert contract.entities["Home"].fields["in"].entity == "Home"
    assert contract.entities["Thing"].fields["home"].is_required


def test_identities() -> None:
    """An identity is a single text or whole number that every document has, and no choice."""
    members = {
        "number": {"type": "integer"},
        "name": {"type": "string"},
        "kind": {"type": "string", "enum": ["a"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "price": {"type": "number"},
        "nick": {"type": "string"},
    }
    schema = {"type": "object", "required": [*list(members)[:-1]], "properties": members}

    contract = read_target_schema("x.json", json.dumps(schema), "Thing")

    assert contract.entities["Thing"].identities == ("number", "name")


@pytest.mark.parametrize(
    ("member", "code"),
    [
        pytest.param(
            {"type": "string", "minLength": 1}, "E582", id="a keyword that is not kept to"
        ),
        pytest.param(
            {"type": "string", "format": "uuid"}, "E582", id="a format that is not kept to"
        ),
        pytest.param(
            {"type": "string", "pattern": "(?<name"}, "E421", id="a pattern of another kind"
        ),
        pytest.param({"type": "integer", "enum": [1, "x"]}, "E582", id="a choice of another type"),
        pytest.param({"type": "boolean", "const": "yes"}, "E582", id="a flag that is none"),
        pytest.param(
            {"type": "string", "format": "date", "enum": ["soon"]}, "E582", id="a day that is none"
        ),
        pytest.param(
            {"type": "string", "format": "date-time", "enum": ["2026-01-31T09:30:00Z"]},
            "E582",
            id="a moment that has many texts",
        ),
        pytest.param(
            {"type": "string", "format": "decimal", "const": "1.00"},
            "E582",
            id="an amount that has many texts",
        ),
        pytest.param({"type": "object", "required": ["a"]}, "E582", id="required, not described"),
        pytest.param({"type": "array", "items": {"type": "array"}}, "E422", id="lists in a list"),
        pytest.param({"type": "array"}, "E585", id="a list of anything"),
        pytest.param({"type": ["string", "integer"]}, "E422", id="two types"),
        pytest.param({"anyOf": [{"type": "string"}]}, "E422", id="one of several"),
        pytest.param({}, "E585", id="anything"),
        pytest.param(True, "E585", id="true"),
        pytest.param({"$ref": "#/$defs/none"}, "E423", id="a reference to nothing"),
        pytest.param({"type": "text"}, "E421", id="no JSON Schema"),
    ],
)
def test_what_is_refused(member: Any, code: str) -> None:
    """What a document cannot be validated against is reported, each once."""
    with pytest.raises(Stopped) as stopped:
        _read(x=member)

    assert [diagnostic.code for diagnostic in stopped.value.diagnostics] == [code]


def test_references_and_places() -> None:
    """A reference leads anywhere in the file, and a fragment names the place of the document."""
    part = {"type": "object", "properties": {"n": {"type": "integer"}}}
    whole = {"type": "object", "properties": {"p": {"$ref": "#/definitions/Part"}}}
    document = {"definitions": {"Part": part, "Whole": whole}}

    contract = read_target_schema("x.json#/definitions/Whole", json.dumps(document), "Thing")

    entity = contract.entities["Thing"].fields["p"].entity
    assert entity is not None
    assert list(contract.entities[entity].fields) == ["n"]


def test_nothing_beside_a_reference_is_passed_over() -> None:
    """A keyword beside a reference would be dropped in silence."""
    member = {"$ref": "#/$defs/text", "maxLength": 3}
    schema = {"type": "object", "properties": {"t": member}, "$defs": {"text": {"type": "string"}}}

    with pytest.raises(Stopped) as stopped:
        read_target_schema("x.json", json.dumps(schema), "Thing")

    assert [diagnostic.code for diagnostic in stopped.value.diagnostics] == ["E582"]
