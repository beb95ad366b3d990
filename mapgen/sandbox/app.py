"""The site of a tenant: routes, sign-in, licence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import ClassVar
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
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
from mapgen.sandbox.inquiry import inquired, metadata
from mapgen.sandbox.licence import Licence
from mapgen.sandbox.rendering import plain
from mapgen.sandbox.session import Door
from mapgen.sandbox.sites import UNAVAILABLE, Connections, Site
from mapgen.sandbox.tenant import Tenant

_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]


class TenantSite(Site):
    """One tenant behind its URLs."""

    refuses: ClassVar[Mapping[str, Callable[[], Refused]]] = {
        "deadlock": deadlock,
        "conflict": lost_race,
        "throttle": too_many_requests,
        "sign-out": not_signed_in,
    }
    pages: ClassVar[Mapping[str, Reply]] = {
        "unavailable": UNAVAILABLE,
        "redirect": Reply(302, headers={"Location": "/ui/error"}),
        "no-effect": Reply(204),
    }

    def __init__(self, tenant: Tenant, connections: Connections) -> None:
        super().__init__(tenant.settings.failures, tenant.settings.latency, connections)
        self.tenant = tenant
        self.door = Door(tenant.settings, tenant.store)
        self.licence = Licence(tenant.settings)
        self._entities = Entities(tenant)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        served = [
            ("/entity/auth/logout", self._sign_out),
            ("/entity/{path:path}", self._entity),
            ("/t/{tenant}/api/odata/gi/{name}", self._inquiry),
            ("/identity/connect/token", self._token),
        ]
        return Starlette(
            routes=[
                *(
                    Route(path, self.guarded(_target, handler), methods=_METHODS)
                    for path, handler in served
                ),
                *self.looks({"": self._overview, "/records/{entity}": self._records}),
            ]
        )

    def admitted(self, target: str) -> AbstractAsyncContextManager[None]:
        """Hold a place of the licence; signing out is the one request that never queues."""
        return self.licence.admitted(is_queued=target != "logout")

    def let_in(self, call: Call, failure: str) -> None:
        """End the session where that is what fails; the door asks for tokens later."""
        if failure == "sign-out":
            self.door.sign_out(call.headers.get("authorization"))

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

    def _records(self, request: Request) -> object:
        return [plain(record) for record in self.tenant.store.all(request.path_params["entity"])]


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
