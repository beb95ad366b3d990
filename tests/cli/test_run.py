"""`mapgen run` against a sandbox tenant: real sockets, the orders of the samples."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Settings, read_seed, serve
from tests.cli.conftest import MAPGEN, ROOT, SAMPLES, environment, mapgen

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes end by signals here")

LOCK = ROOT / "specs/contracts/default-24.200.001.json"
ORDERS = SAMPLES / "orders.jsonl"
FLOW = "shopify_orders"
MEMBERS = [
    "flow", "read", "skipped", "rejected", "created", "updated", "already_exists", "unchanged",
    "dead_lettered", "deferred", "differing", "withdrawn", "open", "open_since", "outdated",
    "warnings", "done",
]  # fmt: skip
FORMER = {"already_there": "already_exists", "waiting": "deferred", "dead": "dead_lettered"}
# As the table in the samples' README has it.
FIRST = dict(
    zip(MEMBERS, (FLOW, 225, 15, 24, 180, 0, 2, 0, 0, 4, 0, 0, 0, None, 0, 0, 0), strict=True)
)
CREATED = 180


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running sandbox."""

    variables: dict[str, str]

    def look(self, place: str) -> Any:
        with urlopen(f"{self.variables['ACUMATICA_URL']}/sandbox/{place}", timeout=30) as answer:
            return json.load(answer)

    def references(self) -> list[str]:
        return [record["ExternalRef"] for record in self.look("records/SalesOrder")]

    def answers(self) -> Counter[str]:
        return Counter(self.look("requests")["counts"])


@contextmanager
def tenant(*, latency: float = 0.0, port: int = 0) -> Iterator[Tenant]:
    """Serve a tenant with the master data of the samples until the end of the block."""
    seed = read_seed(SAMPLES / "tenant.json")
    settings = Settings(latency=latency)
    with serve(load(LOCK), seed=seed, settings=settings, port=port) as sandbox:
        yield Tenant(sandbox.environment)


