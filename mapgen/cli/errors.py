"""`errors`: what is open, grouped by cause, and how much of it would pass now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mapgen.cli.explain import title_of
from mapgen.cli.ledgers import WORDS, Asked, trying, whose, with_ledger
from mapgen.cli.options import json_option
from mapgen.cli.output import piped_json, tell_facts
from mapgen.cli.typed import typed
from mapgen.durations import ago
from mapgen.escaping import visible
from mapgen.runtime.summary import plain_facts

if TYPE_CHECKING:
    from mapgen.runtime.ledger.reports import Failure


@click.command()
@click.argument("flow", required=False)
@json_option
@with_ledger
def errors(asked: Asked, flow: str | None, as_json: bool) -> None:
    """Show what is open by cause: since when, how much would pass now, what to do next.

    The ledger's copies of the records are transformed with today's flow; no request is made.
    """
    from mapgen.runtime.ledger.reports import Choice

    passes = trying(asked.project, asked.ledger)
    found = asked.reports.failures(Choice(flow), passes)
    if as_json:
        piped_json([_as_data(one) for one in found])
        return
    if not found:
        click.echo("nothing is open", err=True)
    for one in found:
        _tell(one, asked.ledger.now())


def _tell(one: Failure, now: float) -> None:
    since = ago(one.since, now)
    cause = click.style(visible(str(one.cause)), fg="red", bold=True)
    kind = WORDS[one.state]
    first = f"{cause}: {one.count} {kind} in {whose(one.of)}, the oldest {since}"
    click.echo(f"{first}; {would_pass(one)}")
    meaning = title_of(one.cause.code)
    words = one.error.message if one.error is not None else one.example.reason or ""
    facts = [
        ("meaning", meaning),
        ("example", f"{one.example.source}: {words}"),
        ("rule", ", ".join(one.rules[:3]) or None),
        ("next", next_step(one)),
    ]
    tell_facts(facts, 8)


def would_pass(one: Failure) -> str:
    """Return how many of a group would pass now, in words."""
    if one.untold == one.count:
        return "only sending shows whether they would pass now"
    rest = f" ({one.untold} are only known by sending)" if one.untold else ""
    return f"{one.would_pass} would pass now{rest}"


def next_step(one: Failure) -> str:
    """Return what to do about a group: the command, as a shell takes it."""
    if one.example.number is not None:
        return typed("dlq", "show", one.of.flow, one.example.source)
    if one.would_pass or one.untold == one.count:
        cause = str(one.cause) if one.cause.code else one.cause.about
        return typed("dlq", "replay", one.of.flow, "--cause", cause, "--env", "ENV")
    return typed("dlq", "show", one.of.flow, one.example.source)


def _as_data(one: Failure) -> dict[str, Any]:
    return plain_facts(one, "flow", "tenant", "state", "count", "since", "would_pass", "untold") | {
        "code": one.cause.code,
        "about": one.cause.about,
        "rules": list(one.rules),
        "example": one.example.source,
        "message": one.error.message if one.error is not None else one.example.reason,
        "next": next_step(one),
    }
