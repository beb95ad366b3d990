"""Serves a tenant on a port, from a thread or for a whole process."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mapgen.contract.model import Contract
from mapgen.sandbox.app import Connections, Site
from mapgen.sandbox.records import Store
from mapgen.sandbox.seed import Seed, seed_of
from mapgen.sandbox.seeding import sow
from mapgen.sandbox.settings import Credentials, Settings
from mapgen.sandbox.tenant import Tenant


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


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio turns Nagle's algorithm off: it costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(tenant: Tenant) -> uvicorn.Server:
    """Return the server of a tenant; it runs on a socket that listens already."""
    connections: Connections = {}
    config = uvicorn.Config(
        Site(tenant, connections).application(),
        http=_protocol(connections),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A tenant that is being served: where, for whom, and what it holds."""

    url: str
    credentials: Credentials
    tenant: Tenant = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that a delivery to this tenant reads."""
        return self.credentials.environment(self.url)

    def records(self, entity: str) -> list[dict[str, object]]:
        """Return the records of an entity, without wrappers, in the order of their keys."""
        return cast(list[dict[str, object]], self._look(f"records/{entity}"))

    def requests(self) -> list[dict[str, object]]:
        """Return the log of requests, the oldest first."""
        log = cast(Mapping[str, list[dict[str, object]]], self._look("requests"))
        return log["requests"]

    def counts(self) -> dict[str, int]:
        """Return how many requests had which answer: `{"PUT SalesOrder 200": 3}`."""
        return cast(Mapping[str, dict[str, int]], self._look("requests"))["counts"]

    def overview(self) -> dict[str, object]:
        return cast(dict[str, object], self._look(""))

    def _look(self, place: str) -> object:
        with urlopen(f"{self.url}/sandbox/{place}".rstrip("/"), timeout=30) as answer:
            return json.loads(answer.read(), parse_float=Decimal)


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
    running = server(tenant)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    while thread.is_alive() and not running.started:
        time.sleep(0.005)
    try:
        if not running.started:
            raise RuntimeError("the sandbox did not start")
        yield
    finally:
        running.should_exit = True
        thread.join()
        listener.close()
        tenant.store.close()


def _protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return a protocol that says which connection is whose, so that a failure can cut one."""

    class Protocol(H11Protocol):
        def connection_made(  # type: ignore[override]  # as its base: TCP only
            self, transport: asyncio.Transport
        ) -> None:
            super().connection_made(transport)
            if self.client is not None:
                connections[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                connections.pop(self.client, None)
            super().connection_lost(exc)

    return Protocol
