"""Identities and documents in; what the tenant has, and what became of a create, out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, assert_never
from urllib.parse import quote

import httpx2
import msgspec
import stamina
import stamina.instrumentation

from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.halt import AccessRefused, Halt, SignInRefused, TenantUnavailable
from mapgen.runtime.outcome import FaultReport
from mapgen.runtime.plan import Plan, Retry
from mapgen.runtime.rules import Rules
from mapgen.runtime.tenant.auth import Failure, Session
from mapgen.runtime.tenant.breaker import Breaker, Stopping
from mapgen.runtime.tenant.classify import Verdict, classify, classify_failure
from mapgen.runtime.tenant.permits import Permits
from mapgen.runtime.tenant.query import LONGEST_QUERY, comparable, encoded, literal, value_of
from mapgen.runtime.tenant.refusal import (
    DEPENDENCY_MISSING,
    DOCUMENT_REFUSED,
    LOOK_UP_REFUSED,
    NOTHING_SAVED,
    Reporter,
)
from mapgen.runtime.tenant.transport import LAST_WORD, PermitTransport

# stamina's own hook writes the arguments of the retried call into the log; ours tells its facts.
stamina.instrumentation.set_on_retry_hooks(())

_LONGEST_CONNECT = 15.0
_SIGN_INS = 3
_NEW = "<NEW>"
"""What stands in a number's place until a document is saved."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Created:
    """The document is saved, under this number."""

    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The document is not saved, and would not be another time."""

    faults: tuple[FaultReport, ...]


@dataclass(frozen=True, slots=True)
class Depends:
    """The document is not saved, because something that it needs is not there yet."""

    faults: tuple[FaultReport, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The document is not saved after all attempts that the plan allows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows whether the document is saved, until it has settled and is looked up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Misfiled:
    """The document is saved under this number, but its identity is not what was sent."""

    number: str


CreateAnswer = Created | Refused | Depends | GivenUp | Unanswered | Misfiled


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found: numbers by identity, and identities that the ERP cannot look up."""

    numbers: dict[str, str] = field(default_factory=dict)
    refused: dict[str, FaultReport] = field(default_factory=dict)


