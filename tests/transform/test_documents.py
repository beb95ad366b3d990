"""Several documents of one record: what they need, how they are left out, where errors lie."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.lines import document_line
from mapgen.runtime.outcome import Document, Rejected, Skipped
from mapgen.runtime.rules import Rules, load_rules
from mapgen.runtime.testing import FlowUnderTest
from tests.compiler.test_generate import FLOWS

BOX = {"code": "B-1", "weight": "1.5", "things": [{"sku": "CUP"}]}
OTHER = {"code": "B-2", "weight": "2.5", "things": [{"sku": "A"}, {"sku": "B"}]}
CRATE: Mapping[str, Any] = {
    "id": 1,
    "number": "P-1",
    "urgent": True,
    "tags": ["Beja", "Faro"],
    "boxes": [BOX, OTHER],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated flow."""
    root = tmp_path_factory.mktemp("several") / "flows"
    shutil.copytree(FLOWS, root)
    workspace = Workspace(root)
    files = generate(workspace, workspace.spec_paths())
    workspace.write(files, workspace.staleness(files, {}))
    return root / "generated" / "several"


@pytest.fixture(scope="module")
def crates(folder: Path) -> FlowUnderTest:
    return FlowUnderTest.load(folder)


@pytest.fixture(scope="module")
def rules(folder: Path) -> Rules:
    return load_rules((folder / "map.json").read_bytes(), lambda _: None)


def test_places_are_looked_for_once_and_late(folder: Path) -> None:
    """What is never wrong needs no place in the spec; what is wrong again is where it was."""
    asked: list[str] = []

    def place(pointer: str) -> str:
        asked.append(pointer)
        return f"at {pointer}"

    found = load_rules((folder / "map.json").read_bytes(), place)
    assert asked == []

    rule = next(iter(found.by_code.values()))

    assert rule.spec == rule.spec == f"at {asked[0]}"
    assert len(asked) == 1


def crate(**changes: Any) -> str:
    return json.dumps({**CRATE, **changes})


def made(flow: FlowUnderTest, record: str) -> list[Document]:
    outcomes = flow.outcomes(record)
    assert all(isinstance(outcome, Document) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Document)]


def errors(flow: FlowUnderTest, record: str) -> list[tuple[str, str | None, str | None]]:
    (outcome,) = flow.outcomes(record)
    assert isinstance(outcome, Rejected), outcome
    return [(error.code, error.target, error.source_path) for error in outcome.errors]


def test_order_and_needs(crates: FlowUnderTest) -> None:
    """Documents come behind those that they need, which they name by name and identity."""
    found = made(crates, crate())

    assert [(one.document, one.identity, one.needs) for one in found] == [
        ("back", "1", ()),
        ("first", "1", ()),
        ("crate", "1", (("back", "1"), ("first", "1"))),
        ("box", "B-1", (("crate", "1"), ("back", "1"))),
        ("box", "B-2", (("crate", "1"), ("back", "1"))),
    ]
    assert {one.entity for one in found} == {"Delivery"}


def test_what_is_not_made_is_not_needed(crates: FlowUnderTest) -> None:
    """A document whose condition does not hold is needed by none, and gives no key."""
    found = made(crates, crate(number="P-2", urgent=False))

    assert [(one.document, one.needs) for one in found] == [
        ("first", ()),
        ("crate", (("first", "1"),)),
    ]
    body = json.loads(found[1].body)
    assert body["Remark"] == {"value": {"made": "first", "field": "DeliveryNbr"}}
    assert body["Region"] == {"value": "NONE"}
    assert "Label" not in body


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param(None, id="no list"),
        pytest.param([], id="an empty list"),
        pytest.param([{**BOX, "weight": "0.0"}], id="no row that counts"),
    ],
)
def test_no_rows(crates: FlowUnderTest, boxes: Any) -> None:
    """Without rows there is no document of them, and the others are made all the same."""
    names = [one.document for one in made(crates, crate(boxes=boxes))]

    assert names == ["back", "first", "crate"]


def test_a_skip(crates: FlowUnderTest) -> None:
    """A record that is left out gives none of the documents."""
    (outcome,) = crates.outcomes(crate(number="X"))

    assert isinstance(outcome, Skipped)
    assert outcome.reason == "a test"


