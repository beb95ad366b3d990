"""A simulated shop: takes fulfilments and stock levels the way Shopify's Admin API does.

Essentials only: a token in a header, JSON in and out, errors under `errors`, 429 with Retry-After,
lists in pages that a Link header leads through. Source: the vendor's pages on the REST Admin API.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from mapgen.sandbox.calls import Call, Reply
from mapgen.sandbox.errors import Refused
from mapgen.sandbox.failures import InjectedFailure
from mapgen.sandbox.sites import UNAVAILABLE, Connections, Handler, Served, Site, server_of
from mapgen.sockets import listen, running, url_of

_FIRST_ID = 4_500_000_001
_PAGE = 50
_ADMIN = "/admin/api/{version}"
_NUMBER = re.compile(r"[1-9][0-9]*")

Record: TypeAlias = dict[str, Any]


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


class Declined(Refused):
    """A request that the shop does not take: the status, and what is under `errors`."""

    def __init__(
        self, status: int, errors: object, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(status, {"errors": errors})
        self.headers = headers


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
            raise Declined(422, {"line_items": ["can't be blank"]})
        if not _NUMBER.fullmatch(str(fulfilment.get("location_id", ""))):
            raise Declined(422, {"location_id": ["is not a number"]})
        name = fulfilment.get("name")
        if self.settings.has_unique_names and any(one["name"] == name for one in self.fulfilments):
            raise Declined(422, {"name": ["has already been taken"]})
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
                raise Declined(422, {name: ["is not a number"]})
        if not isinstance(level.get("available"), int):
            raise Declined(422, {"available": ["is not a whole number"]})
        key = str(level["inventory_item_id"]), str(level["location_id"])
        before = self.levels.get(key)
        self.changes += before is None or before["available"] != level["available"]
        self.levels[key] = level
        return level


def _throttled(seconds: float) -> Declined:
    words = "Exceeded the calls a second. Reduce request rates to resume."
    return Declined(429, words, {"Retry-After": f"{seconds:.1f}"})


def _unknown_token() -> Declined:
    return Declined(401, "[API] Invalid API key or access token")


class ShopSite(Site):
    """The shop behind its addresses: the token, the limits."""

    refuses: ClassVar[Mapping[str, Callable[[], Refused]]] = {
        "deadlock": lambda: Declined(500, "Internal Server Error"),
        "conflict": lambda: Declined(409, "Conflict"),
        "throttle": partial(_throttled, 0.2),
        "sign-out": _unknown_token,
    }
    pages: ClassVar[Mapping[str, Reply]] = {
        "unavailable": UNAVAILABLE,
        "redirect": Reply(302, headers={"Location": "https://elsewhere.example/"}),
    }

    def __init__(self, shop: Shop, connections: Connections) -> None:
        super().__init__(shop.settings.failures, shop.settings.latency, connections)
        self.shop = shop
        self._bucket = 0.0
        self._leaked_at = 0.0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        order = _ADMIN + "/orders/{order}/fulfillments.json"
        set_level = _ADMIN + "/inventory_levels/set.json"
        looks = {
            "": lambda _: self._overview(),
            "/fulfillments": lambda _: self.shop.fulfilments,
            "/inventory_levels": lambda _: list(self.shop.levels.values()),
        }
        return Starlette(
            routes=[
                self._route("GET", order, "fulfillments", self._list),
                self._route("POST", order, "fulfillments", self._fulfil),
                self._route("POST", set_level, "inventory_levels", self._set),
                *self.looks(looks),
            ]
        )

    def _route(self, method: str, path: str, target: str, handler: Handler) -> Route:
        return Route(path, self.guarded(lambda _: target, handler), methods=[method])

    def let_in(self, call: Call, _failure: str) -> None:
        """Ask for the token, and count the call."""
        if call.headers.get("x-shopify-access-token") != self.shop.settings.token:
            raise _unknown_token()
        self._count_in()

    def _count_in(self) -> None:
        """Count a call: each fills the bucket by one, which leaks. Raises Refused (429)."""
        rate = self.shop.settings.calls_a_second
        if rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._bucket = max(0.0, self._bucket - (now - self._leaked_at) * rate)
        self._leaked_at = now
        if self._bucket + 1 > self.shop.settings.burst:
            raise _throttled(1 / rate)
        self._bucket += 1

    def _fulfil(self, call: Call) -> Reply:
        fulfilment = self.shop.fulfil(call.parts["order"], _member(call.raw, "fulfillment"))
        return Reply(201, {"fulfillment": fulfilment})

    def _list(self, call: Call) -> Reply:
        most = min(int(call.query.get("limit", _PAGE)), 250)
        after = int(call.query.get("since_id", 0))
        found = self.shop.fulfilments_of(call.parts["order"], after, most)
        headers = {}
        if len(found) == most:
            following = call.url.include_query_params(since_id=found[-1]["id"])
            headers["Link"] = f'<{following}>; rel="next"'
        return Reply(200, {"fulfillments": found}, headers)

    def _set(self, call: Call) -> Reply:
        return Reply(200, {"inventory_level": self.shop.set_level(_decoded(call.raw))})

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
class ServedShop(Served):
    """A shop that is being served: where, and what it holds."""

    shop: Shop = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that a delivery to this shop reads."""
        return self.shop.settings.environment(self.url)


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
        raise Declined(400, {"base": ["is not JSON"]}) from None


def _member(body: bytes, name: str) -> Record:
    """Return the object that is in a member. Raises Refused where it does not."""
    inner = _decoded(body).get(name)
    if not isinstance(inner, dict):
        raise Declined(400, {name: ["Required parameter missing or invalid"]})
    return inner
