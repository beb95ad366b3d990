"""`queue`: lists what the queues of a ledger hold, without values, or drops it."""

from __future__ import annotations

import click

from mapgen.cli.ledgers import Asked, with_ledger
from mapgen.cli.output import tell_row
from mapgen.escaping import visible
from mapgen.runtime.summary import instant_of

_WORDS = {"staged": "queued", "sending": "in hand", "deferred": "deferred"}


@click.group()
def queue() -> None:
    """Show or drop what runs have left in the queue."""


@queue.command("list")
@click.argument("flow", required=False)
@with_ledger
def show(asked: Asked, flow: str | None) -> None:
    """List the documents in the queue and the records that wait, by flow and tenant."""
    for one in asked.ledger.queue(flow):
        since = instant_of(one.since) or "unknown"
        rules = (one.rules or "unknown")[:12]
        tell_row(one.book, _WORDS[one.state], one.source, one.document, since, rules)


@queue.command()
@click.argument("flow")
@click.option("--tenant", help="The tenant, where the ledger has queues for several.")
@with_ledger
def drop(asked: Asked, flow: str, tenant: str | None) -> None:
    """Take what nobody has in hand out of the queue of a flow; its records may come again."""
    books = sorted({one.book for one in asked.ledger.queue(flow, tenant)})
    if len(books) > 1:
        shown = "; ".join(map(visible, books))
        words = "the flow has queues in several tenants, name one by --tenant"
        raise click.UsageError(f"{words}: {shown}")
    count = sum(asked.ledger.drop(book) for book in books)
    click.echo(f"{count} dropped", err=True)
