"""One licence for all processes that deliver to a tenant: who may use how much of it, till when.

Each process at work has a row with what it may use, and renews it about once a second, in one
transaction that all of the tenant's take in turn. The licence is divided evenly among those at
work. Who comes gets no more than the others have let go, which each does when it renews its row,
and what it used within the last minute counts as its own. Who is not heard of loses its share when
its lease is over; what it may have sent just before counts for a minute more.

The lease that a process itself goes by is shorter than the one in its row, and began earlier. So a
process that was stopped and wakes knows that it has no share before another may use it, and what
it sent at the very end of its lease is answered when another asks. No request asks the database.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, select, text

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.clock import uptime
from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger.schema import PROCESSES, upsert
from mapgen.runtime.network.rate_limit import MINUTE, NOTHING, Budget, RateLimiter

_ROWS = PROCESSES.c
_LONGEST_LEASE, _SHORTEST_LEASE = 10.0, 1.0
_LONGEST_BEAT, _BEATS = 1.0, 5
_ANSWERED = 2.0
"""Seconds in which what a process sent at the end of its lease is taken to be answered."""
_IDLE = 5.0
"""Seconds after which a process that asks nothing of the tenant lets others have its share."""
_AHEAD = 10
"""The part of a minute's share that may be used until it is renewed, about a second later: so much
more than it had used at last counts as used, for a minute, where a process dies."""
_TURN = 30.0
"""Seconds after which others have their turn, where there are more processes than shares."""


class Asked(Struct, frozen=True):
    """A process that renews its share; `is_leaving` where it wants none any more.

    `shrink` makes it use no more than a budget, and returns that, or what it still uses; `used` is
    how many of its requests began within the last minute.
    """

    id: str
    tenant: str
    whole: Budget
    lease: float
    is_leaving: bool
    shrink: Callable[[Budget], Budget]
    used: Callable[[], int]


def renewed(connection: Connection, asked: Asked, moment: float) -> Budget:
    """Write down what a process may use from now on; return it, to be used after the commit."""
    lock(connection, asked.tenant)
    connection.execute(
        delete(PROCESSES).where(
            _ROWS.tenant == asked.tenant,
            # What is far ahead was written by another clock: before the machine was started anew.
            (_ROWS.until < moment - MINUTE) | (_ROWS.until > moment + 2 * MINUTE),
        )
    )
    rows = connection.execute(
        select(PROCESSES).where(_ROWS.tenant == asked.tenant, _ROWS.id != asked.id)
    ).all()
    share = NOTHING if asked.is_leaving else _share(asked, rows, moment)
    held = asked.shrink(share)
    # One that leaves has no lease; its requests of the last minute count like those of a dead one.
    is_over = asked.is_leaving and not held.places
    until = moment if is_over else moment + asked.lease + _ANSWERED
    values = {
        "tenant": asked.tenant,
        "heartbeat": moment,
        "until": until,
        "places": held.places,
        "per_minute": held.per_minute,
        "is_leaving": asked.is_leaving,
    }
    upsert(connection, PROCESSES, {"id": asked.id}, values)
    return share


def _share(asked: Asked, others: Sequence[Row[Any]], moment: float) -> Budget:
    """Return an even part of the licence, but no more than the others leave."""
    living = [one for one in others if one.until >= moment]
    at_work = sorted([one.id for one in living if not one.is_leaving] + [asked.id])
    place, count = at_work.index(asked.id), len(at_work)

    def part(whole: int, held: int) -> int:
        turn = int(moment / _TURN) if whole < count else 0
        even = whole // count + ((place + turn) % count < whole % count)
        return max(0, min(even, whole - held))

    # Of a process that died, requests may still be at work only for as long as its lease went on.
    places = part(asked.whole.places, sum(one.places for one in living))
    if asked.whole.per_minute is None:
        return Budget(places, None)
    share = part(asked.whole.per_minute, sum(one.per_minute or 0 for one in others))
    return Budget(places, min(share, asked.used() + max(1, share // _AHEAD)))


def lock(connection: Connection, tenant: str) -> None:
    """Let the processes of a tenant take turns until the commit; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        # One that is stopped amid it must not hold the others up for longer than this.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 2000"))
        key = select(func.pg_advisory_xact_lock(text("7016533"), func.hashtext(tenant)))
        connection.execute(key)


class Licence:
    """What one process has of a tenant's licence; a thread renews it while it is used."""

    def __init__(self, tenant: str, limits: Limits, renew: Callable[[Asked], Budget]) -> None:
        self._tenant = tenant
        self._whole = Budget.of_licence(limits.concurrent_requests, limits.requests_per_minute)
        self._lease = max(_SHORTEST_LEASE, min(_LONGEST_LEASE, limits.lease))
        self._beat = min(_LONGEST_BEAT, self._lease / _BEATS)
        self._renew = renew
        self._id = uuid.uuid4().hex
        self._is_wanted, self._is_over = threading.Event(), threading.Event()
        self.limiter = RateLimiter(
            concurrent_requests=limits.concurrent_requests,
            requests_per_minute=limits.requests_per_minute,
        )
        self.limiter.grant(NOTHING, 0.0)
        self.limiter.asks = self._is_wanted.set
        self._thread = threading.Thread(target=self._keep, name="licence", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Give the share back; what was used within the last minute counts on."""
        self._is_over.set()
        self._is_wanted.set()
        self._thread.join(self._lease)

    def _keep(self) -> None:
        """Renew the share while it is used; give it back when it is not, and at the end."""
        while not self._is_over.is_set():
            self._is_wanted.wait()
            self._is_wanted.clear()
            while not self._is_over.is_set() and not self.limiter.is_idle(_IDLE):
                has_share = self._once(is_leaving=False)
                self._is_over.wait(self._beat if has_share else self._beat / _BEATS)
            self._once(is_leaving=True)

    def _asked_for(self, asked: Asked) -> Budget:
        """Renew the share. Raises LedgerFailed.

        Of a process that was stopped amid it the server has ended the connection: a new one does.
        """
        with suppress(LedgerFailed):
            return self._renew(asked)
        return self._renew(asked)

    def _once(self, *, is_leaving: bool) -> bool:
        began = uptime()
        asked = Asked(
            self._id,
            self._tenant,
            self._whole,
            self._lease,
            is_leaving,
            self.limiter.shrink,
            self.limiter.used,
        )
        try:
            share = self._asked_for(asked)
        except LedgerFailed as failure:
            self.limiter.fail(failure)
            return True
        self.limiter.grant(share, 0.0 if is_leaving else began + self._lease)
        return share.places > 0
