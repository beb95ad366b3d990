"""What people do with open records in a ledger, in both databases."""

from __future__ import annotations

from mapgen.runtime.ledger import Acknowledgement, Ledger, book_of
from mapgen.runtime.ledger.interventions import Interventions, interventions_of
from mapgen.runtime.ledger.reports import Choice, OpenRecord, Reports
from mapgen.runtime.outcome import ErrorReport, Origin, Rejected
from tests.runtime_delivery.orders import order

BOOK = book_of("orders", "Live", "https://erp.example.com")
WRONG = ErrorReport("R304", "the lookup `items` does not know the key")


def rejected(ledger: Ledger) -> OpenRecord:
    origin = Origin("in.jsonl", 1, 1, "#1")
    ledger.stage(BOOK, "a", [Rejected(origin, (WRONG,), b'{"id": 1}')])
    (record,) = Reports(ledger).records(Choice(key="#1"))
    return record


def dead(ledger: Ledger, number: str | None) -> OpenRecord:
    ledger.stage(BOOK, "a", [order(1)], rules="abc")
    (claim,) = ledger.claim(BOOK, "a", limit=1, settle=60.0, rules="abc")
    error = ErrorReport("R404" if number else "R405", "no")
    ledger.acknowledge("a", [Acknowledgement(claim, "dead_lettered", number, errors=(error,))])
    (record,) = Reports(ledger).records(Choice(states=("dead_lettered",)))
    return record


def test_discard(address: str) -> None:
    """What is given up is open no more; who did it, and why, is kept."""
    with Ledger(address) as ledger:
        record = rejected(ledger)
        assert Interventions(ledger, "ada").discard(record, "a test order")
        assert list(Reports(ledger).records(Choice())) == []
        (act,) = interventions_of(ledger, record)
        assert not Interventions(ledger, "ada").discard(record, "once more")
    assert (act.act, act.who, act.reason) == ("discarded", "ada", "a test order")


def test_discard_of_what_is_in_the_erp(address: str) -> None:
    """A document that is in the ERP counts as sent when its entry is closed: never sent again."""
    with Ledger(address) as ledger:
        record = dead(ledger, "SO7")
        assert record.refusal == "it is in the ERP as SO7: correct it there"
        assert Interventions(ledger, "ada").discard(record, "corrected by hand")
        staged = ledger.stage(BOOK, "b", [order(1)], rules="abc")
    assert staged.already_exists == {0: "SO7"}


def test_discarded_record_that_comes_again(address: str) -> None:
    """A record that was given up and comes again is taken like a new one."""
    with Ledger(address) as ledger:
        assert Interventions(ledger, "ada").discard(dead(ledger, None), "test")
        staged = ledger.stage(BOOK, "b", [order(1)], rules="abc")
    assert staged.staged == (0,)


def test_discard_of_what_is_in_hand(address: str) -> None:
    """What a worker has in hand is left alone."""
    with Ledger(address) as ledger:
        ledger.stage(BOOK, "a", [order(1)], rules="abc")
        ledger.claim(BOOK, "a", limit=1, settle=60.0, rules="abc")
        (record,) = Reports(ledger).records(Choice(states=("sending",)))
        assert record.refusal is not None
        assert not Interventions(ledger, "ada").discard(record, "test")
        assert ledger.counts() == {"sending": 1}


def test_edit(address: str) -> None:
    """A corrected copy takes the place of the old one."""
    with Ledger(address) as ledger:
        record = rejected(ledger)
        assert Interventions(ledger, "ada").edit(record, b'{"id": 2}', "typing error")
        kept = Reports(ledger).copy_of(record)
        (act,) = interventions_of(ledger, record)
    assert kept is not None
    assert kept.data == b'{"id": 2}'
    assert (act.act, act.reason) == ("edited", "typing error")


def test_ledger_made_before(address: str) -> None:
    """A ledger of this version that lacks a table of today gets it when it is opened."""
    from mapgen.runtime.ledger.schema import INTERVENTIONS

    with Ledger(address) as ledger, ledger.transaction() as connection:
        INTERVENTIONS.drop(connection)
    with Ledger(address) as ledger:
        assert interventions_of(ledger, rejected(ledger)) == ()
