"""The compiler's table of contents: the phases in order, each from one data type to the next.

path --workspace--> Source --read--> Spec --check--> ir.Flow --emit--> files
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from mapgen.check.sources import catches_new_fields
from mapgen.disk.workspace import Workspace
from mapgen.emit.files import emit
from mapgen.emit.manifest import manifest
from mapgen.emit.python.formatting import STYLE_YEAR, WrongFormatter, require_style
from mapgen.project.checking import Findings, check_specs
from mapgen.project.loading import Project
from mapgen.project.written import Digests, inputs_of
from mapgen.report import Diagnostic, Stopped, noting
from mapgen.report.catalogue import project as messages


def generate(
    workspace: Workspace,
    paths: Iterable[str],
    *,
    is_release: bool = False,
    others: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> Mapping[str, str]:
    """Compile specs; return the text of every file that they become, by path from the workspace.

    `others` is what the manifest says of flows that are not compiled, and stays.

    Raises Stopped with every error of the specs and of the files that they refer to; for a release
    every rule that is only proposed is one, too, and every ignored pattern that takes what comes.
    """
    findings = check_specs(workspace, paths)
    if any(diagnostic.severity == "error" for diagnostic in findings.diagnostics):
        raise Stopped(findings.diagnostics)
    project = Project(workspace)
    diagnostics: list[Diagnostic] = list(_unreviewed(findings)) if is_release else []
    flows = []
    for checked in findings.flows:
        with noting(diagnostics):
            flows.append(project.with_examples(checked))
    if diagnostics:
        raise Stopped(diagnostics)
    try:
        require_style()
        files = {path: text for flow in flows for path, text in emit(flow).items()}
    except WrongFormatter as wrong:
        raise Stopped(
            messages.wrong_formatter(year=STYLE_YEAR, installed=wrong.installed)
        ) from None
    digests = Digests(workspace)
    for one in findings.flows:
        path = one.spec.source.path
        digests.note(path, findings.specs.node(path))
    inputs = {one.spec.flow.value: digests.of(inputs_of(one.spec)) for one in findings.flows}
    return {**files, "generated/manifest.json": manifest(flows, files, inputs, others)}


def _unreviewed(findings: Findings) -> Iterator[Diagnostic]:
    for flow in findings.flows:
        for rule in flow.spec.mapping.rules:
            if rule.modifiers.proposed is not None:
                yield messages.unreviewed_rule(rule.target)
        for ignore in flow.spec.mapping.ignores:
            if catches_new_fields(ignore.path.value):
                yield messages.broad_ignore(ignore.path)
