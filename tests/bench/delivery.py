"""`mapgen run` beside a plain loop that sends the same documents and remembers nothing.

As a program, the loop: `python -m tests.bench.delivery ORDERS [careful]`, with the variables of a
delivery. A careful one looks each order up before it sends it, and reads the answer with the rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import orjson

from tests.bench import yardstick
from tests.bench.flows import MAPGEN
from tests.bench.orders import orders
from tests.bench.product import ROOT
from tests.bench.rounds import Measured, spread

_CONCURRENCY = 4  # what the spec of the flow says
_SEED = ROOT / "specs" / "shopify" / "samples" / "tenant.json"
_STARTING_SECONDS = 60


def throughput(count: int, rounds: int) -> tuple[Measured, Measured]:
    """Return how many documents are delivered while the plain loop delivers one, by the clock.

    First by a run, then by a careful loop.
    """
    with TemporaryDirectory(prefix="bench") as name, tenant(Path(name)) as variables:
        folder = _workspace(Path(name))
        found: list[tuple[float, float]] = []
        for number in range(rounds):
            # Each order is new to the tenant: the loop would make it twice, the run would not.
            parts = [_orders(folder, count, 3 * number + part) for part in range(3)]
            ledger = f"sqlite:///{folder}/ledger-{number}.db"
            given = ("--env", "local", "--input", str(parts[0]), "--state", ledger)
            loop = (sys.executable, "-m", "tests.bench.delivery")
            commands = [
                ((*MAPGEN, "run", "shopify_orders", *given), folder),
                ((*loop, str(parts[1])), ROOT),
                ((*loop, str(parts[2]), "careful"), ROOT),
            ]
            turn = -1 if number % 2 else 1
            run, plain, careful = [_seconds(*one, variables) for one in commands[::turn]][::turn]
            found.append((plain / run, plain / careful))
    of_run, of_careful = zip(*found, strict=True)
    return spread(of_run), spread(of_careful)


def _orders(folder: Path, count: int, part: int) -> Path:
    path = folder / f"orders-{part}.jsonl"
    path.write_bytes(b"\n".join(orders(count, first=part * count)) + b"\n")
    return path


def _workspace(folder: Path) -> Path:
    """Make a workspace whose tenant takes any number of requests a minute."""
    for part in ("specs", "generated"):
        shutil.copytree(ROOT / part, folder / part)
    path = folder / "specs" / "environments" / "local.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("minute: 6000", "minute: 1000000"), encoding="utf-8")
    return folder


def _seconds(command: tuple[str, ...], folder: Path, variables: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()[-2000:]}")
    return time.perf_counter() - began


@contextmanager
def tenant(folder: Path) -> Iterator[dict[str, str]]:
    """Give the variables of a sandbox that runs as a process of its own."""
    ready = folder / "ready.json"
    command = (*MAPGEN, "sandbox", "--seed", str(_SEED), "--ready-file", str(ready))
    sandbox = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _STARTING_SECONDS
        while not ready.exists() and sandbox.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        facts = json.loads(ready.read_text(encoding="utf-8"))
        yield {**os.environ, **facts["environment"]}
    finally:
        sandbox.terminate()
        sandbox.wait()


async def _send_all(path: Path, *, is_careful: bool) -> None:
    """Sign in, send the documents of a file, sign out: what anyone writes first."""
    given = {name: os.environ[f"ACUMATICA_{name.upper()}"] for name in _CREDENTIALS}
    shop, url = yardstick.setup(), os.environ["ACUMATICA_URL"]
    limits = httpx2.Limits(max_connections=_CONCURRENCY)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60) as http:
        grant = {**given, "grant_type": "password", "scope": "api offline_access"}
        answer = await http.post("/identity/connect/token", data=grant)
        token = answer.raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        put = _put_carefully if is_careful else _put
        with path.open("rb") as lines:

            async def send() -> None:
                for line in lines:
                    await put(http, yardstick.document_of(line, shop))

            await asyncio.gather(*(send() for _ in range(_CONCURRENCY)))
        await http.post("/entity/auth/logout")


async def _put(http: httpx2.AsyncClient, body: bytes, query: str = "") -> httpx2.Response:
    headers = {"Content-Type": "application/json"}
    return (await http.put(f"{_ORDERS}{query}", content=body, headers=headers)).raise_for_status()


async def _put_carefully(http: httpx2.AsyncClient, body: bytes) -> None:
    """Send an order that the tenant has not; see that it was saved, with all its rows."""
    order = orjson.loads(body)
    reference, parts = order["ExternalRef"], [name for name in _PARTS if name in order]
    asked = {
        "$filter": f"OrderType eq 'SO' and ExternalRef eq '{reference['value']}'",
        "$select": "OrderNbr,ExternalRef",
    }
    if (await http.get(_ORDERS, params=asked)).raise_for_status().json():
        return
    saved = (await _put(http, body, f"?$expand={','.join(parts)}")).json()
    if saved["ExternalRef"] != reference or len(saved["Details"]) != len(order["Details"]):
        raise RuntimeError(f"{saved['OrderNbr']} is saved otherwise than sent")


_ORDERS = "/entity/Default/24.200.001/SalesOrder"
_PARTS = (
    "BillToAddress", "BillToContact", "Details", "ShipToAddress", "ShipToContact",
    "ShippingSettings", "TaxDetails",
)  # fmt: skip
_CREDENTIALS = ("client_id", "client_secret", "username", "password")


if __name__ == "__main__":
    asyncio.run(_send_all(Path(sys.argv[1]), is_careful=sys.argv[2:] == ["careful"]))
