"""What an environment may be, and the rate limit that it sets."""

from __future__ import annotations

import threading

import pytest

from mapgen.runtime.aborted import EnvironmentInvalid
from mapgen.runtime.environment import Limits, Tenant
from mapgen.runtime.network.rate_limit import RateLimiter

RIGHT = {
    "url": "https://erp.example.com/site/",
    "tenant": "DEMO",
    "client_id": "app@DEMO",
    "client_secret": "the-secret",
    "username": "the-user",
    "password": "the-password",
}


def test_nothing_secret_is_shown() -> None:
    """The representation of a tenant shows neither secret nor user."""
    shown = repr(Tenant(**RIGHT))

    assert "DEMO" in shown
    assert not [word for word in ("the-secret", "the-user", "the-password") if word in shown]


WRONG = [
    pytest.param({"password": " "}, "`password` is empty", id="empty"),
    pytest.param({"url": "erp.example.com"}, "https://HOST/SITE", id="no scheme"),
    pytest.param({"url": "https://[::1"}, "https://HOST/SITE", id="no address"),
    pytest.param({"url": "http://erp.example.com"}, "without encryption", id="not encrypted"),
    pytest.param({"url": "https://u:p@erp.example.com"}, "user name", id="user in the address"),
    pytest.param({"client_id": "app@OTHER"}, "belongs to the tenant `OTHER`", id="other tenant"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_wrong_tenant(change: dict[str, str], words: str) -> None:
    """A tenant that cannot be right is refused before any request, without showing a secret."""
    with pytest.raises(EnvironmentInvalid, match=words) as error:
        Tenant(**(RIGHT | change))

    assert "the-" not in error.value.message


WRONG_LIMITS = [
    pytest.param({"settle": 5.0, "request_timeout": 5.0}, "does not exceed", id="settle too short"),
    pytest.param({"request_timeout": 0.0}, "above 0", id="no time at all"),
    pytest.param({"request_timeout": float("nan")}, "does not exceed", id="no number"),
    pytest.param({"requests_per_minute": 0}, "less than 1", id="no requests"),
    pytest.param({"concurrent_requests": 0}, "less than 1", id="no places"),
]


@pytest.mark.parametrize(("limits", "words"), WRONG_LIMITS)
def test_wrong_limits(limits: dict[str, float], words: str) -> None:
    """Limits that would lose or double documents are refused."""
    with pytest.raises(EnvironmentInvalid, match=words):
        Limits(**limits)  # type: ignore[arg-type]


def test_minute_is_used_up() -> None:
    """Of 100 requests a minute 87 are used at once; the next has to wait."""
    limiter = RateLimiter(concurrent_requests=2, requests_per_minute=100)
    used = 0
    is_waiting = threading.Event()

    def work() -> None:
        nonlocal used
        for _ in range(88):
            if used == 87:
                is_waiting.set()
            with limiter.token():
                used += 1

    threading.Thread(target=work, daemon=True).start()

    assert is_waiting.wait(60)
    threading.Event().wait(0.3)
    assert used == 87
