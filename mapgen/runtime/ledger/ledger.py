"""The ledger: the transactions that a delivery consists of."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from mapgen.runtime.clock import uptime
from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import cycles, inbox, seats
from mapgen.runtime.ledger.book import is_of
from mapgen.runtime.ledger.cursors import cursor_of, forget_cursor, note_marks
from mapgen.runtime.ledger.database import open_engine, translated_errors
from mapgen.runtime.ledger.deferred_signals import deferred_signals
from mapgen.runtime.ledger.lease import LAST_REQUEST, LeaseClock, count_from_now
from mapgen.runtime.ledger.licence import Asked, Licence, renewed
from mapgen.runtime.ledger.queue import (
    OUTDATED,
    Intent,
    bring_back,
    forget_needs,
    hold_back,
    is_drained,
    overtake,
    take_ready,
    take_settled,
)
from mapgen.runtime.ledger.rows import (
    Acknowledgement,
    Claim,
    Held,
    Hold,
    Kept,
    Mark,
    NextHead,
    Queued,
    Staged,
    StillOpen,
    digest_of,
)
from mapgen.runtime.ledger.schema import AT_ONCE, MET, NEEDS, RECORDS, RUNS, AnyRow, State, in_parts
from mapgen.runtime.ledger.seats import Seat
from mapgen.runtime.ledger.staging import Staging, fresh_values, need, withdrawn_values
from mapgen.runtime.network.rate_limit import Budget, RateLimiter
from mapgen.runtime.outcome import ONLY, Document, Outcome

_ROWS = RECORDS.c
_OTHER = RECORDS.alias("other")
_BY_STATE = select(_ROWS.state, func.count()).group_by(_ROWS.state)
_OUT = or_(_ROWS.state.in_(("rejected", "deferred", "dead_lettered")), OUTDATED)
_OLD_RUN = 7 * 86_400.0
_TOO_OLD = "it waited for longer than `dead_letter.keep`; its content is deleted"
_DROPPED = "dropped from the queue by hand"


class Began(Struct, frozen=True):
    """A run that begins: of which flow and rules, by which version, where, and from what."""

    run: str
    flow: str
    mapgen: str
    rules: str
    env: str
    feed: str | None


class Ledger:
    """The one table that a delivery believes; several threads and processes may share it.

    Every method is one transaction, committed to the disk when it returns, and raises LedgerFailed
    when the database fails. Times are seconds since 1970, those of leases are of a clock that all
    who share the ledger read, and that nobody's own clock moves (see `lease.py`).
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
        self._leases = LeaseClock(is_shared_by_machines=self._turn is None)
        self._ahead = self._measure_clock()
        self._licences: dict[tuple[str, Limits], Licence] = {}
        self._licences_turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the shares of licences back, and let go of the database."""
        with self._licences_turn:
            for licence in self._licences.values():
                licence.leave()
        self._engine.dispose()

    def licence(self, tenant: str, limits: Limits) -> RateLimiter:
        """Return what the licence of a tenant gives to this process, shared with all others.

        All that deliver to it with this ledger divide it; see `licence.py`.
        """
        with self._licences_turn:
            key = tenant, limits
            if key not in self._licences:
                self._licences[key] = Licence(tenant, limits, self._renew_share)
            return self._licences[key].limiter

    def seat(self, tenant: str, limits: Limits) -> Seat | None:
        """Return the place of this process among a licence's sessions; None without a limit."""
        most = limits.sessions
        if most is None:
            return None

        def take(holder: str) -> bool:
            with self.transaction() as connection:
                moment = self._leases.moment(connection)
                return seats.take(connection, tenant, holder, moment, most)

        def leave(holder: str) -> None:
            with self.transaction() as connection:
                seats.leave(connection, tenant, holder)

        return Seat(take, leave)

    def _renew_share(self, asked: Asked) -> Budget:
        with self.transaction() as connection:
            return renewed(connection, asked, self._leases.moment(connection))

    def now(self) -> float:
        """Return the time of day, for people: nothing is decided by it."""
        return time.time() + self._ahead

    def stage(
        self,
        flow: str,
        run: str,
        outcomes: Sequence[Outcome],
        updating: Set[str] = frozenset(),
        rules: str = "",
        marks: Sequence[Mark] = (),
    ) -> Staged:
        """Take a batch of outcomes over, all or none of them, with the pages that end in it.

        `updating` names the documents of the flow of which a newer state is sent after an older
        one; of the others the state that is in hand first stands. `rules` is the hash of the rules
        that made the bodies. A document that is `lost` is staged although it is known as sent, and
        looked up before it is sent as all are.
        """
        with self.transaction() as connection:
            now = self.now()
            staged = Staging(connection, flow, run, now, updating, rules).take(outcomes)
            note_marks(connection, flow, marks, now)
            return staged

    def cursor(self, flow: str, feed: str) -> str | None:
        """Return how far a feed is, None for one that begins."""
        with self.transaction() as connection:
            return cursor_of(connection, flow, feed)

    def move_cursor(self, flow: str, feed: str, cursor: str | None) -> None:
        """Let a feed go on from a cursor; None lets it begin anew."""
        with self.transaction() as connection:
            if cursor is None:
                forget_cursor(connection, flow, feed)
            else:
                note_marks(connection, flow, [Mark(feed, cursor)], self.now())

    def receive(self, flow: str, deliveries: Sequence[inbox.Delivery]) -> int:
        """Write deliveries into the inbox, all or none; return how many of them are new."""
        with self.transaction() as connection:
            return inbox.receive(connection, flow, deliveries, self.now())

    def waiting(
        self, flow: str, feed: str, after: tuple[int, int] | None = None, limit: int = AT_ONCE
    ) -> list[inbox.Waiting]:
        """Return what lies in the inbox of a feed, the oldest first, behind a turn and row."""
        with self.transaction() as connection:
            return inbox.waiting(connection, flow, feed, after, limit)

    def count_waiting(self, flow: str | None = None) -> int:
        """Return how many deliveries lie in the inbox, of a flow or of all."""
        with self.transaction() as connection:
            return inbox.count_waiting(connection, flow)

    def take_cycles(self, flow: str, holder: str, seconds: float) -> bool:
        """Take, or keep, the cycles of a flow for so long; False where another process has them."""
        with self.transaction() as connection:
            moment = self._leases.moment(connection)
            return cycles.take(connection, flow, holder, moment, seconds)

    def leave_cycles(self, flow: str, holder: str) -> None:
        """Let another process have the cycles of a flow at once."""
        with self.transaction() as connection:
            cycles.leave(connection, flow, holder)

    def claim(
        self,
        flow: str,
        run: str,
        *,
        limit: int,
        settle: float,
        lease: float = 0.0,
        rules: str = "",
    ) -> list[Claim]:
        """Take up to `limit` documents in hand: staged ones first, then settled ones.

        Staged ones wait in the queue until all that they need is sent, and as long as they were
        made by other rules than `rules`. Settled are documents in hand whose last request began, or
        ended without an answer, more than `settle` seconds ago: their worker is dead, or does not
        know what came of it. A worker sends a document for `lease` seconds after its intent: the
        last request of a dead one may be as much younger. The intent is committed on return.
        """
        held_since = uptime()
        with self.transaction() as connection:
            moment = self._leases.moment(connection)
            token = f"{run}/{next(self._tokens)}"
            intent = Intent(flow, token, self.now(), moment, held_since, rules)
            claims = take_ready(connection, limit, intent)
            if not claims and bring_back(connection, flow, intent.now):
                claims = take_ready(connection, limit, intent)
            if not claims:
                count_from_now(connection, flow, moment)
                claims = take_settled(connection, limit, intent, settle, lease)
            return claims

    def hold_back(self, flow: str, run: str, rules: str = "") -> list[Held]:
        """Let documents wait that need one which found no way; to be called late in a run.

        They come back by themselves when a later run delivers what they need.
        """
        with self.transaction() as connection:
            return hold_back(connection, flow, run, self.now(), rules)

    def renew(self, claim: Claim) -> bool:
        """Set the intent of a claim to now; False where another worker has taken the document."""
        with self.transaction() as connection:
            return _change(connection, claim, **self._intent(connection))

    def note_attempt(self, claim: Claim) -> bool:
        """Note that a request goes out that cannot be looked up; False where the claim is lost."""
        with self.transaction() as connection:
            attempts = claim.attempts + 1
            return _change(connection, claim, attempts=attempts, **self._intent(connection))

    def _intent(self, connection: Connection) -> dict[str, object]:
        return {"intent_at": self._leases.moment(connection), "changed_at": self.now()}

    def begin_file(self, claims: Sequence[Claim], name: str) -> list[Claim]:
        """Note into which file documents are about to be written; return those still in hand."""
        with self.transaction() as connection:
            held = _locked(connection, claims)
            begun = [one for one in claims if one.hold in held]
            self._note_file(connection, begun, name, is_whole=False)
            return begun

    def note_whole(self, claims: Sequence[Claim], name: str) -> bool:
        """Note that a file has all its documents, and may be there under its name from now on.

        False, and nothing is noted, where one of them is in other hands by now.
        """
        with self.transaction() as connection:
            held = _locked(connection, claims)
            if any(one.hold not in held for one in claims):
                return False
            self._note_file(connection, claims, name, is_whole=True)
            return True

    def _note_file(
        self, connection: Connection, claims: Sequence[Claim], name: str, *, is_whole: bool
    ) -> None:
        noted = {"file": name, "is_whole": is_whole, **self._intent(connection)}
        _execute_all(connection, _OF_CLAIM, [_guard(one) | noted for one in claims])

    def unsettle(self, claim: Claim) -> None:
        """Give up a document whose request stayed without an answer: it settles from now on."""
        with self.transaction() as connection:
            free = {"claim": None, "attempts": claim.attempts + 1}
            _change(connection, claim, **free, **self._intent(connection))

    def release(self, claims: Sequence[Claim]) -> None:
        """Put documents back into the queue of which no request is under way."""
        with self.transaction() as connection:
            now = self.now()
            followed = _locked(connection, claims)
            held = sorted((one for one in claims if one.hold in followed), key=lambda one: one.hold)
            free = _released(now)
            released = [_guard(one) | free | {"attempts": one.attempts} for one in held]
            _execute_all(connection, _OF_CLAIM, released)
            for claim in held:
                _follow(connection, claim, followed[claim.hold], now)

    def defer(self, claim: Claim) -> None:
        """Put a document back into the queue that is absent and was made by other rules.

        It goes out once its record comes again, and is looked up before. Where that came while the
        document was looked up, what it gives takes its place.
        """
        with self.transaction() as connection:
            now = self.now()
            head = _locked(connection, [claim]).get(claim.hold)
            if not _change(connection, claim, **_released(now), intent_at=None):
                return
            if head is not None and head.overtakes:
                overtake(connection, claim.row, head)
            else:
                _follow(connection, claim, head, now)

    def acknowledge(self, run: str, ends: Sequence[Acknowledgement]) -> list[Acknowledgement]:
        """Write a group of ends; return those that took, the others being in other hands now."""
        with self.transaction() as connection:
            now = self.now()
            followed = _locked(connection, [end.claim for end in ends])
            took = sorted(
                (end for end in ends if end.claim.hold in followed), key=lambda end: end.claim.hold
            )
            _execute_all(connection, _FINISH, [_finished(end, run, now) for end in took])
            forget_needs(connection, [end.claim.row for end in took])
            for end in took:
                if not _is_under_another_identity(end):
                    head = followed[end.claim.hold]
                    is_over = end.end == "sent" and head is not None and head.is_new
                    _follow(connection, end.claim, head, now, is_over=is_over)
            return took

    def record_of(self, claim: Claim) -> bytes | None:
        """Return the record of a claimed document, as it was read; None where it is gone."""
        found = self.row(_RECORD_OF, row=claim.row)
        return None if found is None else found.record.data

    def number_of(self, flow: str, document: str, identity: str) -> str | None:
        """Return what the ERP calls a document that it has; None for one that it has not yet."""
        if "\x00" in identity:
            return None  # no database takes it as a text, so no row can have it
        row = self._sent(flow, document, identity)
        return None if row is None else row.number

    def knows_as_sent(self, flow: str, document: Document, *, updating: bool = False) -> bool:
        """Whether a document makes no request: it is sent, where it is `updating` in this state."""
        row = self._sent(flow, *document.key)
        return row is not None and (not updating or row.digest == digest_of(document.body))

    def _sent(self, flow: str, document: str, identity: str) -> AnyRow | None:
        return self.row(
            select(_ROWS.number, _ROWS.digest)
            .where(_ROWS.flow == flow, _ROWS.document == document)
            .where(_ROWS.identity == identity, _ROWS.state == "sent")
        )

    def is_drained(self, flow: str, rules: str = "") -> bool:
        """Whether no document of the flow is in hand, or in the queue and made by these rules."""
        with self.transaction() as connection:
            return is_drained(connection, flow, rules)

    def next_settled(self, flow: str, settle: float, lease: float = 0.0) -> float | None:
        """Return in how many seconds the next document in hand is settled; None without any."""
        with self.transaction() as connection:
            values = {"of_flow": flow, "lease": lease}
            oldest = connection.execute(_OLDEST_REQUEST, values).scalar_one()
            moment = self._leases.moment(connection)
        return None if oldest is None else max(0.0, oldest + settle - moment)

    def settle_accounts(self, flow: str, run: str) -> Mapping[State, int]:
        """Count, by state, the documents that the run read and others have, or brought to an end.

        To be called once, at the end of the run: what it noted for this is deleted.
        """
        now = self.now()
        with self.transaction() as connection:
            met = select(MET.c.record).where(MET.c.run == run)
            rows = connection.execute(
                _BY_STATE.where(_ROWS.flow == flow, _ROWS.identity.is_not(None))
                .where(or_(_ROWS.reader == run, _ROWS.id.in_(met)))
                .where(or_(_ROWS.finisher.is_(None), _ROWS.finisher != run))
            ).all()
            connection.execute(
                delete(MET).where(or_(MET.c.run == run, MET.c.met_at < now - _OLD_RUN))
            )
        return dict(map(tuple, rows))

    def counts(self, flow: str | None = None) -> Mapping[State, int]:
        """Count the records of a flow, or all of them, by state."""
        of_flow = true() if flow is None else _ROWS.flow == flow
        return dict(map(tuple, self.rows(_BY_STATE.where(of_flow))))

    def begin(self, began: Began) -> float:
        """Note that a run begins; return when."""
        now = self.now()
        self.change(insert(RUNS).values(**asdict(began), began_at=now))
        return now

    def end(self, run: str, reason: str, counts: Mapping[str, str | int | None]) -> None:
        """Note that a run is at its end: `done`, `stopped`, or the code of what stopped it."""
        ended = {"ended_at": self.now(), "reason": reason, "counts": counts}
        self.change(update(RUNS).where(RUNS.c.run == run).values(ended))

    def kept(self, flow: str, run: str) -> Iterator[Kept]:
        """Yield the records that wait, and that this run has not read, the oldest first."""
        for rows in self.pages(_KEPT, of_flow=flow, run=run):
            yield from (row.record for row in rows)

    def still_open(self, flow: str, before: float, rules: str = "") -> StillOpen:
        """Count what came before a time and has no end, and what other rules made of it."""
        counted = func.count(), func.min(_ROWS.open_since), func.count().filter(OUTDATED)
        came = select(*counted).where(_ROWS.flow == flow, _ROWS.open_since < before)
        (found,) = self.rows(came.where(_OUT), rules=rules)
        return StillOpen(*found)

    def purge(self, flow: str, run: str, keep: float, rules: str = "") -> int:
        """Forget the content of what has been out for longer than `keep` seconds; count it.

        The content of records whose documents are all sent goes, too. Its row stays, with its
        errors. What was deferred, or lies in the queue for rules that are not `rules`, is
        dead-lettered: nobody could send it any more.
        """
        now = self.now()
        held = or_(_ROWS.body.is_not(None), _ROWS.record.is_not(None), _ROWS.next_body.is_not(None))
        with self.transaction() as connection:
            chosen = _free(flow).where(_OUT, held, _ROWS.open_since < now - keep)
            rows = connection.scalars(chosen, {"rules": rules}).all()
            for part in in_parts(rows):
                of_part = update(RECORDS).where(_ROWS.id.in_(part))
                connection.execute(
                    of_part.values(body=None, next_body=None, next_head=None, record=None)
                )
                connection.execute(
                    of_part.where(_ROWS.state.in_(("deferred", "staged"))).values(
                        state="dead_lettered", reason=_TOO_OLD, finisher=run, changed_at=now
                    )
                )
                forget_needs(connection, part)
            connection.execute(_FORGET_SENT, {"of_flow": flow})
            inbox.forget_taken(connection, flow, now)
        return len(rows)

    def queue(self, flow: str | None = None, tenant: str | None = None) -> list[Queued]:
        """Return what the queues hold, of a flow (in a tenant) or of all; no values."""
        columns = (
            _ROWS.flow, _ROWS.state, _ROWS.document, _ROWS.source, _ROWS.open_since, _ROWS.rules,
        )  # fmt: skip
        queued = (
            select(*columns)
            .where(_ROWS.state.in_(("staged", "sending", "deferred")))
            .where(is_of(_ROWS.flow, flow, tenant))
            .order_by(_ROWS.flow, _ROWS.id)
        )
        return [Queued(*row) for row in self.rows(queued)]

    def drop(self, book: str) -> int:
        """Take everything of a flow and tenant out of the queue that nobody has in hand."""
        now = self.now()
        with self.transaction() as connection:
            chosen = _free(book).where(_ROWS.state.in_(("staged", "deferred")))
            rows = connection.scalars(chosen).all()
            gone = withdrawn_values("dropped", now) | {"reason": _DROPPED, "record": None}
            for part in in_parts(rows):
                connection.execute(update(RECORDS).where(_ROWS.id.in_(part)).values(gone))
                forget_needs(connection, part)
        return len(rows)

    def _measure_clock(self) -> float:
        """How far the database server's clock is ahead of this machine's, in seconds."""
        if self._engine.dialect.name == "sqlite":
            return 0.0
        with self.transaction() as connection:
            before = time.time()
            there = self._leases.moment(connection)
            return there - (before + time.time()) / 2

    def pages(self, statement: Executable, /, **values: object) -> Iterator[Sequence[AnyRow]]:
        """Yield what a statement gives page by page, each in a transaction of its own.

        Its rows have an `id`, in the order of which they come, from the one `behind` on.
        """
        last = 0
        while True:
            rows = self.rows(statement, **values, behind=last)
            if not rows:
                return
            yield rows
            last = rows[-1].id

    def rows(self, statement: Executable, /, **values: object) -> Sequence[AnyRow]:
        """Return what a statement gives."""
        with self.transaction() as connection:
            return connection.execute(statement, values).all()

    def row(self, statement: Executable, /, **values: object) -> AnyRow | None:
        """Return the first row that a statement gives; None where it gives none."""
        return next(iter(self.rows(statement, **values)), None)

    def change(self, statement: Executable) -> None:
        """Execute a statement that gives no rows."""
        with self.transaction() as connection:
            connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a transaction, for what reports of the ledger and for what people do with it."""
        with deferred_signals(), translated_errors(self._shown):
            if self._turn is None:
                with self._engine.begin() as connection:
                    yield connection
            else:
                with self._turn, self._engine.begin() as connection:
                    yield connection


def _free(flow: str) -> Select[Any]:
    """Return what locks documents of a flow that nobody else has locked."""
    chosen = select(_ROWS.id).where(_ROWS.flow == flow).order_by(_ROWS.id)
    return chosen.with_for_update(skip_locked=True)


def _locked(connection: Connection, claims: Sequence[Claim]) -> dict[Hold, NextHead | None]:
    """Lock the rows of claims; return what follows them, of those that are still the claims' own.

    Rows are locked in one order everywhere, so that two processes cannot deadlock.
    """
    found: dict[Hold, NextHead | None] = {}
    rows = sorted(claim.row for claim in claims)
    for part in in_parts(rows):
        for row in connection.execute(_LOCK, {"rows": part}):
            found[row.id, row.claim] = row.next_head
    return found


def _change(connection: Connection, claim: Claim, /, **values: object) -> bool:
    """Change the row of a claim, if it is still the claim's."""
    changed = connection.execute(
        update(RECORDS)
        .where(_ROWS.id == claim.row, _ROWS.claim == claim.token, _ROWS.state == "sending")
        .values(**values)
    )
    return changed.rowcount == 1


