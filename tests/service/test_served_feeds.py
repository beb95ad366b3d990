"""`mapgen serve` in a process of its own: what comes by feeds is delivered to a sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from mapgen.agreed.plan import Plan
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.reports import Reports
from tests.cli.conftest import MAPGEN, ROOT, SAMPLES, environment, mapgen, workspace
from tests.cli.test_run import Tenant, tenant
from tests.runtime_delivery.listing import listing
from tests.runtime_delivery.storages import PASSWORD, USER, sftp_server

__all__ = ["workspace"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="services end by signals here")
SPEC = "specs/shopify/orders.maps.yaml"
KEY = "    key: order.name\n"
ORDERS = (SAMPLES / "orders.jsonl").read_text(encoding="utf-8").splitlines()[:5]


def on_the_page(kind: str) -> str:
    """Return the feed of the cookbook that is of a kind."""
    page = (ROOT / "docs/cookbook.md").read_text(encoding="utf-8")
    found = re.search(rf"^feed: (\{{{kind}:.*\}})$", page, flags=re.MULTILINE)
    assert found is not None
    return found[1]


def fed(workspace: Path, feed: str) -> None:
    """Give the orders a feed, and leave no other flow."""
    for path in (workspace / "specs").rglob("*.maps.yaml"):
        if path != workspace / SPEC:
            path.unlink()
    (workspace / "specs/parts/people.parts.yaml").unlink()
    shutil.rmtree(workspace / "generated")
    local = workspace / "specs/environments/local.yaml"
    head, _ = local.read_text(encoding="utf-8").split("  shopify_refunds:", 1)
    local.write_text(head, encoding="utf-8")
    spec = workspace / SPEC
    text = re.sub(r"(?m)^    feed: .*\n", "", spec.read_text(encoding="utf-8"))
    spec.write_text(text.replace(KEY, f"{KEY}    feed: {feed}\n"), encoding="utf-8")
    done = mapgen("generate", cwd=workspace)
    assert done.returncode == 0, done.stderr


@contextmanager
def serving(workspace: Path, on: Tenant, **variables: str) -> Iterator[None]:
    """Serve the workspace, an hour in ten seconds, and see that it ends in order."""
    words = [
        "serve",
        "--env",
        "local",
        "--state",
        "sqlite:///l.db",
        "--port",
        "0",
        "--speed",
        "360",
    ]
    process = subprocess.Popen(
        [*MAPGEN, *words, "--log", "log.jsonl"],
        cwd=workspace,
        env=environment(**on.variables, **variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=300)
    assert (process.returncode, "Traceback" in err) == (0, False), err


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_files_that_arrive(workspace: Path) -> None:
    """Whole files become orders and go to `taken`, what is no order of JSON goes to `failed`."""
    fed(workspace, on_the_page("files"))
    folder = workspace / "incoming"
    folder.mkdir()
    (folder / "orders-1.jsonl").write_text("\n".join(ORDERS[:3]), encoding="utf-8")
    (folder / "orders-2.json").write_text("so sorry", encoding="utf-8")
    with tenant() as on:
        with serving(workspace, on):
            until(lambda: names(folder / "taken") == ["orders-1.jsonl"])
            (folder / "orders-3.json").write_text(f"[{','.join(ORDERS[3:])}]", encoding="utf-8")
            until(lambda: len(names(folder / "taken")) == 2 and len(on.references()) >= 4)
        found = on.references()
        assert len(found) == len(set(found)) >= 4
    assert names(folder / "failed") == ["orders-2.json", "orders-2.json.reason.txt"]
    reason = (folder / "failed" / "orders-2.json.reason.txt").read_text(encoding="utf-8")
    assert "JSON" in reason
    assert all(json.loads(line)["event"] for line in (workspace / "log.jsonl").open())


def test_files_that_arrive_by_sftp(workspace: Path, tmp_path: Path) -> None:
    """As the cookbook has it: feed, connection and environment."""
    page = (ROOT / "docs/cookbook.md").read_text(encoding="utf-8")
    feed, connection, lead = re.findall(
        r"```yaml\n(feed: \{files: \S+, at: .*?|# specs/connections/partner\.yaml.*?"
        r"|# in specs/environments.*?)```",
        page,
        flags=re.DOTALL,
    )
    fed(workspace, "{files: incoming}")
    (workspace / "specs/connections/partner.yaml").write_text(connection, encoding="utf-8")
    local = workspace / "specs/environments/local.yaml"
    under = textwrap.indent(lead.partition("\n")[2], "  ")
    text = local.read_text(encoding="utf-8")
    local.write_text(text.replace("connections:\n", f"connections:\n{under}"), encoding="utf-8")
    spec = workspace / SPEC
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("feed: {files: incoming}", feed.strip()), encoding="utf-8")
    assert mapgen("generate", cwd=workspace).returncode == 0
    folder = tmp_path / "partner" / "outbox" / "orders"
    folder.mkdir(parents=True)
    (folder / "orders-1.jsonl").write_text("\n".join(ORDERS[:2]), encoding="utf-8")
    with tenant() as on, sftp_server(tmp_path / "partner") as server:
        variables = {
            "PARTNER_URL": f"sftp://127.0.0.1:{server.place.port}",
            "PARTNER_HOST_KEY": server.place.host_key,
            "PARTNER_USERNAME": USER,
            "PARTNER_PASSWORD": PASSWORD,
        }
        with serving(workspace, on, **variables):
            until(lambda: names(folder / "done") == ["orders-1.jsonl"])
            until(lambda: bool(on.references()))
    assert PASSWORD not in (workspace / "log.jsonl").read_text(encoding="utf-8")


def test_a_tap(workspace: Path) -> None:
    """What a tap writes becomes orders, and its STATE is given back to it."""
    fed(workspace, on_the_page("tap"))
    (workspace / "orders.jsonl").write_text("\n".join(ORDERS[2:]), encoding="utf-8")
    tap = workspace / "tap-shop"
    tap.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "open('given', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        'print(\'{"type": "SCHEMA", "stream": "orders", "schema": {}}\')\n'
        "for line in open('orders.jsonl') if '--state' not in sys.argv else ():\n"
        '    print(\'{"type": "RECORD", "stream": "orders", "record": \' + line.strip() + "}")\n'
        'print(\'{"type": "STATE", "value": {"at": 1}}\')\n',
        encoding="utf-8",
    )
    tap.chmod(0o755)
    path = f"{workspace}{os.pathsep}{os.environ['PATH']}"
    with tenant() as on:
        with serving(workspace, on, PATH=path, MAPGEN_TAPS="tap-shop"):
            given = workspace / "given"
            until(lambda: given.exists() and "--state" in given.read_text(encoding="utf-8"))
            until(lambda: len(on.references()) >= 2)
        found = on.references()
        assert len(found) == len(set(found)) >= 2
    assert given.read_text(encoding="utf-8").startswith("--config tap.json\n")


def connected(workspace: Path, name: str, kind: str, lead: str) -> None:
    """Give the workspace a connection, and say where it leads."""
    connection = workspace / f"specs/connections/{name}.yaml"
    connection.write_text(f"connection: {name}\n{kind}\n", encoding="utf-8")
    local = workspace / "specs/environments/local.yaml"
    text = local.read_text(encoding="utf-8")
    lines = f"\n  {name}: {lead}\nlimits:\n"
    local.write_text(text.replace("\nlimits:\n", lines, 1), encoding="utf-8")


def test_a_database(workspace: Path) -> None:
    """What is written into a database becomes orders, and what is as it was makes no other one."""
    connected(workspace, "warehouse", "kind: sql", "{database: {env: WAREHOUSE}}")
    fed(workspace, on_the_page("sql"))

    def order(at: int) -> None:
        values = {"payload": ORDERS[at], "moment": f"2026-11-30 09:0{at}:00"}
        with closing(sqlite3.connect(workspace / "shop.db")) as shop, shop:
            shop.execute("CREATE TABLE IF NOT EXISTS shop_orders (payload TEXT, changed_at TEXT)")
            shop.execute("INSERT INTO shop_orders VALUES (:payload, :moment)", values)

    order(1)
    order(3)
    with tenant() as on:
        with serving(workspace, on, WAREHOUSE="sqlite:///shop.db"):
            until(lambda: len(on.references()) == 2)
            order(4)
            until(lambda: len(on.references()) == 3)
        resynced(workspace, on)


def resynced(workspace: Path, on: Tenant) -> None:
    """Let the flow read again what changed since the second order, and not while it is at work."""
    words = ("resync", "shopify_orders", "--env", "local", "--state", "sqlite:///l.db", "--from")

    def resync(*more: str) -> subprocess.CompletedProcess[str]:
        return mapgen(*words, *more, cwd=workspace, **on.variables)

    plan = (workspace / "generated/shopify_orders/flow.json").read_bytes()
    [feed] = [one.name for one in msgspec.json.decode(plan, type=Plan).feeds]
    with Ledger(f"sqlite:///{workspace}/l.db") as ledger:
        [book] = {one.book for one in Reports(ledger).flows("shopify_orders")}
        told = resync("2026-11-30T09:03:00", "--dry-run")
        assert (told.returncode, ledger.cursor(book, feed)) == (0, AT.format(4))
        assert told.stdout == (
            f"{feed}: what changed since 2026-11-30 09:03:00 would be read again;"
            " it was at 2026-11-30 09:04:00\n"
        )
        assert ledger.take_cycles(book, "another process", 60.0)
        refused = resync("2026-11-30T09:03:00")
        assert (refused.returncode, ledger.cursor(book, feed)) == (1, AT.format(4))
        assert "a cycle of the flow is running" in refused.stderr
        ledger.leave_cycles(book, "another process")

        assert resync("2026-11-30T09:03:00").returncode == 0
        assert ledger.cursor(book, feed) == AT.format(3)
        assert resync("2026-12-01").returncode == 1
        assert resync("start").returncode == 0
        assert ledger.cursor(book, feed) is None


AT = '{{"kind":"text","at":"2026-11-30 09:0{}:00"}}'


def test_an_api(workspace: Path) -> None:
    """What an API lists becomes orders, also what it lists later."""
    connected(
        workspace, "web_shop", "kind: http\nsign_in: bearer", "{url: {env: AT}, token: {env: BY}}"
    )
    fed(workspace, on_the_page("http"))
    with listing(size=1) as api, tenant() as on:

        def order(at: int) -> None:
            moment = {"meta": {"at": f"2026-11-30T09:0{at}:00Z"}}
            api.orders.append({**json.loads(ORDERS[at]), **moment})

        order(1)
        order(3)
        with serving(workspace, on, AT=api.url, BY="a-token"):
            until(lambda: len(on.references()) == 2)
            order(4)
            until(lambda: len(on.references()) == 3)
        assert api.asked[0] == {"state": "any"}
        assert api.asked[-1]["since"].startswith("2026-11-30T08:0")
        assert set(api.tokens) == {"Bearer a-token"}
