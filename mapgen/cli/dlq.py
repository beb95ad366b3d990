"""`dlq`: what found no way into the ERP, to be listed, shown, corrected, sent again, given up."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import click
import msgspec

from mapgen.cli import FAULTS
from mapgen.cli.explain import advice_of, title_of
from mapgen.cli.ledgers import (
    WORDS,
    Age,
    Asked,
    offline,
    opened_ledger,
    trying,
    whose,
    with_ledger,
)
from mapgen.cli.options import FILE, env_option, json_option, state_option
from mapgen.cli.output import piped_json, say, tell_facts, tell_row
from mapgen.cli.typed import typed
from mapgen.durations import ago
from mapgen.escaping import visible
from mapgen.runtime.outcome import ErrorReport, Outcome, Rejected
from mapgen.runtime.summary import Summary, instant_of, plain_facts

if TYPE_CHECKING:
    from mapgen.runtime.ledger import Ledger
    from mapgen.runtime.ledger.reports import DocumentStory, OpenRecord

_KINDS = {"rejected": "rejected", "deferred": "deferred", "dead-lettered": "dead_lettered"}
_FACTS = (
    *("flow", "tenant", "state", "source", "document", "number"),
    *("reason", "place", "since", "attempts", "refusal"),
)
T = TypeVar("T", bound=Callable[..., object])


class _Chosen(TypedDict):
    """Which records are meant, as `Choice` has it, by the names of the options."""

    tenant: str | None
    cause: str | None
    key: str | None
    states: tuple[str, ...] | None
    older_than: float | None
    younger_than: float | None


def _states(_context: object, _option: object, kind: str | None) -> tuple[str, ...] | None:
    return None if kind is None else (_KINDS[kind],)


_tenant_option = click.option("--tenant", help="In this tenant alone.")


def _choosing(command: T) -> T:
    """Add the options that say which records are meant."""
    kinds = click.Choice(tuple(_KINDS))
    options = (
        _tenant_option,
        click.option("--cause", help="A code, or a whole cause as `errors` shows it."),
        click.option("--key", help="The key of one record."),
        click.option("--kind", "states", type=kinds, callback=_states, help="How it ended."),
        click.option("--older-than", type=Age(), help="Open for longer: 90s, 10m, 12h, 3d."),
        click.option("--younger-than", type=Age(), help="Open for less than that."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def dlq() -> None:
    """See to records that are rejected, deferred or dead-lettered.

    A later success of a record closes its entry by itself.
    """


@dlq.command("list")
@click.argument("flow", required=False)
@_choosing
@json_option
@with_ledger
def list_(asked: Asked, /, flow: str | None, as_json: bool, **chosen: Unpack[_Chosen]) -> None:
    """List what is open, one record a line: flow, how it ended, key, causes, since when."""
    for one in asked.records(flow, **chosen):
        if as_json:
            piped_json(_as_data(one))
            continue
        causes, since = ", ".join(map(str, one.causes)), instant_of(one.since) or "unknown"
        tell_row(whose(one.of), WORDS[one.state], one.source, causes, since)


@dlq.command()
@click.argument("flow")
@click.argument("key")
@json_option
@with_ledger
def show(asked: Asked, flow: str, key: str, as_json: bool) -> None:
    """Tell the story of one record: what became of it, why, by which rule, what to do."""
    reported = asked.reports.story(flow, key)
    if not reported:
        raise click.UsageError(f"the ledger knows no record `{key}` of the flow `{flow}`")
    if as_json:
        piped_json([_story_as_data(one) for one in reported])
        return
    passes = trying(asked.project, asked.ledger)
    for one in reported:
        _tell(one, asked.ledger, passes)


@dlq.command()
@click.argument("flow")
@env_option
@_choosing
@click.option("--log", type=FILE, help="Events as JSON lines, appended.")
@json_option
@state_option
@click.pass_obj
def replay(
    project: Path,
    /,
    flow: str,
    env: str,
    log: Path | None,
    as_json: bool,
    state: str | None,
    **chosen: Unpack[_Chosen],
) -> None:
    """Send open records again, each from the ledger's copy, as a run would.

    What may be in the ERP already is not sent again, and told. Ends as `run` does.
    """
    from mapgen.cli.flows import live_flow
    from mapgen.cli.run import finish
    from mapgen.cli.watching import watching

    live = live_flow(project, flow, env)
    with opened_ledger(project, state, env) as ledger:
        asked = Asked(project, ledger)
        found = [one for one in asked.records(flow, **chosen) if one.book == live.book]
        records = tuple({one.subject: one for one in found if one.refusal is None}.values())
        _tell_refused(found)
        if not records:
            click.echo("nothing to send again", err=True)
            sys.exit(FAULTS if found else 0)

        def sent() -> Summary:
            with watching(len(records), log) as observer:
                return live.replay(records, getpass.getuser(), ledger, observer)

        finish(flow, sent, as_json=as_json)


@dlq.command()
@click.argument("flow")
@_choosing
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.option("--all", "is_all", is_flag=True, help="All that is open of the flow.")
@with_ledger
def discard(
    asked: Asked, /, flow: str, reason: str, is_all: bool, **chosen: Unpack[_Chosen]
) -> None:
    """Give records up, with a reason. One that comes again is taken like a new one."""
    from mapgen.runtime.ledger.interventions import Interventions

    if not is_all and not any(chosen.values()):
        raise click.UsageError("say which: by --key, --cause, --kind or an age, or --all of them")
    people = Interventions(asked.ledger, getpass.getuser())
    count, left = people.discard_all(asked.records(flow, **chosen), reason)
    click.echo(f"{count} discarded", err=True)
    if left:
        click.echo(f"{left} are in hand; try again when the run is over", err=True)
        sys.exit(FAULTS)


@dlq.command()
@click.argument("flow")
@click.argument("key")
@_tenant_option
@click.option("--file", type=FILE, help="The corrected record; - for stdin.")
@click.option("--reason", help="Why; kept in the ledger.")
@with_ledger
def edit(
    asked: Asked, flow: str, key: str, tenant: str | None, file: Path | None, reason: str | None
) -> None:
    """Correct the ledger's copy of a record, in $EDITOR or by a file; a replay sends it.

    A copy that gives no documents, or those of another record, is not taken.
    """
    from msgspec.structs import replace

    from mapgen.project.binding import once_more
    from mapgen.runtime.ledger.interventions import Interventions

    record = _only_one(asked.records(flow, key=key, tenant=tenant))
    copy = None if record is None else asked.reports.copy_of(record)
    if record is None or copy is None:
        raise click.UsageError(f"the ledger has no open record `{key}` of `{flow}` with a copy")
    data = _corrected(copy.data, file)
    if data is None or data == copy.data:
        click.echo("nothing has changed", err=True)
        return
    bound = offline(asked.project, asked.ledger, record.book)
    _stop_for_errors(list(once_more(bound, replace(copy, data=data), None)), record)
    if not Interventions(asked.ledger, getpass.getuser()).edit(record, data, reason):
        click.echo("the record has changed meanwhile; look at it again", err=True)
        sys.exit(FAULTS)
    replay_it = typed("dlq", "replay", flow, "--key", record.source, "--env", "ENV")
    click.echo(f"corrected; `{visible(replay_it)}` sends it", err=True)


def _only_one(found: Iterable[OpenRecord]) -> OpenRecord | None:
    """Return an open record; None for none. Raises UsageError where it is open in two tenants."""
    first, *others = *found, None
    if first is not None and any(
        one is not None and one.of.tenant != first.of.tenant for one in others
    ):
        raise click.UsageError(f"`{first.source}` is open in several tenants: say which, --tenant")
    return first


def _corrected(data: bytes, file: Path | None) -> bytes | None:
    """Return a record as a person corrects it, None where nothing was saved."""
    if file is not None:
        with click.open_file(str(file), "rb") as stream:
            content: bytes = stream.read()
        return content.strip()
    suffix = ".json" if data.lstrip()[:1] in b"{[" else ".csv"
    text = click.edit(data.decode("utf-8", "surrogateescape"), extension=suffix)
    return None if text is None else text.strip().encode("utf-8", "surrogateescape")


def _stop_for_errors(outcomes: list[Outcome], record: OpenRecord) -> None:
    """End the command where a corrected record would not pass, or is another one."""
    from mapgen.runtime.ledger.text import subject_of

    errors = [error for one in outcomes if isinstance(one, Rejected) for error in one.errors]
    if errors:
        click.echo("the corrected record would not pass; the copy is as it was", err=True)
        for error in errors:
            _tell_error(error, err=True)
        sys.exit(FAULTS)
    if any(subject_of(one.origin) != record.subject for one in outcomes):
        click.echo("the corrected record has another key; the copy is as it was", err=True)
        sys.exit(FAULTS)


def _tell_refused(found: list[OpenRecord]) -> None:
    """Say what is not sent again, and why."""
    reasons = Counter(one.refusal for one in found if one.refusal is not None)
    for reason, count in reasons.most_common(20):
        example = next(one.source for one in found if one.refusal == reason)
        say(f"not sent again: {count}, as {example}: {reason}", err=True)


def _tell(one: DocumentStory, ledger: Ledger, passes: Callable[[OpenRecord], bool | None]) -> None:
    from mapgen.runtime.ledger.interventions import interventions_of

    record, now = one.record, ledger.now()
    number = f" as {record.number}" if record.number else ""
    what = f"{record.source} of {whose(record.of)}: {WORDS[record.state]}{number}"
    click.echo(click.style(visible(what), bold=True))
    facts = [
        ("read from", record.place),
        ("document", one.entity and f"{one.entity} (`{record.document}`)"),
        ("open", record.since and f"since {instant_of(record.since)}, {ago(record.since, now)}"),
        ("changed", instant_of(record.changed_at)),
        ("reason", record.reason),
        ("attempts", record.attempts),
        ("read by", one.reader and f"run {one.reader.run[:12]}"),
        ("ended by", one.finisher and f"run {one.finisher.run[:12]}"),
    ]
    tell_facts(((name, reported or None) for name, reported in facts), 9)
    for error in record.errors:
        _tell_error(error)
    for act in interventions_of(ledger, record):
        reason = f": {act.reason}" if act.reason else ""
        tell_facts([("by hand", f"{act.act} by {act.who}, {instant_of(act.at)}{reason}")], 9)
    tell_facts([("next", _next(record, passes))], 9)


def _tell_error(error: ErrorReport, *, err: bool = False) -> None:
    head = click.style(error.code, fg="red", bold=True)
    title = title_of(error.code)
    click.echo(f"  {head} {visible(title or error.message)}", err=err)
    facts = [
        ("message", error.message if title else None),
        ("field", error.target),
        ("reads", error.source_path),
        ("value", error.value),
        ("rule", error.spec),
        ("to do", advice_of(error.code)),
    ]
    tell_facts(facts, 8, 7, err=err)


def _next(record: OpenRecord, passes: Callable[[OpenRecord], bool | None]) -> str:
    if record.state in ("sent", "skipped", "staged"):
        return "nothing: it is not open" if record.state != "staged" else "the next run sends it"
    if record.refusal is not None:
        return record.refusal
    flow, key = record.of.flow, record.source
    replay_it = typed("dlq", "replay", flow, "--key", key, "--env", "ENV")
    match passes(record):
        case True:
            return f"it would pass now: {replay_it}"
        case None:
            return f"only sending shows whether it would pass now: {replay_it}"
        case _:
            edit_it = typed("dlq", "edit", flow, key)
            return f"it would not pass now: fix the cause, or correct the copy by {edit_it}"


def _as_data(one: OpenRecord) -> dict[str, Any]:
    return plain_facts(one, *_FACTS) | {
        "errors": msgspec.to_builtins(one.errors),
        "replayable": one.refusal is None,
    }


def _story_as_data(one: DocumentStory) -> dict[str, Any]:
    return _as_data(one.record) | {
        "entity": one.entity,
        "keys": dict(one.keys),
        "reader": one.reader and one.reader.run,
        "finisher": one.finisher and one.finisher.run,
    }
