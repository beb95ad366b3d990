"""A simulated shop: takes fulfilments and stock levels the way Shopify's Admin API does.

Essentials only: a token in a header, JSON in and out, errors under `errors`, 429 with Retry-After,
lists in pages that a Link header leads through. Source: the vendor's pages on the REST Admin API.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.request import urlopen

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mapgen.sandbox.failures import InjectedFailure, Injector
from mapgen.sandbox.sites import Connections, Cut, Entry, server_of
from mapgen.sockets import listen, running, url_of

_FIRST_ID = 4_500_000_001
_LOG_LENGTH = 10_000
_PAGE = 50
_ADMIN = "/admin/api/{version}"
_NUMBER = re.compile(r"[1-9][0-9]*")
_ERRORS: Mapping[str, tuple[int, str]] = {
    "deadlock": (500, "Internal Server Error"),
    "conflict": (409, "Conflict"),
    "throttle": (429, "Exceeded the calls a second. Reduce request rates to resume."),
    "sign-out": (401, "[API] Invalid API key or access token"),
}

Record: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Request, bytes], "Answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """How the shop behaves.

    `calls_a_second` None is unlimited; `burst` may come at once. Where names are not unique, a
    fulfilment that is sent twice is there twice. `latency` is in seconds.
    """

    token: str = field(default="sandbox-shop-token", repr=False)
    webhook_secret: str = field(default="sandbox-webhook-secret", repr=False)
    failures: tuple[InjectedFailure, ...] = ()
    calls_a_second: float | None = None
    burst: int = 40
    has_unique_names: bool = True
    latency: float = 0.0

    def environment(self, url: str) -> dict[str, str]:
        """Return the environment variables that a delivery to this shop reads."""
        return {
            "SHOP_URL": url,
            "SHOP_TOKEN": self.token,
            "SHOP_WEBHOOK_SECRET": self.webhook_secret,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop answers."""

    status: int
    body: Record | bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that the shop does not take: the status, and what stands under `errors`."""

    def __init__(
        self, status: int, errors: object, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__()
        self.answer = Answer(status, {"errors": errors}, headers)


class Shop:
    """What the shop holds: the fulfilments of orders, and stock by article and location."""

    def __init__(self, settings: ShopSettings) -> None:
        self.settings = settings
        self.fulfilments: list[Record] = []
        self.levels: dict[tuple[str, str], Record] = {}
        self.changes = 0
        """How often a level was set to another number than it had."""

    def fulfil(self, order: str, fulfilment: Record) -> Record:
        """Keep a fulfilment. Raises Refused where it lacks something, or its name is taken."""
        if not fulfilment.get("line_items"):
            raise Refused(422, {"line_items": ["can't be blank"]})
        if not _NUMBER.fullmatch(str(fulfilment.get("location_id", ""))):
            raise Refused(422, {"location_id": ["is not a number"]})
        name = fulfilment.get("name")
        if self.settings.has_unique_names and any(one["name"] == name for one in self.fulfilments):
            raise Refused(422, {"name": ["has already been taken"]})
        kept = {**fulfilment, "id": _FIRST_ID + len(self.fulfilments), "order_id": int(order)}
        self.fulfilments.append(kept)
        return kept

    def fulfilments_of(self, order: str, after: int, most: int) -> list[Record]:
        """Return the fulfilments of an order behind one, at most so many."""
        found = (one for one in self.fulfilments if str(one["order_id"]) == order)
        return [one for one in found if one["id"] > after][:most]

    def set_level(self, level: Record) -> Record:
        """Set how much of an article is at a location. Raises Refused."""
        for name in ("inventory_item_id", "location_id"):
            if not _NUMBER.fullmatch(str(level.get(name, ""))):
                raise Refused(422, {name: ["is not a number"]})
        if not isinstance(level.get("available"), int):
            raise Refused(422, {"available": ["is not a whole number"]})
        key = str(level["inventory_item_id"]), str(level["location_id"])
        before = self.levels.get(key)
        self.changes += before is None or before["available"] != level["available"]
        self.levels[key] = level
        return level


class ShopSite:
    """The shop behind its addresses: the token, the limits, injected failures, the log."""

    def __init__(self, shop: Shop, connections: Connections) -> None:
        self.shop = shop
        self.log: deque[Entry] = deque(maxlen=_LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._injector = Injector(shop.settings.failures)
        self._connections = connections
        self._bucket = 0.0
        self._leaked_at = 0.0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        order = _ADMIN + "/orders/{order}/fulfillments.json"
        set_level = _ADMIN + "/inventory_levels/set.json"
        looks: Mapping[str, Callable[[], object]] = {
            "/sandbox": self._overview,
            "/sandbox/requests": lambda: {
                "requests": [asdict(one) for one in self.log],
                "counts": dict(sorted(self.counts.items())),
            },
            "/sandbox/fulfillments": lambda: self.shop.fulfilments,
            "/sandbox/inventory_levels": lambda: list(self.shop.levels.values()),
        }
        return Starlette(
            routes=[
                Route(order, self._guarded("fulfillments", self._list), methods=["GET"]),
                Route(order, self._guarded("fulfillments", self._fulfil), methods=["POST"]),
                Route(set_level, self._guarded("inventory_levels", self._set), methods=["POST"]),
                *(Route(path, _shown(look)) for path, look in looks.items()),
            ]
        )

    def _guarded(self, target: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            failure = self._injector.due(request.method, target)
            body = await request.body()
            try:
                answer = await self._answer(request, body, handler, failure)
            except Refused as refused:
                answer = refused.answer
            is_cut = failure is not None and failure.kind in ("refuse", "drop")
            status = 0 if is_cut else answer.status
            kind = None if failure is None else failure.kind
            path, query = request.url.path, request.url.query
            self.log.append(Entry(request.method, target, path, query, status, kind))
            self.counts[f"{request.method} {target} {status}"] += 1
            return Cut(self._connections) if is_cut else _response(answer)

        return endpoint

    async def _answer(
        self, request: Request, body: bytes, handler: Handler, failure: InjectedFailure | None
    ) -> Answer:
        """Fail as the injected failure says, or answer."""
        kind, seconds = ("", 0.0) if failure is None else (failure.kind, failure.seconds)
        if kind == "refuse":
            return Answer(0, b"")
        await asyncio.sleep(self.shop.settings.latency + (seconds if kind == "slow" else 0))
        if request.headers.get("x-shopify-access-token") != self.shop.settings.token:
            raise Refused(*_ERRORS["sign-out"])
        self._let_in()
        if kind.endswith("-after"):
            handler(request, body)
        status, words = _ERRORS.get(kind.removesuffix("-after"), (0, ""))
        if status:
            headers = {"Retry-After": "0.2"} if status == 429 else {}
            return Answer(status, {"errors": words}, headers)
        if kind == "unavailable":
            return Answer(503, b"<html><body>Service Unavailable</body></html>")
        if kind == "redirect":
            return Answer(302, b"", {"Location": "https://elsewhere.example/"})
        answer = handler(request, body)
        await asyncio.sleep(seconds if kind == "slow-answer" else 0)
        return answer

    def _let_in(self) -> None:
        """Count a call: each fills the bucket by one, which leaks. Raises Refused (429)."""
        rate = self.shop.settings.calls_a_second
        if rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._bucket = max(0.0, self._bucket - (now - self._leaked_at) * rate)
        self._leaked_at = now
        if self._bucket + 1 > self.shop.settings.burst:
            raise Refused(*_ERRORS["throttle"], {"Retry-After": f"{1 / rate:.1f}"})
        self._bucket += 1

    def _fulfil(self, request: Request, body: bytes) -> Answer:
        fulfilment = self.shop.fulfil(request.path_params["order"], _member(body, "fulfillment"))
        return Answer(201, {"fulfillment": fulfilment})

    def _list(self, request: Request, _: bytes) -> Answer:
        query = request.query_params
        most = min(int(query.get("limit", _PAGE)), 250)
        found = self.shop.fulfilments_of(
            request.path_params["order"], int(query.get("since_id", 0)), most
        )
        headers = {}
        if len(found) == most:
            following = request.url.include_query_params(since_id=found[-1]["id"])
            headers["Link"] = f'<{following}>; rel="next"'
        return Answer(200, {"fulfillments": found}, headers)

    def _set(self, _: Request, body: bytes) -> Answer:
        return Answer(200, {"inventory_level": self.shop.set_level(_decoded(body))})

    def _overview(self) -> object:
        return {
            "fulfillments": len(self.shop.fulfilments),
            "inventory_levels": len(self.shop.levels),
            "level_changes": self.shop.changes,
        }


def shop_server(shop: Shop) -> uvicorn.Server:
    """Return the server of a shop; it runs on a socket that listens already."""
    return server_of(lambda connections: ShopSite(shop, connections).application())


@dataclass(frozen=True, slots=True)
class ServedShop:
    """A shop that is being served: where, and what it holds."""

    url: str
    shop: Shop = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that a delivery to this shop reads."""
        return self.shop.settings.environment(self.url)

    def counts(self) -> dict[str, int]:
        """Return how many requests had which answer: `{"POST fulfillments 201": 3}`."""
        with urlopen(f"{self.url}/sandbox/requests", timeout=30) as answer:
            counts: dict[str, int] = json.loads(answer.read())["counts"]
            return counts


