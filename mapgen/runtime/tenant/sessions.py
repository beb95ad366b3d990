"""The sessions of this process: runs at work at the same time in a tenant share one.

The first run signs in, and the last one signs out; a process that runs flows by themselves waits a
while for the next run before it does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from msgspec import Struct

from mapgen.runtime.environment import Tenant
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.tenant.auth import Seat, Session

Tell = Callable[[TechnicalEvent], None]


class _Shared(Struct):
    """A session, its seat, and how many runs use it; `timer` is what ends one that none uses."""

    session: Session
    seat: Seat | None
    runs: int = 0
    timer: threading.Timer | None = None

    def end(self, http: httpx2.Client | None) -> None:
        """Sign out, and give the seat back."""
        if self.timer is not None:
            self.timer.cancel()
        self.session.sign_out(http)
        if self.seat is not None:
            self.seat.leave()


class Sessions:
    """The sessions of a process, by tenant."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._shared: dict[Tenant, _Shared] = {}
        self._lingers = 0.0

    @contextmanager
    def joined(
        self, tenant: Tenant, http: httpx2.Client, tell: Tell, seat: Seat | None = None
    ) -> Iterator[Session]:
        """Give the session of a tenant for the time of a run; it is opened when first needed.

        `http` is the run's own way there, which signs out where the run is the last one.
        """
        with self._turn:
            shared = self._shared.get(tenant)
            if shared is None:
                shared = self._shared[tenant] = _Shared(Session(tenant, tell, seat), seat)
            shared.runs += 1
            shared.session.tell = tell  # what it tells is told of the run that came last
            if shared.timer is not None:
                shared.timer.cancel()
                shared.timer = None
        try:
            yield shared.session
        finally:
            self._leave(tenant, shared, http)

    @contextmanager
    def lingering(self, seconds: float) -> Iterator[None]:
        """Keep sessions for so long after the last run, until the block ends: then none is left."""
        self._lingers = seconds
        try:
            yield
        finally:
            self._lingers = 0.0
            with self._turn:
                idle = [one for one in self._shared.items() if not one[1].runs]
                for tenant, _ in idle:
                    del self._shared[tenant]
            for _, shared in idle:
                shared.end(None)

    def _leave(self, tenant: Tenant, shared: _Shared, http: httpx2.Client) -> None:
        with self._turn:
            shared.runs -= 1
            if shared.runs:
                return
            if self._lingers and shared.session.is_open:
                shared.timer = threading.Timer(self._lingers, self._end_idle, (tenant, shared))
                shared.timer.daemon = True
                shared.timer.start()
                return
            del self._shared[tenant]
        shared.end(http)

    def _end_idle(self, tenant: Tenant, shared: _Shared) -> None:
        with self._turn:
            if shared.runs or self._shared.get(tenant) is not shared:
                return
            del self._shared[tenant]
        shared.end(None)


SESSIONS = Sessions()
"""Those of this process."""
