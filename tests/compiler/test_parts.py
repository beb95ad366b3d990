"""Parts and rows: when they are there, what they call their values, what leaves them out."""

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
from tests.typed import untyped

PART = """\
    AddressOverride: {const: true}
    Address:
      object: parcel.?recipient
      as: recipient
      fields:
        Street: {value: recipient.street, too_long: reject}
        City: recipient.?city
"""
ROWS = """\
    Items:
      each: parcel.items
      as: item
      fields:
        Article: {value: item.?sku.trim(), if_missing: reject}
        Quantity: {value: item.quantity, range: "> 0"}
"""
WHEN = """\
    Address:
      when: parcel.recipient != null && parcel.recipient.city != null
      fields:
        Street: {value: parcel.recipient.street, too_long: reject}
        City: parcel.recipient.city.upperAscii()
"""
WHEN_OF_AN_OBJECT = """\
    Address:
      when: heavy && parcel.recipient != null
      object: parcel.recipient
      as: who
      let: {place: who.?city.trim()}
      fields:
        Street: {value: "who.street + place.optMap(p, ', ' + p).orValue('')", too_long: reject}
        City: place
"""
LETS = """\
    Items:
      each: parcel.items
      as: item
      where: item.quantity > 0
      let:
        code: item.?sku.trim()
        twice: item.quantity + item.quantity
        again: twice + 1
      fields:
        Article: {value: code, if_missing: reject}
        Quantity: again
        Note: "code.orValue('') + string(twice)"
"""


def _workspace(folder: Path, old: str, new: str) -> Workspace:
    root = build("_base", folder / "workspace")
    spec = root / SPEC
    text = spec.read_text("utf-8")
    assert old in text
    spec.write_text(text.replace(old, new), "utf-8")
    return Workspace(root)


def _flow(workspace: Workspace) -> FlowUnderTest:
    files = generate(workspace, [SPEC])
    for path, content in files.items():
        (workspace.root / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace.root / path).write_text(content, encoding="utf-8")
    return FlowUnderTest.load(workspace.root / "generated" / "deliveries")


def _document(flow: FlowUnderTest, **changes: Any) -> dict[str, Any]:
    return dict(flow.document(json.dumps({**json.loads(flow.examples[0].given), **changes})))


def test_when_of_fields(tmp_path: Path) -> None:
    """Inside, what the condition asks for is there; the code of it is well typed."""
    workspace = _workspace(tmp_path, PART, WHEN)
    flow = _flow(workspace)

    made = _document(flow, recipient={"street": "Quay 1", "city": "Faro"})
    assert made["Address"] == {"Street": {"value": "Quay 1"}, "City": {"value": "FARO"}}
    assert made["AddressOverride"] == {"value": True}
    for recipient in (None, {"street": "Quay 1"}):
        made = _document(flow, recipient=recipient)
        assert "Address" not in made
        assert "AddressOverride" not in made
    assert untyped(workspace.root, "generated/*/transformer.py") == []


def test_when_of_an_object(tmp_path: Path) -> None:
    """It is asked before the source, which it may show to be there; names of values follow."""
    flow = _flow(_workspace(tmp_path, PART, WHEN_OF_AN_OBJECT))
    recipient = {"street": "Quay 1", "city": " Faro "}

    made = _document(flow, recipient=recipient, weight="40")
    assert made["Address"] == {"Street": {"value": "Quay 1, Faro"}, "City": {"value": "Faro"}}
    assert "Address" not in _document(flow, recipient=recipient, weight="1")
    assert "Address" not in _document(flow, recipient=None, weight="40")


def test_names_of_a_row(tmp_path: Path) -> None:
    """They are evaluated once a row, in order; a row that is not taken evaluates none."""
    workspace = _workspace(tmp_path, ROWS, LETS)
    flow = _flow(workspace)
    items = [{"sku": " A ", "quantity": 2, "price": "1"}, {"quantity": 0, "price": "1"}]

    made = _document(flow, items=items, value="2")

    assert made["Items"] == [
        {"Article": {"value": "A"}, "Quantity": {"value": 5}, "Note": {"value": "A4"}}
    ]
    text = (workspace.root / "generated" / "deliveries" / "transformer.py").read_text("utf-8")
    assert text.count("item.quantity + item.quantity") == 1


