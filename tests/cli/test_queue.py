"""`mapgen queue`: what a ledger holds that is not sent yet, listed and dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapgen.cli.dlq import dlq
from mapgen.cli.queue import queue
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected, Skipped
from tests.cli.conftest import ROOT, mapgen

ERP = "https://erp.example.com"


def staged(state: str, tenant: str, *outcomes: Document | Rejected | Skipped) -> None:
    with Ledger(state) as ledger:
        ledger.stage(book_of("orders", tenant, ERP), "run", outcomes, rules="abc")


def document(key: str) -> Document:
    return Document(Origin("in.jsonl", 1, 1, key), "SalesOrder", f"{key}-shop", b"{}")


@pytest.fixture
def state(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def asked(state: str, *words: str) -> Result:
    return CliRunner().invoke(queue, [*words, "--state", state], obj=Path.cwd())


def sources(state: str) -> list[str]:
    return [line.split("\t")[2] for line in asked(state, "list").stdout.splitlines()]


def test_list_has_what_is_not_sent(state: str) -> None:
    """Queued documents and records that wait are listed; what was skipped or rejected is not."""
    waits = ErrorReport("R304", "not there yet", retry=True)
    staged(
        state,
        "Live",
        document("1001"),
        Rejected(Origin("in.jsonl", 2, 2, "1002"), (waits,)),
        Rejected(Origin("in.jsonl", 3, 3, "1003"), (ErrorReport("R201", "missing"),)),
        Skipped(Origin("in.jsonl", 4, 4, "1004"), "cancelled"),
    )

    lines = [line.split("\t") for line in asked(state, "list", "orders").stdout.splitlines()]

    assert [(line[1], line[2]) for line in lines] == [("queued", "1001"), ("deferred", "1002")]
    assert lines[0][0] == f"orders in Live at {ERP}"
    assert asked(state, "list", "order").stdout == ""


def test_key_that_steers_the_terminal(state: str) -> None:
    """Control characters of a key are shown, letters of any script stay as they are."""
    staged(state, "Live", document("注文\x1b[2J\n7"))

    assert sources(state) == ["注文\\x1b[2J\\n7"]


def test_drop(state: str) -> None:
    """What is dropped is out of the queue, in the tenant that is named alone."""
    staged(state, "Live", document("1001"), document("1002"))
    staged(state, "Test", document("1003"))

    unclear = asked(state, "drop", "orders")
    dropped = asked(state, "drop", "orders", "--tenant", "Live")

    assert unclear.exit_code == 2
    assert "Live" in unclear.stderr
    assert "Test" in unclear.stderr
    assert (dropped.exit_code, dropped.stderr) == (0, "2 dropped\n")
    assert sources(state) == ["1003"]


def test_a_record_is_given_up_in_each_tenant(state: str) -> None:
    """One record may be open in several tenants: `--all` of a flow gives up all of them."""
    for tenant in ("Live", "Test"):
        error = ErrorReport("R202", "there is no such element")
        staged(state, tenant, Rejected(Origin("in.jsonl", 1, 1, "1001"), (error,)))

    words = ["discard", "orders", "--all", "--reason", "a test", "--state", state]
    done = CliRunner().invoke(dlq, words, obj=Path.cwd())

    assert (done.exit_code, done.stderr) == (0, "2 discarded\n")
    left = CliRunner().invoke(dlq, ["list", "--state", state], obj=Path.cwd())
    assert left.stdout == ""


def test_a_record_of_two_tenants_is_corrected_in_one(state: str) -> None:
    """The copy of which tenant is meant is asked, not guessed: a replay sends that of its own."""
    error = ErrorReport("R202", "there is no such element")
    for tenant in ("Live", "Test"):
        origin = Origin("in.jsonl", 1, 1, "1001")
        staged(state, tenant, Rejected(origin, (error,), data=b'{"id": 1001}'))

    words = ["edit", "orders", "1001", "--file", "-", "--state", state]
    asked = CliRunner().invoke(dlq, words, obj=Path.cwd(), input='{"id": 1001}')
    assert asked.exit_code == 2
    assert "`1001` is open in several tenants: say which, --tenant" in asked.stderr
    said = CliRunner().invoke(
        dlq, [*words, "--tenant", "Test"], obj=Path.cwd(), input='{"id": 1001}'
    )
    assert (said.exit_code, said.stderr) == (0, "nothing has changed\n")


def test_ledger_that_cannot_be_opened(tmp_path: Path) -> None:
    """What is no ledger is reported, without a traceback."""
    result = mapgen("queue", "list", "--state", f"sqlite:///{tmp_path}", cwd=ROOT)

    assert result.returncode == 1
    assert "error[R5" in result.stderr


@pytest.mark.parametrize("form", ["sqlite:///kept.db", "{env: KEPT}"])
def test_ledger_of_an_environment(
    tmp_path: Path, state: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`state:` of the environment is the ledger where `--env` is given, and `--state` wins."""
    folder = tmp_path / "specs" / "environments"
    folder.mkdir(parents=True)
    limits = "{requests_per_minute: 60, concurrent_requests: 1, request_timeout: 9s, settle: 9s}"
    text = f"environment: live\nconnections: {{}}\nlimits: {limits}\nstate: {form}\n"
    (folder / "live.yaml").write_text(text)
    kept = f"sqlite:///{tmp_path / 'kept.db'}"
    staged(kept, "Live", document("1001"))
    staged(state, "Live", document("1002"))

    def listed(*words: str) -> list[str]:
        found = CliRunner().invoke(queue, ["list", "--env", "live", *words], obj=tmp_path)
        return [line.split("\t")[2] for line in found.stdout.splitlines()]

    monkeypatch.setenv("KEPT", kept)
    assert listed() == ["1001"]
    assert listed("--state", state) == ["1002"]
