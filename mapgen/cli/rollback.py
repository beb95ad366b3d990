"""`rollback`: takes back what a run made, by the action that the spec declares."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli import FAULTS
from mapgen.cli.ledgers import opened_ledger
from mapgen.cli.options import state_option
from mapgen.cli.output import tell_row

if TYPE_CHECKING:
    from mapgen.agreed.plan import Plan
    from mapgen.project.binding import BoundFlow
    from mapgen.runtime.delivery.rollback import Planned
    from mapgen.runtime.ledger.undos import Made


@click.command()
@click.option("--run", "run_id", required=True, help="The run, or the beginning of its id.")
@click.option("--env", help="The environment of the tenant. [default: that of the run]")
@click.option("--yes", is_flag=True, help="Do it; without, it is only said what would be done.")
@state_option
@click.pass_obj
def rollback(project: Path, run_id: str, env: str | None, yes: bool, state: str | None) -> None:
    """Take back the documents that a run made; without --yes, only list what would be done.

    Steps go first, then their document, the last first. An action whose answer went lost is in
    doubt, and never repeated. What a later run changed is named and stays. Exit code 1 where
    something could not be taken back.
    """
    from mapgen.cli.flows import open_flow
    from mapgen.runtime.delivery.again import OfflineTables
    from mapgen.runtime.delivery.rollback import planned, take_back
    from mapgen.runtime.ledger import book_of
    from mapgen.runtime.ledger.reports import Reports
    from mapgen.runtime.ledger.undos import made_by

    with opened_ledger(project, state, env) as ledger:
        run = Reports(ledger).run(run_id)
        if run is None:
            raise click.UsageError(f"`{run_id}` is not one run of the ledger; see `mapgen runs`")
        tables = OfflineTables(ledger, run.of)
        bound = open_flow(project, run.of.flow, env or run.env, {}, tables.table)
        environment = bound.run_in
        place = environment.place
        if book_of(run.of.flow, place.name, place.url) != run.book:
            raise click.UsageError(f"the run delivered to another tenant: {run.of.tenant}")
        plan = bound.flow.plan
        made = made_by(ledger, run.run, book_of("", place.name, place.url))
        found = planned(made, plan, _why(bound))
        for one in found:
            _tell(one.made, plan, _words(one, is_dry=not yes))
        chosen = [one for one in found if one.action is not None]
        stay = sum(one.stays is not None for one in found)
        click.echo(f"{len(chosen)} to be taken back, {stay} stay as they are", err=True)
        if not yes:
            hint = "; --yes does it" if chosen else ""
            click.echo(f"nothing was done{hint}", err=True)
            return
        who, failed = getpass.getuser(), 0
        for done in take_back(chosen, plan, environment, ledger, bound.flow.rules, who):
            failed += done.state != "done"
            reason = f": {done.reason}" if done.reason else ""
            _tell(done.made, plan, done.state + reason)
    click.echo(f"{len(chosen) - failed} taken back, {failed} not", err=True)
    if failed:
        sys.exit(FAULTS)


def _words(one: Planned, *, is_dry: bool) -> str:
    """Return what is said of a document, or a step, before anything is done."""
    if one.goes_with is not None:
        return f"goes with `{one.goes_with}`"
    return one.stays or f"{'would be ' if is_dry else ''}taken back: {one.action}"


def _tell(made: Made, plan: Plan, words: str) -> None:
    _, step = plan.steps.get(made.document, (None, None))
    reported = words if step is None else f"{step.action}: {words}"
    tell_row(made.source, made.entity or "", made.number or "", reported)


def _why(bound: BoundFlow) -> str | None:
    """Return why the spec says that documents cannot be taken back, None where it does not."""
    from mapgen.project.named import spec_of
    from mapgen.project.specs import Specs
    from mapgen.spec import model

    read = Specs(bound.workspace).read(spec_of(bound.workspace, bound.flow.plan.flow))
    how = read.security.rollback
    return how.irreversible.value if isinstance(how, model.Irreversible) else None
