"""The licence's limits: how many requests may be under way, and how many may start in a minute."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from mapgen.runtime.clock import uptime
from mapgen.runtime.network.breaker import Stopping

_USED_PERCENT = 87
"""How much of the licence is aimed at: a token given late in one minute and a request that
arrives early in the next fall into one minute on the other side."""
MINUTE = 60.0
_LONGEST_WAIT = 0.5
_SMALLEST_PART = 1 / 16
_BETWEEN_CUTS = 1.0
_RECOVERS = 1 / 120
"""What of the budget comes back each second after requests were declined: all of it in minutes."""


class Budget(Struct, frozen=True):
    """Requests under way, and requests that begin in a minute; None is no limit."""

    places: int
    per_minute: int | None

    @classmethod
    def of_licence(cls, concurrent_requests: int, requests_per_minute: int | None) -> Budget:
        """Return what is aimed at of a licence."""
        if requests_per_minute is None:
            return cls(concurrent_requests, None)
        return cls(concurrent_requests, max(1, requests_per_minute * _USED_PERCENT // 100))

    def at_most(self, other: Budget) -> Budget:
        """Return the lesser of two in each respect."""
        rates = [one for one in (self.per_minute, other.per_minute) if one is not None]
        return Budget(min(self.places, other.places), min(rates, default=None))


NOTHING = Budget(0, 0)


class RateLimiter:
    """A token for each request. Threads, and the runs of a process, share it.

    Waiting for a token blocks the thread; a request keeps its place until its answer is read. What
    it may give can be set while it is at work (`shrink`, `grant`), and ends with its lease: then
    no token is given until the next grant. Requests that the other side declines halve it; it
    grows back by and by.
    """

    def __init__(self, *, concurrent_requests: int, requests_per_minute: int | None) -> None:
        self._turn = threading.Condition()
        self._budget = Budget.of_licence(concurrent_requests, requests_per_minute)
        self._until = float("inf")
        self._part, self._part_at = 1.0, uptime()
        self._under_way = 0
        self._waiting = 0
        self._begun: deque[float] = deque()
        self._used_at = uptime()
        self._failure: Exception | None = None
        self.asks: Callable[[], None] = lambda: None
        """Called where a request finds nothing granted."""

    @contextmanager
    def token(self, stop: threading.Event | None = None) -> Iterator[float]:
        """Wait for a place and the minute's budget; hold the place meanwhile.

        Gives the moment (of `uptime`) until which the request has to be on its way: a process that
        was stopped meanwhile has no share any more. Raises Stopping, and what `fail` was told.
        """
        until = self._acquire(stop)
        try:
            yield until
        finally:
            with self._turn:
                self._under_way -= 1
                self._used_at = uptime()
                self._turn.notify_all()

    def declined(self) -> None:
        """Note that the other side declined a request as one too many: ask for half as much."""
        with self._turn:
            now = uptime()
            part = self._current_part(now)
            if part == 1.0 or now - self._part_at >= _BETWEEN_CUTS:
                self._part, self._part_at = max(part / 2, _SMALLEST_PART), now

    def shrink(self, budget: Budget) -> Budget:
        """Give no more than `budget` from now on; return that, or what is still used where more.

        What is returned is what others must leave, also once `budget` is granted.
        """
        with self._turn:
            self._budget = self._budget.at_most(budget)
            used = self._used(uptime())
            return Budget(
                max(budget.places, self._under_way),
                None if budget.per_minute is None else max(budget.per_minute, used),
            )

    def grant(self, budget: Budget, until: float) -> None:
        """Give as much as `budget`, until a moment of `uptime`."""
        with self._turn:
            self._budget, self._until, self._failure = budget, until, None
            self._turn.notify_all()

    def fail(self, failure: Exception) -> None:
        """Let requests that find no lease raise what keeps it from being renewed."""
        with self._turn:
            self._failure = failure
            self._turn.notify_all()

    def used(self) -> int:
        """Return how many requests began within the last minute."""
        with self._turn:
            return self._used(uptime())

    def is_idle(self, seconds: float) -> bool:
        """Whether nothing was asked of it for so long."""
        with self._turn:
            is_at_work = self._under_way or self._waiting
            return not is_at_work and uptime() - self._used_at >= seconds

    def _acquire(self, stop: threading.Event | None) -> float:
        with self._turn:
            self._waiting += 1
            try:
                while (rest := self._rest(uptime())) > 0:
                    if stop is not None and stop.is_set():
                        raise Stopping
                    self._turn.wait(min(rest, _LONGEST_WAIT))
            finally:
                self._waiting -= 1
            now = uptime()
            self._under_way += 1
            self._used_at = now
            self._begun.append(now)
            return self._until

    def _rest(self, now: float) -> float:
        """Return for how long at most to wait before another look, 0.0 where a request may go."""
        if now >= self._until:
            if self._failure is not None:
                raise self._failure
            self.asks()
            return _LONGEST_WAIT
        part = self._current_part(now)
        budget, used = self._budget, self._used(now)
        if self._under_way >= _part_of(budget.places, part):
            if not budget.places:
                self.asks()
            return _LONGEST_WAIT
        if budget.per_minute is None or used < _part_of(budget.per_minute, part):
            return 0.0
        return self._begun[0] + MINUTE - now if used else _LONGEST_WAIT

    def _used(self, now: float) -> int:
        """Return how many requests began within the last minute."""
        while self._begun and self._begun[0] + MINUTE <= now:
            self._begun.popleft()
        return len(self._begun)

    def _current_part(self, now: float) -> float:
        return min(1.0, self._part + (now - self._part_at) * _RECOVERS)


def _part_of(whole: int, part: float) -> int:
    """Return a part of a number, but not less than one of what there is."""
    return min(whole, max(1, int(whole * part)))
