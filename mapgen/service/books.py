"""The books of flows, compared with those of their targets when the specs say so."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime

from msgspec import Struct

from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.delivery.reconcile import Booked, Books, Scope, compared
from mapgen.runtime.events import Level, Plain, TechnicalEvent
from mapgen.runtime.ledger.accounts import Accounts, Comparison
from mapgen.runtime.network.breaker import Stopping
from mapgen.service.duty import Duty
from mapgen.service.loop import LEASE, Around, keeping, reason_of
from mapgen.service.schedule import Schedule, schedule_of

_LOOK = 1.0
_AGAIN = 300.0
"""Seconds after a comparison that could not be made."""


class _Account(Struct):
    """A flow whose books are compared: when next, and since when that is so."""

    flow: Booked
    schedule: Schedule
    next_at: datetime | None
    planned_at: float
    not_before: float = 0.0

    @property
    def name(self) -> str:
        """What the flow is called."""
        return self.flow.plan.flow

    @property
    def book(self) -> str:
        """What the ledger keeps the turn of the comparison under, apart from the flow's cycles."""
        return f"books of {self.flow.book}"


class Bookkeeper(Duty):
    """Compares what the ledger knows as sent with the targets; its end breaks off a comparison.

    Of several processes on one ledger, one makes each comparison.
    """

    def __init__(self, around: Around) -> None:
        super().__init__("books")
        self._around = around
        self._ledger = around.ledger
        self._accounts: list[_Account] = []

    def add(self, flow: Booked) -> None:
        """Compare the books of a flow as well, where its spec says when."""
        if flow.plan.reconcile is not None:
            schedule = schedule_of(flow.plan.reconcile.schedule)
            next_at = schedule.next(self._around.clock.now())
            self._accounts.append(_Account(flow, schedule, next_at, self._ledger.now()))

    def look(self) -> None:
        """Compare what is due. Raises Stopping once this is stopped."""
        for account in tuple(self._accounts):
            try:
                self._look(account)
            except Stopping:
                raise
            except Exception as error:  # noqa: BLE001 - one flow's failure is not the others'
                self._failed(account, error)

    def _run(self) -> None:
        with suppress(Stopping):
            while not self._is_over.wait(_LOOK):
                self.look()

    def _look(self, account: _Account) -> None:
        """Compare the books of a flow that is due, unless another process has or does."""
        due = account.next_at
        if due is None or due > self._around.clock.now() or time.monotonic() < account.not_before:
            return
        holder = self._around.holder
        if not self._ledger.take_cycles(account.book, holder, LEASE):
            return
        try:
            with keeping(self._ledger, account, holder):
                accounts = Accounts(self._ledger, account.flow.book)
                latest = accounts.latest()
                if latest is None or latest.at <= account.planned_at:
                    self._compare(account, accounts)
        finally:
            with suppress(RunAborted):
                self._ledger.leave_cycles(account.book, holder)
        account.next_at = account.schedule.next(self._around.clock.now())
        account.planned_at = self._ledger.now()

    def _compare(self, account: _Account, accounts: Accounts) -> None:
        flow = account.flow
        asked = flow.plan.reconcile
        assert asked is not None
        began, books = self._ledger.now(), Books(has_source=False)
        scope = Scope(began - asked.since)
        for one in compared(None, flow, self._ledger, scope, self._is_over):
            books.add(one)
        accounts.note(Comparison(self._ledger.now(), books.by_verdict, books.money))
        facts: dict[str, Plain] = {"flow": flow.plan.flow, **books.by_verdict}
        level: Level = "warning" if books.disagreeing else "info"
        self._around.observer.on_event(TechnicalEvent("books compared", level, facts))

    def _failed(self, account: _Account, error: Exception) -> None:
        account.not_before = time.monotonic() + _AGAIN
        facts: dict[str, Plain] = {"flow": account.name, **reason_of(error)}
        with suppress(Exception):
            event = TechnicalEvent("books not compared", "error", facts)
            self._around.observer.on_event(event)
