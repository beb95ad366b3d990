"""What runs made in the ERP, and what was taken back of it: each action once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.schema import RECORDS, UNDOS
from mapgen.runtime.ledger.text import storable

UndoState = Literal["begun", "done", "refused", "in doubt"]
_ROWS = RECORDS.c


@dataclass(frozen=True, slots=True)
class Made:
    """A document that a run brought to the ERP; `was_there` before, or only updated.

    `undo` is what came of taking it back, None where nobody tried. `begun` is an action whose
    process died before it knew.
    """

    row: int
    source: str
    document: str
    identity: str
    entity: str | None
    number: str | None
    was_there: bool
    undo: UndoState | None


def made_by(ledger: Ledger, run: str) -> tuple[Made, ...]:
    """Return the documents that a run brought to the ERP, the last one first."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            select(
                _ROWS.id, _ROWS.source, _ROWS.document, _ROWS.identity, _ROWS.entity,
                _ROWS.number, _ROWS.was_there, UNDOS.c.state,
            )
            .select_from(RECORDS.outerjoin(UNDOS, UNDOS.c.record == _ROWS.id))
            .where(_ROWS.finisher == run, _ROWS.state == "sent", _ROWS.identity.is_not(None))
            .order_by(_ROWS.id.desc())
        ).all()  # fmt: skip
    return tuple(
        Made(row.id, row.source, row.document, row.identity, row.entity, row.number,
             bool(row.was_there), row.state)
        for row in rows
    )  # fmt: skip


def begin_undo(ledger: Ledger, made: Made, action: str, who: str) -> bool:
    """Note that an action is about to go out; False where one has: it is not repeated blindly."""
    values = {"action": action, "state": "begun", "who": storable(who), "reason": None}
    with ledger.transaction() as connection:
        is_server = connection.dialect.name == "postgresql"
        insert: Any = postgresql.insert if is_server else sqlite.insert
        values["at"] = ledger.now()  # type: ignore[assignment]
        written = connection.execute(
            insert(UNDOS)
            .values(record=made.row, **values)
            .on_conflict_do_update(
                index_elements=[UNDOS.c.record], set_=values, where=UNDOS.c.state == "refused"
            )
            .returning(UNDOS.c.record)
        )
        return written.first() is not None


def end_undo(ledger: Ledger, made: Made, state: UndoState, reason: str | None = None) -> None:
    """Note what came of an action."""
    words = None if reason is None else storable(reason)
    with ledger.transaction() as connection:
        connection.execute(
            update(UNDOS)
            .where(UNDOS.c.record == made.row)
            .values(state=state, reason=words, at=ledger.now())
        )
