"""`mapgen rollback`: what a run made is taken back in a sandbox tenant, each action once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mapgen.contract.lock import load
from mapgen.sandbox import Settings, read_seed, serve
from mapgen.sandbox.failures import read_failure
from tests.cli.conftest import SAMPLES, mapgen
from tests.cli.test_operator import STATE, asked, chosen
from tests.cli.test_run import FLOW, LOCK, Tenant, run

CANCEL = "POST:SalesOrder/CancelSalesOrder"


@contextmanager
def failing(*words: str) -> Iterator[Tenant]:
    """Serve a tenant that fails as it is reported."""
    settings = Settings(failures=tuple(map(read_failure, words)))
    with serve(load(LOCK), seed=read_seed(SAMPLES / "tenant.json"), settings=settings) as sandbox:
        yield Tenant(sandbox.environment)


def delivered(workspace: Path, shop: Tenant) -> str:
    """Deliver two orders, and return the run."""
    done = run(workspace, shop, source=chosen(workspace, "#1101", "#1102"))
    assert json.loads(done.stdout.splitlines()[-1])["created"] == 2, done.stderr
    last, *_ = json.loads(asked(workspace, "runs", "--json").stdout)
    return str(last["run"])


def back(workspace: Path, shop: Tenant, of: str, *more: str) -> Any:
    return asked(workspace, "rollback", "--run", of, *more, on=shop)


def statuses(shop: Tenant) -> list[str]:
    return sorted(one["Status"] for one in shop.look("records/SalesOrder"))


def test_dry_run_first(workspace: Path) -> None:
    """Without --yes each document is named and nothing is done; with it, each once."""
    with failing() as shop:
        of = delivered(workspace, shop)
        before, kept = shop.answers(), statuses(shop)
        dry = back(workspace, shop, of[:8])
        assert (shop.answers(), statuses(shop)) == (before, kept)
        done = back(workspace, shop, of, "--yes")
        assert statuses(shop) == ["Canceled"] * 2
        again = back(workspace, shop, of, "--yes")
        repeated = run(workspace, shop, source=workspace / "some.jsonl")

    assert dry.returncode == 0
    assert dry.stdout.count("would be taken back: CancelSalesOrder") == 2
    assert "#1101\tSalesOrder\tSO" in dry.stdout
    assert "nothing was done" in dry.stderr
    assert (done.returncode, "2 taken back, 0 not" in done.stderr) == (0, True)
    assert again.stdout.count("it is taken back already") == 2
    assert "0 to be taken back" in again.stderr
    assert json.loads(repeated.stdout.splitlines()[-1])["already_exists"] == 2


def test_answer_that_is_lost(workspace: Path) -> None:
    """An action without an answer is in doubt, and no later rollback sends it again."""
    with failing(f"drop@{CANCEL}:1") as shop:
        of = delivered(workspace, shop)
        first = back(workspace, shop, of, "--yes")
        sent = sum(n for key, n in shop.answers().items() if "CancelSalesOrder" in key)
        second = back(workspace, shop, of, "--yes")
        after = sum(n for key, n in shop.answers().items() if "CancelSalesOrder" in key)

    assert first.returncode == 1
    assert "1 taken back, 1 not" in first.stderr
    assert "in doubt: " in first.stdout
    assert "look in the ERP" in second.stdout
    assert after == sent


def test_refused_by_the_erp(workspace: Path) -> None:
    """What the ERP does not take back is reported, and is tried again by the next rollback."""
    with failing(f"deadlock@{CANCEL}:1-20") as shop:
        of = delivered(workspace, shop)
        done = back(workspace, shop, of, "--yes")
    assert done.returncode == 1
    assert "0 taken back, 2 not" in done.stderr


def test_irreversible(workspace: Path) -> None:
    """Documents of a flow whose spec says why none is taken back are named with that reason."""
    record = workspace / "specs/shopify/examples/customer-2001.json"
    with failing() as shop:
        words = ("run", "shopify_customers", "--input", str(record), "--env", "local", *STATE)
        mapgen(*words, cwd=workspace, **shop.variables)
        (last,) = json.loads(asked(workspace, "runs", "--json").stdout)
        told = back(workspace, shop, last["run"])
    assert "irreversible: a customer who is wrong is set inactive by hand" in told.stdout
    assert told.stderr.startswith("0 to be taken back")


def test_there_before(workspace: Path) -> None:
    """Documents that were there before the run stay as they are."""
    with failing() as shop:
        delivered(workspace, shop)
        run(workspace, shop, state="other.db", source=workspace / "some.jsonl")
        state = ("--state", "sqlite:///other.db")
        listed = mapgen("runs", FLOW, "--json", *state, cwd=workspace)
        (last,) = json.loads(listed.stdout)
        told = mapgen("rollback", "--run", last["run"], *state, cwd=workspace, **shop.variables)
    assert told.stdout.count("it was there before the run") == 2


def test_unknown_run(workspace: Path) -> None:
    """A run that is none is reported."""
    done = mapgen("rollback", "--run", "x", *STATE, cwd=workspace)
    assert done.returncode == 2
    assert "see `mapgen runs`" in done.stderr
