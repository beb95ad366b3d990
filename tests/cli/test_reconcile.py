"""`mapgen reconcile`: source, ledger and a sandbox tenant side by side, in money, and repaired."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import MAPGEN, environment
from tests.cli.test_operator import STATE, asked, chosen
from tests.cli.test_run import FLOW, Tenant, counts, run, tenant, wait

WORDS = ("reconcile", FLOW, "--env", "local")


def compared(workspace: Path, shop: Tenant, *more: str) -> tuple[Any, list[Any], Any]:
    """Compare, as JSON: how it ended, what is not the same, and the books."""
    done = asked(workspace, *WORDS, *more, "--json", on=shop)
    *found, books = map(json.loads, done.stdout.splitlines())
    return done, found, books


def in_books(books: Any, name: str) -> tuple[str | None, str, str]:
    (line,) = books["money"]
    return line["currency"], line[name], line["target"]


def test_missing_same_different(workspace: Path) -> None:
    """What is as it was sent, missing, or different by a field is told apart, with the rule."""
    words = ("--input", "some.jsonl")
    with tenant() as shop:
        path = chosen(workspace, "#1101")
        run(workspace, shop, source=path)
        same = asked(workspace, *WORDS, *words, on=shop)
        record = chosen(workspace, "#1101", "#1102").read_text(encoding="utf-8")
        changed = record.replace('"po_number":null', '"po_number":"PO 9"', 1)
        assert changed != record
        path.write_text(changed, encoding="utf-8")
        before = shop.look("records/SalesOrder")
        other, (different, missing), books = compared(workspace, shop, *words)
        told = asked(workspace, *WORDS, *words, on=shop)
        dry = asked(workspace, *WORDS, *words, "--repair", on=shop)
        assert shop.look("records/SalesOrder") == before
        repaired = asked(workspace, *WORDS, *words, "--repair", "--yes", "--json", on=shop)
        again, left, _ = compared(workspace, shop, *words)
        assert len(shop.look("records/SalesOrder")) == 2

    assert same.returncode == 0
    assert "same, 0 missing, 0 extra, 0 different, 0 unclear\n" in same.stderr
    assert other.returncode == 1
    assert (different["source"], different["verdict"]) == ("#1101", "different")
    (error,) = different["faults"]
    assert error["target"] == "CustomerOrder"
    assert error["spec"].startswith("specs/shopify/orders.maps.yaml:")
    assert different["is_in_ledger"]
    assert (missing["source"], missing["verdict"]) == ("#1102", "missing")
    assert not missing["is_in_ledger"]
    assert "#1102\tSalesOrder\t\tmissing\tnot in the ledger" in told.stdout
    currency, source, there = in_books(books, "source")
    assert (currency, in_books(books, "ledger")[1]) == ("USD", there)
    assert float(source) > float(there)
    sides = f"source {source}\tledger {there}\tERP {there}"
    assert f"money\tdocument\t{currency}\t{sides}" in told.stdout
    # An order is made once: what differs in it stays, the one that is missing is sent.
    assert "1 records to be sent again; 1 cannot be, and stay\nnothing was done" in dry.stderr
    assert counts(repaired.stdout)["created"] == 1
    assert [one["verdict"] for one in left] == ["different"]
    assert again.returncode == 1


def test_extra_and_gone(workspace: Path) -> None:
    """What nobody knows is extra; what was sent and is not there is missing, and sent again."""
    path = chosen(workspace, "#1101", "#1102")
    with tenant() as shop:
        run(workspace, shop, source=path)
        one, other = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(one, encoding="utf-8")
        _, found, _ = compared(workspace, shop, "--input", str(path))
        _, (extra,), _ = compared(workspace, shop, "--input", str(path), "--whole")
        path.write_text(one + other, encoding="utf-8")
        # A ledger that was lost knows nothing of what is there.
        (workspace / "ledger.db").rename(workspace / "kept.db")
        _, unknown, _ = compared(workspace, shop)
        (workspace / "kept.db").rename(workspace / "ledger.db")
        agreed, nothing, books = compared(workspace, shop)

    port = int(shop.variables["ACUMATICA_URL"].rpartition(":")[2])
    with tenant(port=port) as shop:  # as if all had been deleted there
        gone, missing, emptied = compared(workspace, shop)
        repaired = asked(workspace, *WORDS, "--input", str(path), "--repair", "--yes", on=shop)
        again, none, _ = compared(workspace, shop, "--input", str(path))
        assert len(shop.references()) == 2

    assert found == []
    assert (extra["source"], extra["verdict"], extra["state"]) == ("#1102", "extra", "sent")
    assert [(one["verdict"], one["state"]) for one in unknown] == [("extra", None)] * 2
    assert (agreed.returncode, nothing) == (0, [])
    assert in_books(books, "ledger")[1] == in_books(books, "target")[2]
    assert gone.returncode == 1
    assert [(one["source"], one["verdict"]) for one in missing] == [
        ("#1101", "missing"), ("#1102", "missing"),
    ]  # fmt: skip
    assert in_books(emptied, "target")[2] == "0"
    assert repaired.returncode == 0, repaired.stderr
    assert (again.returncode, none) == (0, [])


@pytest.mark.skipif(os.name != "posix", reason="killed by a signal here")
def test_killed_amid_a_repair(workspace: Path) -> None:
    """Killed while it sends again what the ERP has lost, a second repair sends the rest, once."""
    numbers = (1101, 1102, 1104, 1105, 1106, 1107, 1108, 1110)
    path = chosen(workspace, *(f"#{number}" for number in numbers))
    repair = (*WORDS, "--input", str(path), "--repair", "--yes")
    with tenant() as shop:
        run(workspace, shop, source=path)
        expected = sorted(shop.references())
        port = urlsplit(shop.variables["ACUMATICA_URL"]).port
    assert len(expected) == len(numbers)
    with tenant(latency=0.1, port=port or 0) as empty:
        child = subprocess.Popen(
            [*MAPGEN, *repair, *STATE], cwd=workspace, env=environment(**empty.variables),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait(lambda: bool(empty.references()), by=child)
        child.kill()
        child.wait()
        before = len(empty.references())
        again = asked(workspace, *repair, on=empty)
        same = asked(workspace, *WORDS, "--input", str(path), on=empty)

        assert before < len(numbers)
        assert again.returncode == 0, again.stderr
        assert sorted(empty.references()) == expected
        assert same.returncode == 0, same.stdout
    (flow,) = json.loads(asked(workspace, "status", "--json").stdout)
    assert (flow["open"], flow["counts"]["sending"], flow["counts"]["staged"]) == (0, 0, 0)
