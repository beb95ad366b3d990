"""How many records a page of the console tries."""

from __future__ import annotations

from pathlib import Path

from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.reports import Choice, Reports
from mapgen.runtime.outcome import ErrorReport, Origin, Rejected
from mapgen.service.console.pages import first_tried


def test_first_are_tried(tmp_path: Path) -> None:
    """Those after the first two are counted as not known, and not tried."""
    errors = (ErrorReport("R201", "missing"),)
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        records = [Rejected(Origin("in", at, at, str(at)), errors) for at in range(1, 6)]
        ledger.stage("orders in Live at https://erp", "run", records, rules="abc")
        tried: list[str] = []
        passes = first_tried(lambda one: tried.append(one.source) is None, 2)
        (group,) = Reports(ledger).failures(Choice(), passes)

    assert tried == ["1", "2"]
    assert (group.count, group.would_pass, group.untold) == (5, 2, 3)
