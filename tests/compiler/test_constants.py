"""Constants: the same in every document, except where the rule leaves them out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapgen.compiler import generate
from mapgen.runtime.testing import FlowUnderTest
from mapgen.workspace import Workspace
from tests.compiler.cases import SPEC, build


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("{const: 5}", (True, True)),
        ("{const: 5, omit_if: \"parcel.?remark.orValue('') == 'x'\"}", (True, False)),
        ("{const: 5, omit_if: \"value == 5 && parcel.?remark.orValue('') == 'x'\"}", (True, False)),
        ('{const: 5, omit_if: "value == 6"}', (True, True)),
    ],
)
def test_a_constant_that_is_left_out(tmp_path: Path, rule: str, sent: tuple[bool, bool]) -> None:
    """A constant is left out where `omit_if` says so, as any other value is."""
    root = build("_base", tmp_path / "workspace")
    spec = root / SPEC
    text = spec.read_text("utf-8")
    text = text.replace("Weight: parcel.weight", f"Weight: {rule}")
    spec.write_text(text, "utf-8")
    files = generate(Workspace(root), [SPEC])
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    flow = FlowUnderTest.load(root / "generated" / "deliveries")
    record = json.loads(flow.examples[0].given)

    found = []
    for remark in ("", "x"):
        document = flow.document(json.dumps({**record, "remark": remark}))
        found.append("Weight" in document)

    assert tuple(found) == sent
    shown = files["generated/deliveries/DELIVERIES.md"]
    assert ("left out where" in shown) == ("omit_if" in rule)