class Client:
    """The tenant as a delivery sees it. Threads share it; leaving its context signs out."""

    def __init__(
        self,
        environment: Environment,
        plan: Plan,
        rules: Rules,
        *,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
    ) -> None:
        self._plan = plan
        self._stop = stop
        self._tell = tell
        self._reporter = Reporter(rules)
        self._endpoint = (
            f"{environment.tenant.url}/entity/{quote(plan.endpoint)}/{quote(plan.version)}"
        )
        self._url = f"{self._endpoint}/{quote(plan.only.entity)}"
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

    def find(self, identities: Sequence[str]) -> Found:
        """Look documents up by identity, as many in one request as its length allows.

        Raises TenantUnavailable, AccessRefused, SignInRefused and Stopping.
        """
        found = Found()
        for group in self._groups(identities):
            self._find_group(group, found)
        return found

    def create(self, identity: str, body: bytes, last_word: Callable[[], None]) -> CreateAnswer:
        """Send one document that is not there yet.

        `last_word` is called with the permit in hand right before every request that carries the
        document, and keeps it back by raising. A request is repeated here only where the tenant
        says that nothing came of it. Raises as `find`, and what `last_word` raises.
        """

        def build() -> httpx2.Request:
            return self._http.build_request(
                "PUT",
                self._url,
                content=body,
                headers={"Content-Type": "application/json"},
                extensions={LAST_WORD: last_word},
            )

        try:
            echo = self._persist(lambda: _entity(self._attempt(build)), _is_repeatable_write)
        except Failure as failure:
            return self._judge(failure, body)
        return self._read_back(identity, body, echo)

    def ask(self, entity: str, query: str) -> list[dict[str, Any]] | None:
        """Return the records of an entity that a query finds, None where the ERP refuses the query.

        Raises as `find`.
        """
        url = f"{self._endpoint}/{quote(entity)}?{query}"
        try:
            return self._persist(
                lambda: _entities(self._attempt(lambda: self._http.build_request("GET", url))),
                _is_transient,
            )
        except Failure as failure:
            verdict = failure.verdict
        if verdict.kind == "transient":
            raise self._unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self._access_refused(verdict, None, entity)
        # The ERP's own words may repeat the key, which may be personal: they stay untold.
        facts = {"entity": entity, "reason": verdict.reason}
        self._tell(TechnicalEvent("the query of a lookup was refused", "error", facts))
        return None

    def _find_group(self, group: Sequence[str], found: Found) -> None:
        try:
            rows = self._persist(lambda: _entities(self._ask(group)), _is_transient)
        except Failure as failure:
            self._judge_look_up(failure, group, found)
            return
        wanted = {comparable(identity): identity for identity in group}
        strays = 0
        for row in rows:
            identity = wanted.get(comparable(value_of(row, self._plan.only.identity.field) or ""))
            if identity is None:
                strays += 1
            elif identity in found.numbers:
                self._tell(TechnicalEvent("an identity is in the tenant twice", "error"))
            else:
                found.numbers[identity] = self._number(row) or identity
        if strays:
            self._doubt([one for one in group if one not in found.numbers], len(group), found)

    def _doubt(self, unfound: Sequence[str], asked: int, found: Found) -> None:
        """Send nothing whose absence is not proved: the tenant gave rows that were not asked for.

        What one row has to do with one identity is asked again, each by itself.
        """
        self._tell(TechnicalEvent("a look-up gave documents that were not asked for", "error"))
        for identity in unfound:
            if asked > 1:
                self._find_group([identity], found)
                continue
            words = "the look-up gives documents with another identity: none is proved absent"
            found.refused[identity] = FaultReport(
                LOOK_UP_REFUSED, words, self._plan.only.identity.field
            )

    def _judge_look_up(self, failure: Failure, group: Sequence[str], found: Found) -> None:
        """Tell whether the tenant is unwell, or one identity spoils the look-up of its group."""
        verdict = failure.verdict
        if verdict.kind == "transient" and (len(group) == 1 or verdict.is_unreachable):
            raise self._unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self._access_refused(verdict, None)
        if len(group) > 1:
            for identity in group:
                self._find_group([identity], found)
            return
        words = f"the ERP does not look this identity up: {verdict.message or verdict.reason}"
        found.refused[group[0]] = FaultReport(
            LOOK_UP_REFUSED, words, self._plan.only.identity.field
        )

    def _judge(self, failure: Failure, body: bytes) -> CreateAnswer:
        """Tell what a create came to that gave no saved document."""
        verdict = failure.verdict
        words = verdict.message or verdict.reason
        match verdict.kind:
            case "transient" if verdict.effect == "unknown":
                return Unanswered(verdict.reason)
            case "transient" if verdict.is_unreachable:
                raise self._unavailable(verdict)
            case "transient" | "unauthenticated":
                return GivenUp(verdict.reason)
            case "needs_dependency":
                fault = self._reporter.document(DEPENDENCY_MISSING, words, body, retry=True)
                return Depends((fault,))
            case "permanent":
                faults = self._reporter.fields(failure.body, body)
                return Refused(faults or (self._reporter.document(DOCUMENT_REFUSED, words, body),))
            case "needs_person":
                raise self._access_refused(verdict, body)
            case _:
                assert_never(verdict.kind)

    def _read_back(self, identity: str, body: bytes, echo: dict[str, Any]) -> CreateAnswer:
        """Believe a success only if the echo has a number and the identity that was sent.

        The ERP answers 200 where nothing was saved, and where it changed what was sent.
        """
        number = self._number(echo)
        echoed = value_of(echo, self._plan.only.identity.field)
        has_errors = _has_errors(echo)
        is_same = comparable(echoed or "") == comparable(identity)
        if number is not None and is_same and not has_errors:
            return Created(number)
        self._tell(TechnicalEvent("an answer of success that does not show it", "warning"))
        try:
            there = self.find([identity]).numbers.get(identity)
        except (Halt, Stopping):
            there = None
            if number is None:
                return Unanswered("an answer of success without a number")
        if there is not None:
            return Created(there)
        if has_errors:
            faults = self._reporter.fields(msgspec.json.encode(echo), body)
            if faults:
                return Refused(faults)
        elif number is not None:
            return Misfiled(number)
        words = "the ERP answered that it saved the document, but did not"
        return Refused((self._reporter.document(NOTHING_SAVED, words, body),))

    def _persist(self, make: Callable[[], T], is_repeatable: Callable[[Verdict], bool]) -> T:
        """Make a request until it succeeds, fails for good, or the plan's attempts are over."""

        def repeat(fault: Exception) -> bool | float:
            if not isinstance(fault, Failure) or self._stop.is_set():
                return False
            if not is_repeatable(fault.verdict):
                return False
            pause = fault.verdict.pause
            return True if pause is None else min(pause, retry.ceiling)

        retry = self._plan.retry
        try:
            return self._retried(make, repeat, retry)
        except Failure as failure:
            if self._stop.is_set() and is_repeatable(failure.verdict):
                # Its attempts are not over: the run is, and the document stays in the queue.
                raise Stopping from None
            raise

    def _retried(
        self, make: Callable[[], T], repeat: Callable[[Exception], bool | float], retry: Retry
    ) -> T:
        for attempt in stamina.retry_context(
            on=repeat,
            attempts=retry.attempts,
            timeout=None,
            wait_initial=retry.first,
            wait_max=retry.ceiling,
            wait_jitter=retry.first,
        ):
            with attempt:
                return make()
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, build: Callable[[], httpx2.Request]) -> httpx2.Response:
        """Make one request in the session; sign in again where the session was lost."""
        for _ in range(_SIGN_INS):
            token = self._session.bearer(self._send)
            request = build()
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
        is_probe = self._breaker.wait()
        try:
            answer = self._http.send(request)
        except httpx2.TransportError as fault:
            self._breaker.failed(is_probe=is_probe)
            verdict = classify_failure(fault)
            self._tell_failure(request, verdict, type(fault).__name__)
            raise Failure(verdict) from None
        except BaseException:
            self._breaker.abandoned(is_probe=is_probe)
            raise
        if not answer.is_success and (verdict := classify(answer)).kind == "transient":
            self._breaker.failed(is_probe=is_probe)
            self._tell_failure(request, verdict, answer.status_code)
        else:
            self._breaker.succeeded()
        return answer

    def _tell_failure(self, request: httpx2.Request, verdict: Verdict, outcome: str | int) -> None:
        facts = {
            "method": request.method,
            "path": request.url.path,
            "outcome": outcome,
            "reason": verdict.reason,
        }
        self._tell(TechnicalEvent("request failed", "warning", facts))

    def _ask(self, identities: Sequence[str]) -> httpx2.Response:
        url = f"{self._url}?{self._query(identities)}"
        return self._attempt(lambda: self._http.build_request("GET", url))

    def _groups(self, identities: Sequence[str]) -> Iterator[list[str]]:
        group: list[str] = []
        for identity in identities:
            if group and len(self._query([*group, identity])) > LONGEST_QUERY:
                yield group
                group = []
            group.append(identity)
        if group:
            yield group

    def _query(self, identities: Iterable[str]) -> str:
        identity = self._plan.only.identity
        scope = "".join(
            f"{name} eq {literal(value)} and " for name, value in identity.scope.items()
        )
        tests = [f"{identity.field} eq {literal(one)}" for one in identities]
        either = tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"
        fields = dict.fromkeys([*self._plan.only.keys, identity.field])
        return f"$filter={encoded(f'{scope}{either}')}&$select={encoded(','.join(fields))}"

    def _number(self, row: dict[str, Any]) -> str | None:
        """Return what people call the document: its keys without those that the scope fixes."""
        keys = [key for key in self._plan.only.keys if key not in self._plan.only.identity.scope]
        values = [value_of(row, key) for key in keys]
        if not values or any(value is None or value == _NEW for value in values):
            return None
        return " ".join(value for value in values if value is not None)

    def _unavailable(self, verdict: Verdict) -> TenantUnavailable:
        return TenantUnavailable(
            f"the tenant failed {self._plan.retry.attempts} times: {verdict.reason}",
            "see whether the instance is up, and run again; nothing is lost",
        )

    def _access_refused(
        self, verdict: Verdict, body: bytes | None, entity: str | None = None
    ) -> AccessRefused:
        words = ""
        if body is not None and verdict.message:
            words = f": {self._reporter.document(DOCUMENT_REFUSED, verdict.message, body).message}"
        return AccessRefused(
            f"the tenant refuses `{entity or self._plan.only.entity}` of"
            f" {self._plan.endpoint}/{self._plan.version}: {verdict.reason}{words}",
            "give the user the right or fill in the form, then run again; nothing is lost",
        )


