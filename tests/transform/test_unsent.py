"""What a record says of its document's branch and steps: beside the document, never in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping

import pytest

from mapgen.agreed.plan import Attached
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import bound_in, loaded
from mapgen.project.compiler import generate
from mapgen.project.named import named_environment
from mapgen.runtime.delivery.following import with_steps
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer
from tests.compiler.cases import BASE, SPEC

TARGET = "operation: create}"
STEPS = """operation: create, branch: {value: parcel.service}}
  then:
    - attach: label
      file: parcel.number + '.pdf'
      content: parcel.?remark.trim()
      rollback: {irreversible: it stays}
    - attach: photo
      file: "parcel.number + (parcel.id == 1 ? '.PDF' : '.jpg')"
      path: parcel.tags
      in: photos
    - {action: PrintLabel, when: parcel.weight > 31.5, with: {Copies: {value: parcel.id}}}"""


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """Return the smallest flow with a branch and steps that records say something of."""
    root = tmp_path_factory.mktemp("told")
    shutil.copytree(BASE / "specs", root / "specs")
    spec = root / SPEC
    words = spec.read_text(encoding="utf-8").replace(TARGET, STEPS)
    words = words.replace("[read, insert]", "[read, insert, update]")
    words = words.replace("peak_per_minute: 20", "peak_per_minute: 10")
    words = words.replace("  ignore:\n    parcel.tags: marketing data\n", "")
    spec.write_text(words, encoding="utf-8")
    workspace = Workspace(root)
    for path, text in generate(workspace, workspace.spec_paths()).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    environment = named_environment(workspace, "test")
    flow, remote = loaded(workspace, "deliveries"), RemoteTables()
    return bound_in(workspace, flow, environment, remote.table, {}).transformer


def _outcome(transformer: Transformer, **changes: object) -> Outcome:
    record = json.loads((BASE / "specs/examples/parcel.json").read_text(encoding="utf-8"))
    data = json.dumps({**record, "remark": "aGk=", **changes}).encode()
    (found,) = transformer.outcomes(RawRecord(1, 1, data), "parcel.json")
    return found


def _bodies(transformer: Transformer, **changes: object) -> Mapping[str, object]:
    """Return the bodies of a document and of its steps, by what the ledger calls them."""
    steps = with_steps([_outcome(transformer, **changes)], transformer._plan)
    return {one.document: json.loads(one.body) for one in steps if isinstance(one, Document)}


def test_beside_the_document(transformer: Transformer) -> None:
    """The branch and what steps are done with are told apart from what is sent."""
    found = _outcome(transformer)
    assert isinstance(found, Document), found
    assert found.branch == "express"
    assert json.loads(found.body).keys().isdisjoint({"steps", "branch"})
    bodies = _bodies(transformer)
    assert bodies["document.label"] == {"file": "P-7001.pdf", "content": "aGk="}
    assert bodies["document.photo"] == {"file": "P-7001.jpg", "path": "gift"}
    assert bodies["document.PrintLabel"] == {"parameters": {"Copies": {"value": 7001}}}
    label, photo, action = transformer._plan.only.then
    assert (label.attached, photo.attached) == (Attached(), Attached(True, "photos"))
    assert action.told == ("when", "with Copies")


def test_what_a_record_does_not_want(transformer: Transformer) -> None:
    """A step whose condition does not hold, and a file that there is none of, are no steps."""
    for number in (7001, 1):  # the name of a file that is not attached is free
        bodies = _bodies(transformer, weight=3, remark=None, id=number)
        assert list(bodies) == ["document", "document.photo"]


@pytest.mark.parametrize(
    ("changes", "code", "target"),
    [
        ({"number": "P/1"}, "R309", "then label file"),
        ({"number": "P\u202e"}, "R309", "then label file"),
        ({"number": " P"}, "R309", "then label file"),
        ({"tags": "../x"}, "R310", "then photo path"),
        ({"tags": "a\\b"}, "R310", "then photo path"),
        ({"tags": "https://host/%2e%2e/x"}, "R310", "then photo path"),
        ({"tags": "/"}, "R310", "then photo path"),
        ({"remark": "no base64!"}, "R311", "then label content"),
        ({"id": 1}, "R309", "then photo file"),
    ],
)
def test_rejected(
    transformer: Transformer, changes: Mapping[str, object], code: str, target: str
) -> None:
    """What no system takes as a name, a path or a file rejects the record: nothing is sent."""
    found = _outcome(transformer, **changes)
    assert isinstance(found, Rejected)
    assert (code, target) in [(one.code, one.target) for one in found.errors]
