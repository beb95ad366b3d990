"""The compiler's table of contents: the phases in order, each from one data type to the next.

path --workspace--> Source --read--> Spec --check--> Checked --lower--> ir.Flow --emit--> files
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mapgen.check.environments import check_environments
from mapgen.check.flow import check
from mapgen.check.live import circles
from mapgen.check.model import Checked
from mapgen.check.security import check_secrets
from mapgen.emit.files import emit, texts
from mapgen.emit.manifest import manifest
from mapgen.emit.python.formatting import FORMATTER, WrongFormatter
from mapgen.inversion import returning
from mapgen.loading import Shelf
from mapgen.lower.flow import lower
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import project
from mapgen.spec.model import Spec
from mapgen.spec.reader import read_spec
from mapgen.workspace import Workspace
from mapgen.written import Digests, inputs_of


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of the specs: the flows found right, and all faults of the others."""

    flows: tuple[Checked, ...]
    faults: tuple[Diagnostic, ...]


def check_specs(workspace: Workspace, paths: Iterable[str]) -> Findings:
    """Read and check specs; a fault in one keeps none of the others from being checked."""
    faults: list[Diagnostic] = []
    specs = _read(workspace, paths, faults)
    shelf = Shelf(workspace)
    flows = []
    for flow in specs:
        shelf.meet(flow)
    for flow in specs:
        shelf.look_over(flow.mapping)
        try:
            flows.append(returning(check(flow, shelf.around(flow))))
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
    faults.extend(circles(shelf.known_flows, [flow.flow.value for flow in specs]))
    for connection in shelf.connections():
        faults.extend(check_secrets(connection.source))
    idle = {fault.label.span for fault in faults if fault.code == "E314" and fault.label}
    faults.extend(check_environments(shelf.environments(), specs, idle))
    faults.extend(shelf.faults)
    return Findings(tuple(flows), Stopped(faults).diagnostics)


def generate(
    workspace: Workspace, paths: Iterable[str], *, is_release: bool = False
) -> Mapping[str, str]:
    """Compile specs; return the text of every file of `generated/`, by path from the workspace.

    Raises Stopped with every fault of the specs and of the files that they refer to; for a release
    every rule that is only proposed is one, too.
    """
    findings = check_specs(workspace, paths)
    if any(fault.severity == "error" for fault in findings.faults):
        raise Stopped(findings.faults)
    shelf = Shelf(workspace)
    faults: list[Diagnostic] = list(_unreviewed(findings)) if is_release else []
    flows = []
    for checked in findings.flows:
        try:
            flows.append(lower(checked, shelf.samples(checked)))
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
    if faults:
        raise Stopped(faults)
    try:
        files = [file for flow in flows for file in emit(flow)]
    except WrongFormatter as wrong:
        raise Stopped([project.wrong_formatter(FORMATTER, wrong.installed)]) from None
    digests = Digests(workspace)
    inputs = {one.spec.flow.value: digests.of(inputs_of(one.spec)) for one in findings.flows}
    return texts([*files, manifest(flows, files, inputs)])


def _unreviewed(findings: Findings) -> Iterator[Diagnostic]:
    for flow in findings.flows:
        for rule in flow.spec.mapping.rules:
            if rule.modifiers.proposed is not None:
                yield project.unreviewed_rule(rule.target)


def _read(workspace: Workspace, paths: Iterable[str], faults: list[Diagnostic]) -> list[Spec]:
    specs: dict[str, Spec] = {}
    for path in paths:
        try:
            found = read_spec(workspace.read(path, "the spec"))
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
            continue
        first = specs.setdefault(found.flow.value, found)
        if first is not found:
            faults.append(project.same_flow_twice(first.flow, found.flow))
    return list(specs.values())
