"""What `mapgen status` calls flows by."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from mapgen.cli.status import status
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.conditions import Conditions

PLACES = (
    ("Live", "https://erp.example.com"),
    ("Test", "http://127.0.0.1:1"),
    ("Test", "http://127.0.0.1:2"),
)


def test_tenants_of_one_name(tmp_path: Path) -> None:
    """They are told apart by their addresses, which others need not show."""
    state = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger(state) as ledger:
        for place in PLACES:
            Conditions(ledger).note(book_of("orders", *place), "failing", "me", "R508: gone", 60.0)

    shown = CliRunner().invoke(status, ["--state", state], obj=Path.cwd()).stdout.splitlines()

    assert [line for line in shown if not line.startswith(" ")] == [
        "orders in Live",
        "orders in Test at http://127.0.0.1:1",
        "orders in Test at http://127.0.0.1:2",
    ]
    assert sum(line.startswith("  failing      R508: gone; noted ") for line in shown) == 3
