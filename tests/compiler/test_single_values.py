"""Single values: what leaves a constant out, and when what stands in for a value is evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.testing import FlowUnderTest
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
    flow, files = _with(tmp_path, "Weight: parcel.weight", f"Weight: {rule}")
    record = json.loads(flow.examples[0].given)

    found = []
    for remark in ("", "x"):
        document = flow.document(json.dumps({**record, "remark": remark}))
        found.append("Weight" in document)

    assert tuple(found) == sent
    shown = files["generated/deliveries/DELIVERIES.md"]
    assert ("left out where" in shown) == ("omit_if" in rule)


def test_otherwise_is_evaluated_where_it_is_needed(tmp_path: Path) -> None:
    """A record whose key is known does not fail in what stands in for one that is not."""
    other = '"string(parcel.items[9].quantity)"'
    rule = f"Carrier: {{lookup: carriers, key: parcel.service, otherwise: {other}}}"
    flow, _ = _with(tmp_path, "Carrier: {lookup: carriers, key: parcel.service}", rule)
    record = json.loads(flow.examples[0].given)

    assert flow.document(json.dumps(record)) == flow.examples[0].gives
    assert flow.is_rejected(json.dumps({**record, "service": "unheard"}), "", "Carrier")


def _with(folder: Path, old: str, new: str) -> tuple[FlowUnderTest, Mapping[str, str]]:
    """Return the small flow with another rule, and its files."""
    root = build("_base", folder / "workspace")
    spec = root / SPEC
    text = spec.read_text("utf-8")
    assert old in text
    spec.write_text(text.replace(old, new), "utf-8")
    files = generate(Workspace(root), [SPEC])
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return FlowUnderTest.load(root / "generated" / "deliveries"), files
