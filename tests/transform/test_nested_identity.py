"""Identities inside the parts of documents outside the ERP."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs, generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.records import RawRecord
from tests.compiler.cases import CASES, SPEC

ORDER = {
    "type": "object",
    "required": ["ref"],
    "properties": {
        "ref": {"type": "string", "maxLength": 40},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "note": {"type": "string"},
        "buyer": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
        },
    },
}


def _workspace(root: Path, identity: str, rules: str = "") -> Workspace:
    """Return the smallest flow that sends documents, whose identity is at such a path."""
    for base in ("_base", "_sent"):
        shutil.copytree(CASES / base / "specs", root / "specs", dirs_exist_ok=True)
    path = root / "specs/schemas/notice.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["required"].append("order")
    schema["properties"]["order"] = ORDER
    path.write_text(json.dumps(schema), "utf-8")
    spec = root / SPEC
    text = spec.read_text("utf-8").replace("    field: number\n", f"    field: {identity}\n")
    given = f"  fields:\n    number: delivery.DeliveryNbr\n{rules}    kind:"
    text = text.replace("  fields:\n    kind:", given)
    spec.write_text(text.replace("{number}", f"{{{identity}}}"), "utf-8")
    return Workspace(root)


@pytest.mark.parametrize(
    ("identity", "rules", "expected"),
    [
        ("order.ref", "", {"ref": "DL000017-north"}),
        (
            "order.ref",
            "    order: {fields: {note: {const: x}}}\n",
            {"ref": "DL000017-north", "note": "x"},
        ),
        (
            "order.buyer.id",
            "    order: {fields: {ref: {const: r}}}\n",
            {"ref": "r", "buyer": {"id": "DL000017-north"}},
        ),
    ],
)
def test_is_in_its_place(identity: str, rules: str, expected: object, tmp_path: Path) -> None:
    """The part is made for it, or has it beside other fields; its document is known by it."""
    workspace = _workspace(tmp_path, identity, rules)
    for path, content in generate(workspace, [SPEC]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    transformer = open_flow(tmp_path, "deliveries", None, {}, sample_of).transformer
    record = (tmp_path / "specs/examples/delivery.json").read_bytes()
    (found,) = transformer.outcomes(RawRecord(1, 1, record), "delivery.json")

    assert isinstance(found, Document)
    assert found.identity == "DL000017-north"
    assert json.loads(found.body)["order"] == expected


@pytest.mark.parametrize(
    ("identity", "rules", "message"),
    [
        ("order.rf", "", "`Order` has no field `rf`"),
        ("ordr.ref", "", "`Notice` has no field `ordr`"),
        ("order.kind", "", "`Notice.order.kind` cannot carry the identity"),
        ("order.note", "", "`Notice.order.note` cannot carry the identity"),
        ("items.article", "", "`Notice.items.article` cannot carry the identity"),
        (
            "order.ref",
            "    order: {fields: {ref: {const: x}}}\n",
            "two rules write `ref`",
        ),
        (
            "order.ref",
            "    order: {when: has(delivery.Carrier), fields: {note: {const: x}}}\n",
            "`Notice.order.ref` cannot carry the identity",
        ),
    ],
)
def test_is_told_what_it_cannot_be(identity: str, rules: str, message: str, tmp_path: Path) -> None:
    """What is not there, may be left out, is one of several, or has a rule already."""
    errors = check_specs(_workspace(tmp_path, identity, rules), [SPEC]).diagnostics

    assert message in [one.message for one in errors]
