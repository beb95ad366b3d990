"""Files of a workspace by what they define: flows, environments, connections."""

from __future__ import annotations

from typing import TypeVar

from mapgen.disk.workspace import SPECS, Workspace
from mapgen.report import Stopped
from mapgen.report.catalogue import project, reading
from mapgen.spec.model import Connection, Environment
from mapgen.spec.reader import flow_name, read

_Named = TypeVar("_Named", Environment, Connection)


def named_environment(workspace: Workspace, name: str) -> Environment:
    """Return one environment. Raises Stopped."""
    return _named(workspace, "environment", name, Environment)


def named_connection(workspace: Workspace, name: str) -> Connection:
    """Return one connection. Raises Stopped."""
    return _named(workspace, "connection", name, Connection)


def spec_of(workspace: Workspace, flow: str) -> str:
    """Return the path of the spec that defines a flow. Raises Stopped (E503)."""
    found = {flow_name(workspace.read(path, "the spec")): path for path in workspace.spec_paths()}
    if flow not in found:
        known = tuple(name for name in found if name is not None)
        raise Stopped(project.unknown_flow(it=flow, known=known))
    return found[flow]


def _named(workspace: Workspace, kind: str, name: str, construct: type[_Named]) -> _Named:
    path, known = f"{SPECS}/{kind}s/{name}.yaml", workspace.named(f"{kind}s", ".yaml")
    if name not in known:
        raise Stopped(reading.file_missing(path, f"the {kind}", others=known))
    found = read(workspace.read(path, f"the {kind}"), construct)
    if found.name.value != name:
        raise Stopped(project.wrong_file_name(found.name, expected=name, path=path))
    return found
