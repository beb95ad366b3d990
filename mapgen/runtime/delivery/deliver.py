"""A flow's outcomes in, a summary out: staged into the ledger, carried to the tenant, told."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from types import FrameType
from typing import assert_never

from mapgen.runtime.delivery.courier import Courier
from mapgen.runtime.delivery.run import Run, book_of
from mapgen.runtime.delivery.tally import Tally
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import Observer
from mapgen.runtime.halt import Halt, Terminated
from mapgen.runtime.ledger import Ledger, source_of
from mapgen.runtime.outcome import ONLY, Document, Outcome, Rejected, Skipped
from mapgen.runtime.plan import Plan
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Kind, Shown, Summary
from mapgen.runtime.tenant import Client, Connection
from mapgen.runtime.tenant.breaker import Stopping

_LONGEST_GRACE = 10.0
"""Seconds that requests under way get to finish when a run is stopped; the rest settles."""


Outcomes = Iterable[Outcome] | Callable[[Connection], Iterable[Outcome]]
"""What is delivered; a function where the mapping needs the session, to ask the tenant."""


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
    that the ledger knows as sent make no request. Returns once nothing of the flow is in the queue
    or in hand, which after an unanswered request takes the settle time.

    Raises Halt where the run as a whole cannot go on, with the summary so far in `summary`;
    KeyboardInterrupt (and Terminated, one of its kind, on SIGTERM in the main thread) once the
    requests under way have had ten seconds. In each case the session is signed out, and the next
    run goes on where this one stopped.
    """
    tally = Tally(plan.flow, observer)
    run = Run(book_of(plan, environment.tenant), plan, environment.limits, ledger, tally)
    try:
        with (
            _raising_on_sigterm(),
            Connection(environment, plan, stop=run.stop, tell=tally.tell) as connection,
        ):
            clients = {
                document.name: Client(connection, document, rules, verifies=plan.verify != "off")
                for document in plan.documents
            }
            records = outcomes(connection) if callable(outcomes) else outcomes
            _carry_all(records, run, Courier(run, clients))
        tally.add_elsewhere(ledger.settle_accounts(run.book, run.id))
    except Halt as halt:
        halt.summary = tally.summary()
        raise
    return tally.summary()


def _carry_all(outcomes: Iterable[Outcome], run: Run, courier: Courier) -> None:
    """Stage all outcomes while the courier carries, and wait until it has done."""
    courier.start()
    try:
        for batch in _batches(outcomes, run.plan):
            _stage(batch, run)
            courier.has_news()
        run.tally.saw_all()
        courier.finish()
    except Stopping:
        # The mapping was about to ask the tenant when a worker failed: that is what stopped it.
        courier.abort(_LONGEST_GRACE)
        courier.check()
        raise
    except BaseException:
        with contextlib.suppress(Halt):
            courier.abort(_LONGEST_GRACE)
        raise


def _stage(batch: Sequence[Outcome], run: Run) -> None:
    """Take a batch over into the ledger, and count what needs no delivery."""
    staged = run.ledger.stage(run.book, run.id, batch, run.updating)
    for at, outcome in enumerate(batch):
        source = source_of(outcome.origin)
        match outcome:
            case Document(entity=entity):
                if at in staged.already_there:
                    number = staged.already_there[at]
                    run.tally.arrived("already there", source, entity, number)
                elif at in staged.unchanged:
                    run.tally.arrived("unchanged", source, entity, staged.unchanged[at])
            case Rejected():
                kind: Kind = "waiting" if outcome.waits else "rejected"
                run.tally.stayed_out(Shown(kind, source, outcome.faults))
            case Skipped():
                run.tally.stayed_out(Shown("skipped", source, (), outcome.reason))
            case _:
                assert_never(outcome)
    run.tally.saw(sum(1 for _ in groupby(batch, _record_of)), len(batch))


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
def _raising_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the run the way Ctrl-C does, so that the session is signed out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
