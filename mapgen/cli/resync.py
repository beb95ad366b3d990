"""`resync`: lets the feeds of a flow read again what was changed since a moment."""

from __future__ import annotations

import sys
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli import FAULTS
from mapgen.cli.ledgers import opened_ledger
from mapgen.cli.options import env_option, state_option
from mapgen.escaping import visible

if TYPE_CHECKING:
    from mapgen.agreed.feeds import Feed
    from mapgen.runtime.feeds.looking_back import Place
    from mapgen.runtime.ledger import Ledger

_LEASE = 15.0
_START = "start"


class _From(click.ParamType["Place | None"]):
    """A moment, a day, a number; `start` is None."""

    name = "MOMENT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place | None:
        """Return the place."""
        text = str(value)
        if text == _START:
            return None
        if text.isascii() and text.isdigit():
            return int(text)
        try:
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        except ValueError:
            form = "write 2026-11-30, 2026-11-30T09:00:00+01:00, a number, or start"
            self.fail(f"`{text}` is no moment; {form}", param, ctx)


@click.command()
@click.argument("flow")
@env_option
@click.option(
    "--from",
    "start",
    required=True,
    type=_From(),
    help="The moment, or the number, from which on to read again; `start` for all.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be read again; no change.")
@state_option
@click.pass_obj
def resync(
    project: Path, flow: str, env: str, start: Place | None, dry_run: bool, state: str | None
) -> None:
    """Let the feeds of a flow read again what was changed since a moment.

    The next cycle of `mapgen serve` or a worker reads it. What is as it was sent makes no request.
    Exit code 1 where no feed reads anything again by it.
    """
    from mapgen.cli.flows import live_flow

    live = live_flow(project, flow, env)
    with opened_ledger(project, state, env) as ledger:
        if dry_run:
            count = _moved(ledger, live.book, live.plan.feeds, start, is_rehearsed=True)
        else:
            count = _with_the_cycles(ledger, live.book, live.plan.feeds, start)
    if not count:
        click.echo(f"nothing of {flow} is read again", err=True)
        sys.exit(FAULTS)


def _with_the_cycles(
    ledger: Ledger, book: str, feeds: tuple[Feed, ...], start: Place | None
) -> int:
    """Move the feeds while no cycle can run; else say that one does, and end the command."""
    own = f"resync {uuid.uuid4().hex}"
    if not ledger.take_cycles(book, own, _LEASE):
        click.echo(
            "a cycle of the flow is running, and would write how far it is over this; nothing is"
            " changed: try again when it is done (`mapgen status`)",
            err=True,
        )
        sys.exit(FAULTS)
    try:
        return _moved(ledger, book, feeds, start, is_rehearsed=False)
    finally:
        ledger.leave_cycles(book, own)


def _moved(
    ledger: Ledger,
    book: str,
    feeds: tuple[Feed, ...],
    start: Place | None,
    *,
    is_rehearsed: bool,
) -> int:
    """Move each feed that can be, and say so; return how many were."""
    from mapgen.runtime.feeds.moving import Unmoved, moved

    count = 0
    for feed in feeds:
        cursor = ledger.cursor(book, feed.name)
        try:
            found = moved(feed, cursor, start)
        except Unmoved as why:
            click.echo(visible(f"{feed.name}: {why}"), err=True)
            continue
        if not is_rehearsed:
            ledger.move_cursor(book, feed.name, found.cursor)
        count += 1
        again = "would be read again" if is_rehearsed else "is read again"
        since = "all" if found.cursor is None else f"what changed since {found.to}"
        click.echo(visible(f"{feed.name}: {since} {again}; it was at {found.was}"))
    return count
