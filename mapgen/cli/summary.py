"""The summary of a run: a table, the reasons, and one rejection in full."""

from __future__ import annotations

import click

from mapgen.cli.explain import title_of
from mapgen.cli.output import say, tell_facts
from mapgen.cli.typed import typed
from mapgen.escaping import lines, visible
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.summary import Shown, Summary, instant_of

_MOST_REASONS = 8
# What is said of records: words, the count, the kind of its reasons, a colour.
_ROWS = (
    ("created", "created", None, "green"),
    ("already exists", "already_exists", None, "green"),
    ("updated", "updated", None, "green"),
    ("unchanged", "unchanged", None, "green"),
    ("done", "done", None, "green"),
    ("skipped", "skipped", "skipped", "green"),
    ("rejected", "rejected", "rejected", "red"),
    ("deferred", "deferred", "deferred", "yellow"),
    ("dead-lettered", "dead_lettered", "dead_lettered", "red"),
    ("saved otherwise", "differing", "differing", "yellow"),
    ("with warnings", "warnings", "warned", "yellow"),
)
# What stays open, so that somebody has to see to it.
_OPEN = ("rejected", "deferred", "dead_lettered")
# Most flows have none of these: a line of noughts would only ask what it means.
_RARE = ("updated", "unchanged", "done", "differing", "warnings")


def tell_summary(summary: Summary) -> None:
    """Print what became of the records."""
    count = summary.read
    say(f"\n{summary.flow}: {count} record{'s' * (count != 1)}", err=True)
    for words, name, kind, colour in _ROWS:
        count = getattr(summary, name)
        if not count and name in _RARE:
            continue
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
        if kind in _OPEN and reason.example is not None:
            step = typed("dlq", "show", summary.flow, reason.example)
            say(f"                as {visible(reason.example)}; next: {visible(step)}", err=True)
    others = sum(reason.count for reason in reasons[_MOST_REASONS:])
    if others:
        click.echo(f"         {others:>5}  for other reasons", err=True)
    if kind == "rejected" and sum(reason.count for reason in reasons) > summary.rejected:
        click.echo("                a record with several errors counts for each of them", err=True)


def _explained(words: str) -> str:
    """Return a reason with what its code means, as the code's page is headed."""
    code, _, target = words.partition(" ")
    meaning = title_of(code)
    return words if meaning is None else f"{code} {meaning}{f': {target}' if target else ''}"


def _fullest(summary: Summary) -> Shown | None:
    """Return the rejection with the most errors: it shows best what a rejection tells."""
    rejected = [shown for shown in summary.shown if shown.kind == "rejected"]
    return max(rejected, key=lambda shown: len(shown.errors), default=None)


def _tell_in_full(shown: Shown) -> None:
    count = len(shown.errors)
    source = visible(shown.source)
    head = f"one rejection in full: {source}, {count} error{'s' * (count != 1)}"
    click.echo(f"\n{click.style(head, bold=True)}", err=True)
    for error in shown.errors:
        _tell_error(error)


def _tell_error(error: ErrorReport) -> None:
    head = click.style(f"{error.code}", fg="red", bold=True)
    reported = visible(f"{error.target or 'the record'}: {error.message}")
    click.echo(f"  {head} {reported}", err=True)
    facts = [("read from", error.source_path), ("value", error.value), ("rule", error.spec)]
    tell_facts(facts, 9, 7, err=True)


def tell_aborted(aborted: RunAborted) -> None:
    """Print why a run could not go on, and what to do."""
    head = click.style(f"error[{aborted.code}]", fg="red", bold=True)
    click.echo(f"{head}: {lines(aborted.message)}\n  help: {lines(aborted.help)}", err=True)
    if aborted.summary is not None:
        tell_summary(aborted.summary)
        click.echo("\nnothing is lost: run the same command again to go on", err=True)
