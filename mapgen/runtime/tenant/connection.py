"""Requests to one tenant: one session, signed in once, over a wire within its licence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx2
from msgspec import Struct

from mapgen.agreed.plan import SETTING, DocumentPlan, Plan
from mapgen.runtime.aborted import (
    AccessRefused,
    EnvironmentInvalid,
    SignInRefused,
    TenantUnavailable,
)
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.rate_limit import RateLimiter
from mapgen.runtime.network.reading import held, told_at
from mapgen.runtime.network.verdict import Failure, Verdict, may_pass
from mapgen.runtime.network.wire import Wire
from mapgen.runtime.tenant.auth import Seat
from mapgen.runtime.tenant.classify import classify
from mapgen.runtime.tenant.screens import Screens
from mapgen.runtime.tenant.sessions import SESSIONS

_SIGN_INS = 3
_NOT_OURS = "an answer that is not the ERP's"

_BRANCH = "PX-CbApiBranch"
"""Source: the vendor's integration guide (Changing_Branch): for the one request."""

T = TypeVar("T")
Build = Callable[[httpx2.Client, int], httpx2.Request]
"""Makes a request, told the number of the session that it goes out in."""


class Told(Struct, frozen=True):
    """What the ERP answered, and what its clock said then."""

    content: bytes
    told_at: datetime


class Connection:
    """The way to the tenant. Threads share it; the last of a process to leave signs out."""

    def __init__(
        self,
        environment: Environment,
        plan: Plan,
        *,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
        limiter: RateLimiter | None = None,
        seat: Seat | None = None,
    ) -> None:
        tenant = environment.tenant
        assert tenant is not None, "a run that asks the ERP has a tenant"
        endpoint, version, self.contract_version = plan.erp
        self.endpoint = f"{tenant.url}/entity/{quote(endpoint)}/{quote(version)}"
        self._name = f"{endpoint}/{version}"
        self.inquiries = f"{tenant.url}/t/{quote(tenant.tenant, safe='')}/api/odata/gi/"
        self.tell = tell
        self._wire = Wire(
            environment.limits,
            plan,
            who="the tenant",
            classify=classify,
            stop=stop,
            tell=tell,
            limiter=limiter,
        )
        self.persist = self._wire.persist
        self._settings = environment.settings
        self.settle = environment.limits.settle
        self.screens = Screens(stop)
        self.pause = stop.wait
        self._stop = stop
        self._open = ExitStack()
        self._open.callback(self._wire.close)
        self._session = self._open.enter_context(
            SESSIONS.joined(tenant, self._wire.http, tell, seat)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def attempt(self, build: Build) -> httpx2.Response:
        """Make one request in the session; sign in again where the session was lost."""
        for _ in range(_SIGN_INS):
            token, session = self._session.bearer(self._wire, self._stop)
            request = build(self._wire.http, session)
            request.headers["Authorization"] = f"Bearer {token}"
            answer = self._wire.send(request)
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

    def attempt_at(self, entity: str, build: Build) -> httpx2.Response:
        """Make one request of an entity while no action runs on its screen."""
        with self.screens.shared(entity):
            return self.attempt(build)

    def asked(self, once: Callable[[], T]) -> T:
        """Return what a request without effect gives, made until it is answered.

        Raises Failure where it is refused, TenantUnavailable where no answer comes, and Stopping.
        """
        try:
            return self.persist(once, may_pass)
        except Failure as failure:
            if failure.verdict.kind == "transient":
                raise self.unavailable(failure.verdict) from None
            raise

    def headers_of(self, document: DocumentPlan) -> Mapping[str, str]:
        """Return what requests about a document say besides: the branch that it belongs to.

        Raises EnvironmentInvalid for a setting that names none.
        """
        branch = document.branch
        if branch is not None and branch.startswith(SETTING):
            name = branch.removeprefix(SETTING)
            branch = self._settings.get(name, "").strip()
            if not (branch and branch.isascii() and branch.isprintable()):
                raise EnvironmentInvalid(
                    f"the setting `{name}` names no branch",
                    "give the Branch ID of the ERP in the environment",
                )
        return {} if branch is None else {_BRANCH: branch}

    def ask(self, entity: str, query: str) -> list[dict[str, Any]] | None:
        """Return the records of an entity that a query finds, None where the ERP refuses the query.

        Raises TenantUnavailable, AccessRefused, SignInRefused and Stopping.
        """
        build = getting(f"{self.endpoint}/{quote(entity)}?{query}")
        try:
            return self.asked(lambda: entities_in(self.attempt_at(entity, build)))
        except Failure as failure:
            verdict = failure.verdict
        if self.is_unwell(verdict, entity, query):
            raise self.unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self.access_refused(verdict, entity)
        # The ERP's own words may repeat the key, which may be personal: they stay untold.
        facts = {"entity": entity, "reason": verdict.reason}
        self.tell(TechnicalEvent("the query of a lookup was refused", "error", facts))
        return None

    def read(self, entity: str, query: str) -> Told:
        """Return the list of records that a query finds, as the ERP wrote it, and when.

        Raises TenantUnavailable, AccessRefused (where the ERP refuses the query, too),
        SignInRefused and Stopping.
        """
        url = f"{self.endpoint}/{quote(entity)}?{query}"

        def once() -> Told:
            answer = self.attempt(getting(url))
            entities_in(answer)
            return Told(answer.content, told_at(answer) or datetime.now(UTC))

        try:
            return self.asked(once)
        except Failure as failure:
            raise self.access_refused(failure.verdict, entity) from None

    def inquire(self, url: str, inquiry: str) -> Told:
        """Return a page of a generic inquiry, as the ERP wrote it, and when.

        Raises TenantUnavailable, AccessRefused (where it refuses the query, or has no such
        inquiry), SignInRefused and Stopping.
        """

        def once() -> Told:
            answer = self.attempt(getting(url))
            if not isinstance(entity_in(answer).get("value"), list):
                raise Failure(Verdict("permanent", "none", "an answer without `value`"))
            return Told(answer.content, told_at(answer) or datetime.now(UTC))

        try:
            return self.asked(once)
        except Failure as failure:
            raise AccessRefused(
                f"the tenant refuses the inquiry `{inquiry}`: {failure.verdict.reason}",
                "see on the form Generic Inquiry (SM208000) that it is there by this name and"
                " exposed via OData, and that the user may see it; nothing is lost",
            ) from None

    def is_unwell(self, verdict: Verdict, entity: str, query: str) -> bool:
        """Whether an answer without explanation is about the entity, or all, not about one query.

        The same fields are read of any record. Raises SignInRefused, TenantUnavailable, Stopping.
        """
        if verdict.kind != "unexplained":
            return False
        select = next(part for part in query.split("&") if part.startswith("$select="))
        url = f"{self.endpoint}/{quote(entity)}?{select}&$top=1"
        try:
            self.attempt(getting(url))
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
        return self._wire.unavailable(verdict)


def getting(
    url: str,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Build:
    """Return what makes a request for what is at an address, in whatever session."""
    return lambda http, _session: http.build_request(
        "GET", url, headers=headers, extensions=dict(extensions or {})
    )


def entity_in(answer: httpx2.Response) -> dict[str, Any]:
    """Return the record of an answer. Raises Failure where it holds none."""
    return held(answer, dict[str, Any], _NOT_OURS)


def entities_in(answer: httpx2.Response) -> list[dict[str, Any]]:
    """Return the records of an answer. Raises Failure where it holds none."""
    return held(answer, list[dict[str, Any]], _NOT_OURS)
