"""The licence's limits: how many requests may be under way, and how many may start in a minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mapgen.runtime.clock import uptime

_USED_PERCENT = 87
"""How much of the licence is aimed at: a token given late in one minute and a request that
arrives early in the next fall into one minute on the other side."""
_MINUTE = 60.0


class RateLimiter:
    """A token for each request.

    Waiting for a token blocks the thread; a request keeps its place until its answer is read.
    """

    def __init__(self, *, concurrent_requests: int, requests_per_minute: int | None) -> None:
        self._places = threading.BoundedSemaphore(concurrent_requests)
        self._turn = threading.Lock()
        # When the latest requests began, as many as may begin in a minute.
        self._begun: deque[float] | None = None
        if requests_per_minute is not None:
            self._begun = deque(maxlen=max(1, requests_per_minute * _USED_PERCENT // 100))

    @contextmanager
    def token(self) -> Iterator[None]:
        """Wait for a place, then for the minute's budget, and hold the place meanwhile.

        In this order, a budget that was granted is used at once and not after a wait for a place.
        """
        with self._places:
            if self._begun is not None:
                self._wait_for_budget(self._begun)
            yield

    def _wait_for_budget(self, begun: deque[float]) -> None:
        """Wait until fewer requests than the budget began within a minute; count one more."""
        with self._turn:
            if len(begun) == begun.maxlen:
                time.sleep(max(0.0, begun[0] + _MINUTE - uptime()))
            begun.append(uptime())
