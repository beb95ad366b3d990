"""`status` and `runs`: how the flows of a ledger are, and what ran."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from mapgen.cli.ledgers import WORDS, Asked, whose, with_ledger
from mapgen.cli.options import json_option
from mapgen.cli.output import piped_json
from mapgen.cli.typed import typed
from mapgen.durations import ago
from mapgen.escaping import visible
from mapgen.runtime.summary import instant_of, plain_facts

if TYPE_CHECKING:
    from mapgen.runtime.ledger.accounts import Comparison
    from mapgen.runtime.ledger.reports import FlowReport, RunReport

_EVERY = 2.0
_OF_A_FLOW = (
    *("flow", "tenant", "url", "inbox", "queued_since", "open", "open_since"),
    *("sent_last_minute", "sent_last_hour", "last_sent"),
)
_OF_RUNS = (
    *("run", "flow", "tenant", "env", "feed", "mapgen", "rules"),
    *("began_at", "ended_at", "reason", "counts"),
)
_OF_MONEY = ("document", "currency", "ledger", "target")
_OF_A_RUN = ("read", "created", "updated", "rejected", "deferred", "dead_lettered")


@click.command()
@click.argument("flow", required=False)
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@json_option
@with_ledger
def status(asked: Asked, flow: str | None, watch: bool, as_json: bool) -> None:
    """Show how each flow is: its queue, what is open, its rates, its last run."""
    while True:
        flows, now = asked.reports.flows(flow), asked.ledger.now()
        if watch and not as_json:
            click.clear()
        _show(flows, now, as_json=as_json)
        if not watch:
            return
        time.sleep(_EVERY)


def _show(flows: tuple[FlowReport, ...], now: float, *, as_json: bool) -> None:
    if as_json:
        piped_json([_as_data(one) for one in flows])
        return
    if not flows:
        click.echo("the ledger knows no flow yet", err=True)
    named = Counter(whose(one.of) for one in flows)
    for one in flows:
        name = whose(one.of)
        # Tenants of one name at several addresses, as a sandbox has after each start.
        where = f" at {visible(one.of.url)}" if named[name] > 1 else ""
        click.echo(click.style(name + where, bold=True))
        for name, words in _lines(one, now):
            click.echo(f"  {name:<12} {words}")


def _lines(one: FlowReport, now: float) -> list[tuple[str, str]]:
    counts = one.counts
    queue = f"{counts.get('staged', 0)} queued, {counts.get('sending', 0)} in hand"
    if one.queued:
        queue += f", the oldest {ago(one.queued_since, now)}"
    if one.inbox:
        queue += f"; {one.inbox} in the inbox"
    kept_out = [
        f"{counts[state]} {WORDS[state]}"
        for state in ("rejected", "deferred", "dead_lettered")
        if counts.get(state)
    ]
    if kept_out:
        kept_out.append(f"the oldest {ago(one.open_since, now)}; `{typed('errors')}` says why")
    rates = f"{one.sent_last_minute} in the last minute, {one.sent_last_hour} in the last hour"
    return [
        *((it.name, f"{visible(it.reason)}; noted {ago(it.since, now)}") for it in one.conditions),
        ("queue", queue),
        ("open", ", ".join(kept_out) or "nothing"),
        ("sent", f"{counts.get('sent', 0)}: {rates}; the last {ago(one.last_sent, now)}"),
        ("last run", "none" if one.last_run is None else _of_run(one.last_run, now)),
        *([] if one.compared is None else [("books", _of_books(one.of.flow, one.compared, now))]),
    ]


def _of_books(flow: str, compared: Comparison, now: float) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in compared.counts.items() if count)
    which = f"; `{typed('reconcile', flow)}` says which" if compared.unreconciled else ""
    return f"compared {ago(compared.at, now)}: {counts or 'nothing'}{which}"


def _of_run(run: RunReport, now: float) -> str:
    if run.ended_at is None:
        return f"began {ago(run.began_at, now)}, under way or killed"
    ended = ago(run.ended_at, now)
    counts = ", ".join(
        f"{run.counts[name]} {WORDS.get(name, name)}" for name in _OF_A_RUN if run.counts.get(name)
    )
    return visible(f"{run.reason} {ended}, took {run.seconds or 0:.1f} s: {counts or 'nothing'}")


@click.command()
@click.argument("flow", required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@json_option
@with_ledger
def runs(asked: Asked, flow: str | None, limit: int, as_json: bool) -> None:
    """List the latest runs: which flow, when, how each ended, what it did."""
    found, now = asked.reports.runs(flow, limit), asked.ledger.now()
    if as_json:
        piped_json([plain_facts(one, *_OF_RUNS) for one in found])
        return
    for one in found:
        began = instant_of(one.began_at) or ""
        where = f"{whose(one.of)} ({visible(one.env or 'unknown')})"
        click.echo("\t".join((one.run[:12], began, where, _of_run(one, now))))


def _as_data(one: FlowReport) -> dict[str, Any]:
    compared = one.compared and {
        "at": instant_of(one.compared.at),
        "counts": one.compared.counts,
        "money": [{name: getattr(line, name) for name in _OF_MONEY} for line in one.compared.money],
    }
    return plain_facts(one, *_OF_A_FLOW) | {
        "counts": {state: one.counts.get(state, 0) for state in WORDS},  # type: ignore[call-overload]
        "last_run": one.last_run and plain_facts(one.last_run, *_OF_RUNS),
        "compared": compared,
        "conditions": [
            {"condition": it.name, **plain_facts(it, "since", "reason")} for it in one.conditions
        ],
    }
