"""`mapgen alerts`: what fires, and who sees to it."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapgen.cli.alerts import alerts
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.alerts import Alerts, Measured

ERP = "https://erp.example.com"
HOUR = 3_600.0


def measured(flow: str, name: str, *, is_firing: bool = True) -> Measured:
    return Measured(book_of(flow, "Live", ERP), name, "> 0", 3.0, is_firing=is_firing)


@pytest.fixture
def state(tmp_path: Path) -> str:
    """A ledger in which two alerts of `orders` fire, one of `items`; one of `items` is over."""
    state = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger(state) as ledger:
        kept = Alerts(ledger)
        kept.note([measured("items", "lag")], HOUR)
        kept.note([measured("items", "lag", is_firing=False)], HOUR)
        kept.note([measured("items", "dead_letters")], HOUR)
        kept.note([measured("orders", "dead_letters"), measured("orders", "lag")], HOUR)
    return state


def asked(state: str, *words: str) -> Result:
    return CliRunner().invoke(alerts, [*words, "--state", state], obj=Path.cwd())


def listed(state: str) -> dict[int, tuple[str, str, str]]:
    found = json.loads(asked(state, "list", "--json").stdout)
    return {one["number"]: (one["flow"], one["alert"], one["state"]) for one in found}


def test_list(state: str) -> None:
    """What fires comes first; what is over is there too."""
    lines = [line.split("\t") for line in asked(state, "list").stdout.splitlines()]

    assert [line[1] for line in lines] == ["firing", "firing", "firing", "resolved"]
    assert lines[-1][2:4] == ["items in Live", "lag is 3 s, threshold > 0"]
    assert lines[-1][4].startswith("fired ")
    assert ", over " in lines[-1][4]


def test_ack_by_number(state: str) -> None:
    """One alert is seen to; of it no more word goes out, of the others it does."""
    number = next(key for key, one in listed(state).items() if one[:2] == ("orders", "lag"))

    done = asked(state, "ack", str(number))

    assert done.exit_code == 0
    assert f"seen to by {getpass.getuser()}" in done.stdout
    assert listed(state)[number] == ("orders", "lag", "acknowledged")
    with Ledger(state) as ledger:
        again = Alerts(ledger).note(
            [measured("orders", "lag"), measured("orders", "dead_letters")], 0.0
        )
    assert [one.name for one in again] == ["dead_letters"]


def test_ack_by_flow(state: str) -> None:
    """All that fires of a flow is seen to, nothing of another, nothing that is over."""
    assert asked(state, "ack", "orders").exit_code == 0

    assert sorted(listed(state).values()) == [
        ("items", "dead_letters", "firing"),
        ("items", "lag", "resolved"),
        ("orders", "dead_letters", "acknowledged"),
        ("orders", "lag", "acknowledged"),
    ]


@pytest.mark.parametrize("which", ["99", "order"])
def test_ack_of_what_does_not_fire(state: str, which: str) -> None:
    """It is an error that says where to look."""
    done = asked(state, "ack", which)

    assert done.exit_code == 2
    assert f"nothing fires of `{which}`" in done.stderr
    assert "mapgen alerts list --state" in done.stderr


def test_no_alert(tmp_path: Path) -> None:
    """An empty ledger gives an empty list."""
    state = f"sqlite:///{tmp_path / 'ledger.db'}"

    assert asked(state, "list").stderr == "no alert has fired\n"
    assert json.loads(asked(state, "list", "--json").stdout) == []
