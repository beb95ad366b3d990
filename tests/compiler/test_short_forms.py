"""Short forms: a flow that uses one is the flow that writes the same out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.ir.flow import Flow
from mapgen.ir.printing import meaning
from mapgen.project.checking import check_specs
from mapgen.project.loading import Project
from mapgen.report import Diagnostic, Source
from mapgen.spec import model
from mapgen.spec.changes import overlaid
from mapgen.spec.nodes import MapNode, read_yaml
from mapgen.spec.reader import bound
from tests.compiler.cases import CASES, SPEC, build

EXAMPLE = (
    "    - {name: one parcel, given: examples/parcel.json, gives: examples/parcel.Delivery.json}\n"
)
CLASSES = "  data:\n    parcel.recipient.street: personal\n"
IGNORED = "    parcel.tags: marketing data\n"
DROPPED = "    Remark: {value: parcel.?remark.trim(), too_long: truncate}\n"
# Words of the base, a short form of them, and the long one.
FORMS: Mapping[str, tuple[str, str, str]] = {
    "a reason of one field": (IGNORED, "    marketing data: [parcel.tags]\n", IGNORED),
    "a reason of several fields": (
        IGNORED,
        "    nobody reads it: [parcel.tags, parcel.remark]\n",
        "    parcel.tags: nobody reads it\n    parcel.remark: nobody reads it\n",
    ),
    "an example by name": (EXAMPLE, "    examples/parcel: one parcel\n", EXAMPLE),
    "a default": (
        "    Carrier: {lookup: carriers, key: parcel.service}\n",
        "    Carrier: {lookup: carriers, key: parcel.?remark, default: parcel.service}\n",
        "    Carrier: {lookup: carriers, key: parcel.?remark, if_missing: parcel.service,"
        " otherwise: parcel.service}\n",
    ),
}


def _flow(root: Path, *changes: tuple[str, str]) -> Flow:
    """Return the flow of the base with words in the place of others, with its examples."""
    path = build("_base", root) / SPEC
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return _read(root)


def _read(root: Path) -> Flow:
    workspace = Workspace(root / "workspace")
    findings = check_specs(workspace, workspace.spec_paths())
    assert not findings.diagnostics, [diagnostic.message for diagnostic in findings.diagnostics]
    return Project(workspace).with_examples(findings.flows[0])


@pytest.mark.parametrize("form", FORMS)
def test_the_same_flow(form: str, tmp_path: Path) -> None:
    """A short form means what the long one means, to the last example and ignored field."""
    words, short, long = FORMS[form]
    other = ((DROPPED, ""),) if "parcel.remark" in short else ()

    one, two = (
        _flow(tmp_path / name, (words, form), *other)
        for name, form in (("short", short), ("long", long))
    )

    assert meaning(one) == meaning(two)
    assert (one.examples, one.ignored) == (two.examples, two.ignored)


def test_documents_by_name(tmp_path: Path) -> None:
    """Where a record becomes several documents, the file of an example's pair is called so."""
    root = build("_base", tmp_path)
    shutil.copytree(CASES / "_documents" / "specs", root / "specs", dirs_exist_ok=True)
    pair = root / "specs" / "examples" / "parcel.Delivery.json"
    pair.rename(pair.with_name("parcel.documents.json"))
    path = root / SPEC
    text = path.read_text("utf-8")
    assert text.count(EXAMPLE) == 1
    path.write_text(text.replace(EXAMPLE, "    examples/parcel: one parcel\n"), "utf-8")

    [example] = _read(tmp_path).examples

    assert example.name == "one parcel"


