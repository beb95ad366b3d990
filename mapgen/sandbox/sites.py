"""What simulated systems have alike: sockets, servers in threads, cut connections, a log."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

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


def server_of(application: Callable[[Connections], Starlette]) -> uvicorn.Server:
    """Return the server of an application; it runs on a socket that listens already."""
    connections: Connections = {}
    config = uvicorn.Config(
        application(connections),
        http=_protocol(connections),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


@contextmanager
def running(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """Run a server in a thread of this process until the block ends; closes the socket."""
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.005)
    try:
        if not server.started:
            raise RuntimeError("the sandbox did not start")
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


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
