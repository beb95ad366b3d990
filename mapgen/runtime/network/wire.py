"""Requests to one system: one rate limit, one breaker, retries within those of the plan."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from itertools import count
from typing import TypeVar

import httpx2

from mapgen.agreed.plan import Plan, Retry
from mapgen.runtime.aborted import TenantUnavailable
from mapgen.runtime.environment import Limits
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.breaker import Breaker, Stopping
from mapgen.runtime.network.rate_limit import RateLimiter
from mapgen.runtime.network.transport import BRIEF, PLACE, RateLimitedTransport
from mapgen.runtime.network.verdict import Failure, Verdict, classify_failure
from mapgen.runtime.tracing import traced

_LONGEST_CONNECT = 15.0
_MOST_DOUBLINGS = 32

T = TypeVar("T")


class Wire:
    """The way to one system over HTTP. Threads share it."""

    def __init__(  # noqa: PLR0913 - one parameter a fact about the system, or a way to be told
        self,
        limits: Limits,
        plan: Plan,
        *,
        who: str,
        classify: Callable[[httpx2.Response], Verdict],
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
        limiter: RateLimiter | None = None,
    ) -> None:
        """Take what the system allows, and what its failed answers mean; `who` it is in words.

        Without a `limiter`, which others share, the wire has what is allowed to itself.
        """
        self.retry = plan.retry
        self.tell = tell
        self.who = who
        self._classify = classify
        self._stop = stop
        self._limiter = limiter or RateLimiter(
            concurrent_requests=limits.concurrent_requests,
            requests_per_minute=limits.requests_per_minute,
        )
        self.http = _open_http(limits, plan.concurrency, self._limiter, stop)
        self._breaker = Breaker(
            plan.circuit_breaker, patience=plan.retry.attempts, who=who, stop=stop, tell=tell
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def persist(self, make: Callable[[], T], is_repeatable: Callable[[Verdict], bool]) -> T:
        """Make a request until it succeeds, fails for good, or the plan's attempts are over.

        Raises Stopping, besides what the last attempt raises.
        """
        for attempt in count(1):
            try:
                return make()
            except Failure as failure:
                verdict = failure.verdict
                if not is_repeatable(verdict):
                    raise
                if self._stop.is_set():
                    # Its attempts are not over: the run is, and the document stays in the queue.
                    raise Stopping from None
                if attempt >= self.retry.attempts:
                    raise
            if self._stop.wait(pause_after(self.retry, attempt, verdict.pause)):
                raise Stopping
        raise AssertionError("the last attempt returns or raises")

    def send(self, request: httpx2.Request) -> httpx2.Response:
        """Make one request, whatever the answer is.

        Raises Failure where none came, TenantUnavailable and Stopping.
        """
        if BRIEF in request.extensions and self._breaker.is_open:
            raise Failure(Verdict("transient", "none", "the circuit is open"))
        is_probe = self._breaker.wait()
        place = request.extensions.get(PLACE, request.url.path)
        try:
            with traced("request", method=request.method, path=place):
                answer = self.http.send(request)
        except httpx2.RequestError as error:
            verdict = classify_failure(error, self.who)
            self._failed(request, verdict, type(error).__name__, is_probe=is_probe)
            raise Failure(verdict) from None
        except BaseException:
            self._breaker.abandoned(is_probe=is_probe)
            raise
        if answer.status_code == 429:
            self._limiter.declined()
        if not answer.is_success and (verdict := self._classify(answer)).kind == "transient":
            self._failed(request, verdict, answer.status_code, is_probe=is_probe)
        else:
            self._breaker.succeeded()
        return answer

    def unavailable(self, verdict: Verdict) -> TenantUnavailable:
        """Return what stops the run where the system fails whatever is asked."""
        return TenantUnavailable(
            f"{self.who} failed {self.retry.attempts} times: {verdict.reason}",
            "see whether it is up, and run again; nothing is lost",
        )

    def _failed(
        self, request: httpx2.Request, verdict: Verdict, outcome: str | int, *, is_probe: bool
    ) -> None:
        """Count a failure, and tell it; a brief request had too little time to count."""
        if BRIEF in request.extensions:
            self._breaker.abandoned(is_probe=is_probe)
        else:
            self._breaker.failed(verdict, is_probe=is_probe)
        facts = {
            "method": request.method,
            "path": request.extensions.get(PLACE, request.url.path),
            "outcome": outcome,
            "reason": verdict.reason,
        }
        self.tell(TechnicalEvent("request failed", "warning", facts))


def _open_http(
    limits: Limits, concurrency: int, limiter: RateLimiter, stop: threading.Event
) -> httpx2.Client:
    places = min(concurrency, limits.concurrent_requests)
    # One place more, for the sign-out, which waits for no token.
    connections = httpx2.Limits(max_connections=places + 1, max_keepalive_connections=places)
    short = min(_LONGEST_CONNECT, limits.request_timeout)
    return httpx2.Client(
        transport=RateLimitedTransport(
            limiter,
            places=places,
            connections=connections,
            longest=limits.request_timeout,
            stop=stop,
        ),
        timeout=httpx2.Timeout(limits.request_timeout, connect=short, write=short),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
    )


def pause_after(retry: Retry, attempt: int, asked: float | None = None) -> float:
    """Return how long to wait after an attempt: as the system asks, or longer each time."""
    grown = retry.first * 2 ** min(attempt - 1, _MOST_DOUBLINGS)
    # Not all who failed together come again together.
    pause = grown + random.uniform(0.0, retry.first) if asked is None else asked
    return float(min(pause, retry.ceiling))
