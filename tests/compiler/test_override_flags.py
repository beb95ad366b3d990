"""Override flags: sent with what needs them; what an author says of one is proved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.checking import check_specs
from mapgen.project.compiler import generate
from mapgen.runtime.testing import FlowUnderTest
from tests.compiler.cases import SPEC, build

FLAG = "    AddressOverride: {const: true}\n"
OBJECT = "object: parcel.?recipient\n"
CHOSEN = 'object: "there ? parcel.?recipient : null"\n'


def _workspace(folder: Path, **changes: str) -> Workspace:
    root = build("_base", folder / "workspace")
    spec = root / SPEC
    text = spec.read_text("utf-8")
    for old, new in {
        FLAG: changes.get("flag", "") and f"    AddressOverride: {changes['flag']}\n",
        OBJECT: changes.get("source", OBJECT),
        "heavy: parcel.weight > 31.5\n": "heavy: parcel.weight > 31.5\n" + changes.get("let", ""),
        "    Weight: parcel.weight\n": "    Weight: parcel.weight\n" + changes.get("more", ""),
    }.items():
        assert old in text
        text = text.replace(old, new)
    spec.write_text(text, "utf-8")
    return Workspace(root)


def _codes(workspace: Workspace) -> list[str]:
    return [one.code for one in check_specs(workspace, [SPEC]).diagnostics]


THERE = "    there: parcel.?remark.orValue('') != 'no'\n"
LOOP = "    there: parcel.items.exists(i, i.quantity > 1)\n"


@pytest.mark.parametrize(
    ("flag", "source", "let", "is_proved"),
    [
        pytest.param("parcel.recipient != null", OBJECT, "", True, id="not null"),
        pytest.param("has(parcel.recipient)", OBJECT, "", True, id="has"),
        pytest.param("parcel.?recipient.hasValue()", OBJECT, "", True, id="has a value"),
        pytest.param("null != parcel.recipient", OBJECT, "", True, id="the other way round"),
        pytest.param("!(parcel.recipient == null)", OBJECT, "", True, id="negated"),
        pytest.param("heavy || parcel.recipient != null", OBJECT, "", True, id="weaker"),
        pytest.param("heavy && parcel.recipient != null", OBJECT, "", False, id="stronger"),
        pytest.param("heavy", OBJECT, "", False, id="another"),
        pytest.param("parcel.recipient == null", OBJECT, "", False, id="the opposite"),
        pytest.param("{const: true}", OBJECT, "", True, id="always"),
        pytest.param('{const: true, omit_if: "heavy"}', OBJECT, "", False, id="perhaps left out"),
        pytest.param(
            '{const: true, omit_if: "parcel.recipient == null"}', OBJECT, "", True, id="sent with"
        ),
        pytest.param("there", CHOSEN, THERE, True, id="chosen"),
        pytest.param("there && has(parcel.recipient)", CHOSEN, THERE, True, id="chosen and there"),
        pytest.param("!there", CHOSEN, THERE, False, id="not chosen"),
        pytest.param(
            "parcel.?remark.orValue('') != 'no'", CHOSEN, THERE, True, id="what the name means"
        ),
        pytest.param(
            "parcel.items.exists(i, i.quantity > 1)", CHOSEN, LOOP, True, id="a name of a loop"
        ),
        pytest.param(
            "parcel.items.exists(j, j.quantity > 1)", CHOSEN, LOOP, True, id="called otherwise"
        ),
        pytest.param(
            "parcel.items.exists(i, i.quantity > 2)", CHOSEN, LOOP, False, id="of another number"
        ),
        pytest.param(
            "{cases: [{when: heavy, then: 'true'}], else: 'true'}", OBJECT, "", True, id="cases"
        ),
        pytest.param(
            "{cases: [{when: heavy, then: 'true'}], else: 'false'}", OBJECT, "", False, id="a case"
        ),
    ],
)
def test_a_rule_of_the_author(
    flag: str, source: str, let: str, is_proved: bool, tmp_path: Path
) -> None:
    """A flag has to be true wherever its part is sent; spelling proves nothing."""
    flag = flag if flag.startswith("{") else json.dumps(flag)
    workspace = _workspace(tmp_path, flag=flag, source=source, let=let)

    assert _codes(workspace) == ["E416"] * (not is_proved)


NAMES = (
    *("Reference", "DeliveryType", "Carrier", "Planned", "Weight"),
    *("ContactPlaceOverride", "Contact", "Fragile", "Remark"),
    *("AddressOverride", "Address", "Items"),
)
CONTACT = "    Contact:\n      fields:\n        Place: {fields: {City: parcel.?remark}}\n"


@pytest.mark.parametrize(
    ("change", "more", "sent"),
    [
        pytest.param({}, "", {"AddressOverride"}, id="there"),
        pytest.param({"recipient": None}, "", set(), id="not there"),
        pytest.param({}, CONTACT, {"AddressOverride", "ContactPlaceOverride"}, id="inside"),
        pytest.param({"remark": None}, CONTACT, {"AddressOverride"}, id="nothing inside"),
    ],
)
def test_a_flag_without_a_rule(
    change: dict[str, Any], more: str, sent: set[str], tmp_path: Path
) -> None:
    """It is sent exactly when its part is, a part inside another included."""
    workspace = _workspace(tmp_path, more=more)
    files = generate(workspace, [SPEC])
    for path, content in files.items():
        written = workspace.root / path
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(content, "utf-8")
    flow = FlowUnderTest.load(workspace.root / "generated" / "deliveries")
    record = {**json.loads(flow.examples[0].given), **change}

    document = flow.document(json.dumps(record))

    found = {name for name in document if name.endswith("Override")}
    assert found == sent
    assert all(document[name] == {"value": True} for name in found)
    assert list(document) == [name for name in NAMES if name in document]
