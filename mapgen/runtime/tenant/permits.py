"""The licence's limits in, a permit for each request out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyrate_limiter import Duration, Limiter, Rate

_USED_PERCENT = 87
"""How much of the licence is aimed at: a permit given late in one minute and a request that
arrives early in the next fall into one minute on the other side."""


class Permits:
    """How many requests may be under way, and how many may start in a minute.

    Waiting for a permit blocks the thread; a request keeps its place until its answer is read.
    """

    def __init__(self, *, concurrent_requests: int, requests_per_minute: int | None) -> None:
        self._places = threading.BoundedSemaphore(concurrent_requests)
        self._limiter: Limiter | None = None
        if requests_per_minute is not None:
            usable = max(1, requests_per_minute * _USED_PERCENT // 100)
            self._limiter = Limiter(Rate(usable, Duration.MINUTE))

    @contextmanager
    def permit(self) -> Iterator[None]:
        """Wait for a place, then for the minute's budget, and hold the place meanwhile.

        In this order, a budget that was granted is used at once and not after a wait for a place.
        """
        with self._places:
            if self._limiter is not None:
                self._limiter.try_acquire("request")
            yield

    def close(self) -> None:
        """Stop the limiter's housekeeping."""
        if self._limiter is not None:
            self._limiter.close()
