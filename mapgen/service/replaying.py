"""What the console's forms ask for, done with the flows of a service."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Observer, TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.interventions import Interventions
from mapgen.runtime.ledger.reports import Choice, OpenRecord, Reports
from mapgen.service.console.hands import Passes
from mapgen.service.flows import ServedFlow
from mapgen.service.loop import reason_of


class Replayer:
    """Replays and discards records of the flows of a service.

    `would_pass` says of an open record whether it would pass now, without a request.
    """

    def __init__(
        self,
        flows: Iterable[ServedFlow],
        ledger: Ledger,
        observer: Observer,
        would_pass: Passes,
        drain: Drain,
    ) -> None:
        self._flows = {one.name: one for one in flows}
        self._ledger = ledger
        self._reports = Reports(ledger)
        self._observer = observer
        self._would_pass = would_pass
        self._drain = drain

    def add(self, flow: ServedFlow) -> None:
        """Take one more flow."""
        self._flows[flow.name] = flow

    def replay(self, choice: Choice, who: str) -> int:
        """Begin to send records again, in a run of its own; return how many records that are."""
        flow = self._flows.get(choice.flow or "")
        if flow is None:
            return 0
        found = {
            one.subject: one
            for one in self._reports.records(choice)
            if one.book == flow.book and one.refusal is None
        }
        if found:
            work = partial(self._deliver, flow, tuple(found.values()), who)
            threading.Thread(target=work, name=f"replay of {flow.name}", daemon=True).start()
        return len(found)

    def discard(self, choice: Choice, reason: str, who: str) -> int:
        """Give records up; return how many, without those that a worker has in hand."""
        found = self._reports.records(choice)
        return Interventions(self._ledger, who).discard_all(found, reason)[0]

    def passes(self, flow: str) -> Passes | None:
        """Return what says of a record whether it would pass now, None for a flow of others."""
        return self._would_pass if flow in self._flows else None

    def _deliver(self, flow: ServedFlow, records: tuple[OpenRecord, ...], who: str) -> None:
        try:
            flow.replay(records, who, self._ledger, self._observer, self._drain)
        except RunAborted as aborted:
            facts = {"flow": flow.name, **reason_of(aborted)}
            self._observer.on_event(TechnicalEvent("replay failed", "error", facts))
