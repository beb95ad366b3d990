"""Maps of objects, lists of lists and declared values in a whole spec: what is read, and masked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from tests.compiler.cases import BASE

SPEC = "specs/deliveries.maps.yaml"
SCHEMA = "specs/schemas/parcel.schema.json"
PART = {"type": "object", "required": ["note"], "properties": {"note": {"type": "string"}}}


def made(root: Path, member: dict[str, Any], remark: str, values: str = "") -> dict[str, str]:
    """Return the generated files where the remark is made of another member."""
    shutil.copytree(BASE, root)
    schema = json.loads((root / SCHEMA).read_text("utf-8"))
    schema["properties"]["more"] = member
    schema["required"].append("more")
    (root / SCHEMA).write_text(json.dumps(schema), "utf-8")
    spec = (root / SPEC).read_text("utf-8")
    spec = spec.replace("{value: parcel.?remark.trim(),", f"{{value: {json.dumps(remark)},")
    spec = spec.replace("    key: parcel.number\n", f"    key: parcel.number\n{values}")
    spec = spec.replace("  ignore:\n", "  ignore:\n    parcel.remark: not here\n", 1)
    (root / SPEC).write_text(spec, "utf-8")
    workspace = Workspace(root)
    return dict(generate(workspace, workspace.spec_paths()))


def of_remark(files: dict[str, str]) -> dict[str, Any]:
    """Return what the map says of the rule."""
    rules = json.loads(files["generated/deliveries/map.json"])["rules"]
    return next(one for one in rules if one["target"] == "Remark")


@pytest.mark.parametrize(
    ("member", "remark", "path", "annotation"),
    [
        (
            {"type": "object", "additionalProperties": PART},
            "parcel.more[?'a'].?note",
            "parcel.more[].note",
            "more: dict[str, MoreValue]",
        ),
        (
            {"type": "array", "items": {"type": "array", "items": PART}},
            "parcel.more.flatten().map(one, one.note).join(' ')",
            "parcel.more[][].note",
            "more: list[list[MoreElementElement]]",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "parcel.more[?'a']",
            "parcel.more",
            "more: dict[str, str]",
        ),
    ],
    ids=["map of objects", "list of lists", "map of texts"],
)
def test_what_is_read(
    member: dict[str, Any], remark: str, path: str, annotation: str, tmp_path: Path
) -> None:
    """The paths that rules read are those of the values, wherever these are."""
    files = made(tmp_path / "workspace", member, remark)

    assert path in of_remark(files)["reads"]
    assert annotation in files["generated/deliveries/transformer.py"]


def test_declared_values(tmp_path: Path) -> None:
    """A declared field has its type in the struct, and its words for nothing."""
    values = "    values: {parcel.more: {type: int, missing: [N/A, 0]}}\n"
    files = made(tmp_path / "workspace", {}, "string(parcel.?more.orValue(1))", values)

    module = files["generated/deliveries/transformer.py"]
    assert 'more: Varied[Whole, Nothing("N/A", "0")] | None = None' in module
    schema = json.loads(files["generated/deliveries/source.schema.json"])["properties"]["more"]
    assert {"enum": ["N/A", "0"]} in schema["anyOf"]
