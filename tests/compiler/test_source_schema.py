"""`source.schema.json` says what records are held against at reading: as the source schema does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from tests.compiler.cases import BASE

SCHEMA = "specs/schemas/parcel.schema.json"
GIVEN: dict[str, Any] = json.loads((BASE / "specs/examples/parcel.json").read_text("utf-8"))
HELD = [
    ("service", {"type": "string", "enum": ["next day", "slow"]}, ["slow", "sl"]),
    ("service", {"type": "string", "const": "slow"}, ["slow", "next day"]),
    ("service", {"type": "string", "pattern": "^s"}, ["slow", "next day", ""]),
    ("service", {"type": "string", "minLength": 2, "maxLength": 4}, ["a", "ab", "abcd", "abcde"]),
    ("service", {"type": "string", "format": "ipv4"}, ["10.0.0.1", "ten"]),
    ("remark", {"type": ["string", "null"], "minLength": 2}, [None, "a", "ab"]),
    ("remark", {"type": ["string", "null"], "enum": ["a", None]}, [None, "a", "ab"]),
    ("weight", {"type": "number", "minimum": 1, "exclusiveMaximum": 2.5}, [0.5, 1, 2.5, 2]),
    ("weight", {"type": "number", "enum": [1, 2.5]}, [1, 1.0, 2.5, 2]),
    ("weight", {"type": "number", "multipleOf": 2}, [1, 2, 4.0]),
    ("value", {"type": "string", "format": "decimal", "pattern": "^1"}, ["1.5", "2.5"]),
    ("value", {"type": "string", "format": "decimal", "enum": ["1.5"]}, ["1.5", "2.5"]),
    ("cancelled", {"type": "boolean", "enum": [False]}, [False, True]),
]


def _schemas(tmp_path: Path, name: str, member: dict[str, Any]) -> tuple[Any, Any]:
    """Return the source schema with one member of this form, and the one that is generated."""
    root = tmp_path / "workspace"
    shutil.copytree(BASE, root)
    source = json.loads((root / SCHEMA).read_text("utf-8"))
    source["properties"][name] = member
    (root / SCHEMA).write_text(json.dumps(source), "utf-8")
    workspace = Workspace(root)
    files = generate(workspace, workspace.spec_paths())
    return source, json.loads(files["generated/deliveries/source.schema.json"])


def _keeps(record: Any, schema: Any) -> bool:
    checker = jsonschema.FormatChecker()
    return jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(record)


@pytest.mark.parametrize(("name", "member", "values"), HELD, ids=lambda one: json.dumps(one)[:40])
def test_what_is_held(name: str, member: dict[str, Any], values: list[Any], tmp_path: Path) -> None:
    """Both schemas take the same values and refuse the same ones, some of each."""
    source, generated = _schemas(tmp_path, name, member)
    found = [
        (_keeps({**GIVEN, name: value}, source), _keeps({**GIVEN, name: value}, generated))
        for value in values
    ]

    assert [one for one, _ in found] == [other for _, other in found]
    assert {one for one, _ in found} == {True, False}


def test_elements_and_lists(tmp_path: Path) -> None:
    """What is said of a list and of a member of its rows is said there."""
    items = json.loads((BASE / SCHEMA).read_text("utf-8"))["properties"]["items"]
    items["minItems"] = 1
    items["items"]["properties"]["quantity"] = {"type": "integer", "maximum": 5}
    source, generated = _schemas(tmp_path, "items", items)
    row = GIVEN["items"][0]
    for rows in ([], [row], [{**row, "quantity": 5}], [{**row, "quantity": 6}]):
        record = {**GIVEN, "items": rows}
        assert _keeps(record, source) == _keeps(record, generated)
    assert not _keeps({**GIVEN, "items": []}, generated)
    assert not _keeps({**GIVEN, "items": [{**row, "quantity": 6}]}, generated)


def test_an_amount_in_another_form(tmp_path: Path) -> None:
    """An amount may be written as text, which no list of numbers refuses: reading does."""
    _, generated = _schemas(tmp_path, "weight", {"type": "number", "enum": [1, 2.5]})

    assert _keeps({**GIVEN, "weight": "2.50"}, generated)
    assert not _keeps({**GIVEN, "weight": 3}, generated)
