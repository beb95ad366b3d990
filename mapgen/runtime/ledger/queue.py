"""The queue of a flow: which documents may be sent now, and which wait for another one.

A document is sent only when all that it needs is `sent`. What is locked by another process is
skipped everywhere, so that nobody here waits for anybody, and no two can wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Integer,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from mapgen.runtime.ledger.lease import LAST_REQUEST
from mapgen.runtime.ledger.rows import Claim, Held, Need, NextHead
from mapgen.runtime.ledger.schema import NEEDS, RECORDS, AnyRow, in_parts
from mapgen.runtime.outcome import ErrorReport

NEEDED_IS_MISSING = "R408"

_ROWS = RECORDS.c
_NEEDED = RECORDS.alias("needed")
_LOST = ("rejected", "dead_lettered", "deferred", "skipped")
_STATES = {
    "rejected": "is rejected",
    "dead_lettered": "is dead-lettered",
    "deferred": "is deferred itself",
    "skipped": "was withdrawn",
}


def _count_needs(condition: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> Any:
    """Count a row's needs of whose state (`missing` where nobody knows them) the condition holds.

    A count of look-ups, and neither an `exists` nor a join: planners turn those into joins with the
    whole queue, which they believe to be short.
    """
    state = (
        select(_NEEDED.c.state)
        .where(_NEEDED.c.flow == _ROWS.flow)
        .where(_NEEDED.c.document == NEEDS.c.document, _NEEDED.c.identity == NEEDS.c.identity)
        .correlate(RECORDS, NEEDS)
        .scalar_subquery()
    )
    return (
        select(func.count())
        .select_from(NEEDS)
        .where(NEEDS.c.record == _ROWS.id, condition(func.coalesce(state, _MISSING)))
        .correlate(RECORDS)
        .scalar_subquery()
    )


_MISSING = "missing"
_HAS_ALL = _count_needs(lambda state: state != "sent") == 0
_HAS_LOST = _count_needs(lambda state: state.in_((*_LOST, _MISSING))) > 0
_IS_HELD = (_ROWS.state == "deferred") & _ROWS.id.in_(select(NEEDS.c.record))

COMES_BACK = _IS_HELD & _HAS_ALL
"""Waited for another document alone, which has been delivered meanwhile."""


_RULES = bindparam("rules", type_=Text)

QUEUED = and_(_ROWS.state == "staged", _ROWS.rules == _RULES)
"""In the queue, and made by the rules `rules`."""

OUTDATED = and_(_ROWS.state == "staged", or_(_ROWS.rules.is_(None), _ROWS.rules != _RULES))
"""In the queue, and made by other rules than `rules`."""

_READY = and_(QUEUED, _HAS_ALL)
_SETTLED = and_(_ROWS.state == "sending", bindparam("due", type_=Double) >= LAST_REQUEST)


class Intent(Struct, frozen=True):
    """Who takes documents in hand, and when: for people, on the clock of leases, on its own.

    `rules` is the hash of the rules by which it makes documents of `flow`.
    """

    flow: str
    token: str
    now: float
    moment: float
    held_since: float
    rules: str


def take_ready(connection: Connection, limit: int, intent: Intent) -> list[Claim]:
    """Take up to `limit` documents in hand that may go, all that they need being sent."""
    rows = connection.execute(
        _TAKE_READY, {"of_flow": intent.flow, "most": limit, "rules": intent.rules}
    ).all()
    return _take(connection, rows, intent)


def take_settled(
    connection: Connection, limit: int, intent: Intent, settle: float, lease: float
) -> list[Claim]:
    """Take up to `limit` documents in hand whose last request began `settle` seconds ago.

    A dead worker may have gone on sending for `lease` seconds after its intent. Of a document of
    which a newer state came since, the newer one is taken.
    """
    due = intent.moment - settle
    values = {"of_flow": intent.flow, "most": limit, "lease": lease, "due": due}
    rows = connection.execute(_TAKE_SETTLED, values).all()
    return _take(connection, rows, intent, is_in_doubt=True)


def _taking(condition: ColumnElement[bool]) -> Select[Any]:
    """Return the statement that locks documents of a condition, the oldest first."""
    return (
        select(
            _ROWS.id, _ROWS.document, _ROWS.identity, _ROWS.source, _ROWS.body, _ROWS.attempts,
            _ROWS.rules, _ROWS.next_body, _ROWS.next_head, _ROWS.file, _ROWS.is_whole,
            _ROWS.branch,
        )
        .where(_ROWS.flow == bindparam("of_flow"), _ROWS.identity.is_not(None), condition)
        .order_by(_ROWS.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )  # fmt: skip


# Built once: to build a statement costs more than to execute it.
_TAKE_READY = _taking(_READY)
_TAKE_SETTLED = _taking(_SETTLED)
_HOLD = (
    update(RECORDS)
    .where(_ROWS.id.in_(bindparam("rows", expanding=True)))
    .values(
        state="sending",
        claim=bindparam("token"),
        intent_at=bindparam("moment"),
        changed_at=bindparam("now"),
    )
)


def _take(
    connection: Connection,
    rows: Sequence[AnyRow],
    intent: Intent,
    *,
    is_in_doubt: bool = False,
) -> list[Claim]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    connection.execute(
        _HOLD,
        {"rows": ids, "token": intent.token, "moment": intent.moment, "now": intent.now},
    )
    for row in rows:
        if _is_overtaken(row):
            overtake(connection, row.id, row.next_head)
    needs = _needs_of(connection, intent.flow, ids)
    return [_claim(row, intent, needs[row.id], is_in_doubt=is_in_doubt) for row in rows]


def _claim(row: AnyRow, intent: Intent, needs: Iterable[AnyRow], *, is_in_doubt: bool) -> Claim:
    latest = row.next_head if _is_overtaken(row) else row
    return Claim(
        row.id,
        intent.token,
        row.document,
        row.identity,
        latest.source,
        bytes(row.body if latest is row else row.next_body),
        row.attempts,
        intent.held_since,
        tuple(Need(one.document, one.identity, one.erp_keys) for one in needs),
        is_withdrawn=row.next_head is not None and row.next_head.is_withdrawal,
        is_outdated=latest.rules != intent.rules,
        is_in_doubt=is_in_doubt,
        file=row.file,
        is_whole=bool(row.is_whole),
        branch=latest.branch,
    )


def _is_overtaken(row: AnyRow) -> bool:
    """Whether a newer body goes in the place of the older one.

    What is in a file that may be there is not overtaken any more.
    """
    return row.next_head is not None and row.next_head.overtakes and not row.is_whole


def overtake(connection: Connection, row: int, head: NextHead) -> None:
    """Put a newer body in the place of the older one, of which nothing is out."""
    connection.execute(
        update(RECORDS)
        .where(_ROWS.id == row)
        .values(body=_ROWS.next_body, next_body=None, next_head=None, **head.columns)
    )
    forget_needs(connection, [row])
    note_needs(connection, {row: head.needs})


def bring_back(connection: Connection, flow: str, now: float) -> bool:
    """Put documents back into the queue whose needed ones have been delivered meanwhile."""
    back = [row.id for row in _locked(connection, _LOCK_BACK, flow, "")]
    for part in in_parts(back):
        connection.execute(
            update(RECORDS)
            .where(_ROWS.id.in_(part))
            .values(state="staged", reason=None, errors=None, finisher=None, changed_at=now)
        )
    return bool(back)


def hold_back(connection: Connection, flow: str, run: str, now: float, rules: str) -> list[Held]:
    """Let documents wait that need one which found no way, or which waits for them in turn."""
    rows = _locked(connection, _LOCK_LOST, flow, rules)
    if not rows and not _moves(connection, flow, rules):
        # Nothing can change any more, and yet they are not ready: they need each other.
        rows = _locked(connection, _LOCK_NEEDING, flow, rules)
    needs = _needs_of(connection, flow, [row.id for row in rows])
    held = []
    for row in rows:
        errors = tuple(_error(one) for one in needs[row.id] if one.state != "sent")
        held.append(Held(row.source, errors))
        connection.execute(
            update(RECORDS)
            .where(_ROWS.id == row.id)
            .values(state="deferred", errors=errors or None, finisher=run, changed_at=now)
        )
    return held


def forget_needs(connection: Connection, rows: Sequence[int]) -> None:
    """Drop what documents needed that have come to their end: all of it was there."""
    for part in in_parts(rows):
        connection.execute(_FORGET_NEEDS, {"rows": part})


_FORGET_NEEDS = delete(NEEDS).where(NEEDS.c.record.in_(bindparam("rows", expanding=True)))


def _locking(condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_ROWS.id, _ROWS.source)
        .where(_ROWS.flow == bindparam("of_flow"), condition)
        .order_by(_ROWS.id)
        .with_for_update(skip_locked=True)
    )


_LOCK_BACK = _locking(COMES_BACK)
_LOCK_LOST = _locking(and_(QUEUED, _HAS_LOST))
_LOCK_NEEDING = _locking(and_(QUEUED, ~_HAS_ALL))


def _locked(
    connection: Connection, statement: Select[Any], flow: str, rules: str
) -> Sequence[AnyRow]:
    return connection.execute(statement, {"of_flow": flow, "rules": rules}).all()


def note_needs(connection: Connection, needs: Mapping[int, Sequence[tuple[str, str]]]) -> None:
    """Note what documents need, by row."""
    rows = [
        {"record": row, "document": document, "identity": identity}
        for row, of_it in needs.items()
        for document, identity in dict.fromkeys(of_it)
    ]
    if rows:
        connection.execute(insert(NEEDS), rows)


def _moves(connection: Connection, flow: str, rules: str) -> bool:
    """Whether a document of the flow is in hand, or may be taken: one look, so nothing slips by."""
    return connection.execute(_MOVES, {"of_flow": flow, "rules": rules}).first() is not None


def is_drained(connection: Connection, flow: str, rules: str) -> bool:
    """Whether no document of the flow is in hand, or in the queue and made by these rules."""
    return connection.execute(_LEFT, {"of_flow": flow, "rules": rules}).first() is None


def _any(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(_ROWS.id).where(_ROWS.flow == bindparam("of_flow"), or_(*conditions)).limit(1)


_MOVES = _any(_ROWS.state == "sending", _READY)
_LEFT = _any(_ROWS.state == "sending", QUEUED, COMES_BACK)


def _needs_of(connection: Connection, flow: str, rows: Sequence[int]) -> dict[int, list[AnyRow]]:
    found: dict[int, list[AnyRow]] = defaultdict(list)
    for part in in_parts(rows):
        values = {"of_flow": flow, "rows": part}
        for row in connection.execute(_NEEDS_OF, values):
            found[row.record].append(row)
    return found


def _of_needed(column: Column[str]) -> ScalarSelect[str]:
    return (
        select(column)
        .where(_NEEDED.c.flow == bindparam("of_flow"))
        .where(_NEEDED.c.document == NEEDS.c.document, _NEEDED.c.identity == NEEDS.c.identity)
        .correlate(NEEDS)
        .scalar_subquery()
    )


_NEEDS_OF = (
    select(
        NEEDS.c.record,
        NEEDS.c.document,
        NEEDS.c.identity,
        _of_needed(_NEEDED.c.state).label("state"),
        _of_needed(_NEEDED.c.erp_keys).label("erp_keys"),
    )
    .where(NEEDS.c.record.in_(bindparam("rows", expanding=True)))
    .order_by(NEEDS.c.record, NEEDS.c.document, NEEDS.c.identity)
)


def _error(need: AnyRow) -> ErrorReport:
    """Name the needed document, not its identity, which may be personal."""
    why = _STATES.get(need.state, "is not in the ERP yet" if need.state else "was never taken over")
    words = f"it needs the document `{need.document}` first, which {why}"
    return ErrorReport(NEEDED_IS_MISSING, words, retry=True)
