"""`mapgen serve` as a command, between the sandbox tenant and the simulated shop, over sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Sandbox, ServedShop, serve, serve_shop
from tests.cli.conftest import MAPGEN, ROOT, impatient, mapgen

SAMPLES = ROOT / "specs/shopify/samples"
_ASIDE = ("id", "rowNumber", "note", "custom", "_links")
SECRET = "sandbox-webhook-secret"


def sample_orders(count: int) -> list[dict[str, Any]]:
    """So many orders, each like the first sample."""
    with (SAMPLES / "orders.jsonl").open(encoding="utf-8") as lines:
        first = json.loads(next(lines))
    return [{**first, "id": first["id"] + at, "name": f"#{2000 + at}"} for at in range(count)]


def plain(value: Any) -> Any:
    """A record of the ERP as a seed has it: without wrappers."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        members = {name: plain(one) for name, one in value.items() if one and name not in _ASIDE}
        return value.get("value", members)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Served:
    """A `mapgen serve` that runs, and where."""

    process: subprocess.Popen[str]
    url: str

    def send(self, order: dict[str, Any], delivery: str, topic: str = "orders/create") -> int:
        """Send an order as Shopify does; return the status of the answer."""
        body = json.dumps(order).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Webhook-Id": delivery,
            "X-Shopify-Topic": topic,
        }
        with httpx2.Client() as http:
            url = f"{self.url}/webhooks/shop"
            return http.post(url, content=body, headers=headers).status_code

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@dataclass(frozen=True)
class Place:
    """A workspace, a tenant and a shop, and the ledger that a service keeps between them."""

    folder: Path
    tenant: Sandbox
    shop: ServedShop
    ledger: str

    @contextmanager
    def served(self, *options: str, by: str = "serve") -> Iterator[Served]:
        """Run `mapgen serve`, or `mapgen worker`, until the block ends, at the latest."""
        port = free_port()
        command = (
            *MAPGEN, by, "--env", "local", "--state", self.ledger,
            "--port", str(port), *options,
        )  # fmt: skip
        environment = {**os.environ, **self.tenant.environment, **self.shop.environment}
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            served = Served(process, f"http://127.0.0.1:{port}")
            try:
                until(lambda: is_ready(served.url))
                yield served
            finally:
                process.kill()

    def references(self) -> list[str]:
        return sorted(str(one["ExternalRef"]) for one in self.tenant.records("SalesOrder"))


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/ready").status_code == 200
    except httpx2.HTTPError:
        return False


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with at_place(tmp_path, f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


@contextmanager
def at_place(folder: Path, ledger: str) -> Iterator[Place]:
    """Serve a tenant and a shop, to a workspace of their own."""
    seed = json.loads((SAMPLES / "tenant.json").read_text(encoding="utf-8"))
    cup = json.loads(
        (SAMPLES.parent / "examples/stock-cup.json").read_text(encoding="utf-8"),
        parse_float=Decimal,
    )
    seed["StockItem"].append(plain(cup))
    lock = load(ROOT / "specs/contracts/default-24.200.001.json")
    with serve(lock, seed=seed) as tenant, serve_shop() as shop:
        yield Place(impatient(folder / "work"), tenant, shop, ledger)


def test_an_order_of_the_shop_is_in_the_tenant(place: Place, tmp_path: Path) -> None:
    """Webhooks become orders, each once; what is not signed is refused; SIGTERM ends it."""
    orders = sample_orders(5)
    logs = [tmp_path / name for name in ("business.jsonl", "technical.jsonl")]
    with place.served("--log", str(logs[0]), "--technical-log", str(logs[1])) as served:
        for _ in range(2):
            for at, order in enumerate(orders):
                assert served.send(order, f"d{at}") == 200
        until(lambda: len(place.references()) == 5)
        assert httpx2.post(f"{served.url}/webhooks/shop", content=b"{}").status_code == 401
        assert served.end() == 0
    assert len(place.references()) == 5
    business, technical = (
        [json.loads(line) for line in log.read_text("utf-8").splitlines()] for log in logs
    )
    ended = [one for one in business if one["event"] == "run ended"]
    assert sum(one["created"] for one in ended) == 5
    assert {one["run"] for one in ended} == {one["run"] for one in business}
    assert sum(one.get("outcome") == "created" for one in business) == 5
    assert {"service began", "run began", "run ended"} <= {one["event"] for one in technical}
    assert not [one for one in technical if "outcome" in one and "source" in one]


def test_killed_and_started_again(place: Place) -> None:
    """What was answered with 200 is delivered, once, however often it is killed meanwhile."""
    orders = sample_orders(20)
    for first in (0, 10):
        with place.served() as served:
            for at in range(first, first + 10):
                assert served.send(orders[at], f"d{at}") == 200
            served.end(signal.SIGKILL)
    with place.served():
        until(lambda: len(place.references()) == 20, 90)
    assert len(set(place.references())) == 20


def test_two_on_one_ledger(place: Place) -> None:
    """Either takes deliveries, nothing is doubled, and one goes on where the other is killed."""
    orders = sample_orders(20)
    with place.served() as one, place.served() as other:
        for at, order in enumerate(orders[:10]):
            for served in (one, other):
                assert served.send(order, f"d{at}") == 200
        until(lambda: len(place.references()) == 10)
        assert one.end() == 0
        for at, order in enumerate(orders[10:], 10):
            assert other.send(order, f"d{at}") == 200
        until(lambda: len(place.references()) == 20)
    assert len(set(place.references())) == 20


def test_a_rejected_order_is_corrected_and_replayed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the console, by who is signed in: nobody else, and no form of another page."""
    monkeypatch.setenv("MAPGEN_CONSOLE_TOKEN", "a token of this test")
    (order,) = sample_orders(1)
    corrected = tmp_path / "order.json"
    corrected.write_text(json.dumps({**order, "po_number": "PO 7"}), encoding="utf-8")
    with place.served() as served, httpx2.Client(follow_redirects=True) as browser:
        assert served.send({**order, "po_number": "P" * 60}, "d0") == 200
        page = f"{served.url}/console/record?flow=shopify_orders&key=%232000"
        until(lambda: "R301" in browser.get(page).text)
        edit = (
            "dlq",
            "edit",
            "shopify_orders",
            "#2000",
            "--file",
            str(corrected),
            "--reason",
            "no",
        )
        assert mapgen(*edit, "--state", place.ledger, cwd=place.folder).returncode == 0

        chosen = {"flow": "shopify_orders", "key": "#2000"}
        browser.post(f"{served.url}/console/replay", data=chosen)
        signed_in = {"token": "a token of this test"}
        assert browser.post(f"{served.url}/console/sign-in", data=signed_in).status_code == 200
        assert browser.post(f"{served.url}/console/replay", data=chosen).status_code == 403
        assert place.references() == []
        token, *_ = re.findall(r'name="form_token" value="(\w+)"', browser.get(page).text)
        sent = browser.post(f"{served.url}/console/replay", data={**chosen, "form_token": token})
        assert sent.status_code == 200
        until(lambda: len(place.references()) == 1)
        assert served.end() == 0


def test_a_port_that_is_taken(place: Place) -> None:
    """It is reported at once, and nothing has begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = (*MAPGEN, "serve", "--env", "local", "--state", place.ledger, "--port", port)
        environment = {**os.environ, **place.tenant.environment, **place.shop.environment}
        done = subprocess.run(
            command, cwd=place.folder, env=environment, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert not Path(place.ledger.removeprefix("sqlite:///")).exists()
