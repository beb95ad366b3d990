"""`alerts`: lists what fires or fired last, and notes who sees to it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.ledgers import opened_ledger, whose
from mapgen.cli.options import json_option, state_option
from mapgen.cli.output import piped_json, tell_row
from mapgen.cli.typed import typed
from mapgen.durations import ago
from mapgen.escaping import visible
from mapgen.runtime.summary import plain_facts

if TYPE_CHECKING:
    from mapgen.runtime.ledger.alerts import Alert

_FACTS = (
    *("number", "state", "flow", "tenant", "value", "threshold"),
    *("fired_at", "resolved_at", "acknowledged_at", "acknowledged_by"),
)


@click.group()
def alerts() -> None:
    """Show the alerts of flows, or say that somebody sees to one."""


@alerts.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@state_option
@click.pass_obj
def show(project: Path, limit: int, as_json: bool, state: str | None) -> None:
    """List what fires, then what fired last: number, state, flow, what, how much, since when."""
    from mapgen.runtime.ledger.alerts import Alerts

    with opened_ledger(project, state) as ledger:
        found, now = Alerts(ledger).latest(limit), ledger.now()
    if as_json:
        piped_json([{"alert": one.name, **plain_facts(one, *_FACTS)} for one in found])
        return
    if not found:
        click.echo("no alert has fired", err=True)
    for one in found:
        tell_row(*_columns(one, now))


@alerts.command()
@click.argument("which", metavar="NUMBER|FLOW")
@state_option
@click.pass_obj
def ack(project: Path, which: str, state: str | None) -> None:
    """Say that you see to an alert, or to all of a flow that fire: no more word of it goes out.

    Word still goes out once when it is over.
    """
    from mapgen.runtime.ledger.alerts import Alerts

    with opened_ledger(project, state) as ledger:
        kept, now = Alerts(ledger), ledger.now()
        chosen = [one for one in kept.firing() if which in (str(one.number), one.of.flow)]
        noted = [kept.acknowledge(one.number, getpass.getuser()) for one in chosen]
    done = [one for one in noted if one is not None]
    if not done:
        words = f"nothing fires of `{visible(which)}`; `{typed('alerts', 'list')}` shows what does"
        raise click.UsageError(words)
    for one in done:
        tell_row(*_columns(one, now))


def _columns(one: Alert, now: float) -> tuple[str, ...]:
    fired = f"fired {ago(one.fired_at, now)}"
    if one.resolved_at is not None:
        fired += f", over {ago(one.resolved_at, now)}"
    elif one.acknowledged_by is not None:
        fired += f", seen to by {one.acknowledged_by}"
    return str(one.number), one.state, whose(one.of), one.words, fired
