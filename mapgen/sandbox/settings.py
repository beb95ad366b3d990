"""What a sandbox is told when it starts: who may sign in, which limits hold, what to pretend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mapgen.sandbox.faults import Fault

APPLICATION = "5D3C9F0A-6B1E-4F57-9C42-8A1B2C3D4E5F"
"""The identifier half of the default client id; the tenant's name is the other half."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who may sign in. The defaults are public, like everything in a stand-in tenant."""

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

    `long_actions` says after how many status polls an action is done (0: at once, 204). `now` is
    the tenant's clock: dates, token lifetimes and idle sessions follow it. `latency` is in seconds
    and held before every answer. `is_single_tenant` accepts any tenant name at sign-in, as a site
    with one tenant does. `has_links` adds `_links` to records, as builds after 2022 do.
    """

    credentials: Credentials = field(default_factory=Credentials)
    limits: Limits = field(default_factory=Limits)
    faults: tuple[Fault, ...] = ()
    long_actions: Mapping[str, int] = field(
        default_factory=lambda: {"SalesOrderCreateShipment": 1, "PrepareSalesInvoice": 1}
    )
    latency: float = 0.0
    token_seconds: int = 3600
    idle_seconds: int = 600
    is_single_tenant: bool = False
    has_links: bool = True
    now: Callable[[], datetime] = utc_now
