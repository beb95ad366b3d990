"""`mapgen run` beside a plain loop that sends the same documents and remembers nothing.

As a program, the loop: `python -m tests.bench.delivery ORDERS`, with the variables of a delivery.
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

from tests.bench import yardstick
from tests.bench.flows import MAPGEN
from tests.bench.orders import orders
from tests.bench.product import ROOT
from tests.bench.rounds import Measured, spread

_CONCURRENCY = 4  # what the spec of the flow says
_SEED = ROOT / "specs" / "shopify" / "samples" / "tenant.json"
_STARTING_SECONDS = 60


def throughput(count: int, rounds: int) -> Measured:
    """Return how many documents a run delivers while the loop delivers one, by the clock."""
    with TemporaryDirectory(prefix="bench") as name, tenant(Path(name)) as variables:
        folder = _workspace(Path(name))
        found = []
        for number in range(rounds):
            # Each order is new to the tenant: the loop would make it twice, the run would not.
            both = [_orders(folder, count, 2 * number + half) for half in range(2)]
            ledger = f"sqlite:///{folder}/ledger-{number}.db"
            given = ("--env", "local", "--input", str(both[0]), "--state", ledger)
            run = (*MAPGEN, "run", "shopify_orders", *given)
            loop = (sys.executable, "-m", "tests.bench.delivery", str(both[1]))
            commands = [(run, folder), (loop, ROOT)]
            seconds = [_seconds(*one, variables) for one in commands[:: -1 if number % 2 else 1]]
            of_run, of_loop = seconds[:: -1 if number % 2 else 1]
            found.append(of_loop / of_run)
    return spread(found)


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


async def _send_all(path: Path) -> None:
    """Sign in, send the documents of a file, sign out: what anyone writes first."""
    given = {name: os.environ[f"ACUMATICA_{name.upper()}"] for name in _CREDENTIALS}
    shop, url = yardstick.setup(), os.environ["ACUMATICA_URL"]
    limits = httpx2.Limits(max_connections=_CONCURRENCY)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60) as http:
        grant = {**given, "grant_type": "password", "scope": "api offline_access"}
        answer = await http.post("/identity/connect/token", data=grant)
        token = answer.raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        with path.open("rb") as lines:

            async def send() -> None:
                for line in lines:
                    answer = await http.put(
                        "/entity/Default/24.200.001/SalesOrder",
                        content=yardstick.document_of(line, shop),
                        headers={"Content-Type": "application/json"},
                    )
                    answer.raise_for_status()

            await asyncio.gather(*(send() for _ in range(_CONCURRENCY)))
        await http.post("/entity/auth/logout")


_CREDENTIALS = ("client_id", "client_secret", "username", "password")


if __name__ == "__main__":
    asyncio.run(_send_all(Path(sys.argv[1])))