def wait(until: Callable[[], bool], by: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something holds, which a process brings about, where one is given."""
    deadline = time.monotonic() + 300
    while not until():
        if by is not None and by.poll() is not None:
            raise AssertionError(f"it ended before: {by.communicate()}")
        assert time.monotonic() < deadline, "it did not come about in five minutes"
        time.sleep(0.03)


def words(*more: str, state: str = "ledger.db", source: str | Path = ORDERS) -> list[str]:
    local = ["--env", "local", "--state", f"sqlite:///{state}", "--json"]
    return ["run", FLOW, "--input", str(source), *local, *more]


def run(workspace: Path, on: Tenant, *more: str, given: bytes = b"", **how: Any) -> Any:
    return mapgen(*words(*more, **how), cwd=workspace, given=given, **on.variables)


def start(workspace: Path, on: Tenant, **how: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*MAPGEN, *words(**how)],
        cwd=workspace,
        env=environment(**on.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background has them ignore it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def counts(out: str) -> dict[str, Any]:
    """Return what the last line of standard output says, and see that it says all of it."""
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    former = {new: found.pop(old) for old, new in FORMER.items()}
    assert list(found) == MEMBERS
    assert former == {name: found[name] for name in former}
    return found


@pytest.fixture(scope="module")
def shared_tenant() -> Iterator[Tenant]:
    """A tenant for runs that leave nothing in it."""
    with tenant() as shop:
        yield shop


def secrets(on: Tenant) -> list[str]:
    return [on.variables[f"ACUMATICA_{name}"] for name in ("CLIENT_SECRET", "PASSWORD")]


def test_the_sample_shop(workspace: Path) -> None:
    """Orders end as the samples say; a second run, and one without a ledger, create nothing."""
    with tenant() as shop:
        first = run(workspace, shop, "--log", "events.jsonl")

        assert (first.returncode, counts(first.stdout)) == (1, FIRST)
        assert len(first.stdout.splitlines()) == 1
        assert len(set(shop.references())) == len(shop.references()) == CREATED
        assert "one rejection in full: #1281" in first.stderr
        lines = [line for line in first.stderr.splitlines() if line.startswith("delivering: ")]
        assert 1 <= len(lines) <= 10
        assert lines[-1] == "delivering: 225 of 225 records"
        assert "\r" not in first.stderr
        for said in (first.stderr, (workspace / "events.jsonl").read_text(encoding="utf-8")):
            assert not any(secret in said for secret in secrets(shop))

        again = run(workspace, shop)
        lost = run(workspace, shop, state="another.db")

        repeated = {**FIRST, "created": 0, "already_exists": CREATED + 2}
        second = counts(again.stdout)
        # What the first run left, rejected or waiting, is open until its records are right.
        assert second.pop("open") == FIRST["rejected"] + FIRST["deferred"]
        assert second.pop("open_since")
        assert second == {name: repeated[name] for name in second}
        assert counts(lost.stdout) == repeated
        assert len(shop.references()) == CREATED
        # Every run has signed in and out again.
        assert sum(n for key, n in shop.answers().items() if "logout" in key) == 3


def test_refused_by_the_tenant(workspace: Path, shared_tenant: Tenant) -> None:
    """What the tenant refuses is told with the field, the rule's place and the source's path."""
    lines = ORDERS.read_text(encoding="utf-8").splitlines()
    [order] = [line for line in lines if '"name": "#1133"' in line or '"name":"#1133"' in line]
    (workspace / "one.jsonl").write_text(order, encoding="utf-8")

    done = run(workspace, shared_tenant, source="one.jsonl")

    assert done.returncode == 1
    assert counts(done.stdout)["rejected"] == 1
    assert "R401 Details[" in done.stderr
    assert "read from order.line_items[" in done.stderr
    [said] = [line for line in done.stderr.splitlines() if line.split()[:1] == ["rule"]]
    path, row, _ = said.split()[-1].strip("()").split(":")
    spec = (workspace / path).read_text(encoding="utf-8").splitlines()
    assert spec[int(row) - 1].strip().startswith("InventoryID:")


def test_from_standard_input(workspace: Path) -> None:
    """Records from a pipe, whose number nobody knows before, are delivered like a file's."""
    given = b"\n".join(ORDERS.read_bytes().splitlines()[:20])
    with tenant() as shop:
        done = run(workspace, shop, source="-", given=given)

    found = counts(done.stdout)
    assert found["read"] == 20 == sum(found[name] for name in MEMBERS[2:10])
    assert found["created"] > 10


def test_killed_three_times(workspace: Path) -> None:
    """Killed at three moments of chance, and run again: each order is there, once."""
    seed = random.randrange(10**6)
    sys.stdout.write(f"the moments are those of seed {seed}\n")
    moments = random.Random(seed)
    with tenant(latency=0.005) as shop:
        for most in (40, 110, 170):
            at = moments.randrange(most - 40, most)
            child = start(workspace, shop)
            wait(lambda at=at: len(shop.references()) >= at)  # type: ignore[misc]
            child.kill()
            child.communicate(timeout=300)
            # Where this test was given no time to strike, the run is at its end.
            assert child.returncode in (-signal.SIGKILL, 1)

        last = counts(run(workspace, shop).stdout)

        references = shop.references()
    assert len(set(references)) == len(references) == CREATED
    assert last["created"] + last["already_exists"] == CREATED + 2
    assert {name: last[name] for name in ("skipped", "rejected", "deferred")} == {
        name: FIRST[name] for name in ("skipped", "rejected", "deferred")
    }


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
    ids=["TERM", "INT", "HUP"],
)
def test_asked_to_end(workspace: Path, number: signal.Signals, code: int) -> None:
    """Asked to end, a run signs out, says how to go on, and the next one completes."""
    few = b"\n".join(ORDERS.read_bytes().splitlines()[:50])
    (workspace / "few.jsonl").write_bytes(few)
    with tenant(latency=0.05) as shop:
        child = start(workspace, shop, source="few.jsonl")
        wait(lambda: len(shop.references()) >= 10, child)
        child.send_signal(number)
        _, err = child.communicate(timeout=300)

        assert child.returncode == code, err
        assert b"run the same command again to go on" in err
        assert b"Traceback" not in err
        assert sum(n for key, n in shop.answers().items() if "logout" in key) == 1
        sent = len(shop.references())

        last = counts(run(workspace, shop, source="few.jsonl").stdout)
        lost = counts(run(workspace, shop, source="few.jsonl", state="another.db").stdout)

        assert last["read"] == 50 == sum(last[name] for name in MEMBERS[2:10])
        assert sent < len(shop.references()) == len(set(shop.references()))
        assert last["created"] + last["already_exists"] == lost["already_exists"]
        assert lost["created"] == 0


