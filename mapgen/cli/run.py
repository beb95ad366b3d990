"""`run`: delivers records, with a bar on the way and a summary at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from mapgen.cli import FAULTS, STILL_OPEN
from mapgen.cli.asked import Options, only
from mapgen.cli.loading import loading
from mapgen.cli.options import (
    FILE,
    Target,
    env_option,
    force_option,
    input_option,
    join_option,
    lookup_option,
    state_option,
)
from mapgen.cli.output import piped_json, say, spare_lines, writing

if TYPE_CHECKING:
    from mapgen.project.binding import BoundFlow
    from mapgen.runtime.delivery import Gate
    from mapgen.runtime.ledger import Ledger
    from mapgen.runtime.summary import Summary

_GO_ON = "stopped; nothing is lost: run the same command again to go on"


_FORMER_NAMES = {"already_there": "already_exists", "waiting": "deferred", "dead": "dead_lettered"}
"""What counts were called, for scripts that ask for them by these names."""


@click.command()
@click.argument("flow")
@input_option
@env_option
@lookup_option
@join_option
@state_option
@click.option(
    "--gate",
    type=click.Choice(["off", "full"]),
    default="off",
    show_default=True,
    help="full: validate each document with its JSON Schema before it is sent.",
)
@click.option("--log", type=FILE, help="Events as JSON lines, appended.")
@click.option(
    "--rejects", type=Target(), help="What did not arrive, with all errors; as JSON lines."
)
@force_option
@click.option(
    "--only", multiple=True, help="The key of a record: only it is read. May be repeated."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent; no request, no change.")
@click.option("--json", "as_json", is_flag=True, help="End standard output with one JSON line.")
@click.pass_obj
def run(project: Path, /, **options: Unpack[Options]) -> None:
    """Deliver the records of a file to the tenant of an environment.

    What the ledger knows is not delivered twice; what an earlier run left is finished first. Exit
    code 1 if a record was rejected or dead-lettered, or the run had to stop; 4 if none was, and
    records of earlier runs are still open.
    """
    if options["dry_run"]:
        from mapgen.cli.dry_run import rehearse

        rehearse(project, options)
        return
    spare_lines([options["rejects"]], force=options["force"])
    finish(options["flow"], lambda: _delivered(project, options), as_json=options["as_json"])


def finish(flow: str, delivered: Callable[[], Summary], *, as_json: bool) -> None:
    """Deliver, tell the summary, and end with the exit code of a run."""
    from mapgen.cli.summary import tell_aborted, tell_summary
    from mapgen.runtime.aborted import RunAborted
    from mapgen.runtime.summary import Summary

    is_aborted = False
    try:
        summary = delivered()
    except RunAborted as aborted:
        tell_aborted(aborted)
        is_aborted = True
        summary = aborted.summary or Summary(flow=flow)
    except KeyboardInterrupt:
        say(f"\n{_GO_ON}", err=True)
        raise
    else:
        tell_summary(summary)
    if as_json:
        counts = summary.counts()
        former = {old: counts[name] for old, name in _FORMER_NAMES.items()}
        piped_json(counts | former)
    if is_aborted or summary.rejected or summary.dead_lettered:
        sys.exit(FAULTS)
    if summary.open:
        sys.exit(STILL_OPEN)


def _delivered(project: Path, options: Options) -> Summary:
    with ExitStack() as files:
        with loading():
            from mapgen.cli.flows import live_flow
            from mapgen.cli.inputs import open_input
            from mapgen.cli.ledgers import address_of
            from mapgen.cli.watching import watching
            from mapgen.runtime.aborted import RunAborted
            from mapgen.runtime.ledger import Ledger

            env, source = options["env"], options["source"]
            flow = live_flow(project, options["flow"], env, dict(options["lookups"]))
            gate = _gate(flow.bound) if options["gate"] == "full" else None
            given = files.enter_context(open_input(flow.bound, source, dict(options["joins"])))
            state = address_of(flow.bound.workspace, options["state"], env)
            ledger = files.enter_context(Ledger(state))
        observer = files.enter_context(watching(given.count(), options["log"]))
        mapped = given.mapped(flow.remote, partial(only, keys=options["only"]), gate)
        try:
            summary = flow.deliver(mapped, ledger, observer)
        except RunAborted as aborted:
            _write_rejects(options["rejects"], ledger, aborted.summary)
            raise
        _write_rejects(options["rejects"], ledger, summary)
        given.tell_passed()
        return summary


def _write_rejects(path: Path | None, ledger: Ledger, summary: Summary | None) -> None:
    """Write what a run read, or brought to an end, and did not deliver, as `transform` does."""
    if path is None or summary is None:
        return
    from mapgen.runtime.ledger.reports import OPEN, Choice, Reports
    from mapgen.runtime.lines import reject_line
    from mapgen.runtime.outcome import Origin, Rejected, Skipped

    reports = Reports(ledger)
    with writing(path, is_private=True) as write:
        for one in reports.records(Choice(run=summary.run or "", states=(*OPEN, "skipped"))):
            kept = reports.copy_of(one)
            file, _, line = (one.place or "").rpartition(":")
            origin = Origin(file, 0, int(line or 0)) if kept is None else kept.origin
            origin = Origin(origin.file, origin.record, origin.line, one.source)
            if one.state == "skipped":
                write(reject_line(Skipped(origin, one.reason or "")))
            else:
                write(reject_line(Rejected(origin, one.errors)))


def _gate(bound: BoundFlow) -> Gate:
    """Return what each document has to pass. Raises Stopped for a schema that is none."""
    from mapgen.project.binding import generated
    from mapgen.runtime.delivery import Gate

    plan = bound.flow.plan
    with generated(bound.workspace, plan.flow) as folder:
        return Gate.load(folder, plan, bound.flow.rules)
