"""The files of a workspace that say where flows deliver: environments and connections, by name."""

from __future__ import annotations

from typing import TypeVar

from mapgen.report import Stopped
from mapgen.report.catalogue import project
from mapgen.spec.model import Connection, Environment
from mapgen.spec.reader import read
from mapgen.workspace import SPECS, Workspace

_Named = TypeVar("_Named", Environment, Connection)


def named_environment(workspace: Workspace, name: str) -> Environment:
    """Return one environment. Raises Stopped."""
    return _named(workspace, "environment", name, Environment)


def named_connection(workspace: Workspace, name: str) -> Connection:
    """Return one connection. Raises Stopped."""
    return _named(workspace, "connection", name, Connection)


def _named(workspace: Workspace, kind: str, name: str, construct: type[_Named]) -> _Named:
    path = f"{SPECS}/{kind}s/{name}.yaml"
    found = read(workspace.read(path, f"the {kind}"), construct)
    if found.name.value != name:
        raise Stopped(project.wrong_file_name(found.name, expected=name, path=path))
    return found