def test_standard_streams_are_closed(workspace: Path, shared_tenant: Tenant) -> None:
    """Started without standard streams, as a daemon may be, a run ends as it would with them."""
    (workspace / "no.jsonl").write_bytes(b"")
    codes = []
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        command = f"exec {shlex.join([*MAPGEN, *words(source='no.jsonl')])} {closed}"
        variables = environment(**shared_tenant.variables)
        done = subprocess.run(
            ["sh", "-c", command], cwd=workspace, env=variables, capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr
        codes.append(done.returncode)

    assert codes == [0] * 4


def test_two_at_once(workspace: Path) -> None:
    """Two runs over one ledger deliver each order once between them."""
    with tenant() as shop:
        children = [start(workspace, shop), start(workspace, shop)]
        ends = [child.communicate(timeout=300) for child in children]

        assert not any(b"Traceback" in err or b"internal error" in err for _, err in ends)
        found = [counts(out.decode()) for out, _ in ends]
        assert sum(one["created"] for one in found) == CREATED
        for one in found:
            assert one["read"] == 225
            assert one["created"] + one["already_exists"] == CREATED + 2
        assert len(set(shop.references())) == len(shop.references()) == CREATED


def test_tenant_is_down(workspace: Path) -> None:
    """Where nothing answers the run stops, says so, and the line for machines is there."""
    with tenant() as shop:
        pass
    generated = workspace / "generated"
    patient = shutil.copytree(generated, workspace / "patient")
    impatient(workspace)

    done = run(workspace, shop)

    assert done.returncode == 1
    assert "error[R504]" in done.stderr
    assert "help: " in done.stderr
    assert done.stderr.count("the tenant does not answer") == 1
    assert "nothing is lost" in done.stderr
    found = counts(done.stdout)
    assert (found["created"], found["dead_lettered"]) == (0, 0)

    shutil.rmtree(generated)
    patient.rename(generated)
    port = int(shop.variables["ACUMATICA_URL"].rpartition(":")[2])
    with tenant(port=port) as again:
        last = counts(run(workspace, again).stdout)

        # How far the first run came before it stopped is a matter of speed.
        assert last.pop("open") <= FIRST["rejected"] + FIRST["deferred"]
        last.pop("open_since")
        assert last == {name: FIRST[name] for name in last}
        assert len(set(again.references())) == len(again.references()) == CREATED


def impatient(workspace: Path) -> None:
    """Shorten the pauses of the flow's plan, whose sum is minutes; no manifest knows of it."""
    (workspace / "generated" / "manifest.json").unlink(missing_ok=True)
    path = workspace / "generated" / FLOW / "flow.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    plan["retry"] = {"attempts": 2, "first": 0.1, "ceiling": 0.2}
    plan["circuit_breaker"] = {"failures": 3, "within": 60.0, "cool_down": 0.3}
    path.write_text(json.dumps(plan), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("PASSWORD", "not-the-password-7", "R502"),
        ("CLIENT_SECRET", "not-the-secret-7", "R502"),
        ("USERNAME", "nobody-7", "R502"),
        ("TENANT", "Another", "R501"),
        ("URL", "http://erp.example.com/site", "R501"),
        ("URL", "localhost", "R501"),
    ],
)
def test_sign_in_that_cannot_work(
    workspace: Path, shared_tenant: Tenant, name: str, value: str, code: str
) -> None:
    """Credentials that are refused stop the run with a reason that shows none of them."""
    spoiled = Tenant({**shared_tenant.variables, f"ACUMATICA_{name}": value})

    done = run(workspace, spoiled)

    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert "help: " in done.stderr
    assert counts(done.stdout)["created"] == 0
    assert not any(secret in done.stdout + done.stderr for secret in secrets(spoiled))


@pytest.mark.parametrize(
    "command",
    ["resync FLOW --from start", "reconcile FLOW", "dlq replay FLOW"],
    ids=["resync", "reconcile", "replay"],
)
def test_address_that_no_run_can_use(workspace: Path, shared_tenant: Tenant, command: str) -> None:
    """Each command that asks the tenant says what is wrong with its address, as `run` does."""
    spoiled = {**shared_tenant.variables, "ACUMATICA_URL": "ftp://erp.example.com"}
    asked = command.replace("FLOW", FLOW).split()

    done = mapgen(*asked, "--env", "local", cwd=workspace, **spoiled)

    assert done.returncode == 1
    assert done.stderr.startswith("error[R501]")


