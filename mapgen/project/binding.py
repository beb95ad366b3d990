"""A flow of a workspace bound to an environment, and what becomes of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from mapgen.disk.boundary import reason_of
from mapgen.disk.workspace import GENERATED, SPECS, Workspace
from mapgen.project.freshness import staleness_of
from mapgen.project.named import spec_of
from mapgen.project.specs import Specs
from mapgen.project.written import Digests
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue import reading
from mapgen.runtime.joins import Joins
from mapgen.runtime.lookups import Remote
from mapgen.runtime.outcome import ErrorReport, Origin, Outcome, Rejected, holding
from mapgen.runtime.sources.cells import HeaderError
from mapgen.runtime.sources.plain import UnfitBytes
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import (
    BindingError,
    DamagedFlow,
    LoadedFlow,
    Transformer,
    bound,
    load_flow,
    load_plan,
)
from mapgen.spec.model import Environment
from mapgen.spec.nodes import Node, read_yaml
from mapgen.spec.pointers import nearest_place

if TYPE_CHECKING:
    from mapgen.agreed.plan import Plan
    from mapgen.runtime.environment import Environment as RunEnvironment
    from mapgen.runtime.feeds.kind import Page
    from mapgen.runtime.ledger import Kept

_UNREADABLE = "R101"


class BoundFlow(Struct, frozen=True):
    """A flow at work in one environment."""

    workspace: Workspace
    flow: LoadedFlow
    environment: Environment
    transformer: Transformer

    @property
    def run_in(self) -> RunEnvironment:
        """Where it delivers, and what it asks.

        Raises Stopped for connections that lead nowhere and variables that are not set, and
        EnvironmentInvalid for values that no run can use.
        """
        from mapgen.project.leads import environment_of_run  # who only transforms needs none

        return environment_of_run(self.workspace, self.environment, self.flow.plan)


def loaded(workspace: Workspace, name: str) -> LoadedFlow:
    """Return the generated code of a flow that a spec of this workspace defines. Raises Stopped."""
    path, specs = spec_of(workspace, name), Specs(workspace)
    places = _places(workspace, specs.whole(path).root)
    with generated(workspace, name) as folder:
        flow = load_flow(folder, places)
    digests = Digests(workspace)
    digests.note(path, specs.node(path))
    if diagnostic := staleness_of(workspace, name, digests):
        raise Stopped(diagnostic)
    return flow


def plan_of(workspace: Workspace, name: str) -> Plan:
    """Return what was decided when a flow was generated last, stale or not. Raises Stopped."""
    with generated(workspace, name) as folder:
        return load_plan(folder)


@contextmanager
def generated(workspace: Workspace, flow: str) -> Iterator[Path]:
    """Give the folder of a flow; what is read of it inside may be missing, or damaged.

    Raises Stopped.
    """
    folder = f"{GENERATED}/{flow}"
    try:
        yield workspace.root / folder
    except (FileNotFoundError, NotADirectoryError):
        raise Stopped(messages.not_generated(flow=flow)) from None
    except OSError as error:
        raise Stopped(reading.file_unreadable(path=folder, reason=reason_of(error))) from None
    except DamagedFlow as error:
        raise Stopped(messages.damaged_flow(flow=flow, reason=str(error))) from None


def bound_in(
    workspace: Workspace,
    flow: LoadedFlow,
    environment: Environment,
    remote: Remote,
    tables: Mapping[str, Path],
) -> BoundFlow:
    """Return a flow bound to an environment.

    `remote` gives the tables for lookups in the ledger and in the tenant, `tables` are files to use
    instead, by lookup. Raises Stopped for settings or tables that do not fit.
    """
    name = flow.plan.flow
    of_flow = environment.settings.get(name, {})
    values = {key: setting.value.value for key, setting in of_flow.items()}
    try:
        bound_to = bound(flow, values, workspace.root / SPECS, remote, tables)
    except BindingError as error:
        where = environment.name.value
        raise Stopped(
            messages.cannot_bind(flow=name, environment=where, reason=str(error))
        ) from None
    return BoundFlow(workspace, flow, environment, flow.transformer(bound_to))


def outcomes_of(bound_flow: BoundFlow, page: Page) -> Iterator[Outcome]:
    """Yield what becomes of each record of a page, with the record itself where it can be read.

    A page that is none as a whole is one record that is rejected: nobody waits for a better one.
    """
    unread, is_any = "", False
    try:
        for raw in bound_flow.flow.records(page.stream, page.file or page.name):
            of_record = bound_flow.transformer.outcomes(raw, page.name)
            for outcome in of_record if raw.broken else holding(of_record, raw.data):
                reason = _reason_unread(outcome)
                unread, is_any = unread or reason, is_any or not reason
                yield outcome
        if unread and not is_any:
            page.failed(unread)
    except (HeaderError, UnfitBytes) as error:
        page.failed(str(error))
        yield Rejected(Origin(page.name, 0, 1), (ErrorReport(_UNREADABLE, str(error)),))


def _reason_unread(outcome: Outcome) -> str:
    """Return why a record is none; nothing where it is one, whatever becomes of it."""
    if not isinstance(outcome, Rejected):
        return ""
    return next((one.message for one in outcome.errors if one.code == _UNREADABLE), "")


def once_more(bound_flow: BoundFlow, kept: Kept, joins: Joins | None = None) -> Iterator[Outcome]:
    """Yield what becomes of a record today that an earlier run let wait."""
    origin = kept.origin
    raw = RawRecord(origin.record, origin.line, kept.data)
    for inner in bound_flow.flow.source.unwrapped(raw):
        whole = inner if joins is None else joins.joined(inner)
        again = bound_flow.transformer.outcomes(whole, origin.file, again=True)
        yield from holding(again, kept.data)


def _places(workspace: Workspace, root: Node) -> Callable[[str], str | None]:
    """Return what gives the line of a rule in the spec, or in a file of parts, as these are now."""
    files: dict[str, Node | None] = {"": root}

    def found(pointer: str) -> str | None:
        path, _, inside = pointer.rpartition("#")
        if path not in files:
            files[path] = _read_if_there(workspace, path)
        node = files[path]
        span = None if node is None else nearest_place(node, inside)
        return None if span is None else str(span)

    return found


def _read_if_there(workspace: Workspace, path: str) -> Node | None:
    try:
        return read_yaml(workspace.read(path, "the file of parts"))
    except Stopped:
        return None
