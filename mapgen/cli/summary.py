"""The end of a run in words: a table, the reasons, and one rejection in full."""

from __future__ import annotations

import click

from mapgen.cli.output import say
from mapgen.escaping import lines, visible
from mapgen.runtime.halt import Halt
from mapgen.runtime.outcome import FaultReport
from mapgen.runtime.summary import Shown, Summary, instant_of

_MOST_REASONS = 8


def tell_summary(summary: Summary) -> None:
    """Print what became of the records."""
    count = summary.read
    say(f"\n{summary.flow}: {count} record{'s' * (count != 1)}", err=True)
    # Most flows update nothing: a line of noughts would only ask what it means.
    updates = [
        ("updated", summary.updated, None),
        ("unchanged", summary.unchanged, None),
    ]
    for words, count, kind in (
        ("created", summary.created, None),
        ("already exists", summary.already_exists, None),
        *(update for update in updates if update[1]),
        ("skipped", summary.skipped, "skipped"),
        ("rejected", summary.rejected, "rejected"),
        ("deferred", summary.deferred, "deferred"),
        ("dead-lettered", summary.dead_lettered, "dead_lettered"),
        *([("saved otherwise", summary.differing, "differing")] if summary.differing else []),
    ):
        colour = {
            "rejected": "red",
            "dead_lettered": "red",
            "deferred": "yellow",
            "differing": "yellow",
        }.get(kind or "", "green")
        shown = click.style(f"{count:>7}", fg=colour if count else None, bold=bool(count))
        click.echo(f"{shown}  {words}", err=True)
        _tell_reasons(summary, kind)
    if summary.left:
        click.echo(click.style(f"{summary.left:>7}", fg="yellow", bold=True), nl=False, err=True)
        click.echo("  not sent yet", err=True)
    _tell_earlier(summary)
    fullest = _fullest(summary)
    if fullest is not None:
        _tell_in_full(fullest)


def _tell_earlier(summary: Summary) -> None:
    """Say what became of the work of earlier runs, where there is something to say."""
    if summary.withdrawn:
        words = "of earlier runs withdrawn: their records do not give them any more"
        click.echo(f"{summary.withdrawn:>7}  {words}", err=True)
    if summary.open:
        since = f" since {instant_of(summary.open_since)}" if summary.open_since else ""
        count = click.style(f"{summary.open:>7}", fg="yellow", bold=True)
        click.echo(f"{count}  of earlier runs still open, the oldest{since}", err=True)
    if summary.outdated:
        click.echo(
            f"         {summary.outdated:>5}  in the queue, made by other rules: give their records"
            f" again, or `mapgen queue drop {summary.flow}`",
            err=True,
        )


def _tell_reasons(summary: Summary, kind: str | None) -> None:
    reasons = [reason for reason in summary.reasons if reason.kind == kind]
    for reason in reasons[:_MOST_REASONS]:
        say(f"         {reason.count:>5}  {_explained(reason.words)}", err=True)
    others = sum(reason.count for reason in reasons[_MOST_REASONS:])
    if others:
        click.echo(f"         {others:>5}  for other reasons", err=True)
    if kind == "rejected" and sum(reason.count for reason in reasons) > summary.rejected:
        click.echo("                a record with several errors counts for each of them", err=True)


_MEANINGS = {
    "R101": "no JSON record",
    "R102": "wrong type",
    "R103": "member missing",
    "R108": "not what the schema says",
    "R104": "rows that are not together",
    "R105": "nothing to join",
    "R106": "several to join",
    "R107": "joined list not whole",
    "R201": "value missing",
    "R202": "no such element",
    "R203": "no such entry",
    "R204": "count out of bounds",
    "R205": "no such characters",
    "R206": "no phone number",
    "R207": "no whole number",
    "R208": "no number",
    "R209": "neither true nor false",
    "R210": "division by zero",
    "R211": "too large to be rounded",
    "R212": "unknown currency",
    "R213": "fraction of a cent",
    "R214": "no instant",
    "R215": "instant without a zone",
    "R216": "no date",
    "R217": "time skipped or doubled",
    "R218": "date beyond the calendar",
    "R219": "no duration",
    "R224": "two documents of one identity",
    "R225": "no usable identity",
    "R226": "two records of one identity",
    "R227": "identities that the ERP takes for one",
    "R251": "no answer to a lookup",
    "R252": "lookup ambiguous",
    "R260": "not of the target's pattern",
    "R261": "not in the target's list",
    "R301": "text too long",
    "R302": "too many decimal places",
    "R303": "number out of range",
    "R304": "not in the lookup",
    "R305": "too few rows",
    "R306": "totals differ",
    "R307": "check does not hold",
    "R308": "numbers too large",
    "R312": "two rows of one key",
    "R401": "refused by the tenant",
    "R402": "refused by the tenant",
    "R403": "not saved by the tenant",
    "R404": "identity changed by the tenant",
    "R405": "no answer",
    "R406": "something it depends on is missing",
    "R407": "look-up refused",
    "R408": "a document that it needs is missing",
    "R409": "not in the tenant yet",
    "R410": "rows that cannot be told apart",
    "R411": "key of another document unknown",
    "R412": "several of this identity in the tenant",
    "R413": "saved otherwise than sent",
    "R415": "does not match its JSON Schema",
}


def _explained(words: str) -> str:
    code, _, target = words.partition(" ")
    meaning = _MEANINGS.get(code)
    return words if meaning is None else f"{code} {meaning}{f': {target}' if target else ''}"


def _fullest(summary: Summary) -> Shown | None:
    """Return the rejection with the most errors: it shows best what a rejection tells."""
    rejected = [shown for shown in summary.shown if shown.kind == "rejected"]
    return max(rejected, key=lambda shown: len(shown.faults), default=None)


def _tell_in_full(shown: Shown) -> None:
    count = len(shown.faults)
    source = visible(shown.source)
    head = f"one rejection in full: {source}, {count} error{'s' * (count != 1)}"
    click.echo(f"\n{click.style(head, bold=True)}", err=True)
    for fault in shown.faults:
        _tell_fault(fault)


def _tell_fault(fault: FaultReport) -> None:
    head = click.style(f"{fault.code}", fg="red", bold=True)
    told = visible(f"{fault.target or 'the record'}: {fault.message}")
    click.echo(f"  {head} {told}", err=True)
    for name, value in (
        ("read from", fault.source_path),
        ("value", fault.value),
        ("rule", fault.spec),
    ):
        if value is not None:
            click.echo(f"       {name:<9} {visible(value)}", err=True)


def tell_halt(halt: Halt) -> None:
    """Print why a run could not go on, and what to do."""
    head = click.style(f"error[{halt.code}]", fg="red", bold=True)
    click.echo(f"{head}: {lines(halt.message)}\n  help: {lines(halt.help)}", err=True)
    if halt.summary is not None:
        tell_summary(halt.summary)
        click.echo("\nnothing is lost: run the same command again to go on", err=True)
