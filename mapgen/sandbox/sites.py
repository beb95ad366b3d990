"""What simulated systems have alike: injected failures, connections that are cut, a log."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias, cast
from urllib.request import urlopen

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mapgen import sockets
from mapgen.sandbox.calls import Call, Reply, called
from mapgen.sandbox.errors import Refused
from mapgen.sandbox.failures import InjectedFailure, Injector

Connections: TypeAlias = MutableMapping[tuple[str, int], asyncio.Transport]
Handler: TypeAlias = Callable[[Call], Reply]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LOG_LENGTH = 10_000
UNAVAILABLE = Reply(503, b"<html><body>Service Unavailable</body></html>", {}, "text/html")


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


class Site:
    """A system behind its URLs: what it answers, or fails to.

    A kind of system says what it `refuses` and which `pages` it answers by the kind of an injected
    failure, what it asks of whoever calls (`let_in`), and how many it works for at a time
    (`admitted`).
    """

    refuses: ClassVar[Mapping[str, Callable[[], Refused]]]
    pages: ClassVar[Mapping[str, Reply]]

    def __init__(
        self, failures: Iterable[InjectedFailure], latency: float, connections: Connections
    ) -> None:
        """Take what fails, the seconds before each answer, and the connections that can be cut."""
        self.log: deque[Entry] = deque(maxlen=_LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._injector = Injector(failures)
        self._latency = latency
        self._connections = connections

    def let_in(self, call: Call, failure: str) -> None:
        """Raise Refused for a call that may not come in, or whose failure is about that."""

    def admitted(self, _target: str) -> AbstractAsyncContextManager[None]:
        """Return what a request is worked on in. Raises Refused where there is no place."""
        return nullcontext()

    def guarded(self, target_of: Callable[[Request], str], handler: Handler) -> Endpoint:
        """Return what answers requests, as failures let it; failures and log name the target."""

        async def endpoint(request: Request) -> Response:
            target = target_of(request)
            failure = self._injector.due(request.method, target)
            call = called(request, await request.body())
            try:
                async with self.admitted(target):
                    reply = await self._answer(call, handler, failure)
            except Refused as refused:
                reply = Reply(refused.status, refused.body, refused.headers)
            is_cut = failure is not None and failure.kind in ("refuse", "drop")
            self._note(request, target, 0 if is_cut else reply.status, failure)
            return Cut(self._connections) if is_cut else _response(reply)

        return endpoint

    def looks(self, looks: Mapping[str, Callable[[Request], object]]) -> list[Route]:
        """Return what people and tests look at: no sign-in, no limits, no failures; the log."""
        return [
            Route(f"/sandbox{path}", _plainly(look))
            for path, look in {**looks, "/requests": self._requests}.items()
        ]

    async def _answer(self, call: Call, handler: Handler, failure: InjectedFailure | None) -> Reply:
        """Fail as the injected failure says, or answer."""
        kind, seconds = ("", 0.0) if failure is None else (failure.kind, failure.seconds)
        if kind == "refuse":
            return Reply(0)
        await asyncio.sleep(self._latency + (seconds if kind == "slow" else 0))
        self.let_in(call, kind)
        if kind.endswith("-after"):
            handler(call)
        refusal = self.refuses.get(kind.removesuffix("-after"))
        if refusal is not None:
            raise refusal()
        reply = self.pages.get(kind) or handler(replace(call, fails=kind == "fails-later"))
        await asyncio.sleep(seconds if kind == "slow-answer" else 0)
        return reply

    def _requests(self, _: Request) -> object:
        return {"requests": list(self.log), "counts": dict(sorted(self.counts.items()))}

    def _note(
        self, request: Request, target: str, status: int, failure: InjectedFailure | None
    ) -> None:
        query = "&".join(f"{name}={value}" for name, value in request.query_params.multi_items())
        kind = failure.kind if failure is not None else None
        self.log.append(Entry(request.method, target, request.scope["path"], query, status, kind))
        self.counts[f"{request.method} {target} {status}"] += 1


def _plainly(look: Callable[[Request], object]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return Response(_ENCODER.encode(look(request)), media_type="application/json")

    return endpoint


def _response(reply: Reply) -> Response:
    body = reply.body
    content = body if isinstance(body, bytes) else b"" if body is None else _ENCODER.encode(body)
    response = Response(content, reply.status, dict(reply.headers))
    if content:
        response.headers["Content-Type"] = reply.content_type
    return response


def look(url: str, place: str) -> Any:
    """Return what a served system shows to people and tests at a place."""
    with urlopen(f"{url}/sandbox/{place}".rstrip("/"), timeout=30) as answer:
        return json.loads(answer.read(), parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Served:
    """A system that is being served, and where."""

    url: str

    def requests(self) -> list[dict[str, object]]:
        """Return the log of requests, the oldest first."""
        return cast(list[dict[str, object]], look(self.url, "requests")["requests"])

    def counts(self) -> dict[str, int]:
        """Return how many requests had which answer: `{"PUT SalesOrder 200": 3}`."""
        return cast(dict[str, int], look(self.url, "requests")["counts"])


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
