"""The door: webhooks of shops, push notifications of the ERP, and whether the service is well."""

from __future__ import annotations

import hmac

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger import Delivery
from mapgen.service.console.guard import body_of, is_local
from mapgen.service.metrics import Metrics
from mapgen.service.pushes import SECRET_HEADER, is_allowed, push_of
from mapgen.service.reception import NotYet, Reception, Sender
from mapgen.service.webhooks import KINDS, LONGEST_BODY, is_ping, verified


class Door:
    """The answers of a service. What came is in the ledger before it is answered with 200."""

    def __init__(self, service: Reception, token: str | None = None) -> None:
        """Take the service, and what lets those in who ask from elsewhere how it is."""
        self._service = service
        self._token = token

    async def webhook(self, request: Request) -> Response:
        """Take what a shop sends, if it has signed it."""
        sender = self._service.senders.get(request.path_params["connection"])
        if sender is None or sender.kind not in KINDS:
            return self._unknown()
        body = await body_of(request, LONGEST_BODY)
        if body is None:
            return self._refused(sender, "too large", 413)
        if is_ping(sender.kind, body):
            return PlainTextResponse("ready")
        sent = verified(sender.kind, sender.secret, dict(request.headers), body)
        if sent is None:
            return self._refused(sender, "not signed", 401)
        return await self._taken(sender, sent.topic, Delivery("", sent.delivery, sent.topic, body))

    async def push(self, request: Request) -> Response:
        """Take a push notification of the ERP, if it holds the secret."""
        sender = self._service.senders.get(request.path_params["connection"])
        if sender is None or sender.kind in KINDS:
            return self._unknown()
        if not is_allowed(sender.secret, request.headers.get(SECRET_HEADER)):
            return self._refused(sender, "not allowed", 401)
        body = await body_of(request, LONGEST_BODY)
        if body is None:
            return self._refused(sender, "too large", 413)
        push = push_of(body)
        if push is None:
            return self._refused(sender, "no notification", 400)
        delivery = Delivery("", push.delivery, push.query, body, push.timestamp)
        return await self._taken(sender, push.query, delivery)

    async def health(self, _request: Request) -> Response:
        """Say whether the process works; it is started anew where it does not."""
        is_well = self._service.is_alive
        return JSONResponse({"is_alive": is_well}, 200 if is_well else 503)

    async def ready(self, request: Request) -> Response:
        """Say whether deliveries can be taken, and to whom it concerns how the flows are doing."""
        is_ready = await run_in_threadpool(lambda: self._service.is_ready)
        more = self._service.state() if self._may_look(request) else {}
        return JSONResponse({"is_ready": is_ready, **more}, 200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Give what a monitor reads, to one of this machine or with the token."""
        if not self._may_look(request):
            refused = PlainTextResponse("not allowed: MAPGEN_METRICS_TOKEN lets in\n", 401)
            refused.headers["www-authenticate"] = "Bearer"
            return refused
        return await Metrics(self._service).answer(request)

    def _may_look(self, request: Request) -> bool:
        """Whether who asks is on this machine, and calls it by its own name, or has the token."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        has_token = bool(self._token) and hmac.compare_digest(
            given.encode(), (self._token or "").encode()
        )
        return has_token or is_local(request)

    async def _taken(self, sender: Sender, topic: str | None, delivery: Delivery) -> Response:
        try:
            await run_in_threadpool(self._service.take, sender.name, topic, delivery)
        except LedgerFailed:
            return self._refused(sender, "not written", 503)
        except NotYet:
            return self._refused(sender, "not bound", 503)
        return PlainTextResponse("taken")

    def _unknown(self) -> Response:
        """Refuse what no connection sends; it may be of a flow that cannot be bound yet."""
        if self._service.is_whole:
            return PlainTextResponse("no such connection", 404)
        return PlainTextResponse("not bound", 503)

    def _refused(self, sender: Sender, why: str, status: int) -> Response:
        self._service.count(sender.name, why)
        self._service.tell("delivery refused", "warning", connection=sender.name, reason=why)
        return PlainTextResponse(why, status)


def application(service: Reception, *more: BaseRoute, token: str | None = None) -> Starlette:
    """Return what serves the door of a service, and more beside it.

    With the `token`, also those may read metrics and how flows do who ask from elsewhere.
    """
    door = Door(service, token)
    return Starlette(
        routes=[
            Route("/webhooks/{connection}", door.webhook, methods=["POST"]),
            Route("/pushes/{connection}", door.push, methods=["POST"]),
            Route("/health", door.health),
            Route("/ready", door.ready),
            Route("/metrics", door.metrics),
            *more,
        ]
    )
