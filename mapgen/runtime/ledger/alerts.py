"""What was amiss with flows, in the ledger: each alert once, from when it fires until it is over.

Several processes may look at the same flows: word of an alert goes out from one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, Executable, delete, func, select, update

from mapgen.durations import last_minutes, minute_of, span
from mapgen.runtime.ledger.accounts import Accounts
from mapgen.runtime.ledger.book import Book, is_of, parts_of
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.schema import ALERTS, INBOX, RECORDS, SENT, insert_into
from mapgen.runtime.ledger.text import storable

_ROWS = ALERTS.c
_KEPT = 90 * 86_400.0
_MOST_MEASURED = 10_000
_FAILED = ("rejected", "dead_lettered")
NOT_BOUND = "not_bound"
"""The alert of a flow that cannot run at all, which needs no threshold in its spec."""
FAILING = "failing"
"""The alert of a flow whose cycles fail and fail; it needs none either."""


class Measured(Struct, frozen=True):
    """What was measured of a flow against a threshold of its spec, in words for people.

    `value` is a share, a number, or seconds; `is_firing` whether the threshold is passed.
    """

    book: str
    name: str
    threshold: str
    value: float
    is_firing: bool


class Alert(Struct, frozen=True):
    """An alert: of which flow, what was measured last, and how far it is. Times: since 1970."""

    number: int
    book: str
    name: str
    threshold: str
    value: float
    fired_at: float
    resolved_at: float | None
    acknowledged_at: float | None
    acknowledged_by: str | None

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)

    @property
    def state(self) -> Literal["firing", "acknowledged", "resolved"]:
        """What is the matter with it now."""
        if self.resolved_at is not None:
            return "resolved"
        return "firing" if self.acknowledged_at is None else "acknowledged"

    @property
    def words(self) -> str:
        """What is amiss, for people: `failure rate is 50%, threshold > 1%`."""
        if self.name == NOT_BOUND:
            return "not bound, so that it does not run; `mapgen status` says why"
        if self.name == FAILING:
            return f"its cycles fail for {span(self.value)}; `mapgen status` says why"
        what = self.name.replace("_", " ")
        return f"{what} is {amount(self.name, self.value)}, threshold {self.threshold}"


_ALERT = (
    _ROWS.id, _ROWS.book, _ROWS.name, _ROWS.threshold, _ROWS.value, _ROWS.fired_at,
    _ROWS.resolved_at, _ROWS.acknowledged_at, _ROWS.acknowledged_by,
)  # fmt: skip


def amount(name: str, value: float) -> str:
    """Return what was measured for an alert, in the unit of its name."""
    if name == "failure_rate":
        return f"{value * 100:.3g}%"
    return span(value) if name in ("lag", "latency") else f"{value:,.0f}".replace(",", "\u202f")


class Activity(Struct, frozen=True):
    """What a flow did lately: how many records ended, how many of them failed, how long it took.

    `oldest` is when the oldest came that waits in the inbox or the queue; `took` are the seconds of
    documents that arrived, the shortest first. `unreconciled` are the documents that were not the
    same on all sides when the books were compared last, None where they never were.
    """

    ended: int
    failed: int
    dead_lettered: int
    oldest: float | None
    took: tuple[float, ...]
    unreconciled: int | None = None

    @property
    def p95(self) -> float | None:
        """The time within which 95 of 100 arrived."""
        return p95(self.took)


def p95(ascending: Sequence[float]) -> float | None:
    """Return the value that 95 of 100 do not exceed, None for no values."""
    return ascending[(len(ascending) * 95 + 99) // 100 - 1] if ascending else None


class Alerts:
    """The alerts of a ledger; each method is one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def activity(self, book: str, seconds: float) -> Activity:
        """Return what a flow did in the last seconds, and what of it is open now."""
        rows, now = RECORDS.c, self._ledger.now()
        of_flow = rows.flow == book
        recent = rows.changed_at > now - seconds
        of_those = (SENT & recent, rows.state.in_(_FAILED) & recent, rows.state == _FAILED[1])
        with self._ledger.transaction() as connection:
            sent, failed, dead = (
                connection.execute(select(func.count()).where(of_flow, one)).scalar_one()
                for one in of_those
            )
            oldest = _oldest(connection, book)
            took = connection.scalars(
                select(rows.took)
                .where(SENT, of_flow, recent, rows.took.is_not(None))
                .order_by(rows.changed_at.desc())
                .limit(_MOST_MEASURED)
            ).all()
        compared = Accounts(self._ledger, book).latest()
        unreconciled = None if compared is None else compared.unreconciled
        return Activity(sent + failed, failed, dead, oldest, tuple(sorted(took)), unreconciled)

    def took_by_minute(
        self, flow: str | None, minutes: int
    ) -> tuple[tuple[float, float | None], ...]:
        """Return within how many seconds 95 of 100 documents arrived, by the minute they did."""
        rows = RECORDS.c
        moments = last_minutes(self._ledger.now(), minutes)
        found: dict[float, list[float]] = {}
        for at, took in self._ledger.rows(
            select(rows.changed_at, rows.took)
            .where(SENT, rows.changed_at >= moments[0], rows.took.is_not(None))
            .where(is_of(rows.flow, flow))
            .order_by(rows.took)
        ):
            found.setdefault(minute_of(at), []).append(took)
        return tuple((moment, p95(found.get(moment, ()))) for moment in moments)

    def note(self, measured: Sequence[Measured], repeat: float) -> tuple[Alert, ...]:
        """Write down what fires and what is over; return those that word has to go out of.

        That is once when an alert fires, again each `repeat` seconds until somebody acknowledges
        it, and once when it is over.
        """
        now = self._ledger.now()
        with self._ledger.transaction() as connection:
            told = [_note(connection, one, now, repeat) for one in measured]
            connection.execute(delete(ALERTS).where(_ROWS.resolved_at < now - _KEPT))
        return tuple(alert for alert in told if alert is not None)

    def untold(self, alert: Alert) -> None:
        """Take back that word of an alert went out: the next look sends it again."""
        self._ledger.change(update(ALERTS).where(_ROWS.id == alert.number).values(told_at=None))

    def untold_ends(self) -> tuple[Alert, ...]:
        """Return alerts that are over, of which no word went out, and count it as gone out."""
        ends = update(ALERTS).where(_ROWS.resolved_at.is_not(None), _ROWS.told_at.is_(None))
        return self._found(ends.values(told_at=self._ledger.now()).returning(*_ALERT))

    def latest(self, limit: int = 50) -> tuple[Alert, ...]:
        """Return what fires, and what fired last."""
        order = _ROWS.resolved_at.is_not(None), _ROWS.fired_at.desc()
        return self._found(select(*_ALERT).order_by(*order).limit(limit))

    def firing(self) -> tuple[Alert, ...]:
        """Return what fires, acknowledged or not."""
        firing = select(*_ALERT).where(_ROWS.resolved_at.is_(None))
        return self._found(firing.order_by(_ROWS.fired_at))

    def acknowledge(self, number: int, who: str) -> Alert | None:
        """Note that somebody sees to an alert; None where none of this number fires any more."""
        noted = {
            "acknowledged_at": func.coalesce(_ROWS.acknowledged_at, self._ledger.now()),
            "acknowledged_by": func.coalesce(_ROWS.acknowledged_by, storable(who)),
        }
        it = update(ALERTS).where(_ROWS.id == number, _ROWS.resolved_at.is_(None))
        return next(iter(self._found(it.values(noted).returning(*_ALERT))), None)

    def _found(self, statement: Executable) -> tuple[Alert, ...]:
        return tuple(Alert(*row) for row in self._ledger.rows(statement))


