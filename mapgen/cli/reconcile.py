"""`reconcile`: the source, the ledger and the ERP side by side."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mapgen.cli import FAULTS
from mapgen.cli.ledgers import opened_ledger
from mapgen.cli.options import input_option, json_option, state_option
from mapgen.cli.output import piped
from mapgen.escaping import visible

if TYPE_CHECKING:
    from mapgen.runtime.delivery.reconcile import Compared
    from mapgen.runtime.outcome import Outcome

_VERDICTS = ("same", "missing", "different", "unclear")


@click.command()
@click.argument("flow")
@input_option
@click.option("--env", required=True, help="The environment: which tenant, which settings.")
@json_option
@state_option
@click.pass_obj
def reconcile(
    project: Path, flow: str, source: Path, env: str, as_json: bool, state: str | None
) -> None:
    """Compare the documents that a file of records gives now with what the ERP has.

    Nothing is changed. Each that is missing, differs by a field, or is unclear is named, with its
    rule. Exit code 1 where there is one.
    """
    from mapgen.cli.flows import kept_outcomes, open_flow, open_input
    from mapgen.cli.joining import open_joins
    from mapgen.cli.run import is_delivered
    from mapgen.project.leads import environment_of_run
    from mapgen.runtime.delivery.reconcile import compared
    from mapgen.runtime.delivery.remote import RemoteTables

    live = RemoteTables()
    bound = open_flow(project, flow, env, {}, live.table)
    is_delivered(bound)
    plan = bound.flow.plan
    environment = environment_of_run(bound.workspace, bound.environment, plan)
    counts: Counter[str] = Counter()
    with (
        opened_ledger(project, state, env) as ledger,
        open_input(bound, source) as stream,
        open_joins(bound, {}, source) as joins,
    ):

        def outcomes() -> Iterable[Outcome]:
            return kept_outcomes(bound, source, stream, joins)

        rules = bound.flow.rules
        for one in compared(outcomes, plan, environment, ledger, rules, live):
            counts[one.verdict] += 1
            if one.verdict != "same":
                _tell(one, as_json=as_json)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS)
    click.echo(told, err=True)
    if sum(counts.values()) > counts["same"]:
        sys.exit(FAULTS)


def _tell(one: Compared, *, as_json: bool) -> None:
    if as_json:
        piped(json.dumps(msgspec.to_builtins(one), ensure_ascii=False))
        return
    ledger = "sent, says the ledger" if one.is_in_ledger else "not in the ledger"
    shown = (one.source, one.entity, one.number or "", one.verdict, ledger)
    click.echo("\t".join(map(visible, shown)))
    for fault in one.faults:
        rule = f" ({fault.spec})" if fault.spec else ""
        click.echo(f"  {visible(f'{fault.code} {fault.target or str()}: {fault.message}{rule}')}")
