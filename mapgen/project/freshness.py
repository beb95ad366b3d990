"""A flow in, whether its generated code is what its spec says: asked before records are carried.

The manifest has the hash of every generated file, of what each was made from, and of what every
spec does. Times of files say nothing. A spec is compiled only where it, a source schema or a
contract is not what it was: for it may still do the same.
"""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from mapgen.disk.workspace import GENERATED, Workspace
from mapgen.project.written import Digests, read_manifest
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import project as messages


def staleness_of(workspace: Workspace, flow: str, digests: Digests) -> Diagnostic | None:
    """Return the error of generated code that its spec does not say, None where all is well.

    None, too, where there is nothing to compare with: code may be deployed without its manifest.
    """
    entry = read_manifest(workspace).flows.get(flow)
    if entry is None:
        return None
    for name, expected in entry.files.items():
        path = workspace.root / GENERATED / flow / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            return messages.edited_code(path=f"{GENERATED}/{flow}/{name}")
    is_as_it_was = entry.inputs and digests.of(entry.inputs) == entry.inputs
    if not is_as_it_was and _rules(workspace, entry.spec) != entry.rules:
        return messages.stale_code(flow=flow, spec=entry.spec)
    return None


def _rules(workspace: Workspace, path: str) -> str | None:
    """Return the hash of what a spec does, None where it has errors of its own or is gone.

    None, too, on a host without a compiler: it takes code only as it was generated.
    """
    try:
        from mapgen.check.flow import check
        from mapgen.emit.manifest import rules_of
        from mapgen.ir.deciding import decided_flow
        from mapgen.project.loading import Project

        project = Project(workspace)
        flow = project.flow(path)
        around = project.around(flow)
        tables = {name: facts.of_any_values() for name, facts in around.tables.items()}
        named = (flow.auth.target.value, *filter(None, (flow.mapping.sent_to,)))
        at_hand = replace(around, tables=tables, environments=(), connections=named, systems={})
        return rules_of(decided_flow(check(flow, at_hand).flow))
    except (Stopped, ModuleNotFoundError):
        return None
