"""Objects of several kinds that a constant tells apart: what is known of them under conditions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs, generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.sources.records import RawRecord
from tests.compiler.cases import SPEC, build


def _kind(name: str, **members: str) -> dict[str, Any]:
    properties = {member: {"type": kind} for member, kind in members.items()}
    return {
        "type": "object",
        "required": ["kind", *members],
        "properties": {
            "kind": {"const": name, "type": "string"},
            "note": {"type": "string"},
            **properties,
        },
    }


MEMBERS: dict[str, dict[str, str]] = {
    "door": {"floor": "integer", "bell": "string"},
    "box": {"box": "string"},
    "shop": {"shop": "string", "bell": "string"},
}
HANDOVER = {"oneOf": [_kind(name, **members) for name, members in MEMBERS.items()]}
REMARK = "Remark: {value: parcel.?remark.trim(), too_long: truncate}"
WAYS = {
    "branches": (
        "Remark: \"parcel.handover.kind == 'door' ? parcel.handover.bell : "
        "parcel.handover.kind == 'box' ? parcel.handover.box : parcel.handover.shop\""
    ),
    "what is left": (
        "Remark: \"!(parcel.handover.kind in ['door', 'shop']) ? parcel.handover.box : "
        'parcel.handover.bell"'
    ),
    "cases": (
        "Remark:\n      cases:\n"
        "        - {when: parcel.handover.kind == 'box', then: parcel.handover.box}\n"
        "      else: parcel.handover.bell"
    ),
    "a part": (
        "AddressOverride: {const: true}\n    Address:\n      when: parcel.handover.kind == 'box'\n"
        "      fields: {Street: parcel.handover.box}\n"
        "    Remark: \"parcel.handover.kind != 'box' ? parcel.handover.bell : 'in the box'\""
    ),
    "rows": (
        "Remark: \"[parcel.handover].map(h, h.kind == 'box', h.box).first().orValue("
        "[parcel.handover].map(h, h.kind in ['door', 'shop'], h.bell).join(', '))\""
    ),
}
FAULTS = {
    "Remark: \"parcel.handover.kind == 'door' ? parcel.handover.box : 'x'\"": (
        "`handover` has no field `box` where `kind` is `door`"
    ),
    "Remark: \"parcel.handover.kind != 'box' ? parcel.handover.box : 'x'\"": (
        "`handover` has no field `box` where `kind` is none of `box`"
    ),
    "Remark: \"parcel.handover.kind == 'dor' ? parcel.handover.bell : 'x'\"": (
        "`parcel.handover.kind` is never `dor`"
    ),
    "Remark: \"parcel.handover.kind == 'door' ? parcel.handover.?bell : 'x'\"": (
        "the `?` is not needed: `parcel.handover.?bell` is known to be there at this place"
    ),
    "Remark: \"parcel.handover.kind != 'door' ? parcel.handover.bell + '!' : 'x'\"": (
        "`parcel.handover.bell` may be missing, and a value is needed here"
    ),
    "Remark: \"parcel.handover.kind == 'door' ? parcel.handover.note + '!' : 'x'\"": (
        "`parcel.handover.note` may be missing, and a value is needed here"
    ),
}


def _workspace(root: Path, rule: str, handover: object = HANDOVER) -> Path:
    workspace = build("../cases/_base", root)
    path = workspace / "specs/schemas/parcel.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["required"].append("handover")
    schema["properties"]["handover"] = handover
    path.write_text(json.dumps(schema), "utf-8")
    example = workspace / "specs/examples/parcel.json"
    record = {**json.loads(example.read_text("utf-8")), "handover": {"kind": "box", "box": "B 7"}}
    example.write_text(json.dumps(record), "utf-8")
    spec = workspace / SPEC
    text = spec.read_text("utf-8")
    if "Address:" in rule:
        start, end = text.index("    AddressOverride"), text.index("    Items:")
        text = f"{text[:start]}{text[end:]}".replace(
            "recipient.street: personal", "handover: personal"
        )
    unread = [name for name in ("floor", "note", "bell", "box", "shop") if f".{name}" not in rule]
    ignored = "".join(f"\n    parcel.handover.{name}: not used" for name in unread)
    ignored += "\n    parcel.recipient: not used" * ("Address:" in rule)
    text = text.replace(REMARK, rule)
    before = "parcel.tags: marketing data"
    spec.write_text(
        text.replace(before, f"{before}\n    parcel.remark: not used{ignored}"), "utf-8"
    )
    return workspace


@pytest.fixture(scope="module", params=WAYS)
def flow(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A flow that asks for the kind in one of the ways: its workspace, generated, and a record."""
    workspace = _workspace(tmp_path_factory.mktemp("tagged"), WAYS[request.param])
    for path, content in generate(Workspace(workspace), [SPEC]).items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(content, encoding="utf-8")
    return workspace, json.loads((workspace / "specs/examples/parcel.json").read_text("utf-8"))


def _outcome(flow: tuple[Path, dict[str, Any]], **handover: object) -> Outcome:
    workspace, record = flow
    transformer = open_flow(workspace, "deliveries", None, {}, sample_of).transformer
    data = json.dumps({**record, "handover": handover}).encode()
    (found,) = transformer.outcomes(RawRecord(1, 1, data), "parcels.json")
    return found


def test_reads_what_an_object_has(flow: tuple[Path, dict[str, Any]]) -> None:
    """Its own fields need no handler where a condition has asked which one it is."""
    box = _outcome(flow, kind="box", box="B 7")
    door = _outcome(flow, kind="door", floor=2, bell="Poole")

    assert isinstance(box, Document)
    assert isinstance(door, Document)
    assert "B 7" in box.body.decode()
    assert json.loads(door.body)["Remark"]["value"] == "Poole"


def test_rejects_an_object_that_lacks_a_field(flow: tuple[Path, dict[str, Any]]) -> None:
    """The schema says that each of its kind has the field, and records are held to that."""
    found = _outcome(flow, kind="box", bell="Poole")

    assert isinstance(found, Rejected)
    words = "`box` is missing, which objects of this kind have"
    assert words in {one.message for one in found.errors}
    assert "parcel.handover.box" in str([one.source_path for one in found.errors])


def test_knows_objects_by_a_discriminator(tmp_path: Path) -> None:
    """OpenAPI names the schema of each value, or `mapping` does."""
    kinds = {"door": "Door", "box": "box", "shop": "shop"}
    schemas = [_kind(name, **members) for name, members in MEMBERS.items()]
    for schema in schemas:
        schema["properties"]["kind"] = {"type": "string", "enum": [*kinds]}
    handover = {
        "oneOf": [{"$ref": f"#/properties/handover/$defs/{name}"} for name in kinds.values()],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {"door": "#/properties/handover/$defs/Door"},
        },
        "$defs": dict(zip(kinds.values(), schemas, strict=True)),
    }
    workspace = _workspace(tmp_path, WAYS["branches"], handover)

    assert not check_specs(Workspace(workspace), [SPEC]).diagnostics


@pytest.mark.parametrize("rule", FAULTS)
def test_tells_what_an_object_lacks(rule: str, tmp_path: Path) -> None:
    """Of what none has that it can be here, and of what not all have."""
    workspace = Workspace(_workspace(tmp_path, rule))

    assert [one.message for one in check_specs(workspace, [SPEC]).diagnostics] == [FAULTS[rule]]
