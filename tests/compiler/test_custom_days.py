"""Fields outside the contract: the spec says of one that it holds a day, and it is read as one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.testing import FlowUnderTest
from tests.compiler.cases import BASE, CASES, SPEC


@pytest.fixture
def flow(tmp_path: Path) -> FlowUnderTest:
    """A flow out of the ERP whose notices take their day from a custom field."""
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    shutil.copytree(CASES / "_outward", tmp_path, dirs_exist_ok=True)
    spec = tmp_path / SPEC
    text = spec.read_text(encoding="utf-8")
    for old, new in (
        ("{Document.UsrDoor: string}", "{Document.UsrDoor: string, Document.UsrDue: date}"),
        ("planned: delivery.?Planned", "planned: delivery.?custom.Document.UsrDue"),
    ):
        assert old in text
        text = text.replace(old, new)
    spec.write_text(text, encoding="utf-8")
    example = tmp_path / "specs" / "examples" / "delivery.Notice.json"
    gives = json.loads(example.read_text(encoding="utf-8"))
    del gives["planned"]
    example.write_text(json.dumps(gives), encoding="utf-8")
    for path, content in generate(Workspace(tmp_path), [SPEC]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    return FlowUnderTest.load(tmp_path / "generated" / "deliveries")


def test_a_custom_field_that_holds_a_day(flow: FlowUnderTest) -> None:
    """The ERP writes midnight with some offset; the day is the one written."""
    record = json.loads(flow.examples[0].given)
    due = {"type": "CustomDateTimeField", "value": "2026-02-05T00:00:00+11:00"}
    record["custom"]["Document"]["UsrDue"] = due

    assert flow.document(json.dumps(record))["planned"] == "2026-02-05"

    due["value"] = "2026-02-05T08:00:00+00:00"
    assert flow.is_rejected(json.dumps(record), "found a time", "planned")
