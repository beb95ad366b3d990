"""What specs say about when to call a person, held against the ledger each minute, and told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from mapgen.agreed.plan import Plan
from mapgen.durations import HOUR, span
from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.events import Level, Observer, TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.alerts import (
    FAILING,
    NOT_BOUND,
    Activity,
    Alert,
    Alerts,
    Measured,
    amount,
)
from mapgen.runtime.ledger.conditions import Condition, Conditions
from mapgen.runtime.ledger.reports import Reports
from mapgen.service.duty import Duty
from mapgen.service.history import History
from mapgen.service.telling import Channel, NotTold

_WINDOW = HOUR
_EVERY = 60.0
_OUTAGE = 600.0
"""Seconds for which cycles may fail before a person is called."""
REPEAT = 4 * HOUR
_MEASURES: Mapping[str, Callable[[Activity, float], float | None]] = {
    "failure_rate": lambda seen, _: seen.failed / seen.ended if seen.ended else 0.0,
    "dead_letters": lambda seen, _: float(seen.dead_lettered),
    "lag": lambda seen, now: 0.0 if seen.oldest is None else max(0.0, now - seen.oldest),
    "latency": lambda seen, _: seen.p95 or 0.0,
    "unreconciled": lambda seen, _: None if seen.unreconciled is None else float(seen.unreconciled),
}
"""What each alert of a spec is validated against: of the last hour, or of what is there now."""


class Watched(Struct, frozen=True):
    """A flow that is looked after: its book, and beyond which values a person is called."""

    name: str
    book: str
    thresholds: Mapping[str, float]


class Watchable(Protocol):
    """A flow of a service, as its plan has it."""

    @property
    def book(self) -> str:
        """What the ledger keeps it under."""

    @property
    def plan(self) -> Plan:
        """What the compiler decided."""


def watched(name: str, book: str, alerts: Mapping[str, float], latency: float | None) -> Watched:
    """Return what is looked after of a flow: its alerts, and how soon documents have to arrive."""
    soon = {} if latency is None else {"latency": latency}
    return Watched(name, book, {**alerts, **soon})


def measured(flow: Watched, seen: Activity, now: float) -> Iterator[Measured]:
    """Yield what a flow's thresholds come to."""
    for name, threshold in flow.thresholds.items():
        value = _MEASURES[name](seen, now)
        if value is not None:
            words = f"> {amount(name, threshold)}"
            yield Measured(flow.book, name, words, value, is_firing=value > threshold)


def standing(
    firing: Iterable[Alert], conditions: Iterable[Condition], now: float
) -> Iterator[Measured]:
    """Yield an alert for each flow that does not run at all, and its end where it does again.

    No process can bind it, or its cycles have failed for longer than an outage lasts.
    """
    firing, conditions = tuple(firing), tuple(conditions)
    for alert, name, patience in ((NOT_BOUND, "not bound", 0.0), (FAILING, "failing", _OUTAGE)):
        for_long = {one.book: now - one.since for one in conditions if one.name == name}
        told = {one.book for one in firing if one.name == alert}
        for book in sorted(for_long.keys() | told):
            value = max(0.0, for_long.get(book, 0.0))
            is_firing = book in for_long and value >= patience
            yield Measured(book, alert, f"> {span(patience)}", value, is_firing=is_firing)


class Watch(Duty):
    """Looks at each flow once a minute, keeps its alerts in the ledger, and sends word of them."""

    def __init__(
        self,
        ledger: Ledger,
        flows: list[Watched],
        channels: Sequence[Channel],
        observer: Observer,
        environment: str,
        *,
        repeat: float = REPEAT,
    ) -> None:
        super().__init__("alerts")
        self.ledger = ledger
        self.flows = flows
        self.channels = channels
        self.observer = observer
        self.environment = environment
        self.repeat = repeat
        self.history = History()

    def add(self, flow: Watchable) -> None:
        """Look after one more flow, instead of what was looked after by its name."""
        plan = flow.plan
        others = [one for one in self.flows if one.name != plan.flow]
        self.flows = [*others, watched(plan.flow, flow.book, plan.alerts, plan.latency)]

    def look(self) -> tuple[Alert, ...]:
        """Look once; return the alerts that word was sent of. Raises LedgerFailed."""
        alerts, now = Alerts(self.ledger), self.ledger.now()
        queued: dict[str, int] = {}
        for flow in Reports(self.ledger).flows():
            queued[flow.of.flow] = queued.get(flow.of.flow, 0) + flow.queued + flow.inbox
        self.history.note(now, queued)
        found = [
            one
            for flow in self.flows
            for one in measured(flow, alerts.activity(flow.book, _WINDOW), now)
        ]
        found += standing(alerts.firing(), Conditions(self.ledger).current(), now)
        told = (*alerts.untold_ends(), *alerts.note(found, self.repeat))
        for alert in told:
            self._tell(alerts, alert)
        return told

    def _tell(self, alerts: Alerts, alert: Alert) -> None:
        """Send word by each channel; where one fails, all are reported again at the next look."""
        level: Level = "info" if alert.state == "resolved" else "error"
        facts = {"flow": alert.of.flow, "alert": alert.name, "state": alert.state}
        self.observer.on_event(TechnicalEvent("alert", level, facts))
        for channel in self.channels:
            try:
                channel.send(alert, self.environment)
            except NotTold as failed:
                reason = {"channel": channel.name, "reason": str(failed)}
                self.observer.on_event(TechnicalEvent("alert not sent", "error", facts | reason))
                alerts.untold(alert)

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the next look may be better; flows go on
                is_told = isinstance(error, LedgerFailed)  # words of others may hold anything
                facts = {"message": str(error) if is_told else type(error).__name__}
                with suppress(Exception):
                    self.observer.on_event(TechnicalEvent("alerts not looked at", "error", facts))
            self._is_over.wait(_EVERY)