def _open_http(environment: Environment, plan: Plan) -> httpx2.Client:
    limits = environment.limits
    places = min(plan.concurrency, limits.concurrent_requests)
    permits = Permits(concurrent_requests=places, requests_per_minute=limits.requests_per_minute)
    # One place more, for the sign-out, which waits for no permit.
    connections = httpx2.Limits(max_connections=places + 1, max_keepalive_connections=places)
    # Invariant: half the time by which the settle exceeds the answer's is left for connecting and
    # sending, the other half for the age of the intent; so nobody takes a document that is sent.
    short = min(_LONGEST_CONNECT, (limits.settle - limits.request_timeout) / 4)
    return httpx2.Client(
        transport=PermitTransport(httpx2.HTTPTransport(limits=connections), permits),
        timeout=httpx2.Timeout(limits.request_timeout, connect=short, write=short),
        headers={"Accept": "application/json"},
    )


def _is_transient(verdict: Verdict) -> bool:
    return verdict.kind == "transient"


def _is_repeatable_write(verdict: Verdict) -> bool:
    return verdict.kind == "transient" and verdict.effect == "none"


def _entity(answer: httpx2.Response) -> dict[str, Any]:
    return _decode(answer, dict[str, Any])


def _entities(answer: httpx2.Response) -> list[dict[str, Any]]:
    return _decode(answer, list[dict[str, Any]])


def _decode(answer: httpx2.Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, msgspec.ValidationError, httpx2.DecodingError):
        # A sign-in page or a proxy's page with status 200.
        raise Failure(Verdict("transient", "unknown", "an answer that is not the ERP's")) from None


def _has_errors(part: object) -> bool:
    """Whether the ERP reports an error anywhere in an entity, at its top or on a field."""
    if isinstance(part, list):
        return any(_has_errors(row) for row in part)
    if not isinstance(part, dict):
        return False
    return bool(part.get("error")) or any(_has_errors(member) for member in part.values())
