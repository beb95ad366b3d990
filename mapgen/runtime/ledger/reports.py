"""What a ledger tells an operator: flows, runs, failures by cause, one record's story.

All of it is data without any value of a record: errors have personal values masked, keys of records
are not personal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select

from mapgen.agreed.paths import without_numbers
from mapgen.durations import HOUR, MINUTE, last_minutes, minute_of
from mapgen.runtime.ledger.accounts import Comparison
from mapgen.runtime.ledger.book import Book, is_of, parts_of
from mapgen.runtime.ledger.conditions import Condition, current
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.rows import Kept
from mapgen.runtime.ledger.schema import AT_ONCE, COMPARISONS, INBOX, RECORDS, RUNS, SENT, State
from mapgen.runtime.outcome import ErrorReport

_ROWS = RECORDS.c
OPEN = ("rejected", "deferred", "dead_lettered")
_LOOKUP = re.compile(r"\blookup `([^`]+)`")


class RunReport(Struct, frozen=True):
    """A run: of which flow and rules, when, from what, and how it ended.

    `ended_at` is None for one that is under way, or was killed; `reason` is `done`, `stopped`, or
    the code of what stopped it; `counts` are those of its summary, `seconds` how long it took.
    """

    run: str
    book: str
    env: str | None
    feed: str | None
    mapgen: str
    rules: str
    began_at: float
    ended_at: float | None
    reason: str | None
    counts: Mapping[str, str | int | None]

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended_at is None else max(0.0, self.ended_at - self.began_at)


class FlowReport(Struct, frozen=True):
    """How a flow is in a tenant: counts by state, its queue and inbox, its rates, its last run.

    `queued_since` is when the oldest of the queue came, `open_since` the oldest of what a person
    may have to see to. Rates count documents that arrived in the ERP. Times: seconds since 1970.
    `conditions` are what keeps it from going on now, `compared` is what the latest comparison of
    its books came to that its schedule asked for.
    """

    book: str
    counts: Mapping[State, int]
    inbox: int
    queued_since: float | None
    open_since: float | None
    sent_last_minute: int
    sent_last_hour: int
    last_sent: float | None
    last_run: RunReport | None
    conditions: tuple[Condition, ...] = ()
    compared: Comparison | None = None

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)

    @property
    def queued(self) -> int:
        """How many documents lie in the queue or are in hand."""
        return self.counts.get("staged", 0) + self.counts.get("sending", 0)

    @property
    def open(self) -> int:
        """How many records are rejected, deferred or dead-lettered."""
        return sum(self.counts.get(cast(State, state), 0) for state in OPEN)


class Cause(Struct, frozen=True):
    """Why records are open: a code, and the lookup or field that it is about."""

    code: str
    about: str

    def __str__(self) -> str:
        return f"{self.code} {self.about}".rstrip()


class OpenRecord(Struct, frozen=True):
    """A document or record as it is in the ledger, without its values.

    `has_copy`: the record itself lies here. `is_document`: it gave a document, which found no way
    into the ERP; else the record gave none.
    """

    row: int
    book: str
    subject: str
    source: str
    document: str
    state: State
    number: str | None
    reason: str | None
    place: str | None
    errors: tuple[ErrorReport, ...]
    since: float | None
    changed_at: float
    attempts: int
    has_copy: bool
    is_document: bool

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why, each cause once."""
        found = [cause_of(error) for error in self.errors]
        return tuple(dict.fromkeys(found)) or (Cause("", self.reason or ""),)

    @property
    def refusal(self) -> str | None:
        """Why it is not replayed, None where it may be."""
        if self.state == "sending":
            return "it is in hand, or in doubt: a run looks it up after the settle time"
        if self.number is not None:
            return f"it is in the ERP as {self.number}: correct it there"
        if self.state not in OPEN:
            return f"it is {self.state.replace('_', '-')}, not open"
        return None if self.has_copy else "the ledger has no copy of it: give its record to a run"


class Failure(Struct, frozen=True):
    """Records that are open for one cause: how many, since when, by which rules, an example.

    A record with several errors counts for each of them. `would_pass` is how many of them would
    pass now, None where nobody has tried; of `untold` only sending shows whether they would.
    """

    book: str
    state: State
    cause: Cause
    count: int
    since: float | None
    rules: tuple[str, ...]
    example: OpenRecord
    error: ErrorReport | None
    would_pass: int | None = None
    untold: int = 0

    @property
    def of(self) -> Book:
        """The flow and the tenant."""
        return parts_of(self.book)


