"""The books of a flow, compared with a sandbox tenant's by a service, and an alert of them."""

from __future__ import annotations

import time

from msgspec.structs import replace

from mapgen.agreed.plan import Books, DocumentPlan, Plan, Reconcile
from mapgen.contract.lock import load
from mapgen.runtime.delivery import deliver
from mapgen.runtime.delivery.reconcile import Booked
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.accounts import Accounts
from mapgen.runtime.ledger.schema import RECORDS
from mapgen.service.alerts import Watch, watched
from mapgen.service.books import Bookkeeper
from mapgen.service.clock import ServiceClock
from mapgen.service.loop import Around
from tests.runtime_delivery.flows import payment, payments
from tests.runtime_delivery.orders import RULES, Watcher
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant


def booked(**changes: object) -> Plan:
    """Payments whose books are compared each minute."""
    plan = payments(reconcile=Reconcile("every minute", 86_400.0))
    books = Books(("PaymentAmount",), None, "LastModifiedDateTime")
    document: DocumentPlan = replace(plan.only, books=books, **changes)
    return replace(plan, documents=(document,))


def test_an_alert_where_they_disagree(address: str) -> None:
    """One of two services compares; what nobody knows fires an alert, and is over with it."""
    plan, watcher = booked(), Watcher()
    with tenant(load(LOCK)) as sandbox, Ledger(address) as ledger:
        where = environment_of(sandbox)
        deliver([payment(1), payment(2)], plan, where, ledger, RULES, watcher)
        flow = Booked(plan, where, RULES)
        # A minute passes in a hundredth of a second.
        keepers = [
            Bookkeeper(Around(ledger, ServiceClock(6_000.0), watcher, holder))
            for holder in ("one", "other")
        ]
        for keeper in keepers:
            keeper.add(flow)
        watch = Watch(ledger, [watched("payments", flow.book, {"unreconciled": 0.0}, None)], (),
                      watcher, "test")  # fmt: skip
        before = watch.look()
        for keeper in keepers:
            time.sleep(0.02)
            keeper.look()
        agreed = Accounts(ledger, flow.book).latest()
        fine = watch.look()
        by_hand = payment(3)
        deliver([by_hand], replace(plan, flow="by_hand"), where, ledger, RULES, watcher)
        with ledger.transaction() as connection:
            connection.execute(RECORDS.delete().where(RECORDS.c.flow.startswith("by_hand")))
        time.sleep(0.02)
        keepers[0].look()
        disagree = Accounts(ledger, flow.book).latest()
        (fired,) = watch.look()

    assert before == fine == ()
    assert agreed is not None
    assert agreed.counts == {"same": 2, "missing": 0, "extra": 0, "different": 0, "unclear": 0}
    (line,) = agreed.money
    assert (line.ledger, line.target, line.source) == ("25.0", "25.0", None)
    assert disagree is not None
    assert (disagree.counts["extra"], disagree.money[0].target) == (1, "37.5")
    assert (fired.name, fired.value, fired.state) == ("unreconciled", 1.0, "firing")
    told = [one for one in watcher.events if isinstance(one, TechnicalEvent)]
    assert [one.name for one in told].count("books compared") == 2
