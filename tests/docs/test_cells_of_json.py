"""Cells that hold JSON: in the file of a join, in rows that are grouped, in the input itself."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import indent

import pytest

from tests.cli.conftest import mapgen
from tests.docs.test_cookbook_sources import SPEC, kitchen

__all__ = ["kitchen"]

ROW = {
    "type": "object",
    "required": ["number", "payload"],
    "properties": {
        "number": {"type": "string", "readOnly": True},
        "payload": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"type": "string"}},
            },
        },
    },
}
ORDER = {
    "type": "object",
    "required": ["number"],
    "properties": {"number": {"type": "string", "readOnly": True}},
}
CELLS = """number,payload
1,"{""sku"": ""A""}"
1,"{""sku"": ""B""}"
2,"{""sku"": 5}"
2,{oops}
"""
LINES = (
    "{each: order.lines, as: line, fields: {InventoryID: line.payload.sku, OrderQty: {const: 1}}}"
)
JOINED = """\
source:
  name: order
  schema: schemas/cells-order.json
  key: order.number
  joins:
    lines: {schema: schemas/cells-row.json, takes: many, format: csv, on: {number: number}}
"""
GROUPED = """\
source:
  name: order
  schema: schemas/cells-row.json
  key: order.number
  format: csv
  group: {by: [number], as: lines}
"""


@pytest.mark.parametrize(
    ("source", "options"),
    [
        pytest.param(JOINED, "--input cells.jsonl --join lines=cells.csv", id="joined"),
        pytest.param(GROUPED, "--input cells.csv", id="grouped"),
    ],
)
def test_cells(source: str, options: str, kitchen: Path) -> None:
    """Each is read as what it holds, and told at its place."""
    (kitchen / "specs/schemas/cells-row.json").write_text(json.dumps(ROW))
    (kitchen / "specs/schemas/cells-order.json").write_text(json.dumps(ORDER))
    recipe = f"{source}fields:\n  CustomerID: {{const: C1}}\n  Details: {LINES}\n"
    spec = SPEC.format(recipe=indent(recipe, "  "))
    (kitchen / "specs/recipe.maps.yaml").write_text(spec, encoding="utf-8")
    (kitchen / "cells.csv").write_text(CELLS)
    (kitchen / "cells.jsonl").write_text('{"number": "1"}\n{"number": "2"}\n')
    done = mapgen("generate", cwd=kitchen)
    assert done.returncode == 0, done.stderr

    done = mapgen("transform", "recipe", *options.split(), cwd=kitchen)

    (line,) = map(json.loads, done.stdout.splitlines())
    skus = [row["InventoryID"]["value"] for row in line["document"]["Details"]]
    assert skus == ["A", "B"]
    (refused,) = (json.loads(one) for one in done.stderr.splitlines() if one.startswith("{"))
    assert [(one["source_path"], one["code"], one["value"]) for one in refused["faults"]] == [
        ("order.lines[0].payload.sku", "R102", "5"),
        ("order.lines[1].payload", "R102", None),
    ]
