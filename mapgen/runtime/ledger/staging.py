"""A batch of outcomes in, the ledger's rows for them: what is new, met, sent before or refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mapgen.runtime.ledger.queue import forget_needs
from mapgen.runtime.ledger.rows import NextHead, Staged, digest_of, encode_faults
from mapgen.runtime.ledger.schema import MET, NEEDS, RECORDS
from mapgen.runtime.outcome import Document, FaultReport, Origin, Outcome, Rejected, Skipped

_ROWS = RECORDS.c
_AT_ONCE = 400  # bound values in one statement; SQLite allows 32,766, older builds 999


_Key = tuple[str, str]
"""What a document is known by within its flow: its name and its identity."""


class Staging:
    """One transaction that takes a batch of outcomes over."""

    def __init__(
        self, connection: Connection, flow: str, run: str, now: float, updating: Set[str]
    ) -> None:
        self._connection = connection
        self._flow = flow
        self._run = run
        self._now = now
        self._updating = updating
        self._insert = (
            postgresql.insert if connection.dialect.name == "postgresql" else (sqlite.insert)
        )
        self._staged: list[int] = []
        self._already_there: dict[int, str | None] = {}
        self._unchanged: dict[int, str | None] = {}
        self._met: list[int] = []

    def take(self, outcomes: Sequence[Outcome]) -> Staged:
        """Write the rows; tell which documents are new, which are there, which were met."""
        chosen = self._choose(outcomes)
        self._take_turn()
        known = self._known([_key(document) for document in chosen.values()])
        self._forget_refusals([subject_of(document.origin) for document in chosen.values()])
        fresh: dict[int, Document] = {}
        for at, document in sorted(chosen.items()):
            row = known.get(_key(document))
            if row is None:
                fresh[at] = document
            elif document.document in self._updating:
                self._take_newer(at, document, row)
            else:
                self._take_known(at, document, row)
        self._take_fresh(fresh)
        self._take_undocumented(outcomes)
        return Staged(
            tuple(self._staged), self._already_there, self._unchanged, tuple(self._met)
        )  # fmt: skip

    def _choose(self, outcomes: Sequence[Outcome]) -> dict[int, Document]:
        """Return one document of each identity: the first to create, the last to update."""
        chosen: dict[_Key, int] = {}
        for at, outcome in enumerate(outcomes):
            if not isinstance(outcome, Document):
                continue
            before = chosen.setdefault(_key(outcome), at)
            if before == at:
                continue
            if outcome.document in self._updating:
                self._unchanged[before] = None
                chosen[_key(outcome)] = at
            else:
                self._already_there[at] = None
        documents = ((at, outcomes[at]) for at in chosen.values())
        return {at: one for at, one in documents if isinstance(one, Document)}

    def _take_turn(self) -> None:
        """Let one process at a time stage records of a flow; SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(
                select(func.pg_advisory_xact_lock(func.hashtext(f"mapgen stage {self._flow}")))
            )

    def _known(self, keys: Sequence[_Key]) -> dict[_Key, Row[*tuple[Any, ...]]]:
        """Return the rows of these documents, locked in the one order of all that lock rows."""
        identities = defaultdict(list)
        for document, identity in keys:
            identities[document].append(identity)
        found: list[int] = []
        for document, of_it in identities.items():
            for start in range(0, len(of_it), _AT_ONCE):
                found += self._connection.scalars(
                    select(_ROWS.id)
                    .where(_ROWS.flow == self._flow, _ROWS.document == document)
                    .where(_ROWS.identity.in_(of_it[start : start + _AT_ONCE]))
                )
        known: dict[_Key, Row[*tuple[Any, ...]]] = {}
        found.sort()
        met = exists().where(MET.c.run == self._run, MET.c.record == _ROWS.id).label("is_met")
        for start in range(0, len(found), _AT_ONCE):
            rows = self._connection.execute(
                select(
                    _ROWS.id,
                    _ROWS.document,
                    _ROWS.identity,
                    _ROWS.digest,
                    _ROWS.state,
                    _ROWS.number,
                    _ROWS.claim,
                    _ROWS.reader,
                    _ROWS.finisher,
                    _ROWS.next_head,
                    met,
                )
                .where(_ROWS.id.in_(found[start : start + _AT_ONCE]))
                .order_by(_ROWS.id)
                .with_for_update()
            )
            known |= {(row.document, row.identity): row for row in rows}
        return known

    def _take_known(self, at: int, document: Document, row: Row[*tuple[Any, ...]]) -> None:
        """Decide about a document to create whose identity the ledger knows."""
        if self._is_counted(row):
            self._already_there[at] = row.number
        elif row.finisher == self._run or row.state in ("staged", "sending"):
            # Left by an earlier run: whoever finishes it counts it, maybe this run has already.
            self._meet(at, row.id)
        elif row.state == "sent":
            self._already_there[at] = row.number
        elif _is_misfiled(row):
            self._meet(at, row.id)
        else:
            self._stage_again(at, document, row.id)

    def _take_newer(self, at: int, document: Document, row: Row[*tuple[Any, ...]]) -> None:
        """Decide about a state of a document whose identity the ledger knows."""
        digest = digest_of(document.body)
        is_same = row.digest == digest
        if row.state == "sending":
            follows = row.next_head is not None or not is_same
            if follows:
                self._let_follow(row.id, document, digest)
            if row.next_head is not None and _reader_of(row.next_head) == self._run:
                self._unchanged[at] = row.number
            elif follows and (row.claim or "").startswith(f"{self._run}/"):
                # This run sends one after the other, and counts each.
                self._staged.append(at)
            else:
                self._join(at, row)
        elif row.state == "staged":
            if not is_same:
                self._replace(row.id, document)
            self._join(at, row)
        elif row.state == "sent" and is_same:
            self._join(at, row, is_new=row.finisher == self._run)
        elif _is_misfiled(row):
            self._join(at, row)
        else:
            self._stage_again(at, document, row.id)

    def _join(self, at: int, row: Row[*tuple[Any, ...]], *, is_new: bool = True) -> None:
        """Count a state as one with what the run has counted, or will count, under this row."""
        if is_new and not self._is_counted(row):
            self._meet(at, row.id)
        else:
            self._unchanged[at] = row.number

    def _is_counted(self, row: Row[*tuple[Any, ...]]) -> bool:
        """Whether an earlier record of this run stands for the row in its counts."""
        return bool(row.reader == self._run or row.is_met)

    def _let_follow(self, row: int, document: Document, digest: str) -> None:
        origin = document.origin
        head = NextHead(
            subject_of(origin), source_of(origin), self._run, digest, document.needs
        )  # fmt: skip
        words = msgspec.json.encode(head).decode()
        self._update(row, next_body=document.body, next_head=words)

    def _replace(self, row: int, document: Document) -> None:
        """Put a newer body in the place of one that nobody has in hand."""
        values = self._values(document)
        kept = ("subject", "source", "entity", "body", "digest", "changed_at")
        self._update(row, **{name: values[name] for name in kept})
        need(self._connection, {row: document.needs})

    def _stage_again(self, at: int, document: Document, row: int) -> None:
        self._staged.append(at)
        self._update(row, **self._values(document))
        need(self._connection, {row: document.needs})

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
            {"flow": self._flow, "document": document.document, "identity": document.identity}
            | self._values(document)
            for document in fresh.values()
        ]
        # Staging takes turns, so that nobody can have staged one of them since we looked.
        self._connection.execute(insert(RECORDS), rows)
        self._staged.extend(fresh)
        needing = {_key(document): document for document in fresh.values() if document.needs}
        made = self._known(list(needing))
        need(self._connection, {made[key].id: one.needs for key, one in needing.items()})

    def _values(self, document: Document) -> dict[str, object]:
        origin = document.origin
        digest = digest_of(document.body)
        values = fresh_values(
            subject_of(origin), source_of(origin), digest, self._run, self._now
        )  # fmt: skip
        return values | {"entity": document.entity, "body": document.body}

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


