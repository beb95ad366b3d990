"""Who is at work around `mapgen serve`: the shop, the warehouse, an operator; each over sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.scenario.processes import HTTP

_API = "/entity/Default/24.200.001"
_FORM_TOKEN = re.compile(r'name="form_token" value="(\w+)"')


@dataclass
class Shop:
    """Sends its orders by signed webhooks, as Shopify does, and keeps what it knows of them."""

    url: str
    secret: str = field(repr=False)
    orders: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)

    def send(self, body: bytes, delivery: str) -> bool:
        """Send an order; return whether it was taken. What is not, the shop sends again later."""
        order = json.loads(body)
        name = str(order["name"])
        self.orders[name] = order
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).digest()
        headers = {
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Webhook-Id": delivery,
            "X-Shopify-Topic": "orders/create",
        }
        try:
            answer = HTTP.post(f"{self.url}/webhooks/shop", content=body, headers=headers)
        except httpx2.HTTPError:
            return False
        is_taken = answer.status_code == 200
        self.taken[name] += is_taken
        return is_taken


@dataclass
class Warehouse:
    """Ships in the ERP what was ordered, in parts, by the ERP's own API.

    It takes turns: a line of an order of the day before, one of today's orders in the ERP.
    """

    variables: Mapping[str, str] = field(repr=False)
    lines: tuple[tuple[str, int, str], ...]
    """The lines of the day before: number of the order, number of the line, article."""
    shipped: list[str] = field(default_factory=list)

    def ship(self, pieces: int) -> None:
        """Ship some pieces of a line. Raises HTTPError where the ERP does not answer."""
        token = self._token()
        lines = (self._of_today(token) if len(self.shipped) % 2 else ()) or self.lines
        order, line, article = lines[len(self.shipped) // 2 % len(lines)]
        there = {"OrderType": "SO", "OrderNbr": order}
        shipment = {
            "Type": "Shipment",
            "WarehouseID": "MAIN",
            "ShipVia": "GROUND",
            "Details": [
                {**there, "OrderLineNbr": line, "InventoryID": article, "ShippedQty": pieces}
            ],
            "Orders": [{**there, "ShippedQty": pieces}],
            "Packages": [{"TrackingNbr": f"FP{len(self.shipped) + 40017001}"}],
        }
        made = self._asked(token, "PUT", f"{_API}/Shipment", _wrapped(shipment)).json()
        number = made["ShipmentNbr"]
        for action in ("ConfirmShipment", "UpdateIN"):
            key = {"entity": {"ShipmentNbr": number}}
            self._asked(token, "POST", f"{_API}/Shipment/{action}", key)
        self._asked(token, "POST", "/entity/auth/logout", {})
        self.shipped.append(str(number["value"]))

    def _of_today(self, token: str) -> tuple[tuple[str, int, str], ...]:
        """Return the lines of the shop's orders of today that have an article of the stock."""
        names = "OrderNbr,Details/LineNbr,Details/InventoryID"
        path = f"{_API}/SalesOrder?$expand=Details&$select={names}"
        yesterday = {order for order, _, _ in self.lines}
        stocked = {article for _, _, article in self.lines}
        return tuple(
            (order["OrderNbr"]["value"], line["LineNbr"]["value"], line["InventoryID"]["value"])
            for order in self._asked(token, "GET", path, None).json()
            if order["OrderNbr"]["value"] not in yesterday
            for line in order["Details"]
            if line["InventoryID"].get("value") in stocked
        )

    def _asked(self, token: str, method: str, path: str, body: object) -> httpx2.Response:
        url = self.variables["ACUMATICA_URL"] + path
        headers = {"Authorization": f"Bearer {token}"}
        return HTTP.request(method, url, json=body, headers=headers).raise_for_status()

    def _token(self) -> str:
        names = ("client_id", "client_secret", "username", "password")
        form = {name: self.variables[f"ACUMATICA_{name.upper()}"] for name in names}
        form |= {"grant_type": "password", "scope": "api"}
        url = f"{self.variables['ACUMATICA_URL']}/identity/connect/token"
        answer = HTTP.post(url, data=form).raise_for_status()
        return str(answer.json()["access_token"])


def replay(console: str, token: str, flow: str, key: str) -> int:
    """Sign in to the console, press *Replay* on the page of a record; return the answer's status.

    As a browser does: with its cookies, and the token that is in the form of that page.
    """
    chosen = {"flow": flow, "key": key}
    with httpx2.Client(base_url=console, follow_redirects=True) as browser:
        browser.post("sign-in", data={"token": token}).raise_for_status()
        page = browser.get("record", params=chosen).raise_for_status().text
        form_token = _FORM_TOKEN.findall(page)[0]
        return browser.post("replay", data={**chosen, "form_token": form_token}).status_code


def _wrapped(part: object) -> object:
    """Wrap plain values as the ERP's API has them."""
    if isinstance(part, dict):
        return {name: _wrapped(inner) for name, inner in part.items()}
    return [_wrapped(inner) for inner in part] if isinstance(part, list) else {"value": part}
