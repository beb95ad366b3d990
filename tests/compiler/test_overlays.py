"""Overlays: a flow that extends another one is the flow that is written out with its changes."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.disk.workspace import Workspace
from mapgen.ir.flow import Flow
from mapgen.ir.printing import meaning
from mapgen.project.bases import rebased
from mapgen.project.checking import check_specs
from mapgen.project.compiler import generate
from mapgen.project.freshness import staleness_of
from mapgen.project.loading import Project
from mapgen.project.written import Digests
from mapgen.report import Stopped
from tests.depth import examples

SPECS = Path(__file__).parents[1] / "cases" / "_base" / "specs"
BASE, OVERLAY = "specs/deliveries.maps.yaml", "specs/acme.maps.yaml"
NAMES = {"maps": 1, "flow": "acme", "summary": "Deliveries of ACME"}
OWN = "string(parcel.id) + '-acme-' + settings.depot"

# Changes that may be made, each by itself: what is done at which path.
CHANGES: Mapping[str, tuple[tuple[str, str, Any], ...]] = {
    "a rule": (("replace", "mapping.fields.Weight", {"value": "parcel.weight", "range": "> 0"}),),
    "a modifier": (("replace", "mapping.fields.Remark.too_long", "reject"),),
    "one more": (("add", "mapping.fields.Items.fields.Quantity.omit_if", "value == 3"),),
    "a rule left out": (
        ("remove", "mapping.fields.Remark", None),
        ("add", "mapping.ignore.parcel.remark", "nobody reads it"),
    ),
    "a new rule of rows": (("add", "mapping.fields.Items.fields.Note", {"const": "by hand"}),),
    "a skip": (("replace", "mapping.skip.0.when", "parcel.cancelled || parcel.weight > 99"),),
    "another skip": (
        ("add", "mapping.skip.1", {"when": "parcel.weight > 50", "because": "too heavy"}),
        ("add", "mapping.skip.2", {"when": "parcel.weight > 40", "because": "heavy"}),
    ),
    "a check left out": (
        ("remove", "mapping.checks", None),
        ("add", "mapping.ignore.parcel.value", "declared to nobody"),
        ("add", "mapping.ignore.parcel.items.price", "declared to nobody"),
    ),
    "a data class": (("replace", "security.data.parcel.recipient.street", "confidential"),),
    "more of P": (
        ("add", "performance.batch_size", 7),
        ("replace", "performance.volume.per_day", 5000),
    ),
    "another way back": (("replace", "security.rollback", {"irreversible": "it is gone"}),),
}


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("overlays")
    shutil.copytree(SPECS, root / "specs")
    environment = root / "specs" / "environments" / "test.yaml"
    settings_of_acme = "  acme:\n    depot: south\n    zone: Europe/Lisbon\n"
    environment.write_text(environment.read_text("utf-8") + settings_of_acme, encoding="utf-8")
    return root


def _base(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((root / BASE).read_text("utf-8"), yaml.CSafeLoader)
    return found


def _meaning(workspace: Workspace, path: str = BASE) -> str:
    project = Project(workspace)
    return meaning(project.with_examples(check_specs(workspace, [path]).flows[0]))


def _overlay(root: Path, changes: list[tuple[str, str, Any]], hashed: str) -> str:
    """Return the words of an overlay, whose documents are apart from those of the base."""
    change = {
        path: {does: True if does == "remove" else value, "because": "the client asked for it"}
        for does, path, value in [("replace", "mapping.identity.value", OWN), *changes]
    }
    extends = {"spec": BASE.removeprefix("specs/"), "meaning": hashed}
    return yaml.safe_dump({**NAMES, "extends": extends, "change": change}, sort_keys=False)


def _written_out(root: Path, changes: list[tuple[str, str, Any]]) -> str:
    """Return the words of the base with changes made in it by hand."""
    spec = {**_base(root), **NAMES}
    spec["mapping"]["identity"]["value"] = OWN
    dropped = []
    for does, path, value in changes:
        inside, keys = spec, path.split(".")
        while len(keys) > 1:
            if keys[0] in ("ignore", "data"):
                inside, keys = inside[keys[0]], [".".join(keys[1:])]
                break
            inside, keys = inside[int(keys[0]) if isinstance(inside, list) else keys[0]], keys[1:]
        if isinstance(inside, list):
            inside.append(copy.deepcopy(value))
        elif does == "remove":
            dropped.append((inside, keys[0]))
        else:
            inside[".".join(keys)] = copy.deepcopy(value)
    for inside, key in dropped:
        del inside[key]
    return json.dumps(spec)


def _flow(workspace: Workspace) -> Flow:
    """Return the flow of the client, found right, as it would be if nobody knew of its base."""
    findings = check_specs(workspace, [OVERLAY])
    assert not findings.diagnostics, findings.diagnostics
    return replace(findings.flows[0].flow, extends=None, changes=())


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.sampled_from(sorted(CHANGES)), unique=True), st.randoms(use_true_random=False))
def test_as_if_written_out(root: Path, names: list[str], chance: Any) -> None:
    """Whatever is changed, in whatever order, the flow means what it means when it is written."""
    if {"a modifier", "a rule left out"} <= {*names}:
        names.remove("a modifier")
    changes = [change for name in names for change in CHANGES[name]]
    shuffled = [*changes]
    chance.shuffle(shuffled)
    hashed = _meaning(Workspace(root))

    extended = _flow(Workspace(root, {OVERLAY: _overlay(root, shuffled, hashed)}))
    written = _flow(Workspace(root, {OVERLAY: _written_out(root, changes)}))

    if shuffled == changes:
        assert meaning(extended) == meaning(written)
    assert extended.plan == written.plan
    assert {one.name for one in extended.documents} == {one.name for one in written.documents}
    assert sorted(map(repr, extended.skips)) == sorted(map(repr, written.skips))


def test_the_base_changes(tmp_path: Path, root: Path) -> None:
    """What has changed is told of three sides, until somebody takes it; code is stale meanwhile."""
    shutil.copytree(root / "specs", tmp_path / "specs")
    workspace = Workspace.find(tmp_path)
    changes = [("replace", *CHANGES["a modifier"][0][1:])]
    overlay = _overlay(root, changes, _meaning(workspace))
    (tmp_path / OVERLAY).write_text(overlay, encoding="utf-8")
    files = generate(workspace, workspace.spec_paths())
    workspace.write(files, workspace.staleness(files, {}))
    assert staleness_of(workspace, "acme", Digests(workspace)) is None
    assert "| `mapping.fields.Remark.too_long` | another one | the client asked for it |" in (
        files["generated/acme/ACME.md"]
    )
    before = (tmp_path / BASE).read_text("utf-8")
    changed = before.replace("Weight: parcel.weight", "Weight: parcel.weight * 2").replace(
        "parcel.?remark.trim()", "parcel.?remark.trim().upperAscii()"
    )
    (tmp_path / BASE).write_text(changed, encoding="utf-8")

    (diagnostic,) = check_specs(workspace, workspace.spec_paths()).diagnostics

    assert diagnostic.code == "E716"
    told = "\n".join(diagnostic.notes)
    assert "`Weight` was `parcel.weight`, `parcel.weight`" in told
    assert "it is `parcel.weight`, `parcel.weight * 2`" in told
    assert "changed there and here: `mapping.fields.Remark.too_long`" in told
    assert "changed here alone: `mapping.identity.value`" in told
    assert staleness_of(workspace, "acme", Digests(workspace)) is not None
    (taken,) = rebased(workspace, ["acme"])
    workspace.rewrite(taken.path, taken.before, taken.after)
    assert not check_specs(workspace, workspace.spec_paths()).diagnostics
    with pytest.raises(Stopped, match="extends none"):
        list(rebased(workspace, ["deliveries"]))


def test_a_comment_in_the_base(root: Path) -> None:
    """A comment changes no meaning."""
    text = (root / BASE).read_text("utf-8")
    overlay = _overlay(root, [], _meaning(Workspace(root)))
    drafts = {BASE: f"# for whoever reads it\n{text}", OVERLAY: overlay}

    assert not check_specs(Workspace(root, drafts), [BASE, OVERLAY]).diagnostics


@pytest.mark.parametrize("keys", [["3"], ["1", "3"], ["01"], ["１"], ["9" * 5000]])
def test_what_is_added_to_a_list_has_the_next_numbers(root: Path, keys: list[str]) -> None:
    """No number is left out, and each is written in one way."""
    skip = {"when": "parcel.weight > 50", "because": "too heavy"}
    changes = [("add", f"mapping.skip.{key}", dict(skip)) for key in keys]

    findings = check_specs(Workspace(root, {OVERLAY: _overlay(root, changes, "0" * 64)}), [OVERLAY])

    assert "E713" in {diagnostic.code for diagnostic in findings.diagnostics}


def test_an_overlay_of_an_overlay(root: Path) -> None:
    """A base may be an overlay itself: all changes are in the last one."""
    first = _overlay(root, [*CHANGES["a rule"]], _meaning(Workspace(root)))
    hashed = _meaning(Workspace(root, {OVERLAY: first}), OVERLAY)
    second = json.dumps(
        {
            **NAMES,
            "flow": "branch",
            "extends": {"spec": OVERLAY.removeprefix("specs/"), "meaning": hashed},
            "change": {
                "mapping.fields.Weight.range": {"replace": "> 1", "because": "no letters"},
                "mapping.identity.value": {
                    "replace": "string(parcel.id) + '-branch-' + settings.depot",
                    "because": "its documents are others",
                },
            },
        }
    )
    environment = (root / "specs/environments/test.yaml").read_text("utf-8")
    drafts = {
        OVERLAY: first,
        "specs/branch.maps.yaml": second,
        "specs/environments/test.yaml": environment
        + "  branch:\n    depot: east\n    zone: Europe/Lisbon\n",
    }

    findings = check_specs(Workspace(root, drafts), [BASE, OVERLAY, "specs/branch.maps.yaml"])

    assert not findings.diagnostics
    branch = findings.flows[2]
    assert branch.flow.name == "branch"
    assert [one.path for one in branch.spec.beside] == [OVERLAY, BASE]
    (weight,) = [rule for rule in branch.spec.mapping.rules if rule.target.value == "Weight"]
    assert weight.modifiers.range is not None
    assert weight.modifiers.range.text.value == "> 1"
    assert weight.target.source.path == OVERLAY
