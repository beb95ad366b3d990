"""The front half of the compiler: specs in, what is right of them and all faults out."""

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
from mapgen.project.loading import Shelf
from mapgen.project.others import check_others
from mapgen.project.specs import Specs, borrowed, merged
from mapgen.report import Diagnostic, Stopped, noting
from mapgen.report.catalogue import project
from mapgen.report.catalogue.operations import unknown_connection
from mapgen.spec.model import Spec


class Findings(Struct, frozen=True):
    """What became of the specs: the flows found right, and all faults of the others.

    `specs` are those that were read.
    """

    flows: tuple[Checked, ...]
    faults: tuple[Diagnostic, ...]
    specs: Specs


def check_specs(workspace: Workspace, paths: Iterable[str]) -> Findings:
    """Read and check specs; a fault in one keeps none of the others from being checked.

    Of files of parts, those are checked that the specs use or that are named; all of them where all
    specs are.
    """
    faults: list[Diagnostic] = []
    named = dict.fromkeys(paths)
    given = tuple(path for path in named if not path.endswith(PARTS_SUFFIX))
    every = frozenset(workspace.spec_paths())
    is_whole = every.issubset(given)
    shelf = Shelf(workspace)
    specs = _read(shelf, given, faults)
    flows = []
    for flow in specs:
        shelf.meet(flow)
    for flow in specs:
        shelf.look_over(flow.mapping)
        try:
            flows.append(check(flow, shelf.around(flow)))
        except Stopped as stopped:
            faults.extend(borrowed(stopped.diagnostics, flow.beside))
    parts = workspace.parts_paths() if is_whole else (one for one in named if one not in given)
    files = list(shelf.shared.check_files(parts))
    faults.extend(shelf.shared.failing_examples(None if is_whole else named))
    if is_whole and not shelf.faults and len(flows) == len(given):
        faults.extend(idle_files(files, flows))
    faults.extend(circles(shelf.known_flows, [flow.flow.value for flow in specs]))
    connections = {one.name.value: one for one in shelf.connections}
    for connection in connections.values():
        faults.extend(check_secrets(connection.source, has_credentials=True))
        faults.extend(check_sign_in(connection))
    for environment in shelf.environments:
        faults.extend(check_lead(environment, connections))
    told = {fault.label.span for fault in faults if fault.label}
    faults.extend(check_environments(shelf.environments, specs, told))
    faults.extend(shelf.faults)
    faults.extend(check_others(flows, specs, given, shelf))
    faults.extend(_bases(shelf, specs, flows))
    faults.extend(_defaults(shelf, is_whole=every <= {one.source.path for one in specs}))
    shelf.verdicts.save()
    return Findings(tuple(flows), Stopped(merged(faults)).diagnostics, shelf.specs)


def _bases(shelf: Shelf, specs: Sequence[Spec], flows: Sequence[Checked]) -> Iterator[Diagnostic]:
    """Yield the faults of overlays whose base does not mean what it meant."""
    known: dict[str, Checked | None] = {one.spec.source.path: one for one in flows}
    for flow in specs:
        if flow.overlay is None:
            continue
        from mapgen.project.bases import base_path, check_base  # few specs are overlays

        path = base_path(flow.overlay)
        if path not in known:
            try:
                known[path] = shelf.checked(shelf.flow(path))
            except Stopped:
                known[path] = None
        yield from check_base(shelf, flow, known[path])


def _defaults(shelf: Shelf, *, is_whole: bool) -> Iterator[Diagnostic]:
    """Yield what is wrong with the defaults; `is_whole`: all specs of the workspace were read."""
    try:
        defaults = shelf.specs.defaults()
    except Stopped as stopped:
        yield from stopped.diagnostics
        return
    if defaults is None:
        return
    known = shelf.workspace.named("connections", ".yaml")
    for one in defaults.connections:
        if one.connection.value not in known:
            yield unknown_connection(one.connection, known=known)
    yield from check_secrets(defaults.source, has_credentials=False)
    if is_whole:
        yield from shelf.specs.idle_defaults(known)


def _read(shelf: Shelf, paths: Iterable[str], faults: list[Diagnostic]) -> list[Spec]:
    specs: dict[str, Spec] = {}
    for path in paths:
        with noting(faults):
            found = shelf.flow(path)
            first = specs.setdefault(found.flow.value, found)
            if first is not found:
                faults.append(project.same_flow_twice(found.flow, first=first.flow))
    return list(specs.values())
