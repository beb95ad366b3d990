"""The command line: click commands, one file a group of verbs; the only printing and exit codes.

Exit codes: 0 fine, 1 errors in specs or rejected and failed records, 2 usage, 3 generated files are
stale, 70 an internal error. Commands are imported when they are needed, so that `--help` is quick.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

FAULTS, USAGE, STALE, STILL_OPEN, BUG = 1, 2, 3, 4, 70

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "accept": ("mapgen.cli.accept:accept", "write what a flow makes of its examples into them"),
    "alerts": ("mapgen.cli.alerts:alerts", "list alerts, say that somebody sees to one"),
    "check": ("mapgen.cli.compile:check", "report all errors of the specs"),
    "contract": ("mapgen.cli.contract:contract", "pin a contract of the ERP, show its fields"),
    "dlq": ("mapgen.cli.dlq:dlq", "show, correct, send again or give up what is open"),
    "docs": ("mapgen.cli.docs:docs", "print the language reference"),
    "errors": ("mapgen.cli.errors:errors", "show what is open, grouped by cause"),
    "eval": ("mapgen.cli.eval:eval_", "evaluate an expression"),
    "explain": ("mapgen.cli.explain:explain", "explain the code of a message"),
    "generate": ("mapgen.cli.compile:generate", "compile the specs into generated/"),
    "init": ("mapgen.cli.init:init", "start a workspace, complete in itself"),
    "new": ("mapgen.cli.new:new", "start a flow: a schema, a draft, an example, from samples"),
    "queue": ("mapgen.cli.queue:queue", "list or drop the documents that are still to be sent"),
    "rebase": ("mapgen.cli.rebase:rebase", "take what the base of a flow means now"),
    "reconcile": ("mapgen.cli.reconcile:reconcile", "compare source, ledger and ERP"),
    "resync": ("mapgen.cli.resync:resync", "read again what was changed since a moment"),
    "rollback": ("mapgen.cli.rollback:rollback", "take back what a run made"),
    "run": ("mapgen.cli.run:run", "deliver records to a tenant"),
    "runs": ("mapgen.cli.status:runs", "list the latest runs"),
    "sandbox": ("mapgen.cli.sandbox:sandbox", "run a simulated tenant"),
    "schema": ("mapgen.cli.schema:schema", "print or draft a JSON Schema"),
    "serve": ("mapgen.cli.serve:serve", "run flows by themselves, take webhooks"),
    "status": ("mapgen.cli.status:status", "show how each flow is"),
    "suggest": ("mapgen.cli.suggest:suggest", "draft a spec: propose rules by name and type"),
    "transform": ("mapgen.cli.transform:transform", "transform records, without any network"),
    "worker": ("mapgen.cli.worker:worker", "run flows as one of many workers on PostgreSQL"),
}


class _Lazy(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in sorted(_COMMANDS.items())])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The workspace: a folder with specs/, or one below it.",
)
@click.version_option(package_name="mapgen")
@click.pass_context
def cli(context: click.Context, project: Path) -> None:
    """Compile mapping specs into typed transformers, and deliver records through them."""
    context.obj = project


def main() -> None:
    """Run the command line; the one place where a failure becomes an exit code."""
    _open_standard_streams()
    try:
        cli.main(prog_name="mapgen", standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.Abort as stop:
        sys.exit(_stopped(stop))
    except click.ClickException as wrong:
        _show(wrong)
        sys.exit(wrong.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever else it is, it must not be a traceback
        sys.exit(_failed(error))


def _show(wrong: click.ClickException) -> None:
    """Say what click has to say; words and names of files that it quotes steer no terminal."""
    from mapgen.escaping import lines

    said = io.StringIO()
    wrong.show(file=said)
    click.echo(lines(said.getvalue()), nl=False, err=True)


def _open_standard_streams() -> None:
    """Put nothing in the place of standard streams that whoever started this has closed.

    Otherwise the next file, the ledger maybe, would get the number that others write errors to.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - open until the end


def _stopped(stop: click.Abort) -> int:
    """Return what a shell calls the end by a signal: 130 for Ctrl-C, 143 for SIGTERM."""
    from mapgen.runtime.aborted import Terminated

    cause = stop.__cause__
    return 128 + (cause.number if isinstance(cause, Terminated) else signal.SIGINT)


def _failed(error: Exception) -> int:
    from mapgen.cli.extras import reported
    from mapgen.report import Stopped
    from mapgen.runtime.aborted import RunAborted

    error = reported(error)
    if isinstance(error, OSError) and error.filename is not None:
        from mapgen.disk.boundary import reason_of
        from mapgen.report.catalogue import reading

        reason = reason_of(error)
        error = Stopped(reading.file_unreadable(path=str(error.filename), reason=reason))
    if isinstance(error, Stopped):
        from mapgen.cli.terminal import show

        show(error.diagnostics)
        return FAULTS
    if isinstance(error, RunAborted):
        from mapgen.cli.summary import tell_aborted

        tell_aborted(error)
        return FAULTS
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        f"internal error: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}\n"
        "  help: please report it with the command and the spec; "
        "MAPGEN_TRACEBACK=1 shows the details",
        err=True,
    )
    if os.environ.get("MAPGEN_TRACEBACK"):
        traceback.print_exception(error)
    return BUG
