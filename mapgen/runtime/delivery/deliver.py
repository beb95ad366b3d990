"""One run of a flow: documents are staged into the ledger, sent by workers, and counted."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from types import FrameType
from typing import assert_never

from mapgen import __version__
from mapgen.plan import Plan
from mapgen.runtime.aborted import RunAborted, Terminated
from mapgen.runtime.delivery.gate import Gate
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.delivery.run_stats import RunStats
from mapgen.runtime.delivery.workers import Workers
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import Observer, Plain, TechnicalEvent
from mapgen.runtime.ledger import Kept, Ledger, book_of, source_of
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.outcome import ONLY, Document, Outcome, Rejected, Skipped
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Kind, Shown, Summary
from mapgen.runtime.targets.opening import Opened, opened
from mapgen.runtime.tenant import Connection

_LONGEST_GRACE = 10.0
"""Seconds that requests under way get to finish when a run is stopped; the rest settles."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping makes: of the input, given the way to the ERP, and of a record that waited.

    With a `gate`, no document is sent that does not pass it.
    """

    of_input: Callable[[Connection | None], Iterable[Outcome]]
    of_kept: Callable[[Kept], Iterable[Outcome]]
    gate: Gate | None = None


Outcomes = Iterable[Outcome] | Mapped
"""What is delivered; a mapping where it asks the ERP, or takes up what waits."""

_SECONDS_A_DAY = 86_400.0
_TERMINATING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def deliver(
    outcomes: Outcomes,
    plan: Plan,
    environment: Environment,
    ledger: Ledger,
    rules: Rules,
    observer: Observer,
) -> Summary:
    """Deliver each document once, and finish what earlier runs of the flow left in the ledger.

    The outcomes of one record follow each other, and are taken over all or none. A document goes
    after those that it needs. Of a document that may be updated each newer state is sent, once.

    Outcomes are taken over in batches and never held in memory, however many there are. Documents
    that the ledger knows as sent make no request. Records that wait are mapped once more when the
    input is read; what is open for longer than the plan keeps it loses its content. Returns once
    nothing of the flow is in the queue or in hand, which after an unanswered request takes the
    settle time; what other rules made stays in the queue.

    Raises RunAborted where the run as a whole cannot go on, with the summary so far in `summary`;
    KeyboardInterrupt (and Terminated, one of its kind, on SIGTERM and SIGHUP in the main thread)
    once the requests under way have had ten seconds. In each case the ERP is signed out of, and
    the next run goes on where this one stopped.
    """
    stats = RunStats(plan.flow, observer)
    place = environment.place
    book = book_of(plan.flow, place.name, place.url)
    gate = outcomes.gate if isinstance(outcomes, Mapped) else None
    run = Run(book, plan, place.limits, ledger, stats, gate)
    began = ledger.begin(run.book, run.id, __version__, plan.rules)
    stats.tell(TechnicalEvent("run began", facts=_facts(run, environment)))
    keep = plan.dead_letter_days * _SECONDS_A_DAY
    try:
        stats.check()
        ledger.purge(run.book, run.id, keep, plan.rules)
        with (
            _raising_terminated(),
            opened(environment, plan, stop=run.stop, tell=stats.tell) as ways,
        ):
            _deliver_all(outcomes, ways, run, Workers(run, ways.target, rules))
            ways.target.complete()
        stats.add_elsewhere(ledger.settle_accounts(run.book, run.id))
        ledger.purge(run.book, run.id, keep, plan.rules)
        stats.add_open(ledger.still_open(run.book, began, plan.rules))
        ledger.end(run.id)
        stats.check()
    except RunAborted as aborted:
        aborted.summary = stats.summary()
        raise
    return stats.summary()


def _facts(run: Run, environment: Environment) -> dict[str, Plain]:
    """Return what a run goes by, for the log."""
    return {
        "flow": run.plan.flow,
        "run": run.id,
        "tenant": environment.place.name,
        "url": environment.place.url,
        "mapgen": __version__,
        "rules": run.plan.rules,
    }


def _deliver_all(outcomes: Outcomes, ways: Opened, run: Run, workers: Workers) -> None:
    """Stage all outcomes while the workers send, and wait until they are done."""
    workers.start()
    try:
        read = outcomes.of_input(ways.erp) if isinstance(outcomes, Mapped) else outcomes
        for batch in _batches(read, run.plan):
            _stage(batch, run)
            workers.has_news()
        run.stats.saw_all()
        # Only now: a record that waits and is in the input again is read from there.
        for batch in _batches(_once_more(run, outcomes), run.plan):
            _stage(batch, run)
            workers.has_news()
        workers.finish()
    except Stopping:
        # The mapping was about to ask the tenant when a worker failed: that is what stopped it.
        workers.abort(_LONGEST_GRACE)
        workers.check()
        raise
    except BaseException:
        with contextlib.suppress(RunAborted):
            workers.abort(_LONGEST_GRACE)
        raise


def _once_more(run: Run, outcomes: Outcomes) -> Iterator[Outcome]:
    """Yield what becomes today of the records that earlier runs let wait."""
    if isinstance(outcomes, Mapped):
        for kept in run.ledger.kept(run.book, run.id):
            yield from outcomes.of_kept(kept)


def _stage(batch: Sequence[Outcome], run: Run) -> None:
    """Take a batch over into the ledger, and count what needs no delivery."""
    staged = run.ledger.stage(run.book, run.id, batch, run.updating, run.plan.rules)
    run.stats.withdrew(staged.withdrawn)
    for at, outcome in enumerate(staged.outcomes):
        source = source_of(outcome.origin)
        match outcome:
            case Document(entity=entity):
                if outcome.warnings:
                    run.stats.warned(source, outcome.warnings)
                if at in staged.already_exists:
                    number = staged.already_exists[at]
                    run.stats.arrived("already exists", source, entity, number)
                elif at in staged.unchanged:
                    run.stats.arrived("unchanged", source, entity, staged.unchanged[at])
            case Rejected():
                kind: Kind = "deferred" if outcome.is_deferred else "rejected"
                run.stats.stayed_out(Shown(kind, source, outcome.faults))
            case Skipped():
                run.stats.stayed_out(Shown("skipped", source, (), outcome.reason))
            case _:
                assert_never(outcome)
    read = (one for one in staged.outcomes if not one.origin.again)
    run.stats.saw(sum(1 for _ in groupby(read, _record_of)), len(staged.outcomes))


def _batches(outcomes: Iterable[Outcome], plan: Plan) -> Iterator[list[Outcome]]:
    """Yield about so many outcomes at a time, those of one record always together."""
    remaining = iter(outcomes)
    if plan.documents[0].name == ONLY:
        # Each is a record of its own: none waits until the next one shows that it is complete.
        while batch := list(islice(remaining, plan.batch_size)):
            yield batch
        return
    batch = []
    for _, of_one_record in groupby(remaining, _record_of):
        batch += of_one_record
        if len(batch) >= plan.batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


def _record_of(outcome: Outcome) -> tuple[str, int]:
    return outcome.origin.file, outcome.origin.record


@contextlib.contextmanager
def _raising_terminated() -> Iterator[None]:
    """Let SIGTERM, and a terminal that closes, end the run the way Ctrl-C does: signed out.

    A signal that whoever started the run lets it ignore, as `nohup` does, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, _frame: FrameType | None) -> None:
        raise Terminated(number)

    before = {
        number: signal.signal(number, terminate)
        for number in _TERMINATING
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
