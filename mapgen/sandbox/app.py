"""The site: HTTP requests in; through faults, licence and sign-in to the answers, out."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mapgen.sandbox.body import parse_object
from mapgen.sandbox.entities import Call, Entities, Reply
from mapgen.sandbox.errors import (
    Refused,
    deadlock,
    lost_race,
    not_found,
    not_signed_in,
    too_many_requests,
)
from mapgen.sandbox.faults import Fault, Trouble
from mapgen.sandbox.licence import Licence
from mapgen.sandbox.openapi import document
from mapgen.sandbox.rendering import plain
from mapgen.sandbox.session import COOKIE, Door, Session
from mapgen.sandbox.tenant import Tenant

Connections: TypeAlias = MutableMapping[tuple[str, int], asyncio.Transport]
Handler: TypeAlias = Callable[[Call], Reply]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]
_LOG_LENGTH = 10_000
_TICKS_START = datetime(1, 1, 1, tzinfo=UTC)
_UNAVAILABLE = b"<html><head><title>Service Unavailable</title></head><body>503</body></html>"
_NO_INQUIRIES = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    b'<edmx:DataServices><Schema Namespace="PX.Data" '
    b'xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityContainer Name="Default"/></Schema>'
    b"</edmx:DataServices></edmx:Edmx>"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the request log; `target` is what faults name: an entity, `token`, `login`."""

    method: str
    target: str
    path: str
    query: str
    status: int
    fault: str | None = None


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
    """One tenant behind its URLs."""

    def __init__(self, tenant: Tenant, connections: Connections) -> None:
        self.tenant = tenant
        self.door = Door(tenant.settings, tenant.store)
        self.licence = Licence(tenant.settings)
        self.log: deque[Entry] = deque(maxlen=_LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._trouble = Trouble(tenant.settings.faults)
        self._entities = Entities(tenant)
        self._connections = connections

    def application(self) -> Starlette:
        """Return the ASGI application."""
        served = [
            ("/entity/auth/login", self._sign_in),
            ("/entity/auth/logout", self._sign_out),
            ("/entity", self._endpoints),
            ("/entity/{path:path}", self._entity),
            ("/identity/connect/token", self._token),
            ("/identity/.well-known/openid-configuration", self._discovery),
            ("/t/{tenant}/api/odata/gi/$metadata", self._inquiries),
        ]
        routes = [Route(path, self._guarded(handler), methods=_METHODS) for path, handler in served]
        routes += [
            Route("/sandbox", self._plainly(self._overview)),
            Route("/sandbox/requests", self._plainly(self._requests)),
            Route("/sandbox/records/{entity}", self._plainly(self._records)),
        ]
        return Starlette(routes=routes)

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            target = _target(request)
            fault = self._trouble.due(request.method, target)
            try:
                reply = await self._admitted(request, handler, fault)
            except Refused as refused:
                reply = Reply(refused.status, refused.body, refused.headers)
            is_cut = fault is not None and fault.kind in ("refuse", "drop")
            self._note(request, target, 0 if is_cut else reply.status, fault)
            return Cut(self._connections) if is_cut else _response(request, reply)

        return endpoint

    async def _admitted(self, request: Request, handler: Handler, fault: Fault | None) -> Reply:
        raw = await request.body()
        call = _call(request, raw)
        if call.path == "/entity/auth/logout":
            # Signing out is the one request that never queues.
            return self._met(call, handler, fault)
        async with self.licence.admitted():
            wait = self.tenant.settings.latency
            wait += fault.seconds if fault is not None and fault.kind == "slow" else 0
            if wait:
                await asyncio.sleep(wait)
            reply = self._met(call, handler, fault)
            if fault is not None and fault.kind == "slow-answer":
                await asyncio.sleep(fault.seconds)
            return reply

    def _met(self, call: Call, handler: Handler, fault: Fault | None) -> Reply:
        """Let the fault have its way, or answer."""
        match fault.kind if fault is not None else None:
            case "refuse":
                return Reply(0)
            case "deadlock":
                raise deadlock()
            case "conflict":
                raise lost_race()
            case "deadlock-after":
                handler(call)
                raise deadlock()
            case "conflict-after":
                handler(call)
                raise lost_race()
            case "throttle":
                raise too_many_requests()
            case "unavailable":
                return Reply(503, _UNAVAILABLE, content_type="text/html")
            case "redirect":
                return Reply(302, headers={"Location": "/ui/error"})
            case "sign-out":
                self.door.sign_out(self._session(call))
                raise not_signed_in()
            case _:
                return handler(call)

    def _session(self, call: Call, *, is_open: bool = True) -> Session:
        return self.door.session(call.headers.get("authorization"), call.cookies, is_open=is_open)

    def _sign_in(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_found(call.path)
        is_form = "form" in call.headers.get("content-type", "")
        body = dict(parse_qsl(call.raw.decode())) if is_form else parse_object(call.raw)
        session = self.door.sign_in(body)
        expires = (self.tenant.settings.now() + timedelta(days=3)).strftime(
            "%a, %d-%b-%Y %H:%M:%S GMT"
        )
        # A secure cookie would not come back over plain HTTP.
        security = " secure; HttpOnly; SameSite=None" if _is_https(call) else " HttpOnly"
        tenant = self.tenant.settings.credentials.tenant
        return Reply(
            204,
            cookies=(
                f"{COOKIE}={session.id}; path=/;{security}",
                f"ASP.NET_SessionId={uuid4().hex}; path=/; HttpOnly; SameSite=Lax",
                f"CompanyID={tenant}; expires={expires}; path=/",
            ),
        )

    def _sign_out(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_found(call.path)
        if "content-length" not in call.headers and "transfer-encoding" not in call.headers:
            # Answered by the web server before the application sees the request.
            return Reply(411, b"<html>Length Required</html>", content_type="text/html")
        with suppress(Refused):
            self.door.sign_out(self._session(call, is_open=False))
        return Reply(
            204,
            cookies=(
                f"{COOKIE}=; expires=Tue, 12-Oct-1999 00:00:00 GMT; path=/; HttpOnly",
                "ASP.NET_SessionId=; expires=Tue, 12-Oct-1999 00:00:00 GMT; path=/",
            ),
        )

    def _token(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_found(call.path)
        form = dict(parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True))
        answer = self.door.token(form, call.headers.get("authorization"))
        return Reply(200, answer, {"Cache-Control": "no-store"})

    def _discovery(self, call: Call) -> Reply:
        root = f"{call.base_url}/identity"
        return Reply(
            200,
            {
                "issuer": root,
                "token_endpoint": f"{root}/connect/token",
                "grant_types_supported": ["password", "refresh_token"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                ],
                "scopes_supported": ["api", "offline_access", "api:concurrent_access"],
            },
        )

    def _endpoints(self, _: Call) -> Reply:
        contract = self.tenant.contract
        return Reply(
            200,
            {
                "version": {
                    "acumaticaBuildVersion": "24.200.0000",
                    "databaseVersion": "24.200.0000",
                },
                "endpoints": [
                    {
                        "name": contract.endpoint,
                        "version": contract.version,
                        "href": f"/entity/{contract.endpoint}/{contract.version}/",
                    }
                ],
            },
        )

    def _entity(self, call: Call) -> Reply:
        contract = self.tenant.contract
        endpoint, _, rest = call.path.removeprefix("/entity/").partition("/")
        version, _, below = rest.partition("/")
        if (endpoint, version) != (contract.endpoint, contract.version):
            raise not_found(call.path)
        parts = [part for part in below.split("/") if part]
        if parts == ["swagger.json"] and call.method == "GET":
            return Reply(200, document(contract, f"{call.base_url}/entity/{endpoint}/{version}"))
        session = self._session(call)
        reply = self._entities.answer(call, session, parts)
        if session.is_tracked and call.cookies.get(COOKIE) != session.id:
            return replace(reply, cookies=(f"{COOKIE}={session.id}; path=/; HttpOnly",))
        return reply

    def _inquiries(self, call: Call) -> Reply:
        self.door.check_basic(call.headers.get("authorization"))
        return Reply(200, _NO_INQUIRIES, content_type="application/xml")

    def _overview(self, _: Request) -> object:
        store = self.tenant.store
        held = {name: len(store.all(name)) for name in self.tenant.contract.entities}
        return {
            "tenant": self.tenant.settings.credentials.tenant,
            "endpoint": f"{self.tenant.contract.endpoint}/{self.tenant.contract.version}",
            "records": {name: number for name, number in held.items() if number},
            "sessions": len(self.door.sessions),
            "delayed": self.licence.delayed,
            "declined": self.licence.declined,
        }

    def _requests(self, _: Request) -> object:
        return {"requests": list(self.log), "counts": dict(sorted(self.counts.items()))}

    def _records(self, request: Request) -> object:
        return [plain(record) for record in self.tenant.store.all(request.path_params["entity"])]

    def _plainly(
        self, look: Callable[[Request], object]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Serve what people and tests look at: no sign-in, no licence, no faults."""

        async def endpoint(request: Request) -> Response:
            return Response(_ENCODER.encode(look(request)), media_type="application/json")

        return endpoint

    def _note(self, request: Request, target: str, status: int, fault: Fault | None) -> None:
        query = "&".join(f"{name}={value}" for name, value in request.query_params.multi_items())
        kind = fault.kind if fault is not None else None
        self.log.append(Entry(request.method, target, request.scope["path"], query, status, kind))
        self.counts[f"{request.method} {target} {status}"] += 1


def _target(request: Request) -> str:
    """Return what a request is for, as faults and the log name it."""
    path = str(request.scope["path"])
    match path.strip("/").split("/"):
        case ["entity", "auth", verb]:
            return verb
        case ["identity", "connect", verb]:
            return verb
        case ["entity", _, _, entity, action] if request.method == "POST":
            return f"{entity}/{action}"
        case ["entity", _, _, entity, action, "status", _]:
            return f"{entity}/{action}/status"
        case ["entity", _, _, entity, *_]:
            return entity
        case _:
            return path


def _call(request: Request, raw: bytes) -> Call:
    return Call(
        method=request.method,
        path=request.scope["path"],
        query=dict(request.query_params),
        headers=dict(request.headers),
        cookies=request.cookies,
        raw=raw,
        base_url=str(request.base_url).rstrip("/"),
    )


def _is_https(call: Call) -> bool:
    return call.base_url.startswith("https:")


def _response(request: Request, reply: Reply) -> Response:
    body = reply.body
    content = body if isinstance(body, bytes) else b"" if body is None else _ENCODER.encode(body)
    response = Response(content, reply.status, dict(reply.headers))
    if content:
        response.headers["Content-Type"] = reply.content_type
    if request.scope["path"].startswith("/entity"):
        ticks = int((datetime.now(UTC) - _TICKS_START).total_seconds() * 10_000_000)
        stat = f"+st:1+sc:~{request.scope['path'].lower()}+start:{ticks}+tg:"
        for cookie in (
            *reply.cookies,
            "Locale=Culture=en-US&TimeZone=GMTM0800A; path=/",
            "UserBranch=1; path=/",
            f"requestid={uuid4().hex}; path=/",
            f"requeststat={stat}; path=/",
        ):
            response.headers.append("Set-Cookie", cookie)
    return response
