"""`mapgen reconcile`: what records give, against what a sandbox tenant has."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_operator import asked, chosen
from tests.cli.test_run import FLOW, run, tenant


def test_missing_same_different(workspace: Path) -> None:
    """What is as it was sent, missing, or different by a field is told apart, with the rule."""
    words = ("reconcile", FLOW, "--env", "local", "--input", "some.jsonl")
    with tenant() as shop:
        path = chosen(workspace, "#1101")
        run(workspace, shop, source=path)
        same = asked(workspace, *words, on=shop)
        record = chosen(workspace, "#1101", "#1102").read_text(encoding="utf-8")
        changed = record.replace('"po_number":null', '"po_number":"PO 9"', 1)
        assert changed != record
        path.write_text(changed, encoding="utf-8")
        before = shop.look("records/SalesOrder")
        other = asked(workspace, *words, "--json", on=shop)
        told = asked(workspace, *words, on=shop)
        assert shop.look("records/SalesOrder") == before

    assert (same.returncode, same.stdout) == (0, "")
    assert same.stderr == "1 same, 0 missing, 0 different, 0 unclear\n"
    assert other.returncode == 1
    different, missing = map(json.loads, other.stdout.splitlines())
    assert (different["source"], different["verdict"]) == ("#1101", "different")
    (fault,) = different["faults"]
    assert fault["target"] == "CustomerOrder"
    assert fault["spec"].startswith("specs/shopify/orders.maps.yaml:")
    assert different["is_in_ledger"]
    assert (missing["source"], missing["verdict"]) == ("#1102", "missing")
    assert not missing["is_in_ledger"]
    assert "#1102\tSalesOrder\t\tmissing\tnot in the ledger" in told.stdout
