"""A flow in, whether its generated code is what its spec says: asked before records are carried.

The manifest has the hash of every generated file, and of what every spec does. The spec itself
is compiled only where it, a source schema or a contract is younger than the manifest.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec

from mapgen.check.flow import check
from mapgen.emit.manifest import rules_of
from mapgen.loading import Shelf
from mapgen.lower.flow import lower
from mapgen.lower.samples import Samples
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import project as messages
from mapgen.spec.reader import read_spec
from mapgen.workspace import GENERATED, SPECS, Workspace

_MANIFEST = f"{GENERATED}/manifest.json"


class _Entry(msgspec.Struct):
    spec: str
    rules: str
    files: dict[str, str]


class _Manifest(msgspec.Struct):
    flows: dict[str, _Entry]


def staleness_of(workspace: Workspace, flow: str) -> Diagnostic | None:
    """Return the fault of generated code that its spec does not say, None where all is well.

    None, too, where there is nothing to compare with: code may be deployed without its manifest.
    """
    try:
        text = (workspace.root / _MANIFEST).read_bytes()
        entry = msgspec.json.decode(text, type=_Manifest).flows.get(flow)
    except (OSError, msgspec.DecodeError):
        return None
    if entry is None:
        return None
    for name, expected in entry.files.items():
        path = workspace.root / GENERATED / flow / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            return messages.edited_code(f"{GENERATED}/{flow}/{name}")
    if _is_younger(workspace, entry.spec) and _rules(workspace, entry.spec) != entry.rules:
        return messages.stale_code(flow, entry.spec)
    return None


def _is_younger(workspace: Workspace, spec: str) -> bool:
    """Whether the spec, or what types it, was written after the manifest.

    Settings and lookup tables are what a flow works with, not what it says.
    """
    written = (workspace.root / _MANIFEST).stat().st_mtime_ns
    specs = workspace.root / SPECS
    files = (workspace.root / spec, *specs.rglob("*.schema.json"), *specs.glob("contracts/*"))
    return any(path.is_file() and path.stat().st_mtime_ns > written for path in files)


def _rules(workspace: Workspace, path: str) -> str | None:
    """Return the hash of what a spec does, None where it has faults of its own or is gone."""
    shelf = Shelf(workspace)
    try:
        flow = read_spec(workspace.read(path, "the spec"))
        around = shelf.around(flow)
        tables = {name: replace(facts, longest=0) for name, facts in around.tables.items()}
        at_hand = replace(
            around, tables=tables, environments=(), connections=(flow.auth.target.value,)
        )
        return rules_of(lower(check(flow, at_hand), Samples((), (), ())))
    except Stopped:
        return None