@pytest.mark.parametrize(
    ("rows", "sent"),
    [
        pytest.param("      at_least: 0\n", None, id="left out"),
        pytest.param("      empty: omit\n", None, id="said"),
        pytest.param("      empty: send\n", [], id="sent"),
        pytest.param("      empty: send\n      omit_if: value.size() == 0\n", None, id="condition"),
        pytest.param("      omit_if: parcel.items.size() == 0\n", None, id="another condition"),
    ],
)
def test_a_list_without_rows(rows: str, sent: object, tmp_path: Path) -> None:
    """It is left out, unless it is to be sent; checks see a list without rows."""
    check = "    - {name: rows, that: document.Items.size() == parcel.items.size()}\n"
    workspace = _workspace(tmp_path, ROWS, ROWS.replace("      fields:", f"{rows}      fields:"))
    spec = workspace.root / SPEC
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("  checks:\n", f"  checks:\n{check}"), "utf-8")
    flow = _flow(workspace)

    assert _document(flow, items=[], value="0").get("Items") == sent
    assert len(_document(flow)["Items"]) > 0


def test_omit_if_sees_the_rows(tmp_path: Path) -> None:
    """`value` is the list of the rows that the rules have made."""
    omit = '      omit_if: "value.all(row, row.Quantity == 1)"\n'
    flow = _flow(_workspace(tmp_path, ROWS, ROWS.replace("      fields:", f"{omit}      fields:")))
    one, two = ({"sku": "A", "quantity": count, "price": "1"} for count in (1, 2))

    assert "Items" not in _document(flow, items=[one, one], value="2")
    assert len(_document(flow, items=[one, two], value="2")["Items"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        pytest.param(
            PART,
            WHEN.replace("parcel.recipient.street", "parcel.?recipient.?street"),
            ["E207"],
            id="needless question",
        ),
        pytest.param(PART, WHEN.replace("when: ", "when: 1 < 2 && "), ["E217"], id="constant"),
        pytest.param(
            ROWS, LETS.replace("Quantity: again", "Quantity: twice"), ["E314"], id="not used"
        ),
        pytest.param(
            ROWS,
            LETS.replace("again:", "item:").replace("Quantity: again", "Quantity: twice"),
            ["E312"],
            id="taken",
        ),
        pytest.param(
            ROWS, LETS.replace("item.quantity > 0", "code != null"), ["E300"], id="not yet known"
        ),
        pytest.param(
            ROWS,
            ROWS.replace("fields:", "empty: send\n      at_least: 1\n      fields:"),
            ["E234"],
            id="never empty",
        ),
        pytest.param(
            PART,
            PART.replace("as: recipient", "as: recipient\n      omit_if: heavy"),
            ["E234"],
            id="omit_if of an object",
        ),
    ],
)
def test_what_does_not_fit(old: str, new: str, codes: list[str], tmp_path: Path) -> None:
    """Mistakes in conditions and names of a part are reported."""
    workspace = _workspace(tmp_path, old, new)

    assert sorted({one.code for one in check_specs(workspace, [SPEC]).diagnostics}) == codes


SOMEBODY = """\
parts: 1
somebody:
  summary: somebody
  takes:
    person: {schema: schemas/parcel.schema.json, at: properties/recipient}
    extra: string?
  gives: {contract: depot-1.200.001, entity: Contact}
  fields:
    Name: extra
    Place:
      when: person.city != null && extra != null
      let: {heavy: "person.street + extra"}
      fields: {City: heavy + person.city}
  ignore: {}
"""
USE = """\
    Contact:
      use: somebody
      when: parcel.recipient != null
      person: parcel.recipient
      extra: "heavy ? parcel.?remark : optional.none()"
"""


def test_in_a_part_that_is_used(tmp_path: Path) -> None:
    """Its names keep apart from those of the flow, and what it asks for is there in it."""
    workspace = _workspace(tmp_path, PART, PART + USE)
    (workspace.root / "specs" / "parts").mkdir()
    (workspace.root / "specs" / "parts" / "some.parts.yaml").write_text(SOMEBODY, "utf-8")
    spec = workspace.root / SPEC
    uses = "mapping:\n  uses: [parts/some.parts.yaml]\n"
    spec.write_text(spec.read_text("utf-8").replace("mapping:\n", uses, 1), "utf-8")
    flow = _flow(workspace)
    recipient = {"street": "Quay 1", "city": "Faro"}

    made = _document(flow, recipient=recipient, weight="40", remark="b")
    assert made["Contact"] == {"Name": {"value": "b"}, "Place": {"City": {"value": "Quay 1bFaro"}}}
    assert made["ContactPlaceOverride"] == {"value": True}
    assert "Contact" not in _document(flow, recipient=recipient, weight="1", remark="b")
    assert untyped(workspace.root, "generated/*/transformer.py") == []