def test_variables_missing(workspace: Path) -> None:
    """All variables that are not set are reported at once, with the place that asks for them."""
    done = mapgen(*words(), cwd=workspace, ACUMATICA_URL="http://localhost:1")

    assert done.returncode == 1
    assert done.stderr.count("error[E509]") == 5
    assert "specs/environments/local.yaml:" in done.stderr
    assert "export ACUMATICA_PASSWORD=…" in done.stderr


# A tenant that nobody gets as far as asking.
NOWHERE = Tenant(
    {
        f"ACUMATICA_{name}": "http://localhost:1" if name == "URL" else "x"
        for name in ("URL", "TENANT", "CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")
    }
)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        pytest.param("sqlite:///none/here/ledger.db", "R505", id="no folder"),
        pytest.param("sqlite:///specs", "R505", id="folder"),
        pytest.param("ledger.db", "R505", id="no address"),
        pytest.param("mysql://localhost/ledger", "R505", id="another database"),
        pytest.param("postgresql+psycopg://u:s3cret@localhost:1/l", "R505", id="no server"),
    ],
)
def test_ledger_that_cannot_be_opened(workspace: Path, state: str, reason: str) -> None:
    """A ledger that cannot be opened is reported with its address, without a password in it."""
    arguments = ("run", FLOW, "--input", ORDERS, "--env", "local", "--state", state, "--json")

    done = mapgen(*arguments, cwd=workspace, **NOWHERE.variables)

    assert done.returncode == 1
    assert f"error[{reason}]" in done.stderr
    assert "s3cret" not in done.stderr
    assert counts(done.stdout)["read"] == 0


def test_ledger_has_no_place(workspace: Path) -> None:
    """Where a file is in the place of the ledger's folder, it is named."""
    (workspace / ".mapgen").touch()

    done = mapgen(
        "run", FLOW, "--input", ORDERS, "--env", "local", cwd=workspace, **NOWHERE.variables
    )

    assert done.returncode == 1
    assert ".mapgen` cannot be written: file exists" in done.stderr


def test_environment_without_the_connection(workspace: Path) -> None:
    """An environment that does not say where the tenant is is named."""
    local = workspace / "specs" / "environments" / "local.yaml"
    text = local.read_text(encoding="utf-8").replace("  acumatica:", "  another:")
    local.write_text(text, encoding="utf-8")

    done = mapgen(*words(), cwd=workspace, **NOWHERE.variables)

    assert done.returncode == 1
    assert "acumatica" in done.stderr
    assert "local" in done.stderr


def test_bar_on_a_terminal(workspace: Path) -> None:
    """On a terminal, progress is a bar that fills."""
    pty = pytest.importorskip("pty")
    with tenant() as shop:
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [*MAPGEN, *words()],
            cwd=workspace,
            env=environment(**shop.variables, TERM="xterm", COLUMNS="80"),
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b"".join(iter(lambda: read_some(ours), b"")).decode()
        out, _ = child.communicate(timeout=300)
        os.close(ours)

    assert counts(out.decode()) == FIRST
    assert shown.count("delivering  [") > 1
    assert "100%" in shown
    assert "225 records\r\n" in shown


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that nobody writes any more
        return b""


@pytest.mark.skipif(sys.platform == "win32", reason="no terminal of that kind")
def test_record_that_steers_the_terminal(workspace: Path, shared_tenant: Tenant) -> None:
    """What a record holds is told so that a terminal does not obey it."""
    order = json.loads(ORDERS.read_text(encoding="utf-8").splitlines()[0])
    order["name"], order["currency"] = "#1\x1b[2J", "\x1b]0;owned\x07"
    (workspace / "one.jsonl").write_text(json.dumps(order), encoding="utf-8")

    done = run(workspace, shared_tenant, source="one.jsonl")

    assert counts(done.stdout)["rejected"] == 1
    assert "\x1b" not in done.stderr
    assert "#1\\x1b[2J" in done.stderr
