"""What an operator does at the terminal, against a sandbox tenant over real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shlex import split
from typing import Any

import pytest

from mapgen.runtime.ledger import Acknowledgement, Ledger, book_of
from mapgen.runtime.ledger.accounts import Accounts, Comparison
from mapgen.runtime.ledger.reports import Reports
from mapgen.runtime.outcome import Document, ErrorReport, Origin
from tests.cli.conftest import MAPGEN, environment, mapgen
from tests.cli.test_run import FLOW, ORDERS, Tenant, run, tenant

pytestmark = pytest.mark.skipif(os.name != "posix", reason="editors are scripts here")

STATE = ("--state", "sqlite:///ledger.db")
PERSONAL = ("noor.elsayed@example.com", "samuel.adeyinka@example.com", "Elsayed", "Adeyinka")


@pytest.fixture(scope="module")
def shop() -> Iterator[Tenant]:
    """A tenant with the master data of the samples."""
    with tenant() as one:
        yield one


def asked(workspace: Path, *words: str, on: Tenant | None = None, **more: str) -> Any:
    """Run a command on the ledger, and see that it tells nothing personal."""
    variables = {} if on is None else on.variables
    done = mapgen(*words, *STATE, cwd=workspace, **variables, **more)
    assert not any(one in done.stdout + done.stderr for one in PERSONAL)
    return done


def chosen(workspace: Path, *keys: str) -> Path:
    """Write the orders of some keys into a file."""
    lines = ORDERS.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if any(f'"name":"{key}"' in line for key in keys)]
    assert len(found) == len(keys)
    path = workspace / "some.jsonl"
    path.write_text("\n".join(found) + "\n", encoding="utf-8")
    return path


def groups(workspace: Path) -> dict[str, Any]:
    found = json.loads(asked(workspace, "errors", "--json").stdout)
    return {f"{one['code']} {one['about']}".rstrip(): one for one in found}


def test_deferred_until_a_table_has_the_key(workspace: Path, shop: Tenant) -> None:
    """Errors say how many would pass now, before and after the cause is mended; a replay sends."""
    run(workspace, shop, source=chosen(workspace, "#1142"))
    before = groups(workspace)["R304 customers"]
    with (workspace / "specs/lookups/customers.csv").open("a", encoding="utf-8") as table:
        table.write("7402602359296,C000101\n")
    after = groups(workspace)["R304 customers"]
    told = asked(workspace, "dlq", "show", FLOW, "#1142").stdout

    sent = asked(
        workspace, "dlq", "replay", FLOW, "--env", "local", "--cause", "R304 customers", on=shop
    )

    assert (before["count"], before["would_pass"]) == (1, 0)
    assert (after["count"], after["would_pass"]) == (1, 1)
    assert (
        after["next"]
        == f"mapgen dlq replay {FLOW} --cause 'R304 customers' --env ENV --state sqlite:///ledger.db"
    )
    assert "it would pass now" in told
    assert "rule     specs/shopify/orders.maps.yaml:" in told
    assert "reads    order.customer.id" in told
    assert (sent.returncode, "1  created" in sent.stderr) == (0, True)
    assert groups(workspace) == {}
    assert asked(workspace, "dlq", "list").stdout == ""
    assert "by hand   replayed by" in asked(workspace, "dlq", "show", FLOW, "#1142").stdout


def test_status_and_runs(workspace: Path, shop: Tenant) -> None:
    """Status and runs tell what is queued, open and sent, and how the last run ended."""
    run(workspace, shop, source=chosen(workspace, "#1119", "#1133"))

    (flow,) = json.loads(asked(workspace, "status", "--json").stdout)
    with Ledger(f"sqlite:///{workspace}/ledger.db") as ledger:
        (report,) = Reports(ledger).flows()
        Accounts(ledger, report.book).note(Comparison(ledger.now(), {"same": 2, "extra": 1}, ()))
    (books,) = json.loads(asked(workspace, "status", "--json").stdout)
    (one,) = json.loads(asked(workspace, "runs", FLOW, "--json").stdout)

    assert (flow["flow"], flow["open"], flow["counts"]["rejected"]) == (FLOW, 2, 2)
    assert flow["last_run"] == one
    assert (one["reason"], one["env"], one["counts"]["rejected"]) == ("done", "local", 2)
    assert (flow["compared"], books["compared"]["counts"]) == (None, {"same": 2, "extra": 1})
    shown = asked(workspace, "status").stdout
    assert "2 rejected" in shown
    assert re.search(rf"books +compared .*: 2 same, 1 extra; `mapgen reconcile {FLOW}", shown)
    assert "done" in asked(workspace, "runs").stdout
    assert asked(workspace, "status", "other").stderr == "the ledger knows no flow yet\n"


def test_refused_by_the_erp(workspace: Path, shop: Tenant) -> None:
    """What the ERP refused is sent again when it is asked for, and refused again with its rule."""
    run(workspace, shop, source=chosen(workspace, "#1133"))
    (group,) = groups(workspace).values()

    again = asked(workspace, "dlq", "replay", FLOW, "--env", "local", "--key", "#1133", on=shop)

    assert (group["code"], group["would_pass"], group["untold"]) == ("R401", 0, 1)
    assert again.returncode == 1
    assert "R401" in again.stderr


def test_edit(workspace: Path, shop: Tenant) -> None:
    """A copy is corrected in an editor; one that would not pass, or is another's, is not taken."""
    run(workspace, shop, source=chosen(workspace, "#1222"))
    editor = workspace / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/"po_number":"[^"]*"/"po_number":"PO 7"/\' "$1"\n')
    editor.chmod(0o755)
    other = workspace / "other.json"
    record = (workspace / "some.jsonl").read_text(encoding="utf-8")
    other.write_text(record.replace('"name":"#1222"', '"name":"#1"'), encoding="utf-8")
    words = ("dlq", "edit", FLOW, "#1222")

    same = asked(workspace, *words, "--file", "some.jsonl")
    foreign = asked(workspace, *words, "--file", "other.json")
    edited = asked(workspace, *words, EDITOR=str(editor), VISUAL=str(editor))
    sent = asked(workspace, "dlq", "replay", FLOW, "--env", "local", on=shop)

    assert (same.returncode, same.stderr) == (0, "nothing has changed\n")
    assert foreign.returncode == 1
    assert "R301" in foreign.stderr
    assert edited.returncode == 0, edited.stderr
    assert sent.returncode == 0, sent.stderr
    assert "edited by" in asked(workspace, "dlq", "show", FLOW, "#1222").stdout
    (ref,) = [one for one in shop.look("records/SalesOrder") if one.get("CustomerOrder") == "PO 7"]
    assert ref["ExternalRef"]


