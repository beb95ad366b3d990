"""Requests to one tenant: one session, one rate limit, retries within those of the plan."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from itertools import count
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx2

from mapgen.plan import Plan, Retry
from mapgen.runtime.aborted import AccessRefused, SignInRefused, TenantUnavailable
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.tenant.auth import Failure, Session
from mapgen.runtime.tenant.breaker import Breaker, Stopping
from mapgen.runtime.tenant.classify import Verdict, classify, classify_failure
from mapgen.runtime.tenant.rate_limit import RateLimiter
from mapgen.runtime.tenant.reading import Unreadable, decoded
from mapgen.runtime.tenant.transport import BRIEF, RateLimitedTransport

_LONGEST_CONNECT = 15.0
_SIGN_INS = 3
_MOST_DOUBLINGS = 32

T = TypeVar("T")
Build = Callable[[httpx2.Client, int], httpx2.Request]
"""Makes a request, told the number of the session that it goes out in."""


class Connection:
    """The way to the tenant. Threads share it; leaving its context signs out."""

    def __init__(
        self,
        environment: Environment,
        plan: Plan,
        *,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
    ) -> None:
        self.retry = plan.retry
        self.endpoint = (
            f"{environment.tenant.url}/entity/{quote(plan.endpoint)}/{quote(plan.version)}"
        )
        self.contract_version = plan.contract_version
        self._name = f"{plan.endpoint}/{plan.version}"
        self.tell = tell
        self._stop = stop
        self._http = _open_http(environment, plan)
        self._session = Session(environment.tenant, self._http, tell)
        self._breaker = Breaker(
            plan.circuit_breaker, patience=plan.retry.attempts, stop=stop, tell=tell
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session.sign_out()
        finally:
            self._http.close()

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
            if self._stop.wait(_pause(self.retry, attempt, verdict.pause)):
                raise Stopping
        raise AssertionError("the last attempt returns or raises")

    def attempt(self, build: Build) -> httpx2.Response:
        """Make one request in the session; sign in again where the session was lost."""
        for _ in range(_SIGN_INS):
            token, session = self._session.bearer(self._send)
            request = build(self._http, session)
            request.headers["Authorization"] = f"Bearer {token}"
            answer = self._send(request)
            if answer.is_success:
                return answer
            verdict = classify(answer)
            if verdict.kind != "unauthenticated":
                raise Failure(verdict, answer.content)
            # The tenant turned the request away at the door: it may be repeated.
            self._session.forget(token)
        raise SignInRefused(
            "the tenant does not take the tokens that it has just given",
            "see that the user may use the API, and the clocks of both sides",
        )

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        if BRIEF in request.extensions and self._breaker.is_open:
            raise Failure(Verdict("transient", "none", "the circuit is open"))
        is_probe = self._breaker.wait()
        try:
            answer = self._http.send(request)
        except httpx2.RequestError as fault:
            verdict = classify_failure(fault)
            self._failed(request, verdict, type(fault).__name__, is_probe=is_probe)
            raise Failure(verdict) from None
        except BaseException:
            self._breaker.abandoned(is_probe=is_probe)
            raise
        if not answer.is_success and (verdict := classify(answer)).kind == "transient":
            self._failed(request, verdict, answer.status_code, is_probe=is_probe)
        else:
            self._breaker.succeeded()
        return answer

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
            "path": request.url.path,
            "outcome": outcome,
            "reason": verdict.reason,
        }
        self.tell(TechnicalEvent("request failed", "warning", facts))

    def ask(self, entity: str, query: str) -> list[dict[str, Any]] | None:
        """Return the records of an entity that a query finds, None where the ERP refuses the query.

        Raises TenantUnavailable, AccessRefused, SignInRefused and Stopping.
        """
        url = f"{self.endpoint}/{quote(entity)}?{query}"
        try:
            return self.persist(
                lambda: entities_in(
                    self.attempt(lambda http, _session: http.build_request("GET", url))
                ),
                may_pass,
            )
        except Failure as failure:
            verdict = failure.verdict
        if verdict.kind == "transient" or self.is_unwell(verdict, entity, query):
            raise self.unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self.access_refused(verdict, entity)
        # The ERP's own words may repeat the key, which may be personal: they stay untold.
        facts = {"entity": entity, "reason": verdict.reason}
        self.tell(TechnicalEvent("the query of a lookup was refused", "error", facts))
        return None

    def is_unwell(self, verdict: Verdict, entity: str, query: str) -> bool:
        """Whether an answer without explanation is about the entity, or all, not about one query.

        The same fields are read of any record. Raises SignInRefused, TenantUnavailable, Stopping.
        """
        if verdict.kind != "unexplained":
            return False
        select = next(part for part in query.split("&") if part.startswith("$select="))
        url = f"{self.endpoint}/{quote(entity)}?{select}&$top=1"
        try:
            self.attempt(lambda http, _session: http.build_request("GET", url))
        except Failure:
            return True
        return False

    def access_refused(self, verdict: Verdict, entity: str, words: str = "") -> AccessRefused:
        """Return what stops the run where a right is missing, or a form is not filled in."""
        return AccessRefused(
            f"the tenant refuses `{entity}` of {self._name}: {verdict.reason}{words}",
            "give the user the right or fill in the form, then run again; nothing is lost",
        )

    def unavailable(self, verdict: Verdict) -> TenantUnavailable:
        """Return what stops the run where the tenant fails whatever is asked."""
        return TenantUnavailable(
            f"the tenant failed {self.retry.attempts} times: {verdict.reason}",
            "see whether the instance is up, and run again; nothing is lost",
        )


def _open_http(environment: Environment, plan: Plan) -> httpx2.Client:
    limits = environment.limits
    places = min(plan.concurrency, limits.concurrent_requests)
    limiter = RateLimiter(
        concurrent_requests=places, requests_per_minute=limits.requests_per_minute
    )
    # One place more, for the sign-out, which waits for no token.
    connections = httpx2.Limits(max_connections=places + 1, max_keepalive_connections=places)
    short = min(_LONGEST_CONNECT, limits.request_timeout)
    return httpx2.Client(
        transport=RateLimitedTransport(
            limiter, connections=connections, longest=limits.request_timeout
        ),
        timeout=httpx2.Timeout(limits.request_timeout, connect=short, write=short),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
    )


def _pause(retry: Retry, attempt: int, asked: float | None) -> float:
    """Return how long to wait after an attempt: as the tenant asks, or longer each time."""
    grown = retry.first * 2 ** min(attempt - 1, _MOST_DOUBLINGS)
    # Not all who failed together come again together.
    pause = grown + random.uniform(0.0, retry.first) if asked is None else asked
    return float(min(pause, retry.ceiling))


def may_pass(verdict: Verdict) -> bool:
    """Whether time alone may help."""
    return verdict.kind in ("transient", "unexplained")


def entity_in(answer: httpx2.Response) -> dict[str, Any]:
    """Return the record of an answer. Raises Failure where it holds none."""
    return _decoded(answer, dict[str, Any])


def entities_in(answer: httpx2.Response) -> list[dict[str, Any]]:
    """Return the records of an answer. Raises Failure where it holds none."""
    return _decoded(answer, list[dict[str, Any]])


def _decoded(answer: httpx2.Response, shape: type[T]) -> T:
    try:
        return decoded(answer.content, shape)
    except Unreadable:
        # A sign-in page or a proxy's page with status 200.
        raise Failure(Verdict("transient", "unknown", "an answer that is not the ERP's")) from None
