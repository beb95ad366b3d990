"""`check` and `generate`."""

from __future__ import annotations

import gc
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from mapgen.cli import FAULTS, STALE
from mapgen.cli.options import force_option
from mapgen.cli.output import refusal, say
from mapgen.cli.terminal import Format, show

if TYPE_CHECKING:
    from mapgen.workspace import Staleness, Workspace
    from mapgen.written import Manifest


@click.command()
@click.argument("specs", nargs=-1, type=click.Path(path_type=Path))
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
    """Report all errors of the specs: of all of them, or of those named."""
    gc.disable()  # what is read is needed to the end
    from mapgen.checking import check_specs
    from mapgen.workspace import Workspace

    if only_diff and not does_fix:
        raise click.UsageError("`--diff` goes with `--fix`")
    workspace = Workspace.find(project)
    paths = _spec_paths(workspace, specs)
    workspace = replace(workspace, given=frozenset(paths) if specs else frozenset())
    if does_fix:
        from mapgen.cli.autofix import fixed

        findings = fixed(workspace, paths, only_diff=only_diff, is_text=form == "text")
    else:
        findings = check_specs(workspace, paths)
    gc.freeze()  # nor is it looked through where the process ends
    show(findings.faults, form)
    if any(fault.severity == "error" for fault in findings.faults):
        sys.exit(FAULTS)
    if form == "text":
        say(f"{len(findings.flows)} flow{'s' * (len(findings.flows) != 1)} checked: all fine")


def _spec_paths(workspace: Workspace, specs: tuple[Path, ...]) -> tuple[str, ...]:
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project as messages
    from mapgen.workspace import SPECS

    paths = tuple(workspace.relative(path) for path in specs) or workspace.spec_paths()
    if not paths:
        raise Stopped(messages.no_specs(path=SPECS))
    return paths


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 3 if stale.")
@click.option("--release", is_flag=True, help="Refuse proposed rules and catch-all ignores.")
@force_option
@click.pass_obj
def generate(project: Path, *, only_check: bool, release: bool, force: bool) -> None:
    """Compile all specs into generated/."""
    from mapgen.remembered import fingerprint_of_specs, is_fresh, remember_fresh
    from mapgen.workspace import Workspace

    workspace = Workspace.find(project)
    specs = fingerprint_of_specs(workspace)
    known = None if release else is_fresh(workspace, specs)
    if known is not None:
        _say_fresh(known, only_check=only_check)
        return

    gc.disable()  # what is read is needed to the end
    from mapgen.compiler import generate as compiled
    from mapgen.emit.python.formatting import FORMATTER
    from mapgen.written import read_manifest

    files = compiled(workspace, _spec_paths(workspace, ()), is_release=release)
    gc.freeze()  # nor is it looked through where the process ends
    written = read_manifest(workspace)
    staleness = workspace.staleness(files, written.files)
    for path in staleness.foreign:
        say(f"note: {path} is not what `mapgen generate` wrote, it is left alone", err=True)
    if only_check:
        if written.formatter not in ("", FORMATTER):
            words = f"by {written.formatter}, this mapgen uses {FORMATTER}"
            click.echo(f"note: generated/ was formatted {words}", err=True)
        _say_stale(staleness, len(files))
        if not staleness.foreign:
            remember_fresh(workspace, specs, len(files))
        return
    _spare_files(workspace, staleness, written, force=force)
    workspace.write(files, staleness)
    for path in (*staleness.stale, *staleness.missing):
        say(f"wrote {path}")
    for path in staleness.orphaned:
        say(f"removed {path}")
    if not staleness.foreign:
        remember_fresh(workspace, specs, len(files))
    changed = len(staleness.stale) + len(staleness.missing)
    say(f"{changed} of {len(files)} files written")


def _spare_files(
    workspace: Workspace, staleness: Staleness, written: Manifest, *, force: bool
) -> None:
    """Raise Stopped for each file that is not as an earlier `generate` wrote it."""
    from mapgen.report import Stopped

    found = [
        refusal(
            workspace.root / path, force=force, is_ours=partial(written.wrote, path), shown=path
        )
        for path in staleness.stale
    ]
    if any(found):
        raise Stopped([one for one in found if one is not None])


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
            say(f"{word}: {path}", err=True)
    say("help: run `mapgen generate` and commit what it writes", err=True)
    sys.exit(STALE)