def test_discard(workspace: Path, shop: Tenant) -> None:
    """What is given up needs a reason and a choice, and is open no more."""
    run(workspace, shop, source=chosen(workspace, "#1133", "#1119"))

    vague = asked(workspace, "dlq", "discard", FLOW, "--reason", "x")
    one = asked(workspace, "dlq", "discard", FLOW, "--reason", "a test", "--cause", "R401")
    rest = asked(workspace, "dlq", "list", FLOW, "--json").stdout

    assert vague.returncode == 2
    assert (one.returncode, one.stderr) == (0, "1 discarded\n")
    assert json.loads(rest)["source"] == "#1119"
    assert "a test" in asked(workspace, "dlq", "show", FLOW, "#1133").stdout


def test_what_is_in_the_erp_is_not_replayed(workspace: Path, shop: Tenant) -> None:
    """A document under another identity is refused with the reason, and makes no request."""
    book = book_of(FLOW, shop.variables["ACUMATICA_TENANT"], shop.variables["ACUMATICA_URL"])
    document = Document(Origin("in.jsonl", 1, 1, "#9"), "SalesOrder", "9-shop", b"{}", data=b"{}")
    with Ledger(f"sqlite:///{workspace}/ledger.db") as ledger:
        ledger.stage(book, "a", [document], rules="abc")
        (claim,) = ledger.claim(book, "a", limit=1, settle=60.0, rules="abc")
        error = ErrorReport("R404", "saved as SO9, but its identity came back changed")
        end = Acknowledgement(claim, "dead_lettered", "SO9", errors=(error,))
        ledger.acknowledge("a", [end])
    before = shop.answers()

    done = asked(workspace, "dlq", "replay", FLOW, "--env", "local", on=shop)

    assert done.returncode == 1
    assert "not sent again: 1, as #9: it is in the ERP as SO9" in done.stderr
    assert shop.answers() == before


