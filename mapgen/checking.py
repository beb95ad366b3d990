"""The front half of the compiler: specs in, what is right of them and all faults out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from msgspec import Struct

from mapgen.bases import base_path, check_base
from mapgen.check.environments import check_environments
from mapgen.check.flow import check
from mapgen.check.model import Checked
from mapgen.check.owners import check_owners
from mapgen.check.remote import circles
from mapgen.check.reuse import idle_files
from mapgen.check.security import check_secrets
from mapgen.check.writers import kind_of
from mapgen.loading import Shelf
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import owners, project
from mapgen.report.catalogue.operations import unknown_connection
from mapgen.spec.model import Spec
from mapgen.specs import Specs, borrowed, merged
from mapgen.workspace import PARTS_SUFFIX, Workspace


class Findings(Struct, frozen=True):
    """What became of the specs: the flows found right, and all faults of the others.

    `specs` are those that were read.
    """

    flows: tuple[Checked, ...]
    faults: tuple[Diagnostic, ...]
    specs: Specs


def check_specs(workspace: Workspace, paths: Iterable[str]) -> Findings:
    """Read and check specs; a fault in one keeps none of the others from being checked."""
    faults: list[Diagnostic] = []
    # All files of parts are checked, named or not.
    given = tuple(path for path in paths if not path.endswith(PARTS_SUFFIX))
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
    files = list(shelf.shared.check_files())
    faults.extend(shelf.shared.failing_examples())
    if not shelf.faults and len(flows) == len(given) == len(workspace.spec_paths()):
        faults.extend(idle_files(files, flows))
    faults.extend(circles(shelf.known_flows, [flow.flow.value for flow in specs]))
    for connection in shelf.connections():
        faults.extend(check_secrets(connection.source, has_credentials=True))
    told = {fault.label.span for fault in faults if fault.label}
    faults.extend(check_environments(shelf.environments(), specs, told))
    faults.extend(shelf.faults)
    faults.extend(_owners(flows, specs, given, shelf))
    read = {one.source.path for one in specs}
    faults.extend(_bases(shelf, specs, flows))
    faults.extend(_defaults(shelf, is_whole=read.issuperset(workspace.spec_paths())))
    return Findings(tuple(flows), Stopped(merged(faults)).diagnostics, shelf.specs)


def _bases(shelf: Shelf, specs: Sequence[Spec], flows: Sequence[Checked]) -> Iterator[Diagnostic]:
    """Yield the faults of overlays whose base does not mean what it meant."""
    known: dict[str, Checked | None] = {one.spec.source.path: one for one in flows}
    for flow in specs:
        if flow.overlay is None:
            continue
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


def _owners(
    flows: Sequence[Checked], specs: Sequence[Spec], given: Container[str], shelf: Shelf
) -> Iterator[Diagnostic]:
    """Yield what is wrong between these flows and all of the workspace, as far as it can be seen.

    Of the flows that are not looked at, only those that write the same documents are checked.
    """
    documents = [one for flow in flows for one in flow.spec.mapping.documents]
    kinds = {kind_of(one) for one in documents if one.target.kind.keeps_documents}
    named = {one.owner.value.partition(".")[0] for one in documents if one.owner is not None}
    if not kinds:
        return
    right = {flow.flow.name for flow in flows}
    known = {one.flow.value for one in specs}  # what is looked at stands for the file of its name
    others: dict[str, Checked | None] = dict.fromkeys(known - right)
    words = {entity for entity, _ in kinds} | named
    for path, name, found in shelf.others({one.source.path for one in specs}, words):
        if name in known or (found is not None and not _writes(found, kinds, named)):
            continue
        checked = None if found is None else shelf.checked(found)
        if checked is None and path not in given:
            yield owners.unseen_flow(spec=path)
        if name is not None:
            others[name] = checked
    yield from check_owners(flows, others, shelf.environments())


def _writes(flow: Spec, kinds: Container[tuple[str, str]], named: Container[str]) -> bool:
    """Whether a flow is one of those named, or writes documents of these kinds."""
    return flow.flow.value in named or any(
        kind_of(one) in kinds for one in flow.mapping.documents if one.target.kind.keeps_documents
    )


def _read(shelf: Shelf, paths: Iterable[str], faults: list[Diagnostic]) -> list[Spec]:
    specs: dict[str, Spec] = {}
    for path in paths:
        try:
            found = shelf.flow(path)
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
            continue
        first = specs.setdefault(found.flow.value, found)
        if first is not found:
            faults.append(project.same_flow_twice(found.flow, first=first.flow))
    return list(specs.values())
