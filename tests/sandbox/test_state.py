"""Records and numbers under load, over restarts, and after a killed process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mapgen.contract.model import Contract
from mapgen.report import Stopped
from mapgen.sandbox import Sandbox, seed_of, serve

from .conftest import ROOT, SEED, Caller

ORDER = {
    "CustomerID": "C000101",
    "note": "ring twice",
    "Details": [{"InventoryID": "MUG", "OrderQty": 2, "UnitPrice": "10.25"}],
    "custom": {"Document": {"UsrStore": {"type": "CustomDecimalField", "value": "1.50"}}},
}


def test_parallel_creates(caller: Caller) -> None:
    """Fifty orders sent at once get fifty numbers, without a gap."""

    def create(_: int) -> str:
        return str(caller.put("SalesOrder", ORDER)["OrderNbr"]["value"])

    with ThreadPoolExecutor(25) as pool:
        numbers = sorted(pool.map(create, range(50)))

    assert numbers == [f"SO{number:06d}" for number in range(1, 51)]
    assert len(caller.sandbox.records("SalesOrder")) == 50


def test_parallel_upserts(caller: Caller) -> None:
    """Twenty PUTs with one typed-in key make one record."""
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: caller.put("StockItem", {"InventoryID": "CUP"}), range(20)))

    items = [item["InventoryID"] for item in caller.sandbox.records("StockItem")]
    assert items.count("CUP") == 1


def test_restart(contract: Contract, tmp_path: Path) -> None:
    """A state file brings back records as they were, counts on, and knows grants."""
    state = tmp_path / "tenant.db"
    with serve(contract, seed=SEED, state=state) as sandbox:
        caller = Caller(sandbox)
        refresh = caller.sign_in()["refresh_token"]
        caller.put("SalesOrder", ORDER)
        before = {kind: sandbox.records(kind) for kind in ("SalesOrder", "Customer", "StockItem")}
    with serve(contract, seed=SEED, state=state) as sandbox:
        after = {kind: sandbox.records(kind) for kind in before}
        again = Caller(sandbox)
        form = again.form(grant_type="refresh_token", refresh_token=refresh)
        answer = again.http.post("/identity/connect/token", data=form)
        again.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        second = again.put("SalesOrder", ORDER)

    assert after == before
    assert before["SalesOrder"][0]["custom"] == {"Document.UsrStore": Decimal("1.5")}
    assert second["OrderNbr"] == {"value": "SO000002"}


@contextmanager
def process(*options: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Caller]]:
    """Run `mapgen sandbox` as a process; wait for its ready file."""
    ready = tmp_path / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-c", "from mapgen.cli import main; main()"]
    running = subprocess.Popen(
        [*command, "--project", str(ROOT), "sandbox", "--ready-file", str(ready), *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        pause = threading.Event()
        while not ready.exists():
            assert running.poll() is None, "the sandbox did not start"
            pause.wait(0.02)
        facts = json.loads(ready.read_text())
        yield running, _caller(facts)
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


def _caller(facts: dict[str, Any]) -> Caller:
    from mapgen.contract.lock import load
    from mapgen.sandbox import Credentials, Settings
    from mapgen.sandbox.server import open_tenant

    contract = load(ROOT / "specs" / "contracts" / "default-24.200.001.json")
    told = facts["environment"]
    credentials = Credentials(
        tenant=told["ACUMATICA_TENANT"],
        client_id=told["ACUMATICA_CLIENT_ID"],
        client_secret=told["ACUMATICA_CLIENT_SECRET"],
        username=told["ACUMATICA_USERNAME"],
        password=told["ACUMATICA_PASSWORD"],
    )
    tenant = open_tenant(contract, settings=Settings(credentials=credentials))
    return Caller(Sandbox(facts["url"], credentials, tenant))


def test_killed_process(tmp_path: Path) -> None:
    """What was answered before SIGKILL is there afterwards, each number once."""
    seed, state = tmp_path / "seed.json", tmp_path / "tenant.db"
    seed.write_text(json.dumps(SEED))
    options = ("--seed", str(seed), "--state", str(state))
    answered = []
    with process(*options, tmp_path=tmp_path) as (running, caller):
        caller.sign_in()

        def create(number: int) -> None:
            if number == 60:
                os.kill(running.pid, signal.SIGKILL)
            try:
                body = ORDER | {"ExternalRef": str(number)}
                answer = caller.put("SalesOrder", body)
            except (httpx2.TransportError, AssertionError):
                return
            answered.append((str(number), answer["OrderNbr"]["value"]))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(create, range(120)))
    with process(*options, tmp_path=tmp_path) as (_, caller):
        kept = [(r["ExternalRef"], r["OrderNbr"]) for r in caller.sandbox.records("SalesOrder")]
        caller.sign_in()
        following = caller.put("SalesOrder", ORDER)["OrderNbr"]["value"]

    assert 0 < len(answered) < 120
    assert set(answered) <= set(kept)
    assert len({number for _, number in kept}) == len({ref for ref, _ in kept}) == len(kept)
    assert following not in {number for _, number in kept}


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop(name: signal.Signals, tmp_path: Path) -> None:
    """A signal ends the process with exit code 0, also with a connection open."""
    with process(tmp_path=tmp_path) as (running, caller):
        caller.sign_in()
        caller.call("GET", "Customer")
        running.send_signal(name)

        assert running.wait(timeout=300) == 0


def test_options_of_the_command(tmp_path: Path) -> None:
    """Credentials, licence and failures can be set from the command line."""
    failures = tmp_path / "failures.txt"
    failures.write_text("throttle@GET:Customer:2  # the second\n")
    options = ["--tenant", "NORTH", "--username", "ada", "--password", "p", "--sessions", "1"]
    options += ["--fail", "deadlock@GET:Customer:1", "--failures", str(failures)]
    with process(*options, tmp_path=tmp_path) as (_, caller):
        caller.sign_in()
        got = [caller.call("GET", "Customer")[0] for _ in range(3)]

    assert caller.sandbox.credentials.client_id.endswith("@NORTH")
    assert got == [500, 429, 200]


def test_foreign_state_file(contract: Contract, tmp_path: Path) -> None:
    """A file that is no state of a sandbox is E523, and stays as it is."""
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be looked at as one" * 20)
    database = tmp_path / "other.db"
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE orders (id)")
    other.close()
    text.chmod(0o644)
    for path in (text, database, tmp_path / "none" / "x.db"):
        before = path.read_bytes() if path.exists() else None
        with pytest.raises(Stopped) as stopped, serve(contract, state=path):
            pass
        assert [error.code for error in stopped.value.diagnostics] == ["E523"]
        assert (path.read_bytes() if path.exists() else None) == before
    assert text.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("seed", "code", "words"),
    [
        pytest.param([], "E521", "no JSON object", id="no object"),
        pytest.param({"Customer": {}}, "E522", "no list of objects", id="no list"),
        pytest.param({"Custmer": []}, "E522", "no such kind", id="unknown kind"),
        pytest.param({"Customer": [{}]}, "E522", "the key is missing", id="no key"),
        pytest.param(
            {"Customer": [{"CustomerID": "A", "Nope": 1}]}, "E522", "no such field", id="field"
        ),
        pytest.param(
            {"StockItem": [{"InventoryID": "A", "MSRP": "x"}]}, "E522", "decimal", id="type"
        ),
        pytest.param(
            {"Customer": [{"CustomerID": "A" * 99, "CustomerName": "A"}]},
            "E522",
            "exceeds",
            id="length",
        ),
        pytest.param({"Customer": [{"CustomerID": "A"}]}, "E522", "cannot be empty", id="required"),
        pytest.param({"setup": {"nope": 1}}, "E522", "nope", id="set-up"),
        pytest.param({"setup": {"defaults": {"Nope": {}}}}, "E522", "entity", id="defaults"),
    ],
)
def test_seed_that_does_not_fit(contract: Contract, seed: Any, code: str, words: str) -> None:
    """A seed that does not fit is refused before anything is served, with the place."""
    with pytest.raises(Stopped) as stopped, serve(contract, seed=seed_of(seed)):
        pass

    (error,) = stopped.value.diagnostics
    assert error.code == code
    assert words in error.message


def test_setup(start: Any) -> None:
    """Numbering and defaults are the tenant's own."""
    setup = {
        "numbering": {"SalesOrder": {"SO": "S20-100149", "QT": "Q9"}, "Customer": "manual"},
        "defaults": {
            "SalesOrder": {"Project": "X", "Hold": False},
            "SalesOrderDetail": {"WarehouseID": "MAIN"},
        },
    }
    caller = start(seed=SEED | {"setup": setup})
    first = caller.put("SalesOrder", ORDER, **{"$expand": "Details"})
    caller.put("Customer", {"CustomerID": "MINE", "CustomerName": "Mine"})

    assert (first["OrderNbr"]["value"], first["Status"]["value"]) == ("S20-100149", "Open")
    assert first["Project"] == {"value": "X"}
    assert first["Details"][0]["WarehouseID"] == {"value": "MAIN"}
    quotes = [caller.put("SalesOrder", ORDER | {"OrderType": "QT"}) for _ in range(2)]
    assert [quote["OrderNbr"]["value"] for quote in quotes] == ["Q9", "Q10"]
    assert caller.call("GET", "Customer/MINE")[0] == 200


def test_notes_of_the_seed(start: Any) -> None:
    """A note of a row is a text, like its other members."""
    caller = start(seed={"StockItem": [{"InventoryID": "CUP", "note": "fragile"}]})

    assert caller.get("StockItem/CUP")["note"] == {"value": "fragile"}


def test_state_file_is_its_owners_alone(contract: Contract, tmp_path: Path) -> None:
    """What a rehearsal delivers is personal, in the files beside the state file, too."""
    path = tmp_path / "tenant.db"
    with serve(contract, state=path):
        files = list(tmp_path.iterdir())
        assert path in files
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
