"""What people do with open records by hand: give up, correct, send again; each is written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.queue import forget_needs
from mapgen.runtime.ledger.reports import OpenRecord
from mapgen.runtime.ledger.schema import INTERVENTIONS, RECORDS
from mapgen.runtime.ledger.staging import withdrawn_values
from mapgen.runtime.ledger.text import storable

_ROWS = RECORDS.c
Act = Literal["replayed", "edited", "discarded"]


class Intervention(Struct, frozen=True):
    """What somebody did with a record, when (seconds since 1970), and why where it was said."""

    act: Act
    who: str
    at: float
    reason: str | None


class Interventions:
    """Changes open records in a ledger; each method is one transaction."""

    def __init__(self, ledger: Ledger, who: str) -> None:
        """Take the ledger, and the name of who acts."""
        self._ledger = ledger
        self._who = storable(who)

    def discard(self, record: OpenRecord, reason: str) -> bool:
        """Give up a record, with all of its documents that nobody has in hand.

        What is in the ERP under another identity counts as sent from then on: it is never sent
        again. False where it has changed meanwhile, or is in hand.
        """
        with self._ledger.transaction() as connection:
            rows = connection.execute(
                select(_ROWS.id, _ROWS.state, _ROWS.number)
                .where(_ROWS.flow == record.book, _ROWS.subject == record.subject)
                .where(_ROWS.state.not_in(("sent", "skipped")))
                .order_by(_ROWS.id)
                .with_for_update()
            ).all()
            if not rows or any(row.state == "sending" for row in rows):
                return False
            now = self._ledger.now()
            words = storable(f"discarded by hand: {reason}")
            values = withdrawn_values("by hand", now) | {"reason": words, "record": None}
            for row in rows:
                given_up = values if row.number is None else values | {"state": "sent"}
                connection.execute(update(RECORDS).where(_ROWS.id == row.id).values(given_up))
            forget_needs(connection, [row.id for row in rows])
            self._note(connection, record, "discarded", reason)
        return True

    def discard_all(self, records: Iterable[OpenRecord], reason: str) -> tuple[int, int]:
        """Give up records, each in every tenant; return how many were, and how many are in hand."""
        found = {(one.book, one.subject): one for one in records}
        count = sum(self.discard(one, reason) for one in found.values())
        return count, len(found) - count

    def edit(self, record: OpenRecord, data: bytes, reason: str | None = None) -> bool:
        """Put a corrected record in the place of the ledger's copy; False where there is none.

        It is sent by a replay, or by the next run where it is deferred.
        """
        with self._ledger.transaction() as connection:
            row = connection.execute(
                select(_ROWS.id, _ROWS.record)
                .where(_ROWS.flow == record.book, _ROWS.subject == record.subject)
                .where(_ROWS.record.is_not(None), _ROWS.state != "sending")
                .order_by(_ROWS.id)
                .limit(1)
                .with_for_update()
            ).first()
            if row is None:
                return False
            kept = msgspec.structs.replace(row.record, data=data)
            changed = {"record": kept, "changed_at": self._ledger.now()}
            connection.execute(update(RECORDS).where(_ROWS.id == row.id).values(changed))
            self._note(connection, record, "edited", reason)
        return True

    def note_replay(self, records: Iterable[OpenRecord]) -> None:
        """Write down that records are sent again."""
        with self._ledger.transaction() as connection:
            for record in records:
                self._note(connection, record, "replayed", None)

    def _note(
        self, connection: Connection, record: OpenRecord, act: Act, reason: str | None
    ) -> None:
        connection.execute(
            insert(INTERVENTIONS).values(
                book=record.book,
                subject=record.subject,
                act=act,
                who=self._who,
                at=self._ledger.now(),
                reason=None if reason is None else storable(reason),
            )
        )


def interventions_of(ledger: Ledger, record: OpenRecord) -> tuple[Intervention, ...]:
    """Return what people did with a record, the latest last."""
    columns = INTERVENTIONS.c
    rows = ledger.rows(
        select(columns.act, columns.who, columns.at, columns.reason)
        .where(columns.book == record.book, columns.subject == record.subject)
        .order_by(columns.id)
    )
    return tuple(Intervention(*row) for row in rows)