def test_unknown(workspace: Path) -> None:
    """A record or an age that is none is reported with what to write."""
    assert asked(workspace, "dlq", "show", FLOW, "#0").returncode == 2
    age = asked(workspace, "dlq", "list", "--older-than", "soon")
    assert "write `90s`, `10m`" in age.stderr
    assert asked(workspace, "errors").stderr == "nothing is open\n"


def test_watch(workspace: Path) -> None:
    """Watching shows the flows again and again until Ctrl-C ends it."""
    command = [*MAPGEN, "status", "--watch", "--json", *STATE]
    looking = subprocess.Popen(
        command,
        cwd=workspace,
        env=environment(),
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert looking.stdout is not None
    seen = [looking.stdout.readline() for _ in range(2)]
    looking.send_signal(signal.SIGINT)
    _, told = looking.communicate(timeout=300)

    assert seen == ["[]\n"] * 2
    assert "Traceback" not in told
    assert looking.returncode == 130


def test_only_and_rejects(workspace: Path, shop: Tenant) -> None:
    """`--only` reads single records; `--rejects` holds what did not arrive, of the ERP's too."""
    path = chosen(workspace, "#1119", "#1133", "#1222")

    done = run(
        workspace,
        shop,
        *("--only", "#1133", "--only", "#1119", "--only", "#0", "--rejects", "rejects.jsonl"),
        source=path,
    )

    assert json.loads(done.stdout.splitlines()[-1])["read"] == 2
    assert "no record of the input has the key #0" in done.stderr
    step = f"mapgen dlq show {FLOW} '#1133' --state sqlite:///ledger.db"
    assert f"as #1133; next: {step}" in done.stderr
    assert (
        "#1133 of shopify_orders in DEMO: rejected"
        in mapgen(*split(step)[1:], cwd=workspace).stdout
    )
    lines = (workspace / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    found = {one["source"]["key"]: one for one in map(json.loads, lines)}
    assert sorted(found) == ["#1119", "#1133"]
    assert found["#1133"]["faults"][0]["code"] == "R401"
    assert found["#1119"]["faults"][0]["code"] == "R201"
    assert found["#1119"]["source"]["file"] == "some.jsonl"
    assert (workspace / "rejects.jsonl").stat().st_mode & 0o077 == 0


def test_rejects_of_the_author(workspace: Path, shop: Tenant) -> None:
    """A file that mapgen did not write is not lost, and nothing is sent."""
    (workspace / "mine.txt").write_text("mine")
    before = shop.answers()
    done = run(workspace, shop, "--rejects", "mine.txt", source=chosen(workspace, "#1133"))
    assert done.returncode == 1
    assert "E533" in done.stderr
    assert shop.answers() == before


def test_dry_run(workspace: Path, shop: Tenant) -> None:
    """A dry run says what would be sent, with what the ledger knows; it makes no request."""
    first = chosen(workspace, "#1119", "#1142", "#1101")
    before = shop.answers()
    dry = run(workspace, shop, "--dry-run", source=first)
    assert shop.answers() == before
    assert asked(workspace, "status").stderr == "the ledger knows no flow yet\n"
    run(workspace, shop, source=first)
    after = run(workspace, shop, "--dry-run", "--rejects", "rejects.jsonl", source=first)

    told = json.loads(dry.stdout)
    assert (told["would_be_sent"], told["rejected"], told["deferred"]) == (1, 1, 1)
    told = json.loads(after.stdout)
    assert (told["would_be_sent"], told["known_as_sent"]) == (0, 1)
    assert after.returncode == 1
    assert len((workspace / "rejects.jsonl").read_text(encoding="utf-8").splitlines()) == 2