@contextmanager
def serve_shop(settings: ShopSettings | None = None, port: int = 0) -> Iterator[ServedShop]:
    """Serve a shop from a thread of this process, on a free port, until the block ends."""
    shop = Shop(settings or ShopSettings())
    listener = listen("127.0.0.1", port)
    with running(shop_server(shop), listener):
        yield ServedShop(url_of(listener), shop)


def _decoded(body: bytes) -> Record:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Refused(400, {"base": ["is not JSON"]}) from None


def _member(body: bytes, name: str) -> Record:
    """Return the object that stands in a member. Raises Refused where it does not."""
    inner = _decoded(body).get(name)
    if not isinstance(inner, dict):
        raise Refused(400, {name: ["Required parameter missing or invalid"]})
    return inner


def _shown(look: Callable[[], object]) -> Callable[[Request], Awaitable[Response]]:
    """Serve what people and tests look at: no token, no limits, no failures."""

    async def endpoint(_: Request) -> Response:
        return Response(msgspec.json.encode(look()), media_type="application/json")

    return endpoint


def _response(answer: Answer) -> Response:
    is_page = isinstance(answer.body, bytes)
    content = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
    kind = "text/html" if is_page else "application/json"
    return Response(content, answer.status, dict(answer.headers), media_type=kind)
