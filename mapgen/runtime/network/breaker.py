"""The circuit breaker: requests wait while a system is unwell."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from mapgen.agreed.plan import CircuitBreaker
from mapgen.runtime.aborted import TenantUnavailable
from mapgen.runtime.events import Plain, TechnicalEvent
from mapgen.runtime.network.verdict import Verdict


class Stopping(Exception):
    """The run is being stopped; what waits, waits no longer."""


class Breaker:
    """Holds requests back for a while after too many failures in too short a time.

    Open, everybody waits; after the cool-down one request goes ahead as a probe: its success lets
    the others go, its failure begins another cool-down. After `patience` failed probes in a row
    the run stops with TenantUnavailable: a tenant that is down is not the documents' error, and
    they stay in the queue instead of dying one by one. Where the ERP has never spoken there is one
    probe only: the address is more likely wrong than its machine unwell.
    """

    def __init__(
        self,
        limits: CircuitBreaker,
        *,
        patience: int,
        who: str,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
    ) -> None:
        self._limits = limits
        self._patience = patience
        self._who = who
        self._stop = stop
        self._tell = tell
        self._turn = threading.Condition()
        self._failures: deque[float] = deque()
        self._opened_at: float | None = None
        self._is_probing = False
        self._failed_probes = 0
        self._has_spoken = False
        self._reason = ""

    def wait(self) -> bool:
        """Return when a request may go: True if it goes as the probe of an open circuit.

        Raises Stopping and TenantUnavailable.
        """
        with self._turn:
            while True:
                if self._stop.is_set():
                    raise Stopping
                if self._failed_probes >= (self._patience if self._has_spoken else 1):
                    raise self._unavailable()
                if self._opened_at is None:
                    return False
                rest = self._opened_at + self._limits.cool_down - time.monotonic()
                if rest <= 0 and not self._is_probing:
                    self._is_probing = True
                    return True
                self._turn.wait(min(max(rest, 0.05), 0.5))

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._opened_at is not None

    def _unavailable(self) -> TenantUnavailable:
        if not self._has_spoken:
            return TenantUnavailable(
                f"{self._who} has not given one proper answer: {self._reason}",
                "see whether its address is right and it is up, and run again; nothing is lost",
            )
        return TenantUnavailable(
            f"{self._who} failed {self._failed_probes} times in a row, with pauses of"
            f" {self._limits.cool_down:g} s between: {self._reason}",
            "see whether it is up, and run again; nothing is lost",
        )

    def succeeded(self) -> None:
        """Note that the tenant answered properly."""
        with self._turn:
            self._has_spoken = True
            if self._opened_at is None:
                return
            self._tell(TechnicalEvent("circuit closed"))
            self._opened_at = None
            self._is_probing = False
            self._failed_probes = 0
            self._turn.notify_all()

    def failed(self, verdict: Verdict, *, is_probe: bool) -> None:
        """Note that the tenant did not answer properly, and what that means."""
        with self._turn:
            self._reason = verdict.reason
            # Words of the ERP are in a body of its own form, which no other server writes.
            self._has_spoken = self._has_spoken or verdict.message is not None
            now = time.monotonic()
            if is_probe:
                self._is_probing = False
                self._failed_probes += 1
                self._opened_at = now
                self._turn.notify_all()
            if self._opened_at is not None:
                # What was sent before it opened and fails only now says nothing new.
                return
            self._failures.append(now)
            while self._failures[0] < now - self._limits.within:
                self._failures.popleft()
            if len(self._failures) >= self._limits.failures:
                self._opened_at = now
                self._failures.clear()
                facts: dict[str, Plain] = {
                    "cool_down": self._limits.cool_down,
                    "reason": f"{self._who}: {self._reason}",
                }
                self._tell(TechnicalEvent("circuit opened", "warning", facts))

    def abandoned(self, *, is_probe: bool) -> None:
        """Note that a request that was let through was not made, so that another may probe."""
        with self._turn:
            if is_probe:
                self._is_probing = False
                self._turn.notify_all()
