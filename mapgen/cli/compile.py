"""`check` and `generate`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from mapgen.cli import FAULTS, STALE
from mapgen.cli.loading import loading
from mapgen.cli.options import FILE, force_option
from mapgen.cli.output import refusal, say, stop_for, tell
from mapgen.cli.terminal import Format, show

if TYPE_CHECKING:
    from mapgen.disk.workspace import Staleness, Workspace
    from mapgen.project.written import Manifest


@click.command()
@click.argument("specs", nargs=-1, type=FILE)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="For people, programs, code scanning, or pull requests.",
)
@click.option("--fix", "does_fix", is_flag=True, help="Apply the certain fixes, then check again.")
@click.option("--diff", "--dry-run", "only_diff", is_flag=True, help="With --fix: only show it.")
@click.pass_obj
def check(
    project: Path, specs: tuple[Path, ...], form: Format, *, does_fix: bool, only_diff: bool
) -> None:
    """Report all errors of the specs: of all of them, or of those named.

    SPECS are names of flows, files, or folders; files of parts are checked that they use.
    """
    with loading():
        from mapgen.cli.chosen import spec_paths, workspace_of
        from mapgen.project.checking import check_specs

        if only_diff and not does_fix:
            raise click.UsageError("`--diff` goes with `--fix`")
        workspace = workspace_of(project, specs)
        paths = spec_paths(workspace, specs)
        workspace = replace(workspace, given=frozenset(paths) if specs else frozenset())
        if does_fix:
            from mapgen.cli.autofix import fixed

            findings = fixed(workspace, paths, only_diff=only_diff, is_text=form == "text")
        else:
            findings = check_specs(workspace, paths)
    show(findings.diagnostics, form)
    if any(error.severity == "error" for error in findings.diagnostics):
        sys.exit(FAULTS)
    if form == "text":
        flows = len(findings.flows)
        words = f"{flows} flow{'s' * (flows != 1)}" if flows else "files of parts"
        say(f"{words} checked: all fine")


@click.command()
@click.argument("specs", nargs=-1, type=FILE)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 3 if stale.")
@click.option("--release", is_flag=True, help="Refuse proposed rules and catch-all ignores.")
@force_option
@click.pass_obj
def generate(
    project: Path, specs: tuple[Path, ...], *, only_check: bool, release: bool, force: bool
) -> None:
    """Compile all specs into generated/, or those named.

    SPECS are names of flows, files, or folders; files of other flows stay as they are.
    """
    from mapgen.cli.chosen import spec_paths, workspace_of
    from mapgen.project.remembered import fingerprint_of_specs, is_fresh, remember_fresh

    workspace = workspace_of(project, specs)
    fingerprint = None if specs else fingerprint_of_specs(workspace)
    known = None if release or specs else is_fresh(workspace, fingerprint)
    if known is not None:
        _say_fresh(known, only_check=only_check)
        return

    with loading():
        from mapgen.emit.python.formatting import FORMATTER
        from mapgen.project.compiler import generate as compiled
        from mapgen.project.written import read_manifest

        written = read_manifest(workspace)
        paths = spec_paths(workspace, specs)
        others = _others(workspace, written, paths) if specs else {}
        files = compiled(workspace, paths, is_release=release, others=others)
    staleness = _of(files, workspace.staleness(files, written.files), is_all=not specs)
    for path in staleness.foreign:
        tell(f"note: {path} is not what `mapgen generate` wrote, it is left alone")
    if only_check:
        if written.formatter not in ("", FORMATTER):
            words = f"by {written.formatter}, this mapgen uses {FORMATTER}"
            tell(f"note: generated/ was formatted {words}")
        _say_stale(staleness, len(files))
    else:
        _spare_files(workspace, staleness, written, force=force)
        workspace.write(files, staleness)
        _say_written(staleness, len(files))
    if not staleness.foreign:
        remember_fresh(workspace, fingerprint, len(files))


def _say_written(staleness: Staleness, count: int) -> None:
    written = (*staleness.stale, *staleness.missing)
    for path in written:
        say(f"wrote {path}")
    for path in staleness.orphaned:
        say(f"removed {path}")
    say(f"{len(written)} of {count} files written")


def _others(
    workspace: Workspace, written: Manifest, paths: tuple[str, ...]
) -> Mapping[str, Mapping[str, object]]:
    """Return what the manifest says of the flows that these specs do not define."""
    from mapgen.spec.reader import flow_name

    return written.without({flow_name(workspace.read(path, "the spec")) for path in paths})


def _of(files: Mapping[str, str], staleness: Staleness, *, is_all: bool) -> Staleness:
    """Return what is stale of all flows, or of those that these files are of."""
    if is_all:
        return staleness
    folders = {path.split("/")[1] for path in files}

    def ours(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path for path in paths if path.split("/")[1] in folders)

    return replace(staleness, orphaned=ours(staleness.orphaned), foreign=ours(staleness.foreign))


def _spare_files(
    workspace: Workspace, staleness: Staleness, written: Manifest, *, force: bool
) -> None:
    """Raise Stopped for each file that is not as an earlier `generate` wrote it."""
    stop_for(
        refusal(
            workspace.root / path, force=force, is_ours=partial(written.wrote, path), shown=path
        )
        for path in staleness.stale
    )


def _say_fresh(count: int, *, only_check: bool) -> None:
    say(f"all {count} generated files are fresh" if only_check else f"0 of {count} files written")


def _say_stale(staleness: Staleness, count: int) -> None:
    if staleness.is_fresh:
        _say_fresh(count, only_check=True)
        return
    for word, paths in (
        ("stale", staleness.stale),
        ("missing", staleness.missing),
        ("orphaned", staleness.orphaned),
    ):
        for path in paths:
            tell(f"{word}: {path}")
    tell("help: run `mapgen generate` and commit what it writes")
    sys.exit(STALE)