@pytest.mark.parametrize(
    ("change", "ignored"),
    [
        ("mapping.ignore.parcel.tags: {remove: true, because: read}", ["parcel.remark"]),
        ("mapping.ignore.parcel.tags: {replace: noise, because: so}", None),
        ("mapping.ignore.no use: {remove: true, because: read}", []),
    ],
)
def test_overlays_change_single_fields(
    change: str, ignored: list[str] | None, tmp_path: Path
) -> None:
    """A field that shares its reason is changed by its path; the reason is, with all of them."""
    base = read_yaml(
        Source("base", "maps: 1\nmapping: {ignore: {no use: [parcel.tags, parcel.remark]}}\n")
    )
    extends = f"extends: {{spec: base.maps.yaml, meaning: {'a' * 64}}}"
    text = f"maps: 1\nflow: acme\n{extends}\nchange: {{{change}}}\n"
    overlay = bound(read_yaml(Source("acme", text)), model.Overlay)
    diagnostics: list[Diagnostic] = []

    assert isinstance(base, MapNode)
    whole = overlaid(base, overlay, diagnostics)

    assert isinstance(whole, MapNode)
    assert not diagnostics
    section = whole.get("mapping")
    assert isinstance(section, MapNode)
    found = section.get("ignore")
    assert isinstance(found, MapNode)
    kept = [entry.key.value for entry in found.entries]
    assert kept == (["parcel.tags", "parcel.remark"] if ignored is None else ignored)


def _defaults(root: Path, words: str) -> None:
    (root / "workspace" / "specs" / "defaults.yaml").write_text(f"defaults: 1\n{words}", "utf-8")


@pytest.mark.parametrize(
    "classes",
    ["{personal: [recipient.street]}", "{confidential: ['recipient.str*']}"],
)
def test_data_classes_of_a_schema(classes: str, tmp_path: Path) -> None:
    """A flow masks what is said of its schema, and may say nothing of it itself."""
    written = _flow(tmp_path / "written")
    build("_base", tmp_path / "shared")
    path = tmp_path / "shared" / "workspace" / SPEC
    path.write_text(path.read_text("utf-8").replace(CLASSES, ""), "utf-8")
    _defaults(tmp_path / "shared", f"data: {{schemas/parcel.schema.json: {classes}}}\n")

    assert _read(tmp_path / "shared").personal == written.personal


def test_data_classes_beside_the_flows_own(tmp_path: Path) -> None:
    """What a flow says itself stays, and what is said of the schema comes beside it."""
    build("_base", tmp_path)
    _defaults(tmp_path, "data: {schemas/parcel.schema.json: {personal: [remark]}}\n")

    assert set(_read(tmp_path).personal) == {"parcel.recipient.street", "parcel.remark"}


@pytest.mark.parametrize(
    ("connection", "mode", "everyone", "batch_size"),
    [(True, True, True, 3), (False, True, True, 5), (False, False, True, 7)],
)
def test_defaults_of_a_mode(
    connection: bool, mode: bool, everyone: bool, batch_size: int, tmp_path: Path
) -> None:
    """The connection comes before the mode, the mode before all."""
    build("_base", tmp_path)
    words = "performance: {batch_size: 7}\n" if everyone else ""
    said = "{performance: {batch_size: 5}}"
    if mode:
        words += f"modes: {{queued: {said}}}\n"
    if connection:
        words += "connections: {depot: {performance: {batch_size: 3}}}\n"
    _defaults(tmp_path, words)
    workspace = Workspace(tmp_path / "workspace")
    findings = check_specs(workspace, workspace.spec_paths())

    assert {diagnostic.severity for diagnostic in findings.diagnostics} <= {"warning"}
    assert findings.flows[0].flow.plan.batch_size == batch_size


ROLLBACK = "  rollback: {undo: {action: CancelDelivery}}\n"


def test_the_way_back_of_an_entity(tmp_path: Path) -> None:
    """How documents are taken back may be said of their entity: then a flow need not say it."""
    path = build("_base", tmp_path) / SPEC
    path.write_text(path.read_text("utf-8").replace(ROLLBACK, ""), "utf-8")
    _defaults(
        tmp_path, "entities: {Delivery: {security: {rollback: {irreversible: it is gone}}}}\n"
    )

    assert isinstance(_read(tmp_path), Flow)
    _defaults(tmp_path, "entities: {Receipt: {security: {rollback: {irreversible: it is gone}}}}\n")
    findings = check_specs(Workspace(tmp_path / "workspace"), (SPEC,))
    assert [
        diagnostic.code for diagnostic in findings.diagnostics if diagnostic.severity == "error"
    ] == ["E113"]
