"""Defaults of a workspace: a flow that leaves keys out is the flow that writes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.agreed.plan import Plan
from mapgen.disk.workspace import DEFAULTS, Workspace
from mapgen.ir.printing import meaning
from mapgen.project.checking import check_specs
from mapgen.project.compiler import generate
from mapgen.project.freshness import staleness_of
from mapgen.project.written import Digests
from mapgen.report import Diagnostic
from tests.depth import examples

SPECS = Path(__file__).parents[1] / "cases" / "_base" / "specs"
SPEC = "specs/deliveries.maps.yaml"
# What may be shared of each section, in two wordings each.
SHARED: Mapping[tuple[str, str], tuple[object, object]] = {
    ("auth", "target"): ("depot", "depot"),
    ("performance", "mode"): ("queued", "batch"),
    ("performance", "schedule"): ("every hour", "on demand"),
    ("performance", "latency"): ({"p95": "60s"}, {"p95": "5m"}),
    ("performance", "batch_size"): (7, 20),
    ("performance", "concurrency"): (1, 2),
    ("performance", "alerts"): ({"lag": "> 10m"}, {}),
    ("security", "retry"): (
        {"attempts": 3, "first": "1s", "ceiling": "9s"},
        {"attempts": 5, "first": "2s", "ceiling": "8s"},
    ),
    ("security", "circuit_breaker"): (
        {"failures": 3, "within": "60s", "cool_down": "9s"},
        {"failures": 4, "within": "50s", "cool_down": "8s"},
    ),
    ("security", "dead_letter"): ({"keep": "3d"}, {"keep": "4d"}),
    ("security", "verify"): ("strict", "off"),
}

Sections = dict[str, dict[str, object]]


@pytest.fixture(name="specs", scope="module")
def _specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("defaults")
    shutil.copytree(SPECS, root / "specs")
    return root


def _workspace(root: Path, own: Sections, defaults: Mapping[str, object] | None) -> Workspace:
    """Return a workspace in whose only flow nothing is written that may be shared but `own`."""
    spec = yaml.load((root / SPEC).read_text("utf-8"), yaml.CSafeLoader)
    for section, key in SHARED:
        spec[section].pop(key, None)
    for section, keys in own.items():
        spec[section] |= keys
    del spec["auth"]["access"]
    if not spec["auth"]:
        del spec["auth"]
    drafts = {SPEC: json.dumps(spec)}
    if defaults is not None:
        drafts[DEFAULTS] = json.dumps({"defaults": 1, **defaults})
    return Workspace(root, drafts)


def _checked(workspace: Workspace) -> tuple[str, Plan, tuple[Diagnostic, ...]]:
    findings = check_specs(workspace, workspace.spec_paths())
    assert not [
        diagnostic for diagnostic in findings.diagnostics if diagnostic.severity == "error"
    ], findings.diagnostics
    flow = findings.flows[0].flow
    return meaning(flow), flow.plan, findings.diagnostics


@settings(max_examples=examples(15), deadline=None)
@given(st.data())
def test_as_if_written(specs: Path, data: st.DataObject) -> None:
    """Wherever a value is, in the flow, for its connection or for all: the nearest holds."""
    where = st.sets(st.sampled_from(["own", "connection", "all"]))
    parts: dict[str, Sections] = {"own": {}, "connection": {}, "all": {}, "written": {}}
    for (section, key), values in SHARED.items():
        places = data.draw(where)
        if section == "auth":
            places = places - {"connection"} or {"all"}
        elif key == "mode":
            places = places or {"connection"}
        found = {place: data.draw(st.sampled_from(values)) for place in sorted(places)}
        nearest = next((found[one] for one in ("own", "connection", "all") if one in found), None)
        for place, value in (*found.items(), *((("written", nearest),) if found else ())):
            parts[place].setdefault(section, {})[key] = value
    shared = _checked(
        _workspace(
            specs, parts["own"], parts["all"] | {"connections": {"depot": parts["connection"]}}
        )
    )
    written = _checked(_workspace(specs, parts["written"], None))

    assert shared[:2] == written[:2]


def test_another_connection(specs: Path) -> None:
    """What is said of a connection holds for its flows alone."""
    defaults = {
        "auth": {"target": "depot"},
        "performance": {"mode": "queued"},
        "connections": {"depot": {"performance": {"batch_size": 5}}},
    }

    _, plan, diagnostics = _checked(_workspace(specs, {}, defaults))

    assert (plan.connection, plan.batch_size, diagnostics) == ("depot", 5, ())


def test_generated_code_is_stale(tmp_path: Path) -> None:
    """Generated code is stale once defaults change what it does, be they changed or new."""
    shutil.copytree(SPECS, tmp_path / "specs")
    workspace = Workspace.find(tmp_path)
    files = generate(workspace, workspace.spec_paths())
    workspace.write(files, workspace.staleness(files, {}))

    def stale() -> bool:
        return staleness_of(workspace, "deliveries", Digests(workspace)) is not None

    assert not stale()
    for batch_size, is_stale in ((100, False), (7, True), (100, False)):
        text = f"defaults: 1\nperformance: {{batch_size: {batch_size}}}\n"
        (tmp_path / DEFAULTS).write_text(text, encoding="utf-8")
        assert stale() is is_stale
    changed = generate(workspace, workspace.spec_paths())
    assert [path for path in files if files[path] != changed[path]] == ["generated/manifest.json"]
