"""Source schemas: JSON Schema in, the types of a record out."""

from __future__ import annotations

import json

import pytest

from mapgen.contract.source_schema import read_source_schema
from mapgen.report import Stopped


def test_references_in_a_circle_are_told() -> None:
    """A `$ref` that leads back to itself without an object on the way has no type."""
    circle = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}
    text = json.dumps({**circle, "$defs": {"a": {"$ref": "#/$defs/a"}}})

    with pytest.raises(Stopped) as stopped:
        read_source_schema("schemas/circle.json", text, "record")

    assert [fault.code for fault in stopped.value.diagnostics] == ["E423"]


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
