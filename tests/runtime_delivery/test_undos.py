"""What a run made, and what was taken back of it, in both databases."""

from __future__ import annotations

from mapgen.runtime.ledger import Acknowledgement, Ledger
from mapgen.runtime.ledger.undos import begin_undo, end_undo, made_by
from tests.runtime_delivery.orders import order


def test_each_action_once(address: str) -> None:
    """An action that has begun, or is done, does not begin again; one that was refused does."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [order(1), order(2)])
        claims = ledger.claim("orders", "a", limit=2, settle=60.0)
        ends = [
            Acknowledgement(claims[0], "sent", "SO1"),
            Acknowledgement(claims[1], "sent", "SO2", "already exists"),
        ]
        ledger.acknowledge("a", ends)
        there, made = made_by(ledger, "a", "orders")
        began = [begin_undo(ledger, made, "Cancel", "ada") for _ in range(2)]
        end_undo(ledger, made, "refused", "on hold")
        again = begin_undo(ledger, made, "Cancel", "ada")
        end_undo(ledger, made, "done")
        late = begin_undo(ledger, made, "Cancel", "ada")
        states = [one.undo for one in made_by(ledger, "a", "orders")]
        others = made_by(ledger, "b", "orders")

    assert (made.number, made.is_made, there.number, there.is_made) == (
        *("SO1", True),
        *("SO2", False),
    )
    assert began == [True, False]
    assert (again, late) == (True, False)
    assert states == [None, "done"]
    assert others == ()
