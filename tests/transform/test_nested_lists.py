"""Rows of lists within each other: which there are, and where an error of one is said to lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import BoundFlow, open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Rejected
from mapgen.runtime.sources.records import RawRecord
from tests.compiler.cases import SPEC, build

ROWS = """\
    Items:
      blocks:
        - each: parcel.items
          as: item
          fields:
            Article: {value: item.?sku.trim(), if_missing: reject}
            Quantity: item.quantity
        - each:
            box: parcel.?boxes
            tray: box.?trays
            piece: tray.pieces.filter(p, p.amount != 0)
          where: piece.amount < 100 || box.label == 'X'
          fields:
            Article: box.label + '-' + tray.?name.orValue('?')
            Quantity: {value: piece.amount, range: "> 0"}
      unique: [Article, Quantity]
"""
BOX = {
    "type": "object",
    "required": ["label"],
    "properties": {
        "label": {"type": "string"},
        "trays": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pieces"],
                "properties": {
                    "name": {"type": "string"},
                    "pieces": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["amount"],
                            "properties": {"amount": {"type": "integer"}},
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with one flow, generated, with rows of three lists within each other."""
    folder = build("_base", tmp_path_factory.mktemp("nested"))
    spec = (folder / SPEC).read_text(encoding="utf-8")
    start, end = spec.index("    Items:\n"), spec.index("  checks:\n")
    (folder / SPEC).write_text(spec[:start] + ROWS + spec[end:], encoding="utf-8")
    path = folder / "specs/schemas/parcel.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["boxes"] = {"type": "array", "items": BOX}
    path.write_text(json.dumps(schema), encoding="utf-8")
    place = Workspace(folder)
    for name, text in generate(place, place.spec_paths()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def flow(workspace: Path) -> BoundFlow:
    return open_flow(workspace, "deliveries", "test", {}, sample_of)


def outcome(flow: BoundFlow, workspace: Path, boxes: Any) -> Any:
    record = json.loads((workspace / "specs/examples/parcel.json").read_text("utf-8"))
    text = json.dumps({**record, "boxes": boxes}).encode()
    [found] = flow.transformer.outcomes(RawRecord(1, 1, text), "parcels.json")
    return found


def rows(found: Any) -> list[tuple[str, float]]:
    assert isinstance(found, Document), found
    items = json.loads(found.body)["Items"]
    return [(row["Article"]["value"], row["Quantity"]["value"]) for row in items]


def errors(found: Any) -> list[tuple[str, str | None, str | None]]:
    assert isinstance(found, Rejected), found
    return [(error.code, error.target, error.source_path) for error in found.errors]


def box(label: str, *trays: list[Any]) -> dict[str, Any]:
    made = [
        {"name": f"T{number}", "pieces": [{"amount": amount} for amount in amounts]}
        for number, amounts in enumerate(trays)
    ]
    return {"label": label, "trays": made}


def test_rows_of_all_lists(flow: BoundFlow, workspace: Path) -> None:
    """A row for each row of the innermost list, in order, that knows those around it."""
    boxes = [box("A", [1, 2], [3]), box("X", [0, 100]), box("B", [100])]

    assert rows(outcome(flow, workspace, boxes)) == [
        ("CUP-01", 2),
        ("A-T0", 1),
        ("A-T0", 2),
        ("A-T1", 3),
        ("X-T0", 100),
    ]


@pytest.mark.parametrize(
    "boxes", [None, [], [{"label": "A"}], [{"label": "A", "trays": None}], [box("A", [])]]
)
def test_list_without_rows(flow: BoundFlow, workspace: Path, boxes: Any) -> None:
    """A list that is missing or empty, wherever it is, has no rows."""
    assert rows(outcome(flow, workspace, boxes)) == [("CUP-01", 2)]


def test_errors_of_rows_at_their_places(flow: BoundFlow, workspace: Path) -> None:
    """All errors are told, each with its row of the source, and of the document, over all lists."""
    boxes = [box("A", [1, -1], [2]), box("B", [200, 3], [-4])]

    assert errors(outcome(flow, workspace, boxes)) == [
        ("R303", "Items[2].Quantity", "parcel.boxes[0].trays[0].pieces[1].amount"),
        ("R303", "Items[5].Quantity", "parcel.boxes[1].trays[1].pieces[0].amount"),
    ]


def test_list_of_a_wrong_type(flow: BoundFlow, workspace: Path) -> None:
    """A list that is none keeps no other row from being looked at."""
    boxes = [box("A", [1]), {"label": "B", "trays": "none"}, box("C", [-1])]

    assert sorted(errors(outcome(flow, workspace, boxes))) == [
        ("R102", "Items", "parcel.boxes[1].trays"),
        ("R303", "Items[2].Quantity", "parcel.boxes[2].trays[0].pieces[0].amount"),
    ]


def test_error_of_a_step_inside(flow: BoundFlow, workspace: Path) -> None:
    """An error in what filters one list is reported once, and the rows of the others are there."""
    wrong = box("A", [1, "x"])
    boxes = [wrong, box("B", [-1])]

    found = errors(outcome(flow, workspace, boxes))

    assert ("R102", "parcel.boxes[0].trays[0].pieces[1].amount") in {
        (code, path) for code, _, path in found
    }
    assert ("R303", "parcel.boxes[1].trays[0].pieces[0].amount") in {
        (code, path) for code, _, path in found
    }
