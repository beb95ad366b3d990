"""`queue`: lists what the queues of a ledger hold, without values, or drops it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.ledgers import opened_ledger
from mapgen.cli.options import ledger_env_option, state_option
from mapgen.escaping import visible

if TYPE_CHECKING:
    from mapgen.runtime.ledger import Queued

_WORDS = {"staged": "queued", "sending": "in hand", "deferred": "deferred"}


@click.group()
def queue() -> None:
    """Show or drop what runs have left in the queue."""


@queue.command("list")
@click.argument("flow", required=False)
@ledger_env_option
@state_option
@click.pass_obj
def show(project: Path, flow: str | None, state: str | None, env: str | None) -> None:
    """List the documents in the queue and the records that wait, by flow and tenant."""
    from mapgen.runtime.summary import instant_of

    for one in _queued(project, flow, state, env):
        since = instant_of(one.since) or "unknown"
        rules = (one.rules or "unknown")[:12]
        shown = (one.book, _WORDS[one.state], one.source, one.document, since, rules)
        click.echo("\t".join(map(visible, shown)))


@queue.command()
@click.argument("flow")
@click.option("--tenant", help="The tenant, where the ledger has queues for several.")
@ledger_env_option
@state_option
@click.pass_obj
def drop(project: Path, flow: str, tenant: str | None, state: str | None, env: str | None) -> None:
    """Take what nobody has in hand out of the queue of a flow; its records may come again."""
    books = sorted({one.book for one in _queued(project, flow, state, env, tenant)})
    if len(books) > 1:
        shown = "; ".join(map(visible, books))
        words = "the flow has queues in several tenants, name one by --tenant"
        raise click.UsageError(f"{words}: {shown}")
    with opened_ledger(project, state, env) as ledger:
        count = sum(ledger.drop(book) for book in books)
    click.echo(f"{count} dropped", err=True)


def _queued(
    project: Path, flow: str | None, state: str | None, env: str | None, tenant: str | None = None
) -> list[Queued]:
    with opened_ledger(project, state, env) as ledger:
        return ledger.queue(flow, tenant)
