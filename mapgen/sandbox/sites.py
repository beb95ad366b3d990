"""What simulated systems have alike: connections that are cut, a log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mapgen import sockets

Connections: TypeAlias = MutableMapping[tuple[str, int], asyncio.Transport]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the request log; `target` is what failures name: an entity, `token`, `login`."""

    method: str
    target: str
    path: str
    query: str
    status: int
    failure: str | None = None


class Cut(Response):
    """No answer: the connection is closed."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        client = scope["client"]
        transport = self._connections.get((client[0], client[1]))
        if transport is None:
            return
        transport.abort()
        # The server has to notice that the client is gone before this request ends.
        while (await receive())["type"] != "http.disconnect":
            continue


def server_of(application: Callable[[Connections], Starlette]) -> uvicorn.Server:
    """Return the server of an application that can cut its connections."""
    connections: Connections = {}
    return sockets.server_of(application(connections), _protocol(connections))


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
