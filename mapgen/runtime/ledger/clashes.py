"""Refuses records whose documents would be treated as those of other records.

A document is known by its identity. Two records that give one identity and other content would be
one document, and one of them lost; two identities that the ERP takes for one would be, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import groupby
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Text, bindparam, exists, or_, select

from mapgen.runtime.blanks import is_blank
from mapgen.runtime.folding import alike
from mapgen.runtime.ledger.rows import digest_of
from mapgen.runtime.ledger.schema import MET, RECORDS, in_parts
from mapgen.runtime.ledger.text import is_storable, place_of, source_of, subject_of
from mapgen.runtime.outcome import IDENTITY_ALIKE, Document, ErrorReport, Outcome, Rejected

IDENTITY_UNUSABLE = "R225"
IDENTITY_SHARED = "R226"

_ROWS = RECORDS.c


class _Holder(Struct, frozen=True):
    """The record that an identity stands for."""

    subject: str
    source: str
    place: str | None
    digest: str | None
    rules: str | None
    is_of_this_run: bool

    def __str__(self) -> str:
        return f"`{self.source}`" + (f" ({self.place})" if self.place else "")


_Known = dict[tuple[str, str], dict[str, _Holder]]
"""By document and folded identity: the identities that are known, and whose they are."""


class Clashes:
    """Finds the records of a batch whose documents would be treated as those of other records."""

    def __init__(
        self, connection: Connection, flow: str, run: str, updating: Set[str], rules: str
    ) -> None:
        self._connection = connection
        self._flow = flow
        self._run = run
        self._updating = updating
        self._rules = rules

    def refused(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the batch; a record with such a document is one rejection in it."""
        known = self._known([one for one in outcomes if isinstance(one, Document)])
        return [
            one
            for _, of_record in groupby(outcomes, lambda one: one.origin.place)
            for one in self._judged(list(of_record), known)
        ]

    def _judged(self, outcomes: list[Outcome], known: _Known) -> list[Outcome]:
        documents = [one for one in outcomes if isinstance(one, Document)]
        needed = {key for one in documents for key in one.needs}
        errors = [
            error
            for one in documents
            for error in self._errors(one, known, is_needed=one.key in needed)
        ]
        if errors:
            return [Rejected(documents[0].origin, tuple(errors), documents[0].data)]
        for one in documents:
            same = known.setdefault((one.document, alike(one.identity)), {})
            same[one.identity] = self._holder_of(one)
        return outcomes

    def _errors(
        self, document: Document, known: _Known, *, is_needed: bool
    ) -> Iterator[ErrorReport]:
        if is_blank(document.identity) or not is_storable(document.identity):
            words = "is blank" if is_blank(document.identity) else "holds a NUL character"
            yield ErrorReport(IDENTITY_UNUSABLE, f"the identity {words}")
            return
        same = known.get((document.document, alike(document.identity)), {})
        holder = same.get(document.identity)
        if holder is None and same:
            other = next(iter(same.values()))
            words = (
                f"the ERP may not tell its identity from that of the record {other}: they differ by"
                " case, blanks at the end, or characters that are invisible or look alike"
            )
            yield ErrorReport(IDENTITY_ALIKE, words)
        is_made_once = not is_needed and document.document not in self._updating
        if holder is not None and is_made_once and self._is_another(document, holder):
            words = f"the record {holder} has the same identity, with other content"
            yield ErrorReport(IDENTITY_SHARED, words)

    def _is_another(self, document: Document, holder: _Holder) -> bool:
        """Whether two records meet in one document, or one record comes twice in two states."""
        if holder.digest is None or holder.digest == digest_of(document.body):
            return False
        if holder.is_of_this_run:
            return True
        # By other rules, or without a key, the same record may have had another name.
        is_comparable = holder.rules == self._rules and document.origin.key is not None
        return is_comparable and holder.subject != subject_of(document.origin)

    def _holder_of(self, document: Document) -> _Holder:
        origin = document.origin
        return _Holder(
            subject_of(origin),
            source_of(origin),
            place_of(origin),
            digest_of(document.body),
            self._rules,
            is_of_this_run=True,
        )

    def _known(self, documents: Sequence[Document]) -> _Known:
        wanted: dict[str, set[str]] = {}
        for one in documents:
            if is_storable(one.identity):
                wanted.setdefault(one.document, set()).add(alike(one.identity))
        known: _Known = {}
        for document, of_it in wanted.items():
            ordered = sorted(of_it)
            for part in in_parts(ordered):
                self._look_up(document, part, known)
        return known

    def _look_up(self, document: str, wanted: Sequence[str], known: _Known) -> None:
        values = {"of_flow": self._flow, "of_run": self._run, "named": document, "wanted": wanted}
        for row in self._connection.execute(_ALIKE, values):
            head = row.next_head
            newest: Any = row if head is None or head.is_withdrawal else head
            known.setdefault((document, row.folded), {})[row.identity] = _Holder(
                newest.subject,
                newest.source,
                newest.place,
                newest.digest,
                newest.rules,
                bool(row.reader == self._run or row.is_met),
            )


# Built once: to build a statement costs more than to execute it.
IS_MET = exists().where(MET.c.run == bindparam("of_run", type_=Text), MET.c.record == _ROWS.id)
_ALIKE = (
    select(
        _ROWS.identity, _ROWS.folded, _ROWS.subject, _ROWS.source, _ROWS.place,
        _ROWS.digest, _ROWS.rules, _ROWS.reader, _ROWS.next_head, IS_MET.label("is_met"),
    )
    .where(_ROWS.flow == bindparam("of_flow"), _ROWS.document == bindparam("named"))
    .where(_ROWS.folded.in_(bindparam("wanted", expanding=True)))
    # What was refused has no document: another record may be the one that it is for.
    .where(
        or_(
            _ROWS.state.not_in(("skipped", "rejected", "dead_lettered")),
            _ROWS.number.is_not(None),
        )
    )
)  # fmt: skip
