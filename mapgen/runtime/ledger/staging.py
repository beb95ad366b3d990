"""A batch of outcomes in, the ledger's rows for them: what is new, met, sent before or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mapgen.runtime.ledger.rows import Staged, encode_faults
from mapgen.runtime.ledger.schema import MET, RECORDS
from mapgen.runtime.outcome import Document, FaultReport, Origin, Outcome, Rejected, Skipped

_ROWS = RECORDS.c
_AT_ONCE = 400  # bound values in one statement; SQLite allows 32,766, older builds 999


class Staging:
    """One transaction that takes a batch of outcomes over."""

    def __init__(self, connection: Connection, flow: str, run: str, now: float) -> None:
        self._connection = connection
        self._flow = flow
        self._run = run
        self._now = now
        self._insert = (
            postgresql.insert if connection.dialect.name == "postgresql" else (sqlite.insert)
        )
        self._staged: list[int] = []
        self._already_there: dict[int, str | None] = {}
        self._met: list[int] = []

    def take(self, outcomes: Sequence[Outcome]) -> Staged:
        """Write the rows; tell which documents are new, which are there, which were met."""
        first: dict[int, Document] = {}
        seen: set[str] = set()
        for at, outcome in enumerate(outcomes):
            if not isinstance(outcome, Document):
                continue
            if outcome.identity in seen:
                self._already_there[at] = None
            else:
                first[at] = outcome
                seen.add(outcome.identity)
        self._take_turn()
        known = self._known([document.identity for document in first.values()])
        self._forget_refusals([subject_of(document.origin) for document in first.values()])
        fresh: dict[int, Document] = {}
        for at, document in first.items():
            row = known.get(document.identity)
            if row is None:
                fresh[at] = document
            else:
                self._take_known(at, document, row)
        self._take_fresh(fresh)
        self._take_undocumented(outcomes)
        return Staged(tuple(self._staged), self._already_there, tuple(self._met))

    def _take_turn(self) -> None:
        """Let one process at a time stage records of a flow; SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(
                select(func.pg_advisory_xact_lock(func.hashtext(f"mapgen stage {self._flow}")))
            )

    def _known(self, identities: Sequence[str]) -> dict[str, Row[*tuple[Any, ...]]]:
        known: dict[str, Row[*tuple[Any, ...]]] = {}
        met = exists().where(MET.c.run == self._run, MET.c.record == _ROWS.id).label("is_met")
        for start in range(0, len(identities), _AT_ONCE):
            rows = self._connection.execute(
                select(
                    _ROWS.id,
                    _ROWS.identity,
                    _ROWS.state,
                    _ROWS.number,
                    _ROWS.reader,
                    _ROWS.finisher,
                    met,
                )
                .where(_ROWS.flow == self._flow)
                .where(_ROWS.identity.in_(identities[start : start + _AT_ONCE]))
                .order_by(_ROWS.id)
                .with_for_update()
            )
            known |= {row.identity: row for row in rows}
        return known

    def _take_known(self, at: int, document: Document, row: Row[*tuple[Any, ...]]) -> None:
        """Decide about a document whose identity the ledger knows."""
        if row.reader == self._run or row.is_met:
            self._already_there[at] = row.number
        elif row.finisher == self._run or row.state in ("staged", "sending"):
            # Left by an earlier run: whoever finishes it counts it, maybe this run has already.
            self._meet(at, row.id)
        elif row.state == "sent":
            self._already_there[at] = row.number
        elif row.state == "dead" and row.number is not None:
            # It is in the ERP, but not under its identity: sent again, it would be there twice.
            self._meet(at, row.id)
        else:
            self._staged.append(at)
            self._update(row.id, **self._values(document))

    def _meet(self, at: int, row: int) -> None:
        self._met.append(at)
        self._connection.execute(
            self._insert(MET).values(run=self._run, record=row, met_at=self._now)
        )

    def _update(self, row: int, **values: object) -> None:
        self._connection.execute(update(RECORDS).where(_ROWS.id == row).values(**values))

    def _take_fresh(self, fresh: dict[int, Document]) -> None:
        if not fresh:
            return
        rows = [
            {"flow": self._flow, "identity": document.identity} | self._values(document)
            for document in fresh.values()
        ]
        # Staging takes turns, so that nobody can have staged one of them since we looked.
        self._connection.execute(insert(RECORDS), rows)
        self._staged.extend(fresh)

    def _values(self, document: Document) -> dict[str, object]:
        return {
            "subject": subject_of(document.origin),
            "source": source_of(document.origin),
            "entity": document.entity,
            "body": document.body,
            "state": "staged",
            "number": None,
            "was_there": None,
            "reason": None,
            "faults": None,
            "attempts": 0,
            "claim": None,
            "intent_at": None,
            "reader": self._run,
            "finisher": None,
            "changed_at": self._now,
        }

    def _forget_refusals(self, subjects: Sequence[str]) -> None:
        """A record that gives a document now is no longer rejected, skipped or waiting."""
        for start in range(0, len(subjects), _AT_ONCE):
            self._connection.execute(
                delete(RECORDS)
                .where(_ROWS.flow == self._flow, _ROWS.identity.is_(None))
                .where(_ROWS.subject.in_(subjects[start : start + _AT_ONCE]))
            )

    def _take_undocumented(self, outcomes: Sequence[Outcome]) -> None:
        """Write the records that gave no document, each under its subject, the latest word last."""
        rows: dict[str, dict[str, object]] = {}
        for outcome in outcomes:
            match outcome:
                case Rejected():
                    state = "waiting" if outcome.waits else "rejected"
                    row = self._refusal(outcome.origin, state, None, outcome.faults)
                case Skipped():
                    row = self._refusal(outcome.origin, "skipped", outcome.reason, ())
                case Document():
                    continue
            rows[subject_of(outcome.origin)] = row
        if not rows:
            return
        statement = self._insert(RECORDS)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[_ROWS.flow, _ROWS.subject],
                index_where=_ROWS.identity.is_(None),
                set_={
                    name: statement.excluded[name]
                    for name in ("source", "state", "reason", "faults", "reader", "changed_at")
                },
            ),
            list(rows.values()),
        )

    def _refusal(
        self, origin: Origin, state: str, reason: str | None, faults: tuple[FaultReport, ...]
    ) -> dict[str, object]:
        return {
            "flow": self._flow,
            "subject": subject_of(origin),
            "source": source_of(origin),
            "identity": None,
            "state": state,
            "reason": reason,
            "faults": encode_faults(faults),
            "attempts": 0,
            "reader": self._run,
            "changed_at": self._now,
        }


def subject_of(origin: Origin) -> str:
    """Return what a record is known by: its own key, or its place in its file."""
    return _storable(f"#{origin.record} {origin.file}" if origin.key is None else origin.key)


def source_of(origin: Origin) -> str:
    """Return what people call a record: its own key, or its place in its file."""
    return _storable(f"{origin.file}:{origin.line}" if origin.key is None else origin.key)


def _storable(words: str) -> str:
    """Return the text without what a database cannot hold: NUL and lone surrogates."""
    return words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
