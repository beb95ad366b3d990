"""Signing in, staying in, signing out: one session of the licence, held while it is needed."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from mapgen.runtime.aborted import SignInRefused, TenantUnavailable
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Tenant
from mapgen.runtime.events import JsonLog
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.network import deadline
from mapgen.runtime.network.rate_limit import RateLimiter
from mapgen.runtime.network.transport import LAST_WORD, RateLimitedTransport
from tests.runtime_delivery.languages import LANGUAGES, speak
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, orders, plan_of
from tests.runtime_delivery.stand_in import Answer, Asked, Misdeed, standing_in


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield ledger


def test_session(ledger: Ledger) -> None:
    """A run signs in once, whatever its threads, and signs out once."""
    with standing_in() as tenant:
        deliver(orders(40), plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert (tenant.grants, tenant.sign_outs) == (["password"], 1)


def test_token_ends(ledger: Ledger) -> None:
    """A token is refreshed before it ends, each time with the newest refresh token."""

    with standing_in(expires_in=0.05) as tenant:
        summary = deliver(orders(40), plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert summary.created == 40
        assert tenant.grants[0] == "password"
        assert set(tenant.grants[1:]) == {"refresh_token"}
        assert tenant.sign_outs == 1


def test_session_dies(ledger: Ledger) -> None:
    """A session lost in the middle is opened again; the document turned away is sent once."""
    with standing_in() as tenant:

        def script(asked: Asked) -> Misdeed:
            if (asked.kind, asked.nth) in (("put", 5), ("put", 20)):
                tenant.tokens.clear()
            return None

        tenant.script = script
        summary = deliver(orders(40), plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert summary.created == 40
        assert len(set(tenant.identities)) == len(tenant.orders) == 40
        assert tenant.grants == ["password"] * 3


def test_refresh_token_is_void(ledger: Ledger) -> None:
    """Where the refresh token no longer holds, the password still opens the door."""
    with standing_in(expires_in=0.05) as tenant:

        def script(asked: Asked) -> Misdeed:
            return (
                Answer(400, {"error": "invalid_grant"})
                if (asked.kind == "token" and asked.nth == 2)
                else None
            )

        tenant.script = script
        summary = deliver(orders(40), plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert summary.created == 40
        assert tenant.grants[:2] == ["password", "password"]


REFUSALS: list[object] = [
    pytest.param(
        lambda t: dataclasses.replace(t, password="mistaken"), "invalid_grant", id="password"
    ),
    pytest.param(
        lambda t: dataclasses.replace(t, client_secret="mistaken"), "invalid_client", id="secret"
    ),
    pytest.param(
        lambda t: dataclasses.replace(t, tenant="OTHER", client_id="app@OTHER"),
        "`OTHER`",
        id="tenant",
    ),
]


@pytest.mark.parametrize(("change", "words"), REFUSALS)
def test_sign_in_refused(change: Callable[[Tenant], Tenant], words: str, ledger: Ledger) -> None:
    """Refused credentials stop the run with a next step and without a retry; no secret is shown."""
    with standing_in() as tenant:
        environment = tenant.environment()
        wrong = Environment("test", change(environment.tenant), environment.limits)
        with pytest.raises(SignInRefused, match=words) as halted:
            deliver(orders(3), plan_of(concurrency=1), wrong, ledger, RULES, Watcher())

        assert tenant.count("token") == 1
        assert halted.value.help
        assert "mistaken" not in halted.value.message + halted.value.help
        assert ledger.counts() == {"staged": 3}


def test_wrong_site(ledger: Ledger) -> None:
    """An address without a sign-in stops the run at the first request."""
    with standing_in(script=lambda a: Answer(404, "<html>", "text/html")) as tenant:
        with pytest.raises(SignInRefused, match="there is no sign-in"):
            deliver(
                orders(1), plan_of(concurrency=1), tenant.environment(), ledger, RULES, Watcher()
            )
        assert tenant.count("token") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_sign_in_is_delayed(language: str, ledger: Ledger) -> None:
    """A full house of sessions is waited for, whatever it is called."""
    words = speak("API Login Limit has been exceeded.", language)
    full = Answer(500, {"exceptionMessage": words, "exceptionType": "PX.Data.PXException"})
    with standing_in(script=lambda a: full if a.kind == "token" and a.nth < 3 else None) as tenant:
        summary = deliver(
            orders(3), plan_of(concurrency=1), tenant.environment(), ledger, RULES, Watcher()
        )

        assert (summary.created, tenant.count("token")) == (3, 3)


def test_logs(ledger: Ledger, tmp_path: Path) -> None:
    """Two logs, business and technical, of JSON lines; neither holds a secret or a person."""
    refusal = {"BillToContact": {"Email": {"value": "x", "error": "person2@example.org is wrong"}}}

    def script(asked: Asked) -> Misdeed:
        if asked.identity == "2-shop":
            return Answer(422, refusal)
        return Answer(429) if (asked.kind, asked.nth) == ("find", 1) else None

    business, technical = tmp_path / "business.jsonl", tmp_path / "technical.jsonl"
    with standing_in(script=script) as tenant, business.open("w") as b, technical.open("w") as t:
        log = JsonLog(business=b, technical=t)
        deliver(orders(3), plan_of(), tenant.environment(), ledger, RULES, log)

    told = [json.loads(line) for line in business.read_text().splitlines()]
    assert {line["event"] for line in told} >= {"2 rejected: R401 BillToContact.Email"}
    assert any(line["event"].startswith("1 -> SO0000") for line in told)
    happened = {json.loads(line)["event"] for line in technical.read_text().splitlines()}
    assert {"signed in", "request failed", "signed out"} <= happened
    for secret in ("person", "example.org", "secret", "password", "Bearer", "access-", "refresh-"):
        assert secret not in business.read_text() + technical.read_text()


def test_sign_in_fails_for_long(ledger: Ledger) -> None:
    """A sign-in that keeps failing stops the run; nothing died, nothing has to settle."""
    page = Answer(503, "<html>", "text/html")
    with standing_in() as tenant:

        def script(asked: Asked) -> Misdeed:
            if (asked.kind, asked.nth) == ("put", 5):
                tenant.tokens.clear()
            return page if asked.kind == "token" and asked.nth > 1 else None

        tenant.script = script
        with pytest.raises(TenantUnavailable):
            deliver(orders(20), plan_of(), tenant.environment(), ledger, RULES, Watcher())
        counts = ledger.counts()
        assert set(counts) == {"sent", "staged"}
        assert counts["sent"] == len(tenant.orders)
        tenant.script = lambda asked: None

        summary = deliver(orders(20), plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert summary.created + summary.already_exists == 20 == len(tenant.orders)


def test_stopped_after_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is stopped between its last word and its request wakes too late to send it."""
    clock = [0.0]
    monkeypatch.setattr(deadline, "uptime", lambda: clock[0])
    limiter = RateLimiter(concurrent_requests=1, requests_per_minute=None)
    transport = RateLimitedTransport(
        limiter, places=1, connections=httpx2.Limits(), longest=5.0, stop=threading.Event()
    )

    def last_word() -> None:
        clock[0] = 6.0

    with standing_in() as tenant, httpx2.Client(transport=transport) as http:
        with pytest.raises(httpx2.ConnectTimeout):
            http.put(tenant.url, json={}, extensions={LAST_WORD: last_word})

        assert tenant.asked == []


def test_whom_the_machine_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once for all sessions of an hour: to read all certificates takes long."""
    made = []
    real = httpx2.create_ssl_context
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda: made.append(1) or real())
    now = [7 * 3600.0]
    monkeypatch.setattr("mapgen.runtime.network.transport.time.monotonic", lambda: now[0])
    limiter = RateLimiter(concurrent_requests=1, requests_per_minute=None)

    def opened() -> int:
        transport = RateLimitedTransport(
            limiter, places=1, connections=httpx2.Limits(), longest=5.0, stop=threading.Event()
        )
        with transport._network():
            pass
        transport.close()
        return len(made)

    assert [opened(), opened()] == [1, 1]
    now[0] += 3600
    assert opened() == 2
