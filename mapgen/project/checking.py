"""The front half of the compiler: specs in, what is right of them and all errors out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from mapgen.check.environments import check_environments
from mapgen.check.flow import check
from mapgen.check.model import Checked
from mapgen.check.remote import circles
from mapgen.check.reuse import idle_files
from mapgen.check.security import check_secrets
from mapgen.check.sending import check_lead, check_sign_in
from mapgen.disk.workspace import PARTS_SUFFIX, Workspace
from mapgen.project.loading import Project
from mapgen.project.others import check_others
from mapgen.project.specs import Specs, borrowed, merged
from mapgen.report import Diagnostic, Stopped, noting
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue.operations import unknown_connection
from mapgen.spec.model import Spec


class Findings(Struct, frozen=True):
    """What became of the specs: the flows found right, and all errors of the others.

    `specs` are those that were read.
    """

    flows: tuple[Checked, ...]
    diagnostics: tuple[Diagnostic, ...]
    specs: Specs


def check_specs(workspace: Workspace, paths: Iterable[str]) -> Findings:
    """Read and check specs; an error in one keeps none of the others from being checked.

    Of files of parts, those are checked that the specs use or that are named; all of them where all
    specs are.
    """
    diagnostics: list[Diagnostic] = []
    named = dict.fromkeys(paths)
    given = tuple(path for path in named if not path.endswith(PARTS_SUFFIX))
    every = frozenset(workspace.spec_paths())
    is_whole = every.issubset(given)
    project = Project(workspace)
    specs = _read(project, given, diagnostics)
    flows = []
    for flow in specs:
        project.register(flow)
    for flow in specs:
        project.check_files(flow.mapping)
        try:
            flows.append(check(flow, project.around(flow)))
        except Stopped as stopped:
            diagnostics.extend(borrowed(stopped.diagnostics, flow.beside))
    parts = workspace.parts_paths() if is_whole else (one for one in named if one not in given)
    files = list(project.shared.check_files(parts))
    diagnostics.extend(project.shared.failing_examples(None if is_whole else named))
    if is_whole and not project.diagnostics and len(flows) == len(given):
        diagnostics.extend(idle_files(files, flows))
    diagnostics.extend(circles(project.known_flows, [flow.flow.value for flow in specs]))
    connections = {one.name.value: one for one in project.connections}
    for connection in connections.values():
        diagnostics.extend(check_secrets(connection.source, has_credentials=True))
        diagnostics.extend(check_sign_in(connection))
    for environment in project.environments:
        diagnostics.extend(check_lead(environment, connections))
    reported = {diagnostic.label.span for diagnostic in diagnostics if diagnostic.label}
    diagnostics.extend(check_environments(project.environments, specs, reported))
    diagnostics.extend(project.diagnostics)
    diagnostics.extend(check_others(flows, specs, given, project))
    diagnostics.extend(_bases(project, specs, flows))
    diagnostics.extend(_defaults(project, is_whole=every <= {one.source.path for one in specs}))
    project.verdicts.save()
    return Findings(tuple(flows), Stopped(merged(diagnostics)).diagnostics, project.specs)


def _bases(
    project: Project, specs: Sequence[Spec], flows: Sequence[Checked]
) -> Iterator[Diagnostic]:
    """Yield the errors of overlays whose base does not mean what it meant."""
    known: dict[str, Checked | None] = {one.spec.source.path: one for one in flows}
    for flow in specs:
        if flow.overlay is None:
            continue
        from mapgen.project.bases import base_path, check_base  # few specs are overlays

        path = base_path(flow.overlay)
        if path not in known:
            try:
                known[path] = project.checked(project.flow(path))
            except Stopped:
                known[path] = None
        yield from check_base(project, flow, known[path])


def _defaults(project: Project, *, is_whole: bool) -> Iterator[Diagnostic]:
    """Yield what is wrong with the defaults; `is_whole`: all specs of the workspace were read."""
    try:
        defaults = project.specs.defaults()
    except Stopped as stopped:
        yield from stopped.diagnostics
        return
    if defaults is None:
        return
    known = project.workspace.named("connections", ".yaml")
    for one in defaults.connections:
        if one.connection.value not in known:
            yield unknown_connection(one.connection, known=known)
    yield from check_secrets(defaults.source, has_credentials=False)
    if is_whole:
        yield from project.specs.idle_defaults(known)


def _read(project: Project, paths: Iterable[str], diagnostics: list[Diagnostic]) -> list[Spec]:
    specs: dict[str, Spec] = {}
    for path in paths:
        with noting(diagnostics):
            found = project.flow(path)
            first = specs.setdefault(found.flow.value, found)
            if first is not found:
                diagnostics.append(messages.same_flow_twice(found.flow, first=first.flow))
    return list(specs.values())
