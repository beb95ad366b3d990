"""The files of a workspace that say where flows deliver: environments and connections, by name."""

from __future__ import annotations

from mapgen.report import Stopped, Text
from mapgen.report.catalogue import project
from mapgen.spec.model import Connection, Environment
from mapgen.spec.reader import read_connection, read_environment
from mapgen.workspace import SPECS, Workspace


def named_environment(workspace: Workspace, name: str) -> Environment:
    """Return one environment. Raises Stopped."""
    path = f"{SPECS}/environments/{name}.yaml"
    environment = read_environment(workspace.read(path, "the environment"))
    _same_name(environment.name, name, path)
    return environment


def named_connection(workspace: Workspace, name: str) -> Connection:
    """Return one connection. Raises Stopped."""
    path = f"{SPECS}/connections/{name}.yaml"
    connection = read_connection(workspace.read(path, "the connection"))
    _same_name(connection.name, name, path)
    return connection


def _same_name(name: Text, expected: str, path: str) -> None:
    if name.value != expected:
        raise Stopped(project.wrong_file_name(name, expected=expected, path=path))