class DocumentStory(Struct, frozen=True):
    """What became of a document of a record: when it came and changed, in which runs, what it is.

    `reader` is the run that staged it, `finisher` the one that brought it to its end.
    """

    record: OpenRecord
    entity: str | None
    keys: Mapping[str, str]
    was_there: bool | None
    rules: str | None
    reader: RunReport | None
    finisher: RunReport | None


class Choice(Struct, frozen=True):
    """Which open records are meant: all, or those of a flow, tenant, cause, key, state, age.

    `cause` is a code, or a code and what it is about; `older_than` and `younger_than` are seconds.
    Of a `run` are what it read and what it brought to an end.
    """

    flow: str | None = None
    tenant: str | None = None
    cause: str | None = None
    key: str | None = None
    states: tuple[str, ...] = OPEN
    older_than: float | None = None
    younger_than: float | None = None
    run: str | None = None

    def takes(self, record: OpenRecord) -> bool:
        """Whether a record of the flow, key and states is meant."""
        if self.cause is None:
            return True
        return any(self.cause in (cause.code, str(cause)) for cause in record.causes)


class _Counting(Struct):
    count: int = 0
    since: float | None = None
    rules: dict[str, None] = field(default_factory=dict)
    example: tuple[OpenRecord, ErrorReport | None] | None = None
    would_pass: int = 0
    untold: int = 0


def cause_of(error: ErrorReport) -> Cause:
    """Return what an error is counted under: its lookup, or its field without row numbers."""
    lookup = _LOOKUP.search(error.message)
    about = lookup[1] if lookup else without_numbers(error.target or "")
    return Cause(error.code, about)


def grouped(
    records: Iterable[OpenRecord], passes: Callable[[OpenRecord], bool | None] | None = None
) -> tuple[Failure, ...]:
    """Group records by flow, state and cause, the largest group first.

    `passes` says of a record whether it would pass now, None where only sending it shows that.
    """
    groups: dict[tuple[str, State, Cause], _Counting] = {}
    for record in records:
        is_fine = passes is not None and passes(record)
        errors = {cause_of(error): error for error in reversed(record.errors)}
        for cause in record.causes:
            group = groups.setdefault((record.book, record.state, cause), _Counting())
            _count(group, record, errors.get(cause), is_fine)
    found = [
        Failure(book, state, cause, one.count, one.since, tuple(one.rules), *one.example,
                None if passes is None else one.would_pass, one.untold)
        for (book, state, cause), one in groups.items()
        if one.example is not None
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.count, one.book, str(one.cause))))


def _count(
    group: _Counting, record: OpenRecord, error: ErrorReport | None, is_fine: bool | None
) -> None:
    group.count += 1
    group.would_pass += is_fine is True
    group.untold += is_fine is None
    if record.since is not None:
        group.since = min(record.since, group.since or record.since)
    if error is not None and error.spec is not None:
        group.rules[error.spec] = None
    group.example = group.example or (record, error)


def _states(flow: str | None) -> Select[Any]:
    return (
        select(
            _ROWS.flow,
            _ROWS.state,
            func.count().label("records"),
            func.min(_ROWS.open_since).label("since"),
            func.max(_ROWS.changed_at).label("latest"),
        )
        .where(is_of(_ROWS.flow, flow))
        .group_by(_ROWS.flow, _ROWS.state)
    )


def _rates(flow: str | None, now: float) -> Select[Any]:
    last_minute = func.count().filter(_ROWS.changed_at > now - MINUTE).label("minute")
    return (
        select(_ROWS.flow, last_minute, func.count().label("hour"))
        .where(SENT, _ROWS.changed_at > now - HOUR, is_of(_ROWS.flow, flow))
        .group_by(_ROWS.flow)
    )


def _waiting(flow: str | None) -> Select[Any]:
    return (
        select(INBOX.c.book, func.count().label("records"))
        .where(INBOX.c.taken_at.is_(None), is_of(INBOX.c.book, flow))
        .group_by(INBOX.c.book)
    )


