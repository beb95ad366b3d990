"""Opens a flow and binds it to an environment, for `transform` and `run`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from mapgen.agreed.plan import LedgerTable, RemoteTable
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import BoundFlow, bound_in, loaded
from mapgen.project.named import named_environment
from mapgen.report import Stopped, suggestion
from mapgen.report.catalogue import lookups as messages_of_lookups
from mapgen.report.catalogue import project as messages
from mapgen.runtime.lookups import Key, Make, Remote
from mapgen.spec.model import Environment

if TYPE_CHECKING:
    from mapgen.project.live import LiveFlow


def open_flow(
    project: Path, name: str, environment: str | None, tables: Mapping[str, Path], remote: Remote
) -> BoundFlow:
    """Return a flow bound to an environment.

    Args:
        project: the workspace.
        name: the flow.
        environment: the environment; None where there is but one.
        tables: files to use instead of what the spec says, by lookup.
        remote: gives the tables for lookups in the ledger and in the tenant.

    Raises Stopped for what is missing or does not fit.
    """
    workspace = Workspace.find(project)
    flow = loaded(workspace, name)
    words = f"--lookup: the flow `{name}` reads no table `{{}}` from a file"
    all_known(tables, flow.plan.lookups, words, "lookups")
    return bound_in(workspace, flow, environment_of(workspace, environment), remote, tables)


def live_flow(
    project: Path, name: str, environment: str, tables: Mapping[str, Path] = MappingProxyType({})
) -> LiveFlow:
    """Return a flow at work in an environment, which asks the ledger and the tenant in a run.

    Takes what `open_flow` takes. Raises Stopped, and RunAborted for a flow whose documents are not
    sent and for values that no run can use.
    """
    from mapgen.project.live import LiveFlow
    from mapgen.runtime.aborted import NotBuilt
    from mapgen.runtime.delivery.remote import RemoteTables

    remote = RemoteTables()
    bound = open_flow(project, name, environment, tables, remote.table)
    if not bound.flow.plan.goes_to.is_delivered:
        raise NotBuilt(
            f"the flow `{name}` does not say where its documents are sent",
            f"write `send:` under its `target`, or `mapgen transform {name} --input FILE --output"
            " FILE`, which writes them, one a line",
        )
    return LiveFlow(bound, bound.run_in, remote)


def all_known(names: Iterable[str], known: Iterable[str], words: str, what: str) -> None:
    """Raise click.UsageError for the first name that is not known, by words with a hole for it."""
    listed = tuple(known)
    for name in names:
        if name not in listed:
            others = ", ".join(f"`{one}`" for one in listed) or "none"
            near = suggestion(name, listed) or f"its {what}: {others}"
            raise click.UsageError(f"{words.format(name)}; {near}")


def out_of_reach(flow: str) -> Remote:
    """Return what stands for the tables of lookups that need a network, where there is none."""

    def refuse(name: str, table: RemoteTable, _make: Make) -> Mapping[Key, Any]:
        kind = "the ledger" if isinstance(table, LedgerTable) else "the tenant"
        values = [column.name for column in table.columns] or [table.value or ""]
        columns = (*table.key, *values)
        raise Stopped(
            messages_of_lookups.remote_lookup(flow=flow, name=name, kind=kind, columns=columns)
        )

    return refuse


def environment_of(workspace: Workspace, name: str | None) -> Environment:
    """Return an environment by name, or the only one. Raises Stopped, click.UsageError."""
    names = workspace.named("environments", ".yaml")
    if name is None:
        if len(names) != 1:
            raise click.UsageError(f"name the environment with --env: {', '.join(names)}")
        name = names[0]
    if name not in names:
        raise Stopped(messages.unknown_environment(it=name, known=names))
    return named_environment(workspace, name)
