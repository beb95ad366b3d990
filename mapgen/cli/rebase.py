"""`rebase`: a flow that extends another one takes what that means now."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("flows", nargs=-1, required=True)
@click.pass_obj
def rebase(project: Path, flows: tuple[str, ...]) -> None:
    """Take what the base of FLOWS means now, after you have looked at what has changed.

    `mapgen check` shows the difference (E716). Only the hash under `extends:` is written.
    """
    from mapgen.cli.output import say
    from mapgen.disk.workspace import Workspace
    from mapgen.project.bases import rebased

    workspace = Workspace.find(project)
    for one in rebased(workspace, flows):
        if one.before != one.after:
            workspace.rewrite(one.path, one.before, one.after)
            say(f"{one.path}: {one.found[:8]}… -> {one.meaning[:8]}…, what `{one.base}` means")
        else:
            say(f"{one.path}: `{one.base}` means what it meant")
