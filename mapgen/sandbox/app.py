"""The site of a tenant: routes, sign-in, licence, injected failures, and the log of requests."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mapgen.sandbox.calls import Call, Reply
from mapgen.sandbox.entities import Entities
from mapgen.sandbox.errors import (
    Refused,
    deadlock,
    lost_race,
    not_found,
    not_signed_in,
    too_many_requests,
)
from mapgen.sandbox.failures import InjectedFailure, Injector
from mapgen.sandbox.inquiry import inquired, metadata
from mapgen.sandbox.licence import Licence
from mapgen.sandbox.rendering import plain
from mapgen.sandbox.session import Door
from mapgen.sandbox.sites import Connections, Cut, Entry
from mapgen.sandbox.tenant import Tenant

Handler: TypeAlias = Callable[[Call], Reply]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]
_LOG_LENGTH = 10_000
_REFUSALS: Mapping[str, Callable[[], Refused]] = {
    "deadlock": deadlock,
    "conflict": lost_race,
    "throttle": too_many_requests,
    "sign-out": not_signed_in,
}
_PAGES: Mapping[str, Reply] = {
    "unavailable": Reply(503, b"<html><body>Service Unavailable</body></html>", {}, "text/html"),
    "redirect": Reply(302, headers={"Location": "/ui/error"}),
    "no-effect": Reply(204),
}


class Site:
    """One tenant behind its URLs."""

    def __init__(self, tenant: Tenant, connections: Connections) -> None:
        self.tenant = tenant
        self.door = Door(tenant.settings, tenant.store)
        self.licence = Licence(tenant.settings)
        self.log: deque[Entry] = deque(maxlen=_LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._injector = Injector(tenant.settings.failures)
        self._entities = Entities(tenant)
        self._connections = connections

    def application(self) -> Starlette:
        """Return the ASGI application."""
        served = [
            ("/entity/auth/logout", self._sign_out),
            ("/entity/{path:path}", self._entity),
            ("/t/{tenant}/api/odata/gi/{name}", self._inquiry),
            ("/identity/connect/token", self._token),
        ]
        looks = [
            ("/sandbox", self._overview),
            ("/sandbox/requests", self._requests),
            ("/sandbox/records/{entity}", self._records),
        ]
        return Starlette(
            routes=[
                *(
                    Route(path, self._guarded(handler), methods=_METHODS)
                    for path, handler in served
                ),
                *(Route(path, _plainly(look)) for path, look in looks),
            ]
        )

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            target = _target(request)
            failure = self._injector.due(request.method, target)
            call = _call(request, await request.body())
            try:
                # Signing out is the one request that never queues.
                async with self.licence.admitted(is_queued=target != "logout"):
                    reply = await self._answer(call, handler, failure)
            except Refused as refused:
                reply = Reply(refused.status, refused.body)
            is_cut = failure is not None and failure.kind in ("refuse", "drop")
            self._note(request, target, 0 if is_cut else reply.status, failure)
            return Cut(self._connections) if is_cut else _response(reply)

        return endpoint

    async def _answer(self, call: Call, handler: Handler, failure: InjectedFailure | None) -> Reply:
        """Fail as the injected failure says, or answer."""
        kind, seconds = ("", 0.0) if failure is None else (failure.kind, failure.seconds)
        if kind == "refuse":
            return Reply(0)
        await asyncio.sleep(self.tenant.settings.latency + (seconds if kind == "slow" else 0))
        if kind == "sign-out":
            self.door.sign_out(call.headers.get("authorization"))
        if kind.endswith("-after"):
            handler(call)
        refusal = _REFUSALS.get(kind.removesuffix("-after"))
        if refusal is not None:
            raise refusal()
        reply = _PAGES.get(kind) or handler(replace(call, fails=kind == "fails-later"))
        await asyncio.sleep(seconds if kind == "slow-answer" else 0)
        return reply

    def _sign_out(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_found(call.path)
        if "content-length" not in call.headers and "transfer-encoding" not in call.headers:
            # Answered by the web server before the application sees the request.
            return Reply(411, b"<html>Length Required</html>", content_type="text/html")
        with suppress(Refused):
            self.door.sign_out(call.headers.get("authorization"))
        return Reply(204)

    def _token(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_found(call.path)
        form = dict(parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True))
        answer = self.door.token(form)
        return Reply(200, answer, {"Cache-Control": "no-store"})

    def _entity(self, call: Call) -> Reply:
        contract = self.tenant.contract
        root = f"/entity/{contract.endpoint}/{contract.version}/"
        if not call.path.startswith(root):
            raise not_found(call.path)
        session = self.door.open(call.headers.get("authorization"))
        parts = [part for part in call.path.removeprefix(root).split("/") if part]
        return self._entities.answer(call, parts, session)

    def _inquiry(self, call: Call) -> Reply:
        *_, name = call.path.split("/")
        root = f"/t/{self.tenant.settings.credentials.tenant}/api/odata/gi/"
        if call.method != "GET" or call.path != root + name:
            raise not_found(call.path)
        self.door.open(call.headers.get("authorization"))
        contract = self.tenant.contract
        if name == "$metadata":
            return Reply(200, metadata(contract), content_type="application/xml")
        return Reply(200, inquired(self.tenant.store, contract, name, call.query))

    def _overview(self, _: Request) -> object:
        return {
            "tenant": self.tenant.settings.credentials.tenant,
            "endpoint": f"{self.tenant.contract.endpoint}/{self.tenant.contract.version}",
            "records": self.tenant.store.counts(),
            "sessions": self.door.sessions,
            "delayed": self.licence.delayed,
            "declined": self.licence.declined,
        }

    def _requests(self, _: Request) -> object:
        return {"requests": list(self.log), "counts": dict(sorted(self.counts.items()))}

    def _records(self, request: Request) -> object:
        return [plain(record) for record in self.tenant.store.all(request.path_params["entity"])]

    def _note(
        self, request: Request, target: str, status: int, failure: InjectedFailure | None
    ) -> None:
        query = "&".join(f"{name}={value}" for name, value in request.query_params.multi_items())
        kind = failure.kind if failure is not None else None
        self.log.append(Entry(request.method, target, request.scope["path"], query, status, kind))
        self.counts[f"{request.method} {target} {status}"] += 1


def _target(request: Request) -> str:
    """Return what a request is for, as failures and the log name it."""
    path = str(request.scope["path"])
    match path.strip("/").split("/"):
        case ["entity", "auth", verb]:
            return verb
        case ["identity", "connect", verb]:
            return verb
        case ["entity", _, _, entity, action] if request.method == "POST":
            return f"{entity}/{action}"
        case ["entity", _, _, entity, *_]:
            return entity
        case ["t", _, "api", "odata", "gi", inquiry]:
            return f"gi/{inquiry}"
        case _:
            return path


def _plainly(look: Callable[[Request], object]) -> Callable[[Request], Awaitable[Response]]:
    """Serve what people and tests look at: no sign-in, no licence, no failures."""

    async def endpoint(request: Request) -> Response:
        return Response(_ENCODER.encode(look(request)), media_type="application/json")

    return endpoint


def _call(request: Request, raw: bytes) -> Call:
    return Call(
        method=request.method,
        path=request.scope["path"],
        query=dict(request.query_params),
        headers=dict(request.headers),
        raw=raw,
    )


def _response(reply: Reply) -> Response:
    body = reply.body
    content = body if isinstance(body, bytes) else b"" if body is None else _ENCODER.encode(body)
    response = Response(content, reply.status, dict(reply.headers))
    if content:
        response.headers["Content-Type"] = reply.content_type
    return response
