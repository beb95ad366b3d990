"""One run of a flow: documents are staged into the ledger, sent by workers, and counted."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from types import FrameType
from typing import assert_never

from msgspec import Struct

from mapgen import __version__
from mapgen.agreed.plan import Plan
from mapgen.runtime.aborted import FeedFailed, RunAborted, Terminated
from mapgen.runtime.delivery.circuit import Circuit
from mapgen.runtime.delivery.following import with_steps
from mapgen.runtime.delivery.gate import Gate
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.delivery.run_stats import RunStats
from mapgen.runtime.delivery.workers import Workers
from mapgen.runtime.draining import Drain
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import Observer, Plain, TechnicalEvent
from mapgen.runtime.feeds.kind import Feed, Page, Ways
from mapgen.runtime.ledger import Began, Kept, Ledger, Mark, book_of, source_of
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.outcome import ONLY, Document, Outcome, Rejected, Skipped
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Kind, Shown, Summary
from mapgen.runtime.targets.opening import Opened, opened
from mapgen.runtime.tracing import traced

_LONGEST_GRACE = 10.0
"""Seconds that requests under way get to finish when a run is stopped; the rest settles."""


class Mapped(Struct, frozen=True):
    """A feed, and what a mapping makes: of a page of it, and of a record that waited.

    `remote` are the tables that it asks in the session of the run. With a `gate`, no document is
    sent that does not pass it. Once `drain` is set, the run ends in order.
    """

    feed: Feed
    of_page: Callable[[Page], Iterable[Outcome]]
    of_kept: Callable[[Kept], Iterable[Outcome]]
    remote: RemoteTables | None = None
    gate: Gate | None = None
    drain: Drain | None = None


Outcomes = Iterable[Outcome] | Mapped
"""What is delivered; a mapping where it comes of a feed, or takes up what waits."""


class _Batch(Struct, frozen=True):
    """What is staged in one transaction, with the pages whose last rows are in it."""

    outcomes: Sequence[Outcome]
    ended: Sequence[Page] = ()


_Part = tuple[Page | None, Iterable[Outcome]]
"""A page, and what its records become; None for what comes of no feed."""

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
    after those that it needs, the steps of the plan after their document. Of a document that may be
    updated each newer state is sent, once.

    Outcomes are taken over in batches and never held in memory, however many there are. Documents
    that the ledger knows as sent make no request. Records that wait are mapped once more when the
    input is read; what is open for longer than the plan keeps it loses its content. Returns once
    nothing of the flow is in the queue or in hand, which after an unanswered request takes the
    settle time; what other rules made stays in the queue. Of a feed, what came since its cursor is
    delivered; the cursor goes on in the transaction that stages the last rows of a page.

    Raises RunAborted where the run as a whole cannot go on, with the summary so far in `summary`;
    KeyboardInterrupt (and Terminated, one of its kind, on SIGTERM and SIGHUP in the main thread,
    and once a mapping's `drain` is set) once the requests under way have had ten seconds. In each
    case the ERP is signed out of, and the next run goes on where this one stopped.
    """
    stats = RunStats(plan.flow, observer)
    place = environment.place
    book = book_of(plan.flow, place.name, place.url)
    mapped = outcomes if isinstance(outcomes, Mapped) else None
    gate, drain = (mapped.gate, mapped.drain) if mapped else (None, None)
    run = Run(book, plan, place.limits, ledger, stats, gate, drain or Drain())
    feed = mapped.feed.name if mapped else None
    stats.run = run.id
    began = ledger.begin(Began(run.id, book, __version__, plan.rules, environment.name, feed))
    stats.tell(TechnicalEvent("run began", facts=_facts(run, environment)))
    circuit = Circuit(run, stats.tell)
    try:
        stats.check()
        _purge(run)
        with (
            traced("run", run.id, flow=plan.flow, feed=feed),
            _raising_terminated(),
            run.drain.stops(run.stop),
            opened(environment, plan, ledger, stop=run.stop, tell=circuit.tell) as ways,
        ):
            _deliver_all(outcomes, environment, ways, run, Workers(run, ways.target, rules))
        stats.add_elsewhere(ledger.settle_accounts(run.book, run.id))
        _purge(run)
        stats.add_open(ledger.still_open(run.book, began, plan.rules))
        _note_end(run, "done")
        stats.check()
    except (RunAborted, KeyboardInterrupt) as ending:
        _note_early_end(run, ending)
        raise
    finally:
        circuit.close()
    return stats.summary()


def _purge(run: Run) -> None:
    """Forget the content of what is open for longer than the plan keeps it."""
    keep = run.plan.dead_letter_days * _SECONDS_A_DAY
    run.ledger.purge(run.book, run.id, keep, run.plan.rules)


