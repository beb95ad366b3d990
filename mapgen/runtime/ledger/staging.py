"""Stages a batch of outcomes: what is new, already queued, sent before or refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    Connection,
    Executable,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from mapgen.runtime.folding import alike
from mapgen.runtime.ledger.clashes import IS_MET, Clashes
from mapgen.runtime.ledger.queue import forget_needs, note_needs
from mapgen.runtime.ledger.rows import Kept, NextHead, Staged, digest_of
from mapgen.runtime.ledger.schema import MET, NEEDS, RECORDS, AnyRow, in_parts, insert_into
from mapgen.runtime.ledger.text import (
    place_of,
    source_of,
    storable,
    subject_by_place,
    subject_of,
)
from mapgen.runtime.outcome import Document, Outcome, Rejected, Skipped

_ROWS = RECORDS.c
_OTHER = RECORDS.alias("other")


_WITHDRAWN = "its record does not give this document any more"
_LEFT = ("staged", "sending", "rejected", "deferred", "dead_lettered")

_Key = tuple[str, str]
"""What a document is known by within its flow: its name and its identity."""


class Staging:
    """One transaction that takes a batch of outcomes over."""

    def __init__(
        self,
        connection: Connection,
        flow: str,
        run: str,
        now: float,
        updating: Set[str],
        rules: str,
    ) -> None:
        self._connection = connection
        self._flow = flow
        self._run = run
        self._now = now
        self._updating = updating
        self._rules = rules
        self._staged: list[int] = []
        self._already_there: dict[int, str | None] = {}
        self._unchanged: dict[int, str | None] = {}
        self._met: list[int] = []
        self._withdrawn = 0

    def take(self, outcomes: Sequence[Outcome]) -> Staged:
        """Write the rows; tell which documents are new, which are there, which were met.

        The latest word of a record holds: what an earlier run left of it in the queue gives way.
        """
        self._take_turn()
        clashes = Clashes(self._connection, self._flow, self._run, self._updating, self._rules)
        outcomes = clashes.refused(outcomes)
        chosen = self._choose(outcomes)
        known, overtaken = self._locked(outcomes, [one.key for one in chosen.values()])
        self._withdraw(overtaken)
        self._forget_refusals([subject_of(document.origin) for document in chosen.values()])
        # What could not be read there is a record with a key now: a line that was not whole yet.
        named = [one.origin for one in outcomes if one.origin.key is not None]
        self._forget_refusals([subject_by_place(one) for one in named if not one.again])
        fresh: dict[int, Document] = {}
        for at, document in sorted(chosen.items()):
            row = known.get(document.key)
            if row is None:
                fresh[at] = document
            elif document.lost and row.state == "sent" and row.finisher != self._run:
                self._stage_again(at, document, row.id)
            elif document.document in self._updating:
                self._take_newer(at, document, row)
            else:
                self._take_known(at, document, row)
        self._take_fresh(fresh)
        self._take_undocumented(outcomes)
        return Staged(
            tuple(outcomes),
            tuple(self._staged),
            self._already_there,
            self._unchanged,
            tuple(self._met),
            self._withdrawn,
        )

    def _choose(self, outcomes: Sequence[Outcome]) -> dict[int, Document]:
        """Return one document of each identity: the first to create, the last to update."""
        chosen: dict[_Key, int] = {}
        for at, outcome in enumerate(outcomes):
            if not isinstance(outcome, Document):
                continue
            before = chosen.setdefault(outcome.key, at)
            if before == at:
                continue
            if outcome.document in self._updating:
                self._unchanged[before] = None
                chosen[outcome.key] = at
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

    def _locked(
        self, outcomes: Sequence[Outcome], keys: Sequence[_Key]
    ) -> tuple[dict[_Key, AnyRow], list[AnyRow]]:
        """Return the rows of these documents, and those that their records do not give any more.

        They are locked in the one order of all that lock rows.
        """
        subjects = list(dict.fromkeys(subject_of(one.origin) for one in outcomes))
        rows = self._rows({*self._ids_of(keys), *self._ids_left_of(subjects)})
        given = {one.key for one in outcomes if isinstance(one, Document)}
        known = {(row.document, row.identity): row for row in rows}
        overtaken = [row for key, row in known.items() if key not in given]
        return {key: row for key, row in known.items() if key in given}, overtaken

    def _ids_left_of(self, subjects: Sequence[str]) -> list[int]:
        """Return the rows that earlier runs left of these records, and this one has not met."""
        found: list[int] = []
        for part in in_parts(subjects):
            values = {"of_flow": self._flow, "of_run": self._run, "subjects": part}
            found += self._connection.scalars(_LEFT_OF, values)
        return found

    def _withdraw(self, rows: Sequence[AnyRow]) -> None:
        """Take back what nobody has in hand; what somebody has is not sent once more."""
        for row in rows:
            self._withdrawn += 1
            if row.state == "sending":
                head = NextHead("", "", self._run, "", (), is_counted=False, is_withdrawal=True)
                self._update(row.id, next_body=None, next_head=head)
            else:
                self._update(row.id, **withdrawn_values(self._run, self._now))
        forget_needs(self._connection, [row.id for row in rows if row.state != "sending"])

    def _ids_of(self, keys: Sequence[_Key]) -> list[int]:
        identities = defaultdict(list)
        for document, identity in keys:
            identities[document].append(identity)
        found: list[int] = []
        for document, of_it in identities.items():
            for part in in_parts(of_it):
                values = {"of_flow": self._flow, "named": document, "identities": part}
                found += self._connection.scalars(_OF_IDENTITIES, values)
        return found

    def _rows(self, ids: Iterable[int]) -> list[AnyRow]:
        locked: list[AnyRow] = []
        for part in in_parts(sorted(ids)):
            locked += self._connection.execute(_WITH_IDS, {"of_run": self._run, "rows": part})
        return locked

    def _take_known(self, at: int, document: Document, row: AnyRow) -> None:
        """Decide about a document to create whose identity the ledger knows."""
        digest = digest_of(document.body)
        is_same = row.digest == digest and row.rules == self._rules
        if self._is_counted(row):
            self._already_there[at] = row.number
        elif row.state in ("staged", "sending") or (row.finisher == self._run and is_same):
            # Left by an earlier run: whoever finishes it counts it, maybe this run has already.
            self._meet(at, row.id)
            if row.state == "staged":
                self._replace(row.id, document)
            elif row.state == "sending" and not is_same:
                self._let_follow(row.id, document, is_counted=False, is_new=True)
            elif row.next_head is not None:
                self._update(row.id, next_body=None, next_head=None)
        elif row.finisher == self._run and row.state == "sent":
            self._meet(at, row.id)
        elif row.state == "sent":
            self._already_there[at] = row.number
        elif _is_under_another_identity(row):
            self._meet(at, row.id)
        else:
            self._stage_again(at, document, row.id)

    def _take_newer(self, at: int, document: Document, row: AnyRow) -> None:
        """Decide about a state of a document whose identity the ledger knows."""
        digest = digest_of(document.body)
        is_same = row.digest == digest
        if row.state == "sending":
            before = row.next_head
            is_ours = (row.claim or "").startswith(f"{self._run}/")
            follows = before is not None or not is_same or row.rules != self._rules
            counts = before is not None and before.reader == self._run and before.is_counted
            if follows:
                self._let_follow(row.id, document, is_counted=is_ours or counts)
            if before is not None and before.reader == self._run and not before.is_withdrawal:
                self._unchanged[at] = row.number
            elif follows and is_ours:
                # This run sends one after the other, and counts each.
                self._staged.append(at)
            else:
                self._join(at, row)
        elif row.state == "staged":
            if not is_same or row.rules != self._rules:
                self._replace(row.id, document)
            self._join(at, row)
        elif row.state == "sent" and is_same:
            self._join(at, row, is_new=row.finisher == self._run)
        elif _is_under_another_identity(row):
            self._join(at, row)
        else:
            self._stage_again(at, document, row.id)

    def _join(self, at: int, row: AnyRow, *, is_new: bool = True) -> None:
        """Count a state as one with what the run has counted, or will count, under this row."""
        if is_new and not self._is_counted(row):
            self._meet(at, row.id)
        else:
            self._unchanged[at] = row.number

    def _is_counted(self, row: AnyRow) -> bool:
        """Whether an earlier record of this run stands for the row in its counts."""
        return bool(row.reader == self._run or row.is_met)

    def _let_follow(
        self, row: int, document: Document, *, is_counted: bool, is_new: bool = False
    ) -> None:
        head = replace(self._head(document), is_counted=is_counted, is_new=is_new)
        self._update(row, next_body=document.body, next_head=head, record=_record(document))

    def _replace(self, row: int, document: Document) -> None:
        """Put a newer body in the place of one that nobody has in hand."""
        self._update(row, **self._body(document))
        need(self._connection, {row: document.needs})

    def _stage_again(self, at: int, document: Document, row: int) -> None:
        self._staged.append(at)
        since = func.coalesce(_ROWS.open_since, self._now)
        self._update(row, **self._values(document) | {"open_since": since})
        need(self._connection, {row: document.needs})

    def _meet(self, at: int, row: int) -> None:
        self._met.append(at)
        self._connection.execute(
            insert_into(self._connection, MET).values(run=self._run, record=row, met_at=self._now)
        )

    def _update(self, row: int, **values: object) -> None:
        self._connection.execute(update(RECORDS).where(_ROWS.id == row).values(**values))

    def _take_fresh(self, fresh: dict[int, Document]) -> None:
        if not fresh:
            return
        rows = [
            {
                "flow": self._flow,
                "document": document.document,
                "identity": document.identity,
                "folded": alike(document.identity),
                "open_since": self._now,
            }
            | self._values(document)
            for document in fresh.values()
        ]
        # Staging takes turns, so that nobody can have staged one of them since we looked.
        self._connection.execute(insert(RECORDS), rows)
        self._staged.extend(fresh)
        needing = {document.key: document for document in fresh.values() if document.needs}
        made = self._rows(self._ids_of(list(needing)))
        need(
            self._connection,
            {row.id: needing[row.document, row.identity].needs for row in made},
        )

    def _values(self, document: Document) -> dict[str, object]:
        return fresh_values(self._run, self._now) | self._body(document)

    def _body(self, document: Document) -> dict[str, object]:
        return self._head(document).columns | {
            "entity": document.entity,
            "body": document.body,
            "record": _record(document),
            "changed_at": self._now,
        }

    def _head(self, document: Document) -> NextHead:
        origin, digest = document.origin, digest_of(document.body)
        return NextHead(
            subject_of(origin), source_of(origin), self._run, digest, document.needs, self._rules,
            place_of(origin), branch=document.branch,
        )  # fmt: skip

    def _forget_refusals(self, subjects: Sequence[str]) -> None:
        """These records are no longer rejected, skipped or deferred."""
        for part in in_parts(subjects):
            values = {"of_flow": self._flow, "subjects": part}
            self._connection.execute(_FORGET_REFUSALS, values)

    def _take_undocumented(self, outcomes: Sequence[Outcome]) -> None:
        """Write the records that gave no document, each under its subject, the latest word last."""
        refused = (one for one in outcomes if not isinstance(one, Document))
        rows = {subject_of(one.origin): self._refusal(one) for one in refused}
        if rows:
            self._connection.execute(_refusing(self._connection), list(rows.values()))

    def _refusal(self, outcome: Rejected | Skipped) -> dict[str, object]:
        origin, reason, errors, record = outcome.origin, None, None, None
        match outcome:
            case Rejected():
                state = "deferred" if outcome.is_deferred else "rejected"
                errors, record = outcome.errors or None, _record(outcome)
            case Skipped():
                state, reason = "skipped", storable(outcome.reason)
        return {
            "flow": self._flow,
            "subject": subject_of(origin),
            "source": source_of(origin),
            "place": place_of(origin),
            "identity": None,
            "state": state,
            "reason": reason,
            "errors": errors,
            "attempts": 0,
            "reader": self._run,
            "record": record,
            "open_since": None if state == "skipped" else self._now,
            "changed_at": self._now,
        }


_LATEST = ("source", "place", "state", "reason", "errors", "reader", "record", "changed_at")


def _refusing(connection: Connection) -> Executable:
    """Return what writes records that gave no document, the latest word over the one before."""
    statement = insert_into(connection, RECORDS)
    new = statement.excluded
    since = case(
        (new.open_since.is_(None), None), else_=func.coalesce(_ROWS.open_since, new.open_since)
    )
    return statement.on_conflict_do_update(
        index_elements=[_ROWS.flow, _ROWS.subject],
        index_where=_ROWS.identity.is_(None),
        set_={name: new[name] for name in _LATEST} | {"open_since": since},
    )


_OF_FLOW = _ROWS.flow == bindparam("of_flow")


def _left_of() -> Select[Any]:
    needed = (
        select(_OTHER.c.id)
        .where(_OTHER.c.id == NEEDS.c.record, _OTHER.c.subject != _ROWS.subject)
        .where(_OTHER.c.flow == _ROWS.flow)
        .where(NEEDS.c.document == _ROWS.document, NEEDS.c.identity == _ROWS.identity)
        .correlate(RECORDS)
        .exists()
    )
    return (
        select(_ROWS.id)
        .where(_OF_FLOW, _ROWS.identity.is_not(None))
        .where(_ROWS.subject.in_(bindparam("subjects", expanding=True)))
        .where(_ROWS.state.in_(_LEFT), _ROWS.number.is_(None))
        .where(or_(_ROWS.reader.is_(None), _ROWS.reader != bindparam("of_run", type_=Text)))
        .where(~IS_MET, ~needed)
    )


_LEFT_OF = _left_of()
_OF_IDENTITIES = (
    select(_ROWS.id)
    .where(_OF_FLOW, _ROWS.document == bindparam("named"))
    .where(_ROWS.identity.in_(bindparam("identities", expanding=True)))
)
_WITH_IDS = (
    select(
        _ROWS.id, _ROWS.document, _ROWS.identity, _ROWS.digest, _ROWS.state, _ROWS.number,
        _ROWS.claim, _ROWS.reader, _ROWS.finisher, _ROWS.next_head, _ROWS.rules,
        IS_MET.label("is_met"),
    )
    .where(_ROWS.id.in_(bindparam("rows", expanding=True)))
    .order_by(_ROWS.id)
    .with_for_update()
)  # fmt: skip
_FORGET_REFUSALS = (
    delete(RECORDS)
    .where(_OF_FLOW, _ROWS.identity.is_(None))
    .where(_ROWS.subject.in_(bindparam("subjects", expanding=True)))
)


def withdrawn_values(run: str, now: float) -> dict[str, object]:
    """Return what the row of a document holds whose record does not give it any more."""
    return {
        "state": "skipped",
        "reason": _WITHDRAWN,
        "errors": None,
        "body": None,
        "digest": None,
        "next_body": None,
        "next_head": None,
        "record": None,
        "claim": None,
        "finisher": run,
        "open_since": None,
        "changed_at": now,
    }


def fresh_values(reader: str, now: float) -> dict[str, object]:
    """Return what a row in the queue holds beside its body, and nothing of what was before."""
    return {
        "state": "staged",
        "number": None,
        "was_there": None,
        "reason": None,
        "errors": None,
        "attempts": 0,
        "claim": None,
        "intent_at": None,
        "file": None,
        "is_whole": None,
        "reader": reader,
        "finisher": None,
        "changed_at": now,
    }


def need(connection: Connection, needs: Mapping[int, Sequence[_Key]]) -> None:
    """Note what documents need, by row, in the place of what they needed before."""
    if not needs:
        return
    forget_needs(connection, list(needs))
    note_needs(connection, needs)


def _record(outcome: Rejected | Document) -> Kept | None:
    """Return a record as the ledger holds it, to be transformed once more."""
    if outcome.data is None:
        return None
    origin = outcome.origin
    return Kept(origin.file, origin.record, origin.line, outcome.data)


def _is_under_another_identity(row: AnyRow) -> bool:
    """Whether it is in the ERP, but not under its identity: sent again, it would be there twice."""
    return bool(row.state == "dead_lettered" and row.number is not None)
