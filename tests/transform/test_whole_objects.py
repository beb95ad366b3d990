"""Objects compared as a whole: what no rule names by itself tells two of them apart, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer
from tests.compiler.cases import SPEC, build

SCHEMA = "specs/schemas/parcel.schema.json"
ITEM = {"sku": "CUP", "quantity": 1, "price": "6.25", "colour": "red", "maker": {"name": "A"}}


@pytest.fixture
def flow(tmp_path: Path) -> Transformer:
    """A flow that asks whether two rows are equal, and names neither colour nor maker."""
    folder = build("../cases/_base", tmp_path)
    schema = json.loads((folder / SCHEMA).read_text())
    schema["properties"]["items"]["items"]["properties"] |= {
        "colour": {"type": "string"},
        "maker": {"type": "object", "properties": {"name": {"type": "string"}}},
    }
    (folder / SCHEMA).write_text(json.dumps(schema))
    text = (folder / SPEC).read_text()
    old, new = "parcel.weight > 31.5", "parcel.items[0] == parcel.items[1]"
    assert old in text
    (folder / SPEC).write_text(text.replace(old, new))
    place = Workspace(folder)
    for name, content in generate(place, [SPEC]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return open_flow(folder, "deliveries", None, {}, sample_of).transformer


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        ({}, True),
        ({"colour": "blue"}, False),
        ({"colour": None}, False),
        ({"maker": {"name": "B"}}, False),
        ({"maker": None}, False),
    ],
)
def test_equal_where_all_members_are(
    flow: Transformer, other: dict[str, Any], *, is_equal: bool
) -> None:
    """Two rows are equal where all their members are, named in rules or not."""
    base = Path(__file__).resolve().parents[1] / "cases" / "_base" / "specs" / "examples"
    record = json.loads((base / "parcel.json").read_text())
    record["items"] = [ITEM, {**ITEM, **other}]

    [found] = flow.outcomes(RawRecord(1, 1, json.dumps(record).encode()), "parcels.json")

    assert isinstance(found, Document), found
    assert json.loads(found.body)["Fragile"] == {"value": is_equal}
