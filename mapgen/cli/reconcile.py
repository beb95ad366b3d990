"""`reconcile`: the source, the ledger and the ERP side by side, and in money."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import click
import msgspec
from msgspec import Struct, field

from mapgen.cli import FAULTS
from mapgen.cli.ledgers import WORDS, Age, opened_ledger
from mapgen.cli.options import FILE, env_option, json_option, state_option
from mapgen.cli.output import piped_json, say, tell_row
from mapgen.escaping import visible

if TYPE_CHECKING:
    from mapgen.agreed.plan import Plan
    from mapgen.project.live import LiveFlow
    from mapgen.runtime.delivery.reconcile import Books, Compared
    from mapgen.runtime.ledger import Ledger
    from mapgen.runtime.outcome import Outcome
    from mapgen.runtime.summary import Summary

_STDIN = Path("-")
Lost = Literal["missing", "different"]


class _Options(TypedDict):
    """What the command takes, by the names of its options."""

    flow: str
    source: Path | None
    env: str
    since: float
    whole: bool
    repair: bool
    yes: bool
    as_json: bool
    state: str | None


class _Repair(Struct):
    """What a repair sends again: documents by name and identity, with why; their records."""

    documents: dict[tuple[str, str], Lost] = field(default_factory=dict)
    records: set[tuple[str, int]] = field(default_factory=set)
    left: int = 0


@click.command()
@click.argument("flow")
@click.option(
    "--input",
    "source",
    type=FILE,
    help="Records; - for stdin. Without, the ledger is compared with the ERP.",
)
@env_option
@click.option(
    "--since",
    type=Age(),
    default="30d",
    show_default=True,
    help="How far back documents of the ledger and the ERP are listed.",
)
@click.option("--whole", is_flag=True, help="The input is all there is: what it lacks is extra.")
@click.option("--repair", is_flag=True, help="Say what would be sent again; with --yes, send it.")
@click.option("--yes", is_flag=True, help="Send again what --repair names.")
@json_option
@state_option
@click.pass_obj
def reconcile(project: Path, /, **options: Unpack[_Options]) -> None:
    """Compare the documents that a file of records gives now with what the ERP has.

    Each that is missing, extra, different or unclear is named, with its rule; then the money of
    each side. Nothing is changed without --yes. Exit code 1 where the sides do not agree.
    """
    from mapgen.cli.flows import live_flow

    _understood(options)
    live = live_flow(project, options["flow"], options["env"])
    _is_shown(live)
    repair = _Repair()
    with opened_ledger(project, options["state"], options["env"]) as ledger:
        books, rejected = _compare(live, ledger, options, repair)
        _tell_books(live.plan, books, rejected, as_json=options["as_json"])
        if options["repair"]:
            _tell_repair(repair, is_done=options["yes"])
            if options["yes"] and repair.documents:
                _send_again(project, options, ledger, repair)
                return
    if books.disagreeing or rejected:
        sys.exit(FAULTS)


def _is_shown(live: LiveFlow) -> None:
    """Raise click.UsageError for a flow whose documents nobody can look at again."""
    plan = live.plan
    if plan.goes_to.takes_portions:
        raise click.UsageError(
            f"`{plan.flow}` writes its documents into files, which are not read again: there is"
            f" nothing to compare with. `mapgen run {plan.flow} --input FILE --env ENV --dry-run`"
            " says of which records nothing is written yet"
        )


def _understood(options: _Options) -> None:
    """Raise click.UsageError for options that mean nothing together."""
    source = options["source"]
    if options["yes"] and not options["repair"]:
        raise click.UsageError("--yes goes with --repair: a comparison changes nothing")
    if source is None and (options["repair"] or options["whole"]):
        words = "--repair and --whole take --input: the ledger keeps no copy of what was sent"
        raise click.UsageError(words)
    if source == _STDIN and options["yes"]:
        raise click.UsageError("a repair reads its records twice: give --input a file")


def _compare(
    live: LiveFlow, ledger: Ledger, options: _Options, repair: _Repair
) -> tuple[Books, int]:
    """Compare, telling what is not the same; return the books, and how many records are none."""
    from mapgen.cli.inputs import open_input
    from mapgen.runtime.delivery.reconcile import Booked, Books, Scope, compared
    from mapgen.runtime.outcome import Rejected

    source, rejected = options["source"], 0
    books = Books(has_source=source is not None)

    def outcomes() -> Iterator[Outcome]:
        nonlocal rejected
        assert source is not None
        with open_input(live.bound, source) as records:
            for outcome in records.kept_outcomes():
                rejected += isinstance(outcome, Rejected)
                yield outcome

    scope = Scope(ledger.now() - options["since"], options["whole"])
    given = None if source is None else outcomes
    flow = Booked(live.plan, live.environment, live.bound.flow.rules, live.remote)
    for one in compared(given, flow, ledger, scope):
        books.add(one)
        if one.verdict != "same":
            _tell(one, as_json=options["as_json"])
            _note(one, live.plan, repair)
    return books, rejected


def _note(one: Compared, whole: Plan, repair: _Repair) -> None:
    """Note what of a document can be sent again: what is missing, and updates of what differs."""
    plan = whole.document(one.document)
    is_sent = one.verdict == "missing" and plan.does.creates and plan.owner is None
    if one.record is None or not (is_sent or (one.verdict == "different" and plan.does.updates)):
        repair.left += 1
        return
    repair.records.add(one.record)
    repair.documents[one.document, one.identity] = "missing" if is_sent else "different"


def _send_again(project: Path, options: _Options, ledger: Ledger, repair: _Repair) -> None:
    """Deliver the records of a repair, as `run` does, and end with its exit code."""
    from mapgen.cli.flows import live_flow
    from mapgen.cli.inputs import open_input
    from mapgen.cli.run import finish
    from mapgen.cli.watching import watching

    source = options["source"]
    assert source is not None
    live = live_flow(project, options["flow"], options["env"])

    def chosen(found: Iterator[Outcome]) -> Iterator[Outcome]:
        for one in found:
            if (one.origin.file, one.origin.record) in repair.records:
                yield _lost(one, repair)

    def sent() -> Summary:
        with open_input(live.bound, source) as records, watching(None, None) as observer:
            return live.deliver(records.mapped(live.remote, chosen), ledger, observer)

    finish(live.name, sent, as_json=options["as_json"])


def _lost(one: Outcome, repair: _Repair) -> Outcome:
    """Return an outcome, with why it is sent although the ledger knows it as sent."""
    from mapgen.runtime.outcome import Document

    if not isinstance(one, Document):
        return one
    return msgspec.structs.replace(one, lost=repair.documents.get((one.document, one.identity)))


def _tell(one: Compared, *, as_json: bool) -> None:
    if as_json:
        members = msgspec.to_builtins(one) | {"is_in_ledger": one.is_in_ledger}
        del members["record"]
        piped_json(members)
        return
    ledger = "not in the ledger" if one.state is None else f"{WORDS[one.state]}, says the ledger"
    tell_row(one.source, one.entity, one.number or "", one.verdict, ledger)
    for error in one.errors:
        rule = f" ({error.spec})" if error.spec else ""
        click.echo(f"  {visible(f'{error.code} {error.target or str()}: {error.message}{rule}')}")


def _tell_books(plan: Plan, books: Books, rejected: int, *, as_json: bool) -> None:
    """Say how many documents agree, what the sides come to in money, and what was not asked."""
    from mapgen.runtime.delivery.reconcile import unasked

    cannot = unasked(plan)
    if as_json:
        counts = {"flow": plan.flow, **books.by_verdict, "rejected": rejected}
        money = msgspec.to_builtins(books.money)
        piped_json({**counts, "money": money, "not_asked": list(cannot)})
    else:
        for line in books.money:
            sides = [("ledger", line.ledger), ("ERP", line.target)]
            sides += [] if line.source is None else [("source", line.source)]
            reported = [f"{side} {amount}" for side, amount in sorted(sides, reverse=True)]
            first = line.source or line.ledger or "0"
            reported.append(f"difference {Decimal(line.target) - Decimal(first):f}")
            tell_row("money", line.document, line.currency, *reported)
    for words in cannot:
        say(f"not asked: {words}", err=True)
    reported_counts = [f"{count} {verdict}" for verdict, count in books.by_verdict.items()]
    reported_counts += [f"{rejected} records rejected"] if rejected else []
    say(", ".join(reported_counts), err=True)


def _tell_repair(repair: _Repair, *, is_done: bool) -> None:
    left = f"; {repair.left} cannot be, and stay" if repair.left else ""
    say(f"{len(repair.records)} records to be sent again{left}", err=True)
    if not is_done:
        say("nothing was done; --yes does it", err=True)
