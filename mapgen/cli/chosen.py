"""The specs that a command names: flows by their names, files, folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mapgen.disk.workspace import SPEC_SUFFIX, SPECS, Workspace
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue import reading


def workspace_of(project: Path, words: Iterable[Path]) -> Workspace:
    """Return the workspace of a command: that of a folder it names, else of where it is run.

    A file may lie anywhere; it is checked in the workspace where the command is run, if there is
    one. Raises Stopped (E501).
    """
    for word in words if project == Path() else ():
        if word.is_dir():
            return Workspace.find(word)
        if word.is_file() and not _is_in_a_workspace(project):
            return Workspace.find(word.parent)
    return Workspace.find(project)


def _is_in_a_workspace(folder: Path) -> bool:
    try:
        Workspace.find(folder)
    except Stopped:
        return False
    return True


def spec_paths(workspace: Workspace, words: Iterable[Path]) -> tuple[str, ...]:
    """Return the paths of the specs that words name; of all, where there is no word.

    Raises Stopped for a file that is missing (E101), a folder without specs (E502), and a flow that
    is not known (E503).
    """
    listed = tuple(words)
    found = [path for word in listed for path in _named(workspace, word)]
    paths = tuple(dict.fromkeys(found)) if listed else workspace.spec_paths()
    if not paths:
        raise Stopped(messages.no_specs(path=SPECS))
    return paths


def _named(workspace: Workspace, word: Path) -> Iterator[str]:
    if word.is_dir():
        below = sorted(word.rglob(f"*{SPEC_SUFFIX}"))
        if not below:
            raise Stopped(messages.no_specs(path=word.as_posix()))
        yield from map(workspace.relative, below)
    elif word.exists():
        yield workspace.relative(word)
    elif len(word.parts) > 1 or word.suffix:
        raise Stopped(reading.file_missing(workspace.relative(word), "the spec"))
    else:
        from mapgen.project.named import spec_of  # most commands name no flow

        yield spec_of(workspace, str(word))
