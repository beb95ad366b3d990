"""What a document and a process cost, and what more processes bring: `make load`.

The numbers are those of docs/operations.md, "A thousand tenants". DOCUMENTS (480) is how many are
delivered, LATENCY (0.3) the seconds that the tenant takes for an answer, ROUNDS (1) how often.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, create_engine, event, text

from mapgen.contract.lock import load
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Ledger
from tests.bench.delivery import tenant as served_tenant
from tests.bench.flows import MAPGEN
from tests.bench.product import ROOT
from tests.runtime_delivery.orders import RULES, order, plan_of
from tests.runtime_delivery.processes import PROCESSES
from tests.runtime_delivery.servers import empty_database, postgresql_server
from tests.runtime_delivery.stand_in import standing_in, tenant_of
from tests.runtime_delivery.test_against_sandbox import LOCK, tenant

_DOCUMENTS = int(os.environ.get("DOCUMENTS", "480"))
_LATENCY = float(os.environ.get("LATENCY", "0.3"))
_PROCESSES = (1, 2, 4)
_ROUNDS = int(os.environ.get("ROUNDS", "1"))
_CONCURRENCY = 4
_STARTS, _IDLE = 20.0, 20.0  # seconds


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def send(url: str, address: str, first: int, count: int, most: int) -> None:
    """Deliver so many orders from a number on, with at most so many requests at once in all."""
    environment = Environment("test", tenant_of(url), Limits(None, most, 60.0, 90.0))
    found = (order(number) for number in range(first, first + count))
    with Ledger(address) as ledger:
        deliver(found, plan_of(batch_size=20), environment, ledger, RULES, Observer())


def cost_of_a_document(address: str, count: int) -> dict[str, float]:
    """Return what one of so many documents costs the ledger and the tenant, and the connections."""
    counted: Counter[str] = Counter()
    with standing_in() as stand_in, Ledger(address) as ledger:
        engine = ledger._engine
        event.listen(engine, "commit", lambda _: counted.update(["transactions"]))
        event.listen(engine, "before_cursor_execute", lambda *_: counted.update(["statements"]))
        event.listen(engine, "connect", lambda *_: counted.update(["connections"]))
        found = (order(number) for number in range(1, count + 1))
        plan, environment = plan_of(batch_size=20), stand_in.environment()
        deliver(found, plan, environment, ledger, RULES, Observer())
        counted["requests"] = len(stand_in.asked)
    each = {name: counted[name] / count for name in ("statements", "transactions", "requests")}
    return each | {"connections": counted["connections"] + 1}  # one was there before


def seconds_of(url: str, address: str, processes: int, turn: int, most: int) -> float:
    """Return how long so many processes need for all documents, each for its part of them."""
    part = _DOCUMENTS // processes
    began = time.perf_counter()
    children = [
        PROCESSES.Process(
            target=send, args=(url, address, turn * _DOCUMENTS + at * part + 1, part, most)
        )
        for at in range(processes)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError("a process failed")
    return time.perf_counter() - began


def growth(address: str, most: int) -> str:
    """Return the throughput of several processes beside that of one, round by round."""
    found: dict[int, list[float]] = {count: [] for count in _PROCESSES}
    with tenant(load(LOCK), latency=_LATENCY) as sandbox:
        for turn in range(_ROUNDS * len(_PROCESSES)):
            count = _PROCESSES[turn % len(_PROCESSES)]
            found[count].append(seconds_of(sandbox.url, address, count, turn, most))
    ratios = {
        count: statistics.median(one / many for one, many in zip(found[1], took, strict=True))
        for count, took in found.items()
    }
    return ", ".join(f"{count}: {ratio:.2f}" for count, ratio in ratios.items())


@contextmanager
def _working(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker for all flows that the project ships."""
    with TemporaryDirectory(prefix="bench") as name, served_tenant(Path(name)) as variables:
        for part in ("specs", "generated"):
            shutil.copytree(ROOT / part, Path(name) / part)
        shop = {"SHOP_URL": "http://127.0.0.1:9", "SHOP_TOKEN": "t", "SHOP_WEBHOOK_SECRET": "s"}
        command = (*MAPGEN, "worker", "--env", "local", "--state", address)
        worker = subprocess.Popen(
            command, cwd=name, env={**variables, **shop}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait()


def costs_of_a_process(server: URL) -> str:
    """Return the memory, the connections and the transactions of a worker that has no work."""
    address = empty_database(server)
    name = address.rpartition("/")[2].partition("?")[0]
    engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def ask(query: str) -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(f"{query} WHERE datname = '{name}'")).scalar_one())

    transactions = "SELECT xact_commit + xact_rollback FROM pg_stat_database"
    with _working(address) as worker:
        time.sleep(_STARTS)
        before, began = ask(transactions), time.perf_counter()
        time.sleep(_IDLE)
        rate = (ask(transactions) - before) / (time.perf_counter() - began)
        connections = ask("SELECT count(*) FROM pg_stat_activity")
        status = Path(f"/proc/{worker.pid}/smaps_rollup").read_text(encoding="utf-8")
        sizes = {line.split()[0]: int(line.split()[1]) for line in status.splitlines()[1:]}
    engine.dispose()
    return (
        f"memory {sizes['Rss:'] / 1024:.0f} MiB, {sizes['Private_Dirty:'] / 1024:.0f} of them its"
        f" own alone; connections {connections}; transactions {rate:.1f} a second"
    )


def main() -> None:
    """Print the numbers, each with what it is."""
    with TemporaryDirectory() as folder, postgresql_server() as server:
        for name, address in (
            ("SQLite", f"sqlite:///{folder}/ledger.db"), ("PostgreSQL", empty_database(server))
        ):  # fmt: skip
            cost = cost_of_a_document(address, _DOCUMENTS)
            shown = ", ".join(f"{what} {number:.1f}" for what, number in cost.items())
            _say(f"a document, of {_DOCUMENTS} in a run, {name}: {shown} in all")
        for most in (_CONCURRENCY, _CONCURRENCY * max(_PROCESSES)):
            found = growth(empty_database(server), most)
            _say(
                f"processes, throughput beside one, {most} requests at once in all,"
                f" {_CONCURRENCY} of each: {found}"
            )
        _say(f"an idle worker with the flows shipped: {costs_of_a_process(server)}")


if __name__ == "__main__":
    main()