class Reports:
    """Reads a ledger for people; each method is one look, or one a page of records."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def flows(self, flow: str | None = None) -> tuple[FlowReport, ...]:
        """Return how each flow is, in each tenant that it has been run against."""
        now = self._ledger.now()
        with self._ledger.transaction() as connection:
            states = connection.execute(_states(flow)).all()
            rates = connection.execute(_rates(flow, now)).all()
            inbox = connection.execute(_waiting(flow)).all()
            last = connection.execute(_last_runs(flow)).all()
            said = [one for one in current(connection, now) if flow in (None, one.of.flow)]
            books = select(COMPARISONS).where(is_of(COMPARISONS.c.book, flow))
            compared = {book: Comparison(*row) for book, *row in connection.execute(books)}
        runs = {row.flow: _run(row) for row in last}
        rate_of = {row.flow: (row.minute, row.hour) for row in rates}
        waiting = {row.book: row.records for row in inbox}
        in_order = sorted(states, key=lambda row: (row.flow, row.state))
        by_book = {book: list(rows) for book, rows in groupby(in_order, key=lambda row: row.flow)}
        kept = {one.book: tuple(each for each in said if each.book == one.book) for one in said}
        found = (
            _flow(book, by_book.get(book, []), rate_of.get(book, (0, 0)), waiting.get(book, 0),
                  runs.get(book), kept.get(book, ()))
            for book in sorted({*by_book, *runs, *waiting, *kept})
        )  # fmt: skip
        return tuple(replace(one, compared=compared.get(one.book)) for one in found)

    def runs(self, flow: str | None = None, limit: int = 20) -> tuple[RunReport, ...]:
        """Return the latest runs, the youngest first."""
        found = select(RUNS).where(is_of(RUNS.c.flow, flow))
        rows = self._ledger.rows(found.order_by(RUNS.c.began_at.desc()).limit(limit))
        return tuple(map(_run, rows))

    def in_doubt(self) -> dict[str, int]:
        """Return of each book how many documents are in hand after a request without an answer."""
        found = select(_ROWS.flow, func.count()).where(_ROWS.state == "sending", _ROWS.attempts > 0)
        return dict(map(tuple, self._ledger.rows(found.group_by(_ROWS.flow))))

    def runs_by_end(self) -> dict[tuple[str, str], int]:
        """Return how many runs of a book ended how; `open` are under way, or were killed."""
        ended = func.coalesce(RUNS.c.reason, "open")
        found = select(RUNS.c.flow, ended, func.count()).group_by(RUNS.c.flow, ended)
        return {(book, reason): count for book, reason, count in self._ledger.rows(found)}

    def run(self, beginning_of_id: str) -> RunReport | None:
        """Return the run whose id begins like this; None where it is not exactly one."""
        found = select(RUNS).where(RUNS.c.run.startswith(beginning_of_id, autoescape=True)).limit(2)
        rows = self._ledger.rows(found)
        return _run(rows[0]) if len(rows) == 1 else None

    def records(self, choice: Choice) -> Iterator[OpenRecord]:
        """Yield the records that are meant, the oldest first, page by page."""
        for rows in self._ledger.pages(self._chosen(choice)):
            yield from (one for one in map(_open, rows) if choice.takes(one))

    def failures(
        self, choice: Choice, passes: Callable[[OpenRecord], bool | None] | None = None
    ) -> tuple[Failure, ...]:
        """Return what is open, grouped by cause; `passes` says of a record whether it would now."""
        return grouped(self.records(choice), passes)

    def story(self, flow: str, key: str, tenant: str | None = None) -> tuple[DocumentStory, ...]:
        """Return what became of the documents of a record, by its key, the first one first."""
        rows = self._ledger.rows(
            _RECORDS.add_columns(
                _ROWS.entity, _ROWS.erp_keys, _ROWS.was_there, _ROWS.rules, _ROWS.reader,
                _ROWS.finisher,
            )
            .where(is_of(_ROWS.flow, flow, tenant), _of_key(key))
            .order_by(_ROWS.id)
        )  # fmt: skip
        ids = {one for row in rows for one in (row.reader, row.finisher)}
        of_ids = self._ledger.rows(select(RUNS).where(RUNS.c.run.in_(ids)))
        runs = {row.run: _run(row) for row in of_ids}
        return tuple(
            DocumentStory(_open(row), row.entity, row.erp_keys or {}, row.was_there, row.rules,
                          runs.get(row.reader), runs.get(row.finisher))
            for row in rows
        )  # fmt: skip

    def copy_of(self, record: OpenRecord) -> Kept | None:
        """Return the record as it lies here: its first document has it."""
        row = self._ledger.row(
            select(_ROWS.record)
            .where(_ROWS.flow == record.book, _ROWS.subject == record.subject)
            .where(_ROWS.record.is_not(None))
            .order_by(_ROWS.id)
            .limit(1)
        )
        return None if row is None else row.record

    def sent_by_minute(self, flow: str | None, minutes: int) -> tuple[tuple[float, int], ...]:
        """Return how many documents arrived in the ERP, by the minute that began then."""
        moments = last_minutes(self._ledger.now(), minutes)
        found = select(_ROWS.changed_at).where(
            SENT, _ROWS.changed_at >= moments[0], is_of(_ROWS.flow, flow)
        )
        counts = Counter(minute_of(at) for (at,) in self._ledger.rows(found))
        return tuple((moment, counts[moment]) for moment in moments)

    def _chosen(self, choice: Choice) -> Select[Any]:
        now = self._ledger.now()
        found = _RECORDS.where(_ROWS.id > bindparam("behind"), _ROWS.state.in_(choice.states))
        found = found.where(is_of(_ROWS.flow, choice.flow, choice.tenant))
        if choice.key is not None:
            found = found.where(_of_key(choice.key))
        if choice.older_than is not None:
            found = found.where(_ROWS.open_since < now - choice.older_than)
        if choice.younger_than is not None:
            found = found.where(_ROWS.open_since > now - choice.younger_than)
        if choice.run is not None:
            found = found.where(or_(_ROWS.reader == choice.run, _ROWS.finisher == choice.run))
        return found.order_by(_ROWS.id).limit(AT_ONCE)


_OTHER = RECORDS.alias("whole")
_RECORDS = select(
    _ROWS.id,
    _ROWS.flow,
    _ROWS.subject,
    _ROWS.source,
    _ROWS.document,
    _ROWS.state,
    _ROWS.number,
    _ROWS.reason,
    _ROWS.place,
    _ROWS.errors,
    _ROWS.open_since,
    _ROWS.changed_at,
    _ROWS.attempts,
    _ROWS.identity.is_not(None).label("is_document"),
    select(_OTHER.c.id)
    .where(_OTHER.c.flow == _ROWS.flow, _OTHER.c.subject == _ROWS.subject)
    .where(_OTHER.c.record.is_not(None))
    .correlate(RECORDS)
    .exists()
    .label("has_copy"),
)


def _of_key(key: str) -> ColumnElement[bool]:
    return or_(_ROWS.source == key, _ROWS.subject == key)


def _last_runs(flow: str | None) -> Select[Any]:
    """Return the latest run of each book."""
    turn = func.row_number().over(partition_by=RUNS.c.flow, order_by=RUNS.c.began_at.desc())
    numbered = select(RUNS, turn.label("turn")).where(is_of(RUNS.c.flow, flow)).subquery()
    return select(numbered).where(numbered.c.turn == 1)


def _run(row: Any) -> RunReport:
    return RunReport(row.run, row.flow, row.env, row.feed, row.mapgen, row.rules, row.began_at,
                     row.ended_at, row.reason, row.counts or {})  # fmt: skip


def _flow(
    book: str,
    states: Iterable[Any],
    rates: tuple[int, int],
    inbox: int,
    last_run: RunReport | None,
    conditions: tuple[Condition, ...],
) -> FlowReport:
    by_state = {row.state: row for row in states}
    queued = [by_state[one].since for one in ("staged", "sending") if one in by_state]
    kept_out = [by_state[one].since for one in OPEN if one in by_state]
    sent = by_state.get("sent")
    return FlowReport(
        book,
        {state: row.records for state, row in by_state.items()},
        inbox,
        min((one for one in queued if one is not None), default=None),
        min((one for one in kept_out if one is not None), default=None),
        *rates,
        None if sent is None else sent.latest,
        last_run,
        conditions,
    )


def _open(row: Any) -> OpenRecord:
    return OpenRecord(row.id, row.flow, row.subject, row.source, row.document, row.state,
                      row.number, row.reason, row.place, row.errors or (), row.open_since,
                      row.changed_at, row.attempts, bool(row.has_copy),
                      bool(row.is_document))  # fmt: skip
