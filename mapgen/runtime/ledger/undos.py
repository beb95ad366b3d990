"""What runs made in the ERP, and what was taken back of it: each action once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, or_, select, update

from mapgen.runtime.ledger.book import books_at
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.schema import RECORDS, RUNS, UNDOS, in_parts, upsert
from mapgen.runtime.ledger.text import storable

UndoState = Literal["begun", "done", "refused", "in doubt"]
_ROWS = RECORDS.c


class Made(Struct, frozen=True):
    """A document that a run made in the ERP, or a step that it did; it may have been there before.

    `is_made` says that the run made it, `later` is the run that has changed it since. `undo` is
    what came of taking it back, None where nobody tried. `begun` is an action whose process died
    before it knew.
    """

    row: int
    source: str
    document: str
    identity: str
    entity: str | None
    number: str | None
    is_made: bool
    undo: UndoState | None
    later: str | None = None
    branch: str | None = None


def made_by(ledger: Ledger, run: str, place: str) -> tuple[Made, ...]:
    """Return what a run made in the ERP, or changed there, the last first.

    `place` is what the books end with of all flows that go to the same tenant: they may have
    changed it as well.
    """
    with ledger.transaction() as connection:
        rows = connection.execute(
            select(
                _ROWS.id, _ROWS.source, _ROWS.document, _ROWS.identity, _ROWS.entity,
                _ROWS.number, _ROWS.maker, _ROWS.branch, UNDOS.c.state,
            )
            .select_from(RECORDS.outerjoin(UNDOS, UNDOS.c.record == _ROWS.id))
            .where(or_(_ROWS.maker == run, (_ROWS.finisher == run) & (_ROWS.state == "sent")))
            .where(_ROWS.identity.is_not(None))
            .order_by(_ROWS.id.desc())
        ).all()  # fmt: skip
        later = _later(connection, run, place, [row.identity for row in rows])
    return tuple(
        Made(row.id, row.source, row.document, row.identity, row.entity, row.number,
             row.maker == run, row.state, later.get((row.entity, row.identity)), row.branch)
        for row in rows
    )  # fmt: skip


def _later(
    connection: Connection, run: str, place: str, identities: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Return which run has changed documents since a run, by entity and identity."""
    began = select(RUNS.c.began_at).where(RUNS.c.run == run).scalar_subquery()
    found: dict[tuple[str, str], str] = {}
    for book in books_at(connection, place):
        for part in in_parts(identities):
            rows = connection.execute(
                select(_ROWS.entity, _ROWS.identity, _ROWS.finisher)
                .where(_ROWS.flow == book, _ROWS.identity.in_(part))
                .where(_ROWS.state == "sent", _ROWS.finisher != run)
                .where(_ROWS.changed_at > began)
                .order_by(_ROWS.changed_at)
            )
            found |= {(row.entity, row.identity): row.finisher for row in rows}
    return found


def begin_undo(ledger: Ledger, made: Made, action: str, who: str) -> bool:
    """Note that an action is about to go out; False where one has: it is not repeated blindly."""
    begun = {"action": action, "state": "begun", "who": storable(who), "reason": None}
    with ledger.transaction() as connection:
        values = {**begun, "at": ledger.now()}
        is_refused = UNDOS.c.state == "refused"
        return upsert(connection, UNDOS, {"record": made.row}, values, where=is_refused)


def end_undo(ledger: Ledger, made: Made, state: UndoState, reason: str | None = None) -> None:
    """Note what came of an action."""
    words = None if reason is None else storable(reason)
    ended = {"state": state, "reason": words, "at": ledger.now()}
    ledger.change(update(UNDOS).where(UNDOS.c.record == made.row).values(ended))
