"""The licence's limits on requests: lets one in, holds it back as the ERP does, or declines it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from mapgen.sandbox.errors import too_many_requests
from mapgen.sandbox.settings import Settings


class Licence:
    """Requests a minute, requests at a time, and the queue before them.

    From half of the minute's requests on, each one is held back by the minute's remaining time
    divided by its remaining requests; when none remains, until the minute is over. A request is
    declined when the queue is full or it waited too long. Source: the vendor's licence page.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._now = settings.now
        places = self._limits.concurrent_requests
        self._cores = None if places is None else asyncio.Semaphore(places)
        self._queued = 0
        self._minute: datetime | None = None
        self._admitted = 0
        self.delayed = 0
        self.declined = 0

    @asynccontextmanager
    async def admitted(self, *, is_queued: bool = True) -> AsyncIterator[None]:
        """Hold a core while the request is worked on. Raises Refused (429)."""
        if not is_queued or (self._limits.requests_per_minute is None and self._cores is None):
            yield
            return
        # The request in hand is in the queue itself until a core takes it.
        if self._queued > self._limits.queue_places:
            self.declined += 1
            raise too_many_requests()
        self._queued += 1
        try:
            await asyncio.wait_for(self._wait(), self._limits.queue_seconds)
        except TimeoutError:
            self.declined += 1
            raise too_many_requests() from None
        finally:
            self._queued -= 1
        try:
            yield
        finally:
            if self._cores is not None:
                self._cores.release()

    async def _wait(self) -> None:
        while (delay := self._delay()) is not None:
            self.delayed += 1
            await asyncio.sleep(delay[0])
            if delay[1]:
                break
        if self._cores is not None:
            await self._cores.acquire()

    def _delay(self) -> tuple[float, bool] | None:
        """Count a request in; return how long it waits, and whether it may go on then."""
        limit = self._limits.requests_per_minute
        if limit is None:
            return None
        now = self._now()
        if self._minute is None or (now - self._minute).total_seconds() >= 60:
            self._minute, self._admitted = now, 0
        seconds = 60 - (now - self._minute).total_seconds()
        remaining = limit - self._admitted
        if remaining <= 0:
            return seconds, False
        self._admitted += 1
        if self._admitted * 2 <= limit:
            return None
        return seconds / remaining, True
