"""`init`: a workspace to start from, complete in itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from mapgen.cli.options import FILE, force_option
from mapgen.cli.output import say, stop_for

CONTRACT = "default-24.200.001"
# Of the author's own, where a folder has them: they are kept.
_KEPT = ("README.md", ".gitignore")
# Kinds of files that begin with the name of their editors' schema.
_EDITED = ("connection", "environment", "maps")
_FLOW = "customers"
_NEXT = (
    "mapgen check",
    "mapgen generate",
    "mapgen sandbox -- mapgen run customers --input specs/samples/customers.jsonl --env sandbox",
)


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=FILE)
@force_option
@click.pass_obj
def init(project: Path, folder: Path, *, force: bool) -> None:
    """Start a workspace in DIR, the current folder by default.

    It holds a contract, a connection, an environment for the sandbox and one flow, and can be
    checked, generated and run at once. A README.md and a .gitignore that are there stay.
    """
    from mapgen.cli.schema import write_flow
    from mapgen.disk.workspace import SPECS, Workspace
    from mapgen.report.catalogue import project as messages

    root = project / folder
    files = {
        name: text
        for name, text in workspace_files().items()
        if name not in _KEPT or not (root / name).exists()
    }
    workspace = Workspace(root)
    if not force and (root / SPECS).is_dir() and not {*workspace.spec_paths()} <= {*files}:
        stop_for([messages.is_workspace(path=root.as_posix())])
    write_flow(workspace, _FLOW, files, force=force)
    say("next:")
    here = () if folder == Path() else (f"cd {shlex.quote(folder.as_posix())}",)
    for command in (*here, *_NEXT):
        say(f"  {command}")


def workspace_files() -> Mapping[str, str]:
    """Return the texts of all files of a new workspace, by path from its folder."""
    from mapgen.project.shipped import shipped, texts_below
    from mapgen.spec.editor import editor_schema

    files = {
        {"gitignore": ".gitignore"}.get(name, name): text
        for name, text in texts_below(shipped("templates") / "start")
    }
    lock = shipped("contracts") / f"{CONTRACT}.json"
    files[f"specs/contracts/{CONTRACT}.json"] = lock.read_text(encoding="utf-8")
    for kind in _EDITED:
        text = json.dumps(editor_schema(kind), indent=2, ensure_ascii=False)
        files[f"specs/{kind}.schema.json"] = f"{text}\n"
    return dict(sorted(files.items()))