def _execute_all(
    connection: Connection, statement: Executable, values: Sequence[dict[str, object]]
) -> None:
    if values:
        connection.execute(statement, values)


def _guard(claim: Claim) -> dict[str, object]:
    return {"row": claim.row, "token": claim.token}


def _released(now: float) -> dict[str, object]:
    """Return what the row of a document holds that goes back into the queue."""
    return {"state": "staged", "claim": None, "file": None, "is_whole": None, "changed_at": now}


def _finished(end: Acknowledgement, run: str, now: float) -> dict[str, object]:
    return _guard(end.claim) | {
        "state": end.end,
        "number": end.number,
        "was_there": end.arrival not in ("created", "done"),
        "reason": end.reason,
        "errors": end.errors or None,
        "finisher": run,
        "claim": None,
        "changed_at": now,
        "amount": end.amount,
        "file": None,
        "is_whole": None,
        "keys": end.keys,
        "arrived_at": now if end.end == "sent" else None,
        "new_maker": run if end.end == "sent" and end.arrival in ("created", "done") else None,
        "is_closed": end.end in ("sent", "skipped"),
        "is_over": end.end in ("sent", "skipped") and not end.keeps_record,
        "is_skipped": end.end == "skipped",
    }


# Built once: to build a statement costs more than to execute it.
_LOCK = (
    select(_ROWS.id, _ROWS.claim, _ROWS.next_head)
    .where(_ROWS.id.in_(bindparam("rows", expanding=True)), _ROWS.state == "sending")
    .order_by(_ROWS.id)
    .with_for_update()
)
_OLDEST_REQUEST = select(func.min(LAST_REQUEST)).where(
    _ROWS.flow == bindparam("of_flow"), _ROWS.state == "sending"
)
# The guard of all hand-overs: who lost the document changes nothing. What is set is named as its
# columns are.
_OF_CLAIM = update(RECORDS).where(
    _ROWS.id == bindparam("row"), _ROWS.claim == bindparam("token"), _ROWS.state == "sending"
)
_FINISH = _OF_CLAIM.values(
    erp_keys=func.coalesce(bindparam("keys", type_=_ROWS.erp_keys.type), _ROWS.erp_keys),
    body=case((bindparam("is_closed", type_=Boolean), None), else_=_ROWS.body),
    open_since=case((bindparam("is_closed", type_=Boolean), None), else_=_ROWS.open_since),
    took=bindparam("arrived_at", type_=Double) - _ROWS.open_since,
    maker=func.coalesce(bindparam("new_maker", type_=Text), _ROWS.maker),
    digest=case((bindparam("is_skipped", type_=Boolean), None), else_=_ROWS.digest),
    # Of several documents another may need it still, and a newer state brought its own.
    record=case(
        (
            and_(
                bindparam("is_over", type_=Boolean),
                _ROWS.document == ONLY,
                _ROWS.next_head.is_(None),
            ),
            None,
        ),
        else_=_ROWS.record,
    ),
)
_OF_SAME_RECORD = (_OTHER.c.flow == _ROWS.flow) & (_OTHER.c.subject == _ROWS.subject)
_WAITS = (
    exists()
    .where(_OF_SAME_RECORD, _OTHER.c.state == "deferred")
    .where(or_(_OTHER.c.reader.is_(None), _OTHER.c.reader != bindparam("run")))
    # What waits for another document alone comes back by itself.
    .where(~exists().where(NEEDS.c.record == _OTHER.c.id))
)
_KEPT = (
    select(_ROWS.id, _ROWS.record)
    .where(_ROWS.flow == bindparam("of_flow"), _ROWS.id > bindparam("behind"))
    .where(_ROWS.record.is_not(None), _WAITS)
    .order_by(_ROWS.id)
    .limit(AT_ONCE)
)
_RECORD_OF = (
    select(_ROWS.record)
    .select_from(RECORDS.join(_OTHER, _OF_SAME_RECORD))
    .where(_OTHER.c.id == bindparam("row"), _ROWS.record.is_not(None))
    .order_by(_ROWS.id)
    .limit(1)
)
_FORGET_SENT = (
    update(RECORDS)
    .where(_ROWS.flow == bindparam("of_flow"), _ROWS.record.is_not(None))
    .where(_ROWS.state.in_(("sent", "skipped")))
    .where(~exists().where(_OF_SAME_RECORD, _OTHER.c.state.not_in(("sent", "skipped"))))
    .values(record=None)
)


def _is_under_another_identity(end: Acknowledgement) -> bool:
    """Whether the document is in the ERP where it is not found: nothing more is sent of it."""
    return end.end == "dead_lettered" and end.number is not None


def _follow(
    connection: Connection,
    claim: Claim,
    head: NextHead | None,
    now: float,
    *,
    is_over: bool = False,
) -> None:
    """Put the newer state of a document into the queue, now that nothing of the older is out.

    Where the older one `is_over`, the document is made, and the newer one goes for nothing.
    """
    if head is None:
        return
    if is_over or head.is_withdrawal:
        of_row = update(RECORDS).where(_ROWS.id == claim.row)
        connection.execute(of_row.values(next_body=None, next_head=None))
        if head.is_withdrawal:
            gone = withdrawn_values(head.reader, now)
            connection.execute(of_row.where(_ROWS.state != "sent").values(gone))
        return
    connection.execute(
        update(RECORDS)
        .where(_ROWS.id == claim.row)
        .values(body=_ROWS.next_body, next_body=None, next_head=None)
        .values(**fresh_values(head.reader, now), **head.columns)
        .values(open_since=func.coalesce(_ROWS.open_since, now))
    )
    need(connection, {claim.row: head.needs})
