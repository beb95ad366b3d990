"""Outcomes and ends in, claims and counts out: the transactions that a delivery is made of."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Row, delete, func, or_, select, text, true, update

from mapgen.runtime.ledger.database import open_engine, telling_faults
from mapgen.runtime.ledger.rows import Acknowledgement, Claim, Staged, encode_faults
from mapgen.runtime.ledger.schema import MET, RECORDS, State
from mapgen.runtime.ledger.staging import Staging
from mapgen.runtime.outcome import Outcome

_ROWS = RECORDS.c
_OLD_RUN = 7 * 86_400.0


class Ledger:
    """The one table that a delivery believes; several threads and processes may share it.

    Every method is one transaction, committed to the disk when it returns, and raises LedgerFault
    when the database fails. Times are seconds since 1970 on the ledger's own clock.
    """

    def __init__(self, address: str) -> None:
        """Open `sqlite:///FILE` or `postgresql+psycopg://…`, making tables where there are none."""
        self._engine = open_engine(address)
        self._shown = self._engine.url.render_as_string(hide_password=True)
        # SQLite has one writer. Threads that queue here are served in turn and at once; threads
        # that meet in its busy handler sleep and starve each other.
        self._turn: threading.Lock | None = (
            threading.Lock() if self._engine.dialect.name == "sqlite" else None
        )
        self._tokens = itertools.count(1)
        self._ahead = self._measure_clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def now(self) -> float:
        """Return the time on the ledger's clock, which all that share it go by."""
        return time.time() + self._ahead

    def stage(self, flow: str, run: str, outcomes: Sequence[Outcome]) -> Staged:
        """Take a batch of outcomes over, all or none of them."""
        with self._transaction() as connection:
            return Staging(connection, flow, run, self.now()).take(outcomes)

    def claim(self, flow: str, run: str, *, limit: int, settle: float) -> list[Claim]:
        """Take up to `limit` documents in hand: staged ones first, then settled ones.

        Settled are documents in hand whose intent, or whose unanswered request, is older than
        `settle` seconds: their worker is dead, or gave them up. The intent is committed on return.
        """
        with self._transaction() as connection:
            now = self.now()
            staged = _ROWS.state == "staged"
            settled = (_ROWS.state == "sending") & (_ROWS.intent_at <= now - settle)
            token = f"{run}/{next(self._tokens)}"
            for condition in (staged, settled):
                rows = connection.execute(
                    select(_ROWS.id, _ROWS.identity, _ROWS.source, _ROWS.body, _ROWS.attempts)
                    .where(_ROWS.flow == flow, _ROWS.identity.is_not(None), condition)
                    .order_by(_ROWS.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True)
                ).all()
                if rows:
                    connection.execute(
                        update(RECORDS)
                        .where(_ROWS.id.in_([row.id for row in rows]))
                        .values(state="sending", claim=token, intent_at=now, changed_at=now)
                    )
                    return [_claim(row, token, now) for row in rows]
            return []

    def renew(self, claim: Claim) -> bool:
        """Set the intent of a claim to now; False where another worker has taken the document."""
        now = self.now()
        return self._change(claim, intent_at=now, changed_at=now)

    def unsettle(self, claim: Claim) -> None:
        """Give up a document whose request stayed without an answer: it settles from now on."""
        now = self.now()
        self._change(claim, claim=None, attempts=claim.attempts + 1, intent_at=now, changed_at=now)

    def release(self, claims: Sequence[Claim]) -> None:
        """Put documents back into the queue of which no request is under way."""
        with self._transaction() as connection:
            for claim in sorted(claims, key=lambda claim: claim.row):
                _change(connection, claim, state="staged", claim=None, changed_at=self.now())

    def acknowledge(self, run: str, ends: Sequence[Acknowledgement]) -> list[Acknowledgement]:
        """Write a group of ends; return those that took, the others being in other hands now."""
        with self._transaction() as connection:
            # Rows are locked in one order everywhere, so that two processes cannot deadlock.
            ordered = sorted(ends, key=lambda end: end.claim.row)
            return [end for end in ordered if _finish(connection, run, end, self.now())]

    def number_of(self, flow: str, identity: str) -> str | None:
        """Return what the ERP calls a document that it has; None for one that it has not yet."""
        if "\x00" in identity:
            return None  # no database takes it as a text, so no row can have it
        with self._transaction() as connection:
            number: str | None = connection.execute(
                select(_ROWS.number).where(
                    _ROWS.flow == flow, _ROWS.identity == identity, _ROWS.state == "sent"
                )
            ).scalar_one_or_none()
        return number

    def is_drained(self, flow: str) -> bool:
        """Whether no document of the flow is in the queue or in hand."""
        return self._count_open(flow) == 0

    def next_settled(self, flow: str, settle: float) -> float | None:
        """Return in how many seconds the next document in hand is settled; None without any."""
        with self._transaction() as connection:
            oldest = connection.execute(
                select(func.min(_ROWS.intent_at)).where(
                    _ROWS.flow == flow, _ROWS.state == "sending"
                )
            ).scalar_one()
        return None if oldest is None else max(0.0, oldest + settle - self.now())

    def settle_accounts(self, flow: str, run: str) -> Mapping[State, int]:
        """Count, by state, the documents that the run read and others have, or brought to an end.

        To be called once, at the end of the run: what it noted for this is deleted.
        """
        now = self.now()
        with self._transaction() as connection:
            met = select(MET.c.record).where(MET.c.run == run)
            rows = connection.execute(
                select(_ROWS.state, func.count().label("records"))
                .where(_ROWS.flow == flow, _ROWS.identity.is_not(None))
                .where(or_(_ROWS.reader == run, _ROWS.id.in_(met)))
                .where(or_(_ROWS.finisher.is_(None), _ROWS.finisher != run))
                .group_by(_ROWS.state)
            ).all()
            connection.execute(
                delete(MET).where(or_(MET.c.run == run, MET.c.met_at < now - _OLD_RUN))
            )
        return {row.state: row.records for row in rows}

    def counts(self, flow: str | None = None) -> Mapping[State, int]:
        """Count the records of a flow, or all of them, by state."""
        with self._transaction() as connection:
            rows = connection.execute(
                select(_ROWS.state, func.count().label("records"))
                .where(true() if flow is None else _ROWS.flow == flow)
                .group_by(_ROWS.state)
            ).all()
        return {row.state: row.records for row in rows}

    def _count_open(self, flow: str) -> int:
        with self._transaction() as connection:
            count: int = connection.execute(
                select(func.count()).where(
                    _ROWS.flow == flow, _ROWS.state.in_(("staged", "sending"))
                )
            ).scalar_one()
        return count

    def _change(self, claim: Claim, /, **values: object) -> bool:
        with self._transaction() as connection:
            return _change(connection, claim, **values)

    def _measure_clock(self) -> float:
        """How far the database server's clock is ahead of this machine's, in seconds."""
        if self._engine.dialect.name == "sqlite":
            return 0.0
        with self._transaction() as connection:
            before = time.time()
            there = connection.execute(
                text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")
            ).scalar_one()
            return float(there) - (before + time.time()) / 2

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with telling_faults(self._shown):
            if self._turn is None:
                with self._engine.begin() as connection:
                    yield connection
            else:
                with self._turn, self._engine.begin() as connection:
                    yield connection


def _claim(row: Row[*tuple[Any, ...]], token: str, now: float) -> Claim:
    return Claim(row.id, token, row.identity, row.source, bytes(row.body), row.attempts, now)


def _change(connection: Connection, claim: Claim, /, **values: object) -> bool:
    """Change the row of a claim, if it is still the claim's. The one guard of all hand-overs."""
    changed = connection.execute(
        update(RECORDS)
        .where(_ROWS.id == claim.row, _ROWS.claim == claim.token, _ROWS.state == "sending")
        .values(**values)
    )
    return changed.rowcount == 1


def _finish(connection: Connection, run: str, end: Acknowledgement, now: float) -> bool:
    took = _change(
        connection,
        end.claim,
        state=end.end,
        number=end.number,
        was_there=end.was_there,
        reason=end.reason,
        faults=encode_faults(end.faults),
        finisher=run,
        claim=None,
        changed_at=now,
    )
    if took and end.end == "sent":
        connection.execute(update(RECORDS).where(_ROWS.id == end.claim.row).values(body=None))
    return took