def _note_early_end(run: Run, ending: RunAborted | KeyboardInterrupt) -> None:
    if isinstance(ending, RunAborted):
        ending.summary = run.stats.summary()
    _note_end(run, ending.code if isinstance(ending, RunAborted) else "stopped")


def _note_end(run: Run, reason: str) -> None:
    """Note why a run ended; where it is the ledger that fails, in the log alone."""
    counts = run.stats.summary().counts()
    run.stats.tell(TechnicalEvent("run ended", facts={**counts, "reason": reason}))
    with contextlib.suppress(RunAborted):
        run.ledger.end(run.id, reason, counts)


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


def _deliver_all(
    outcomes: Outcomes, environment: Environment, ways: Opened, run: Run, workers: Workers
) -> None:
    """Stage all outcomes while the workers send, and wait until they are done."""
    workers.start()
    try:
        feed = outcomes.feed.name if isinstance(outcomes, Mapped) else ""
        for batch in _batches(_read(outcomes, environment, ways, run), run.plan):
            workers.has_news(_stage(batch, run, feed))
        # Only now: a record that waits and is in the input again is read from there.
        for batch in _batches([(None, _once_more(run, outcomes))], run.plan):
            workers.has_news(_stage(batch, run, feed))
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


def _read(outcomes: Outcomes, environment: Environment, ways: Opened, run: Run) -> Iterator[_Part]:
    """Yield the pages of the input with what their records become."""
    if not isinstance(outcomes, Mapped):
        yield None, outcomes
        return
    feed = outcomes.feed
    if outcomes.remote is not None:
        outcomes.remote.connect(run.ledger, environment.tenant, ways.erp)
    asked = Ways(ways.erp, ways.apis)
    for page in feed.pages(run.ledger.cursor(run.book, feed.name), asked):
        with traced("page", feed=feed.name, page=page.name):
            yield page, outcomes.of_page(page)


def _once_more(run: Run, outcomes: Outcomes) -> Iterator[Outcome]:
    """Yield what becomes today of the records that earlier runs let wait."""
    if isinstance(outcomes, Mapped):
        for kept in run.ledger.kept(run.book, run.id):
            yield from outcomes.of_kept(kept)


def _stage(batch: _Batch, run: Run, feed: str) -> int:
    """Take a batch over into the ledger, and count what needs no delivery; return how many do."""
    marks = [Mark(feed, page.cursor, page.inbox) for page in batch.ended]
    staged = run.ledger.stage(run.book, run.id, batch.outcomes, run.updating, run.plan.rules, marks)
    for page in batch.ended:
        page.taken()
    run.stats.withdrew(staged.withdrawn)
    queued = 0
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
                else:
                    queued += 1
            case Rejected():
                kind: Kind = "deferred" if outcome.is_deferred else "rejected"
                run.stats.stayed_out(Shown(kind, source, outcome.errors))
            case Skipped():
                run.stats.stayed_out(Shown("skipped", source, (), outcome.reason))
            case _:
                assert_never(outcome)
    read = (one.origin.place for one in staged.outcomes if not one.origin.again)
    run.stats.saw(sum(1 for _ in groupby(read)), len(staged.outcomes))
    return queued


def _batches(parts: Iterable[_Part], plan: Plan) -> Iterator[_Batch]:
    """Yield about so many outcomes at a time, those of one record always together.

    Small pages go together, so that each delivery of an inbox need not be a transaction.
    What came before a feed failed is a batch like others.
    """
    outcomes: list[Outcome] = []
    ended: list[Page] = []
    try:
        for page, of_page in parts:
            for of_one_record in _by_record(with_steps(of_page, plan), plan):
                outcomes += of_one_record
                if len(outcomes) >= plan.batch_size:
                    yield _Batch(outcomes, ended)
                    outcomes, ended = [], []
            ended += [] if page is None else [page]
            if len(ended) >= plan.batch_size:
                yield _Batch(outcomes, ended)
                outcomes, ended = [], []
    except FeedFailed:
        yield _Batch(outcomes, ended)
        raise
    if outcomes or ended:
        yield _Batch(outcomes, ended)


def _by_record(outcomes: Iterable[Outcome], plan: Plan) -> Iterator[Iterable[Outcome]]:
    if plan.documents[0].name == ONLY and not plan.only.then:
        # Each is a record of its own: none waits until the next one shows that it is complete.
        return zip(outcomes)
    return (of_one_record for _, of_one_record in groupby(outcomes, lambda one: one.origin.place))


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
