"""What the ledger says of a run's circuit breaker, for those who look at the flow from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger.conditions import Conditions


class Circuit:
    """Hands events on, and writes down when requests are held back and when they go again.

    Nothing is decided by what is written: a ledger that fails meanwhile is reported elsewhere.
    """

    def __init__(self, run: Run, tell: Callable[[TechnicalEvent], None]) -> None:
        self._run = run
        self._tell = tell
        self._conditions = Conditions(run.ledger)
        self._is_open = False

    def tell(self, event: TechnicalEvent) -> None:
        """Hand an event on; those of the circuit are written down as well."""
        self._tell(event)
        if event.name == "circuit opened":
            self._is_open = True
            with contextlib.suppress(LedgerFailed):
                reason = str(event.facts["reason"])
                self._conditions.note(
                    self._run.book, "circuit open", self._run.id, reason, self._longest
                )
        elif event.name == "circuit closed":
            self.close()

    def close(self) -> None:
        """Note that the run holds no request back any more."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(LedgerFailed):
                self._conditions.over("circuit open", self._run.id)

    @property
    def _longest(self) -> float:
        """Seconds after which the run has either gone on or ended, if it lives."""
        plan = self._run.plan
        a_probe = plan.circuit_breaker.cool_down + self._run.limits.request_timeout
        return a_probe * (plan.retry.attempts + 1)