def _note(connection: Connection, one: Measured, now: float, repeat: float) -> Alert | None:
    """Write one measurement down; return its alert where word of it has to go out."""
    is_it = (_ROWS.book == one.book, _ROWS.name == one.name, _ROWS.resolved_at.is_(None))
    if not one.is_firing:
        over = update(ALERTS).where(*is_it).values(resolved_at=now, told_at=now, value=one.value)
        row = connection.execute(over.returning(*_ALERT)).first()
        return None if row is None else Alert(*row)
    values = {"threshold": one.threshold, "value": one.value}
    row = connection.execute(
        insert_into(connection, ALERTS)
        .values(book=one.book, name=one.name, fired_at=now, told_at=now, **values)
        .on_conflict_do_nothing()
        .returning(*_ALERT)
    ).first()
    if row is None:
        connection.execute(update(ALERTS).where(*is_it).values(**values))
        is_due = _ROWS.told_at.is_(None) | (
            (_ROWS.told_at <= now - repeat) & _ROWS.acknowledged_at.is_(None)
        )
        again = update(ALERTS).where(*is_it, is_due).values(told_at=now)
        row = connection.execute(again.returning(*_ALERT)).first()
    return None if row is None else Alert(*row)


def _oldest(connection: Connection, book: str) -> float | None:
    """Return when the oldest came that waits in the queue or the inbox."""
    rows = RECORDS.c
    queued = select(func.min(rows.open_since)).where(
        rows.flow == book, rows.state.in_(("staged", "sending"))
    )
    sent_to_us = select(func.min(INBOX.c.received_at)).where(
        INBOX.c.book == book, INBOX.c.taken_at.is_(None)
    )
    found = (connection.execute(one).scalar_one() for one in (queued, sent_to_us))
    return min((moment for moment in found if moment is not None), default=None)
