"""Serves a tenant on a port, from a thread or for a whole process."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvicorn

from mapgen.contract.model import Contract
from mapgen.sandbox.app import TenantSite
from mapgen.sandbox.records import AttachedFile, Store
from mapgen.sandbox.seed import Seed, seed_of
from mapgen.sandbox.seeding import sow
from mapgen.sandbox.settings import Credentials, Settings
from mapgen.sandbox.sites import Served, look, server_of
from mapgen.sandbox.tenant import Tenant
from mapgen.sockets import listen, running, url_of


def open_tenant(
    contract: Contract,
    *,
    seed: Seed | None = None,
    state: Path | None = None,
    settings: Settings | None = None,
) -> Tenant:
    """Return a tenant with its records.

    Raises Stopped (E522, E523) where the seed or the state file does not fit.
    """
    keys = {entity.name: entity.keys for entity in contract.entities.values()}
    tenant = Tenant(contract, settings or Settings(), Store(keys, state))
    sow(tenant, seed or Seed())
    return tenant


def server(tenant: Tenant) -> uvicorn.Server:
    """Return the server of a tenant; it runs on a socket that listens already."""
    return server_of(lambda connections: TenantSite(tenant, connections).application())


@dataclass(frozen=True, slots=True)
class Sandbox(Served):
    """A tenant that is being served: where, for whom, and what it holds."""

    credentials: Credentials
    tenant: Tenant = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that a delivery to this tenant reads."""
        return self.credentials.environment(self.url)

    def records(self, entity: str) -> list[dict[str, object]]:
        """Return the records of an entity, without wrappers, in the order of their keys."""
        return cast(list[dict[str, object]], look(self.url, f"records/{entity}"))

    def files(self, record: str) -> list[AttachedFile]:
        """Return the files of a record, by its id, in the order in which they came."""
        return self.tenant.store.files(record)

    def overview(self) -> dict[str, object]:
        return cast(dict[str, object], look(self.url, ""))


@contextmanager
def serve(
    contract: Contract,
    *,
    seed: Mapping[str, object] | Seed | None = None,
    state: Path | None = None,
    settings: Settings | None = None,
    port: int = 0,
) -> Iterator[Sandbox]:
    """Serve a tenant from a thread of this process, on a free port, until the block ends."""
    seeds = seed if isinstance(seed, Seed) or seed is None else seed_of(dict(seed))
    tenant = open_tenant(contract, seed=seeds, state=state, settings=settings)
    listener = listen("127.0.0.1", port)
    with serving(tenant, listener):
        yield Sandbox(url_of(listener), tenant.settings.credentials, tenant)


@contextmanager
def serving(tenant: Tenant, listener: socket.socket) -> Iterator[None]:
    """Serve a tenant from a thread of this process until the block ends; closes both."""
    try:
        with running(server(tenant), listener):
            yield
    finally:
        tenant.store.close()