def test_all_or_none(crates: FlowUnderTest) -> None:
    """One error in one document keeps all of them back; all errors of all documents are told."""
    boxes = [BOX, {**OTHER, "weight": "100.0", "things": [{"sku": "A"}, {"sku": "x" * 13}]}]

    assert errors(crates, crate(tags=["Beja", " "], remark="x" * 21, boxes=boxes)) == [
        ("R301", "back: Remark", "crate.remark"),
        ("R201", "box[0]: Stops[1].City", "crate.tags[1]"),
        ("R303", "box[1]: Weight", "crate.boxes[1].weight"),
        ("R301", "box[1]: Items[1].Article", "crate.boxes[1].things[1].sku"),
        ("R201", "box[1]: Stops[1].City", "crate.tags[1]"),
    ]


def test_a_value_of_a_wrong_type(crates: FlowUnderTest) -> None:
    """What the source has wrong is reported with the row and the document that wanted it.

    It is that of the rows that become a document; where a broken value decides, nobody knows.
    """
    left_out = {**BOX, "weight": "0"}
    code, weight = {**OTHER, "code": 7}, {**OTHER, "weight": "heavy"}

    assert errors(crates, crate(boxes=[BOX, code])) == [
        ("R102", "box[1]: Reference", "crate.boxes[1].code")
    ]
    assert errors(crates, crate(boxes=[left_out, code])) == [
        ("R102", "box[0]: Reference", "crate.boxes[1].code")
    ]
    assert errors(crates, crate(boxes=[BOX, weight])) == [
        ("R102", "box[]: Weight", "crate.boxes[1].weight")
    ]


def test_a_condition_that_cannot_be_asked(crates: FlowUnderTest) -> None:
    """A error in what decides about a document is one error, whoever waits for the document."""
    assert errors(crates, crate(urgent="perhaps")) == [("R102", "box[]: Region", "crate.urgent")]


def test_a_key_that_is_missing(crates: FlowUnderTest) -> None:
    """A key that has to be there, of a document that is not made, is an error of each row."""
    assert errors(crates, crate(urgent=False)) == [
        ("R201", "box[0]: Region", "crate.urgent, crate.remark"),
        ("R201", "box[1]: Region", "crate.urgent, crate.remark"),
    ]


def test_two_rows_with_one_identity(crates: FlowUnderTest) -> None:
    """Two documents that a look-up could not tell apart keep the record back."""
    record = crate(boxes=[BOX, {**OTHER, "code": "B-1"}])
    (outcome,) = crates.outcomes(record)

    assert errors(crates, record) == [("R224", "box[]: Reference", "crate.boxes[].code")]
    assert isinstance(outcome, Rejected)
    assert outcome.errors[0].value == "B-1"


def test_two_rows_with_one_identity_beside_other_errors(crates: FlowUnderTest) -> None:
    """That two documents cannot be told apart is told with all that is wrong with the record."""
    record = crate(boxes=[BOX, {**OTHER, "code": "B-1"}, {**BOX, "code": "B-3", "things": [{}]}])

    assert errors(crates, record) == [
        ("R103", "box[2]: Items[0].Article", "crate.boxes[2].things[0].sku"),
        ("R224", "box[]: Reference", "crate.boxes[].code"),
    ]


def test_lines(crates: FlowUnderTest) -> None:
    """A line says which of the documents it holds."""
    first, *_ = made(crates, crate())
    line = json.loads(document_line(first))

    assert list(line) == ["source", "name", "entity", "document"]
    assert line["name"] == "back"


@pytest.mark.parametrize(
    ("target", "document", "found", "filled"),
    [
        ("Remark", "back", "back: Remark", "crate.remark"),
        ("Remark", "crate", "crate: Remark", None),
        ("Stops[1].City", "crate", "crate: Stops[].City", "crate.tags[1]"),
        ("Items[1].Article", "box", "box[]: Items[].Article", "crate.boxes[].things[1].sku"),
        ("Stops[1].City", "box", "box[]: Stops[].City", "crate.tags[1]"),
        ("Contact.Fax", "box", "box[]: Contact", None),
    ],
)
def test_rules_by_target(
    rules: Rules, target: str, document: str, found: str, filled: str | None
) -> None:
    """What the ERP refuses leads to the rule of that document, and to the row where it is known."""
    answer = rules.find(target, document)

    assert answer is not None
    rule, rows = answer
    assert rule.target == found
    assert rule.source_path(rows) == filled
    assert rules.find(target) is None