def fresh_values(
    subject: str, source: str, digest: str, reader: str, now: float
) -> dict[str, object]:
    """Return what a row in the queue holds beside its body, and nothing of what was before."""
    return {
        "subject": subject,
        "source": source,
        "digest": digest,
        "state": "staged",
        "number": None,
        "was_there": None,
        "reason": None,
        "faults": None,
        "attempts": 0,
        "claim": None,
        "intent_at": None,
        "reader": reader,
        "finisher": None,
        "changed_at": now,
    }


def need(connection: Connection, needs: Mapping[int, Sequence[_Key]]) -> None:
    """Note what documents need, by row, in the place of what they needed before."""
    if not needs:
        return
    forget_needs(connection, list(needs))
    rows = [
        {"record": row, "document": document, "identity": identity}
        for row, of_it in needs.items()
        for document, identity in dict.fromkeys(of_it)
    ]
    if rows:
        connection.execute(insert(NEEDS), rows)


def _key(document: Document) -> _Key:
    return document.document, document.identity


def _reader_of(next_head: str) -> str:
    return msgspec.json.decode(next_head, type=NextHead).reader


def _is_misfiled(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether it is in the ERP, but not under its identity: sent again, it would be there twice."""
    return bool(row.state == "dead" and row.number is not None)


def subject_of(origin: Origin) -> str:
    """Return what a record is known by: its own key, or its place in its file."""
    return _storable(f"#{origin.record} {origin.file}" if origin.key is None else origin.key)


def source_of(origin: Origin) -> str:
    """Return what people call a record: its own key, or its place in its file."""
    return _storable(f"{origin.file}:{origin.line}" if origin.key is None else origin.key)


def _storable(words: str) -> str:
    """Return the text without what a database cannot hold: NUL and lone surrogates."""
    return words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
