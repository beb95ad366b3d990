"""How a tenant is set when it starts: credentials, limits, injected failures, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mapgen.sandbox.failures import InjectedFailure

APPLICATION = "5D3C9F0A-6B1E-4F57-9C42-8A1B2C3D4E5F"
"""The identifier half of the default client id; the tenant's name is the other half."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who may sign in. The defaults are public, like everything in a simulated tenant."""

    tenant: str = "DEMO"
    client_id: str = ""
    client_secret: str = field(default="sandbox-client-secret", repr=False)
    username: str = "mapgen"
    password: str = field(default="sandbox-password", repr=False)

    def __post_init__(self) -> None:
        if not self.client_id:
            object.__setattr__(self, "client_id", f"{APPLICATION}@{self.tenant}")

    def environment(self, url: str) -> dict[str, str]:
        """Return the environment variables that a delivery to this tenant reads."""
        return {
            "ACUMATICA_URL": url,
            "ACUMATICA_TENANT": self.tenant,
            "ACUMATICA_CLIENT_ID": self.client_id,
            "ACUMATICA_CLIENT_SECRET": self.client_secret,
            "ACUMATICA_USERNAME": self.username,
            "ACUMATICA_PASSWORD": self.password,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The licence: None is unlimited. The queue's 20 places and 10 minutes are the vendor's."""

    sessions: int | None = None
    requests_per_minute: int | None = None
    concurrent_requests: int | None = None
    queue_places: int = 20
    queue_seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the tenant behaves.

    `now` is the tenant's clock: token lifetimes and idle sessions follow it. `latency` is in
    seconds and held before every answer. Actions that take long take `action_seconds`, and are
    answered at once where that is 0.
    """

    credentials: Credentials = field(default_factory=Credentials)
    limits: Limits = field(default_factory=Limits)
    failures: tuple[InjectedFailure, ...] = ()
    latency: float = 0.0
    action_seconds: float = 0.0
    token_seconds: int = 3600
    idle_seconds: int = 600
    now: Callable[[], datetime] = utc_now
