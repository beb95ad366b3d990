"""The cycles of one flow: what starts them, who may run them, and what becomes of a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from mapgen.runtime.aborted import LedgerFailed, RunAborted, Terminated
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import InTurn, Observer, Plain, TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.conditions import Conditions
from mapgen.runtime.summary import Summary
from mapgen.service.clock import ServiceClock
from mapgen.service.schedule import Schedule

Why = Literal["scheduled", "arrived", "left"]
"""What starts a cycle: the schedule, a delivery in the inbox, or what earlier ones left."""

LEASE = 15.0
"""Seconds for which a process keeps the cycles of a flow; it renews them three times as often."""
_LONGEST_REST = 1.0
"""Seconds between two looks at the inbox, which other processes fill as well."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_CYCLES = "the cycles"
"""Who says that a flow fails: its cycles run in one process at a time, any may find it well."""
_HOLDS = 300.0
"""Seconds behind the next try after which nobody says so any more."""


class InTurns(Protocol):
    """What one process does at a time."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def book(self) -> str:
        """What the ledger keeps it under."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a flow runs: what starts its cycles, and how soon one that left something is followed.

    `rules` is the hash of its rules. `mode` is what arrivals do: `direct` starts a cycle at once,
    `queued` soon, `batch` none.
    """

    rules: str
    mode: str
    schedule: Schedule
    retry_seconds: float


class Cycled(InTurns, Protocol):
    """A flow that a loop runs cycles of."""

    @property
    def pace(self) -> Pace:
        """When it runs."""

    def cycle(self, why: Why, ledger: Ledger, observer: Observer, drain: Drain) -> Summary | None:
        """Deliver what came and what is left; return the counts, None where nothing was to do.

        Raises RunAborted for what stops it, Terminated where it was asked to end.
        """


@dataclass(frozen=True, slots=True)
class Unbound:
    """A flow that cannot run: why, and what to do; `book` is None where nobody knows its place."""

    name: str
    book: str | None
    code: str
    message: str
    help: str = ""


@dataclass(slots=True)
class Status:
    """How a flow is doing; threads read it while its loop writes it."""

    is_running: bool = False
    cycles: int = 0
    failures: int = 0
    failure: str | None = None
    next_at: datetime | None = None
    last: Summary | None = None
    is_elsewhere: bool = False


class Board:
    """What the loops of a service know of each other: whether a flow is at work, or about to be.

    Beside the flows are those that cannot be bound.
    """

    def __init__(self) -> None:
        self.flows: dict[str, Status] = {}
        self.unbound: Mapping[str, Unbound] = {}

    def is_settled(self, flow: str, moment: datetime) -> bool:
        """Whether a flow has nothing to do any more that was due up to a moment."""
        status = self.flows.get(flow)
        if status is None:
            return True
        is_due = status.next_at is not None and status.next_at <= moment
        return not (status.is_running or is_due) or status.failure is not None


@dataclass(frozen=True, slots=True)
class Around:
    """What the loops of a service share; `holder` is what others know its process by."""

    ledger: Ledger
    clock: ServiceClock
    observer: Observer
    holder: str
    board: Board = field(default_factory=Board)
    drain: Drain = field(default_factory=Drain)

    def __post_init__(self) -> None:
        # Each run takes turns of its own; here are several.
        object.__setattr__(self, "observer", InTurn(self.observer))


class Loop:
    """The cycles of one flow, one at a time, in a thread of their own.

    A cycle that fails is logged, and tried again after a wait that doubles; nothing ends the loop
    but `drain`.
    """

    def __init__(self, flow: Cycled, around: Around) -> None:
        self.flow = flow
        self.status = around.board.flows.setdefault(flow.name, Status())
        self._around = around
        self._ledger = around.ledger
        self._clock = around.clock
        self._drain = around.drain
        self._news = threading.Event()
        self._again_at: float | None = time.monotonic()
        self._wait = _FIRST_WAIT
        self.status.next_at = flow.pace.schedule.next(around.clock.now())
        self.thread = threading.Thread(target=self._run, name=f"flow {flow.name}", daemon=True)

    def wake(self) -> None:
        """Say that something has arrived, or that the service ends."""
        self._news.set()

    def _run(self) -> None:
        while not self._drain.is_set():
            try:
                self._turn()
            except Terminated:
                break
            except Exception as error:  # noqa: BLE001 - one flow's failure is not the others'
                self._failed(error)
        with suppress(RunAborted):
            self._ledger.leave_cycles(self.flow.book, self._around.holder)

    def _turn(self) -> None:
        """Run a cycle where something starts one; else rest until something may."""
        why = self._why()
        if why is None:
            self._rest()
            return
        if not self._ledger.take_cycles(self.flow.book, self._around.holder, LEASE):
            self.status.is_elsewhere = True
            self._pass_over()
            self._drain.wait(_LONGEST_REST)
            return
        self.status.is_elsewhere = False
        self._cycle(why)

    def _why(self) -> Why | None:
        due = self.status.next_at
        now = time.monotonic()
        if self._is_backing_off(now):
            return None
        if due is not None and due <= self._clock.now():
            after = self.flow.pace.schedule.after
            if after is None or self._around.board.is_settled(after, due):
                return "scheduled"
            return None
        if self._again_at is not None and now >= self._again_at:
            return "left"
        is_asked = self.flow.pace.mode != "batch" or due is None
        if is_asked and self._ledger.count_waiting(self.flow.book):
            return "arrived"
        return None

    def _is_backing_off(self, now: float) -> bool:
        """Whether a cycle has failed just now; what one has left holds up neither feed."""
        return self.status.failures > 0 and self._again_at is not None and now < self._again_at

    def _cycle(self, why: Why) -> None:
        # Before the cycle: what arrives in it starts another one.
        self._news.clear()
        found = cycled(self.flow, self.status, self._around, why)
        self._wait = _FIRST_WAIT
        is_left = found is not None and (found.deferred or found.open)
        self._again_at = time.monotonic() + self.flow.pace.retry_seconds if is_left else None
        self._pass_over()

    def _pass_over(self) -> None:
        """Let the next start be the first one behind now: those that were missed are one."""
        due = self.status.next_at
        if due is not None and due <= self._clock.now():
            self.status.next_at = self.flow.pace.schedule.next(self._clock.now())

    def _failed(self, error: Exception) -> None:
        self._again_at = time.monotonic() + self._wait
        note_failed(self.flow, self.status, self._around, error, self._wait)
        self._wait = min(2 * self._wait, _LONGEST_WAIT)

    def _rest(self) -> None:
        """Wait for an arrival, the schedule, or the next try, whichever comes first."""
        rest = _LONGEST_REST
        if self.status.next_at is not None:
            rest = min(rest, max(0.01, self._clock.seconds_to(self.status.next_at)))
        if self._again_at is not None:
            rest = min(rest, max(0.01, self._again_at - time.monotonic()))
        has_news = self._news.wait(rest)
        is_backing_off = self._is_backing_off(time.monotonic())
        if has_news and not is_backing_off:
            self._news.clear()
            if self.flow.pace.mode == "queued":
                self._drain.wait(_LONGEST_REST)  # more may come, which then go together
        elif has_news:
            self._drain.wait(rest)


def cycled(flow: Cycled, status: Status, around: Around, why: Why) -> Summary | None:
    """Run a cycle whose turn a process has taken. Returns and raises what the cycle does."""
    status.is_running = True
    try:
        with keeping(around.ledger, flow, around.holder):
            found = flow.cycle(why, around.ledger, around.observer, around.drain)
    finally:
        status.is_running = False
    status.cycles += 1
    note_well(flow, status, around)
    status.last = found or status.last
    return found


def reason_of(error: Exception) -> dict[str, str]:
    """Return the code of what went wrong, and its words where they hold no value of a record."""
    if isinstance(error, RunAborted):
        return {"code": error.code, "message": error.message, "help": error.help}
    return {"code": type(error).__name__}


def note_failed(
    flow: InTurns, status: Status, around: Around, error: Exception, again_in: float
) -> None:
    """Say to all who look that a cycle has failed, and is tried again in so many seconds."""
    facts = reason_of(error)
    status.failures += 1
    status.failure = facts["code"]
    told: dict[str, Plain] = {"flow": flow.name, "again_in": again_in, **facts}
    with suppress(RunAborted):
        around.observer.on_event(TechnicalEvent("cycle failed", "error", told))
    words = ": ".join(filter(None, facts.values()))
    with suppress(LedgerFailed):
        conditions = Conditions(around.ledger)
        conditions.note(flow.book, "failing", _CYCLES, words, again_in + _HOLDS)


def note_well(flow: InTurns, status: Status, around: Around) -> None:
    """Say that a cycle went well, also where one has failed before in another process."""
    if status.failures:
        with suppress(RunAborted):
            facts: dict[str, Plain] = {"flow": flow.name}
            around.observer.on_event(TechnicalEvent("cycle recovered", "info", facts))
    status.failures, status.failure = 0, None
    with suppress(LedgerFailed):
        Conditions(around.ledger).over("failing", _CYCLES, flow.book)


@contextmanager
def keeping(ledger: Ledger, flow: InTurns, holder: str) -> Iterator[None]:
    """Keep a turn, which a process has taken, for as long as the block takes."""
    is_over = threading.Event()

    def keep() -> None:
        while not is_over.wait(LEASE / 3):
            with suppress(LedgerFailed):
                ledger.take_cycles(flow.book, holder, LEASE)

    keeper = threading.Thread(target=keep, name=f"lease of {flow.name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()
