"""Signing in and out: OAuth, and the places of the licence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mapgen.sandbox import Credentials, Limits, Settings

from .conftest import Caller


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: datetime = datetime(2024, 3, 9, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: int) -> None:
        self.now += timedelta(**span)


def token(caller: Caller, **changes: str) -> Any:
    return caller.http.post("/identity/connect/token", data=caller.form(**changes))


def works(caller: Caller) -> bool:
    status, _ = caller.call("GET", "Customer?$top=1")
    assert status in (200, 401)
    return status == 200


def test_password_grant(caller: Caller) -> None:
    """The answer has a bearer token for an hour, and a refresh token with `offline_access`."""
    full, bare = token(caller).json(), token(caller, scope="api").json()

    assert (full["token_type"], full["expires_in"], full["scope"]) == (
        "Bearer",
        3600,
        "api offline_access",
    )
    assert ("refresh_token" in full, "refresh_token" in bare) == (True, False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"password": "x"}, "invalid_grant", id="password"),
        pytest.param({"username": "x"}, "invalid_grant", id="user"),
        pytest.param({"client_secret": "x"}, "invalid_client", id="secret"),
        pytest.param({"client_id": "x@OTHER"}, "invalid_client", id="another tenant's client"),
        pytest.param({"scope": "nothing"}, "invalid_scope", id="scope"),
        pytest.param({"grant_type": "client_credentials"}, "unsupported_grant_type", id="grant"),
        pytest.param(
            {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", id="refresh"
        ),
    ],
)
def test_refused_grant(start: Any, changes: dict[str, str], error: str) -> None:
    """A token request that is off is a 400 that names the OAuth error."""
    answer = token(start(signed_in=False), **changes)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_refresh_rotates(caller: Caller) -> None:
    """A refresh gives new tokens; the old refresh token is worth nothing, the session goes on."""
    first = caller.sign_in()
    works(caller)
    sessions = caller.sandbox.overview()["sessions"]
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = token(caller, **refresh).json()
    caller.http.headers["Authorization"] = f"Bearer {second['access_token']}"

    assert works(caller)
    assert token(caller, **refresh).json() == {"error": "invalid_grant"}
    assert caller.sandbox.overview()["sessions"] == sessions


def test_token_expires(start: Any) -> None:
    """A token lives as long as it says; the refresh chain ends after 30 days."""
    clock = Clock()
    caller = start(settings=Settings(now=clock, token_seconds=60))
    refresh = {"grant_type": "refresh_token", "refresh_token": caller.sign_in()["refresh_token"]}
    before = works(caller)
    clock.pass_(seconds=61)
    after = works(caller)
    clock.pass_(days=31)

    assert (before, after) == (True, False)
    assert token(caller, **refresh).json() == {"error": "invalid_grant"}


def test_sign_out_without_length(caller: Caller) -> None:
    """The web server refuses a POST that does not say how long it is."""
    import socket
    from urllib.parse import urlsplit

    place = urlsplit(caller.sandbox.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(b"POST /entity/auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 411 ")


def test_sign_out_of_a_token(start: Any) -> None:
    """Signing out frees the token's place in the licence."""
    caller = start(settings=Settings(limits=Limits(sessions=1)))
    works(caller)
    other = Caller(caller.sandbox)
    other.sign_in()
    refused = other.call("GET", "Customer")
    caller.http.post("/entity/auth/logout")

    assert refused[0] == 500
    assert "API Login Limit" in refused[1]["exceptionMessage"]
    assert works(other)


def test_login_limit(start: Any) -> None:
    """One session more than the licence has is refused by its words; an idle one makes room."""
    clock = Clock()
    caller = start(settings=Settings(now=clock, limits=Limits(sessions=1), idle_seconds=600))
    other = Caller(caller.sandbox)
    other.sign_in()

    assert works(caller)
    assert "API Login Limit" in other.error("Customer")
    clock.pass_(minutes=11)
    assert works(other)


def test_credentials_of_ones_own(start: Any) -> None:
    """The client id holds the tenant's name; every credential can be set."""
    mine = Credentials(tenant="NORTH", username="ada", password="p")
    caller = start(settings=Settings(credentials=mine))

    assert caller.sandbox.environment["ACUMATICA_CLIENT_ID"].endswith("@NORTH")
    assert works(caller)
