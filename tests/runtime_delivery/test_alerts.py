"""Alerts in the ledger, in both databases: each told once, repeated, acknowledged, over."""

from __future__ import annotations

from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.alerts import Alerts, Measured
from mapgen.runtime.ledger.schema import ALERTS
from tests.runtime_delivery.orders import order
from tests.runtime_delivery.test_reports import delivered, rejected, unknown

BOOK = book_of("orders", "Live", "https://erp.example.com")


def dead(value: float) -> Measured:
    return Measured(BOOK, "dead_letters", "> 0", value, is_firing=value > 0)


def test_told_once_and_over_once(address: str) -> None:
    """Two processes that see the same tell it once; its end is reported, and it may fire again."""
    with Ledger(address) as ledger, Ledger(address) as other:
        first = Alerts(ledger).note([dead(2)], 3600)
        second = Alerts(other).note([dead(3)], 3600)
        (firing,) = Alerts(other).firing()
        over = Alerts(other).note([dead(0)], 3600), Alerts(ledger).note([dead(0)], 3600)
        again = Alerts(ledger).note([dead(1)], 3600)
        states = [one.state for one in Alerts(ledger).latest()]
    assert [(one.name, one.value, one.state) for one in first] == [("dead_letters", 2, "firing")]
    assert second == ()
    assert (firing.number, firing.value) == (first[0].number, 3)
    assert [[one.state for one in part] for part in over] == [["resolved"], []]
    assert again[0].number != first[0].number
    assert states == ["firing", "resolved"]


def test_repeated_until_acknowledged(address: str) -> None:
    """Word goes out again after a while, and no more once somebody sees to it."""
    with Ledger(address) as ledger:
        alerts = Alerts(ledger)
        (alert,) = alerts.note([dead(2)], 3600)
        early = alerts.note([dead(2)], 3600)
        _tell_time_ago(ledger, 3601)
        late = alerts.note([dead(2)], 3600)
        known = alerts.acknowledge(alert.number, "ada")
        _tell_time_ago(ledger, 3601)
        silent = alerts.note([dead(2)], 3600)
        by_other = alerts.acknowledge(alert.number, "bob")
        alerts.note([dead(0)], 3600)
        gone = alerts.acknowledge(alert.number, "ada")
    assert (early, [one.number for one in late], silent, gone) == ((), [alert.number], (), None)
    assert known is not None
    assert by_other is not None
    assert (known.state, by_other.acknowledged_by) == ("acknowledged", "ada")


def test_word_that_did_not_go_out(address: str) -> None:
    """What could not be told is reported at the next look, an end as well."""
    with Ledger(address) as ledger:
        alerts = Alerts(ledger)
        (alert,) = alerts.note([dead(2)], 3600)
        alerts.untold(alert)
        again = alerts.note([dead(2)], 3600)
        (over,) = alerts.note([dead(0)], 3600)
        alerts.untold(over)
        ends = alerts.untold_ends(), alerts.untold_ends()
    assert [one.number for one in again] == [alert.number]
    assert [[one.state for one in part] for part in ends] == [["resolved"], []]


def test_activity(address: str) -> None:
    """A flow's failures, its oldest waiting document, and how long documents took are measured."""
    with Ledger(address) as ledger:
        for number in range(1, 21):
            delivered(ledger, order(number))
        ledger.stage(BOOK, "b", [order(50), rejected(51, unknown("items"))], rules="abc")
        found = Alerts(ledger).activity(BOOK, 3600)
        old = Alerts(ledger).activity(BOOK, -1)
    assert (found.ended, found.failed, found.dead_lettered) == (21, 1, 0)
    assert found.oldest is not None
    assert len(found.took) == 20
    assert found.p95 is not None
    assert 0 <= found.p95 < 60
    assert (old.ended, old.p95) == (0, None)


def _tell_time_ago(ledger: Ledger, seconds: float) -> None:
    with ledger.transaction() as connection:
        connection.execute(ALERTS.update().values(told_at=ALERTS.c.told_at - seconds))
