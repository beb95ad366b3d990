"""Source, ledger and target side by side: what is missing, extra or different, and the money."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from mapgen.agreed.plan import DocumentPlan, Identity, Plan
from mapgen.runtime.delivery.money import Money, money_in, money_of, money_shown, rows_of
from mapgen.runtime.delivery.money import shown_fields as shown_of
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.environment import Environment
from mapgen.runtime.ledger import Keys, Ledger, book_of
from mapgen.runtime.ledger.accounts import Accounts, Entry
from mapgen.runtime.ledger.rows import Line
from mapgen.runtime.outcome import Document, ErrorReport, Outcome
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.bodies import UnknownKey, filled, read_body
from mapgen.runtime.targets.kind import Found, There, Writer
from mapgen.runtime.targets.opening import opened

_AT_ONCE = 50
Verdict = Literal["same", "missing", "extra", "different", "unclear"]
VERDICTS: tuple[Verdict, ...] = ("same", "missing", "extra", "different", "unclear")
_AMOUNT = "the amount"


class Compared(Struct, frozen=True):
    """A document that one side has, and what the others have of it.

    `state` is the one that the ledger has it in, None where it does not know it; `errors` tell each
    field that differs, or why it is unclear. `given` is its money as the source gives it now,
    `sent` as the ledger has it, `there` as the target has it. `record` is where the source gives
    it.
    """

    source: str
    document: str
    entity: str
    identity: str
    number: str | None
    verdict: Verdict
    state: str | None
    errors: tuple[ErrorReport, ...] = field(default=(), name="faults")
    given: Money | None = None
    sent: Money | None = None
    there: Money | None = None
    record: tuple[str, int] | None = None

    @property
    def is_in_ledger(self) -> bool:
        """Whether the ledger knows it as sent."""
        return self.state == "sent"


class Scope(Struct, frozen=True):
    """How far a comparison goes: documents changed since then (seconds since 1970).

    Where the source is given as a whole (`is_whole`), what it does not give is extra.
    """

    since: float
    is_whole: bool = False


class Booked(Struct, frozen=True):
    """A flow whose books are compared, where it delivers, and where its rules are written.

    `remote` are the tables that the mapping of its source asks.
    """

    plan: Plan
    environment: Environment
    rules: Rules
    remote: RemoteTables | None = None

    @property
    def book(self) -> str:
        """What the ledger keeps it under."""
        place = self.environment.place
        return book_of(self.plan.flow, place.name, place.url)


class Books(Struct):
    """What a comparison comes to: documents by verdict, and the money of each side.

    `has_source` says whether there is a source beside ledger and target.
    """

    has_source: bool
    counts: Counter[str] = field(default_factory=Counter)
    _sums: dict[tuple[str, str], dict[str, Decimal]] = field(default_factory=dict)

    def add(self, one: Compared) -> None:
        """Count a document, and add its money."""
        self.counts[one.verdict] += 1
        sides = (("source", one.given), ("ledger", one.sent), ("target", one.there))
        for side, money in sides:
            if money is not None:
                sums = self._sums.setdefault((one.document, money.currency), {})
                sums[side] = sums.get(side, Decimal(0)) + money.amount

    @property
    def disagreeing(self) -> int:
        """How many documents are not the same on all sides."""
        return self.counts.total() - self.counts["same"]

    @property
    def by_verdict(self) -> dict[str, int]:
        """The counts of all verdicts."""
        return {verdict: self.counts[verdict] for verdict in VERDICTS}

    @property
    def money(self) -> tuple[Line, ...]:
        """The money of each document and currency, on each side."""
        nothing = Decimal(0)
        return tuple(
            Line(
                document,
                currency,
                f"{sums.get('source', nothing):f}" if self.has_source else None,
                f"{sums.get('ledger', nothing):f}",
                f"{sums.get('target', nothing):f}",
            )
            for (document, currency), sums in sorted(self._sums.items())
        )


def unasked(plan: Plan) -> tuple[str, ...]:
    """Return what of a comparison the target of a flow cannot be asked."""
    told = []
    for one in plan.documents:
        of = f"of `{one.name}`, " if len(plan.documents) > 1 else ""
        if not one.is_found:
            told.append(f"{of}nothing: the spec has no `find:` that shows what the API has")
        elif one.send is not None:
            told.append(f"{of}fields, money and extra documents: the API is asked by identity")
        elif not one.books.money:
            told.append(f"{of}money: the flow gives no amount of it")
        if one.send is None and one.does.creates and one.books.changed is None:
            told.append(f"{of}when documents were changed: all are listed")
    return tuple(told)


def compared(
    outcomes: Callable[[], Iterable[Outcome]] | None,
    flow: Booked,
    ledger: Ledger,
    scope: Scope,
    stop: threading.Event | None = None,
) -> Iterator[Compared]:
    """Yield each document that source, ledger or target have, compared, and change nothing.

    Without `outcomes` it is the ledger's documents that the target is asked for. Then follow those
    that only the ledger, or only the target has.

    Raises RunAborted where the target cannot be asked, Stopping once `stop` is set.
    """
    # What a run does not compare (`verify: off`) is compared here: that is what was asked for.
    asking, environment = msgspec.structs.replace(flow.plan, verify="warn"), flow.environment
    ended = stop or threading.Event()
    with opened(environment, asking, ledger, stop=ended) as ways:
        if flow.remote is not None:
            flow.remote.connect(ledger, environment.tenant, ways.erp)
        writers = {
            one.name: ways.asked.writer(one, flow.rules, shown_of(one.books))
            for one in flow.plan.documents
        }
        sides = _Sides(flow, ledger, writers, scope)
        yield from sides.of_ledger() if outcomes is None else sides.of_source(outcomes())
        yield from sides.of_target()


class _Sides:
    """One comparison; `_seen` are the documents that the first side gave."""

    def __init__(
        self, flow: Booked, ledger: Ledger, writers: Mapping[str, Writer], scope: Scope
    ) -> None:
        place = flow.environment.place
        self._accounts = Accounts(ledger, flow.book)
        self._place = book_of("", place.name, place.url)
        self._writers = writers
        self._scope = scope
        self._seen: dict[str, set[str]] = {name: set() for name in writers}

    def of_source(self, outcomes: Iterable[Outcome]) -> Iterator[Compared]:
        """Yield the documents that the source gives; where it is whole, then what it lacks."""
        documents = (one for one in outcomes if isinstance(one, Document))
        while part := list(islice(documents, _AT_ONCE)):
            entries = self._accounts.entries(one.key for one in part)
            found = _looked_up(part, self._writers)
            for one in part:
                seen = self._seen[one.document]
                if one.identity in seen and not self._writers[one.document].document.does.updates:
                    continue  # the first one is made, and no other
                seen.add(one.identity)
                keys, entry = _keys(one, found, part), entries.get(one.key)
                yield self._given(one, found[one.document], keys, entry)
        if self._scope.is_whole:
            for sent in self._sent():
                lacking = [one for one in sent if one.identity not in self._seen[one.document]]
                yield from (one for one in self._known(lacking) if one.number is not None)

    def of_ledger(self) -> Iterator[Compared]:
        """Yield the documents that the ledger knows as sent, by their money."""
        for entries in self._sent():
            yield from self._known(entries)

    def of_target(self) -> Iterator[Compared]:
        """Yield the documents that the target has and nobody else knows."""
        since = datetime.fromtimestamp(self._scope.since, UTC)
        asked: list[tuple[str, Identity]] = []
        for name, writer in self._writers.items():
            plan = writer.document
            # A second write of a document lists the same ones again.
            is_again = (plan.entity, plan.identity) in asked
            asked.append((plan.entity, plan.identity))
            if plan.does.creates and plan.owner is None and not is_again:
                for listed in writer.listed(since) or ():
                    yield from self._unknown(name, writer, listed)

    def _sent(self) -> Iterator[list[Entry]]:
        return self._accounts.sent(tuple(self._writers), self._scope.since)

    def _given(
        self, one: Document, found: Found, keys: Mapping[str, Keys], entry: Entry | None
    ) -> Compared:
        """Compare a document that the source gives."""
        writer = self._writers[one.document]
        books = writer.document.books
        verdict, errors, there = self._looked_for(writer, found, one.identity, entry)
        read: Mapping[str, Any] | None = None
        if there is not None and verdict == "same" and writer.document.send is None:
            verdict, errors, read = _read(one, there, writer, keys)
        number = None if there is None else there.number
        state = None if entry is None else entry.state
        return Compared(
            one.origin.key or str(one.origin), one.document, one.entity, one.identity,
            number, verdict, state, errors, money_of(read_body(one.body), books),
            _sent_money(entry), None if read is None else money_of(read, books),
            (one.origin.file, one.origin.record),
        )  # fmt: skip

    def _known(self, entries: Sequence[Entry]) -> Iterator[Compared]:
        """Compare documents that the ledger knows as sent; what the source lacks is extra."""
        by_name: dict[str, list[str]] = {}
        for one in entries:
            by_name.setdefault(one.document, []).append(one.identity)
        found = {name: self._writers[name].find(ids) for name, ids in by_name.items()}
        for one in entries:
            writer = self._writers[one.document]
            name = one.document
            verdict, errors, there = self._looked_for(writer, found[name], one.identity, one)
            money = None if there is None else _there_money(there, writer)
            sent = _sent_money(one)
            if verdict == "same" and sent is not None and money is not None and sent != money:
                verdict, errors = "different", (_of_amount(sent, money),)
            if self._scope.is_whole and there is not None:
                verdict = "extra"
            number = None if there is None else there.number
            yield Compared(
                one.source, name, writer.document.entity, one.identity, number, verdict, one.state,
                errors, None, sent, money,
            )  # fmt: skip

    def _unknown(
        self, name: str, writer: Writer, listed: Mapping[str, There]
    ) -> Iterator[Compared]:
        """Yield what of a list of the target neither source nor ledger knows."""
        entity = writer.document.entity
        entries = self._accounts.entries((name, one) for one in listed)
        known = {one for _, one in entries} | self._seen[name]
        left = [one for one in listed if one not in known]
        others = self._accounts.others(entity, left, self._place) if left else set()
        for identity in left:
            if identity not in others:
                there = listed[identity]
                money = _there_money(there, writer)
                yield Compared(identity, name, entity, identity, there.number, "extra", None,
                               there=money)  # fmt: skip

    def _looked_for(
        self, writer: Writer, found: Found, identity: str, entry: Entry | None
    ) -> tuple[Verdict, tuple[ErrorReport, ...], There | None]:
        """Return what a look-up says of a document; one that has another identity is not missing.

        Made a second time, it would be there twice.
        """
        verdict, errors, there = _found(identity, found, writer.document)
        keys = entry.keys if entry is not None and entry.is_sent else None
        if entry is not None and verdict == "missing" and keys and writer.has(keys):
            words = f"the ERP has {entry.number}, but not under the identity that was sent"
            return "unclear", (ErrorReport(codes.IDENTITY_CHANGED, words),), None
        return verdict, errors, there


def _looked_up(part: Sequence[Document], writers: Mapping[str, Writer]) -> dict[str, Found]:
    """Return what a look-up finds of documents, by their names."""
    by_name: dict[str, dict[str, bytes]] = {}
    for one in part:
        by_name.setdefault(one.document, {})[one.identity] = one.body
    return {name: writers[name].find(list(bodies), bodies) for name, bodies in by_name.items()}


def _found(
    identity: str, found: Found, document: DocumentPlan
) -> tuple[Verdict, tuple[ErrorReport, ...], There | None]:
    """Return what a look-up says of a document, before its fields are compared."""
    refused, there = found.refused.get(identity), found.there.get(identity)
    if not document.is_found:
        return "unclear", (), None
    if refused is not None:
        return "unclear", (refused,), there
    if identity in found.doubled:
        words = "several documents of the ERP have this identity"
        return "unclear", (ErrorReport(codes.IDENTITY_DOUBLED, words),), there
    return ("missing", (), None) if there is None else ("same", (), there)


def _read(
    one: Document, there: There, writer: Writer, keys: Mapping[str, Keys]
) -> tuple[Verdict, tuple[ErrorReport, ...], Mapping[str, Any] | None]:
    """Compare a document with what the target has, field by field."""
    try:
        read = writer.read(there, filled(one.body, keys))
    except UnknownKey as unknown:
        return "unclear", (ErrorReport(codes.KEY_UNKNOWN, str(unknown)),), None
    if read.part is None:
        words = "the ERP could not be read to compare it"
        return "unclear", (ErrorReport(codes.SAVED_OTHERWISE, words),), None
    return ("different" if read.otherwise else "same"), read.otherwise, read.part


def _there_money(there: There, writer: Writer) -> Money | None:
    """Return the money of a document that is there; that of rows takes a reading of it."""
    books = writer.document.books
    lists = rows_of(books)
    if not lists:
        return money_shown(there.shown, books)
    part = writer.read(there, msgspec.json.encode({name: [{}] for name in lists})).part
    return None if part is None else money_of(part, books)


def _sent_money(entry: Entry | None) -> Money | None:
    return money_in(entry.amount) if entry is not None and entry.is_sent else None


def _of_amount(sent: Money, there: Money) -> ErrorReport:
    words = f"{_AMOUNT} was {sent} when it was sent, and is {there} in the ERP"
    return ErrorReport(codes.SAVED_OTHERWISE, words)


def _keys(one: Document, found: Mapping[str, Found], part: Sequence[Document]) -> dict[str, Keys]:
    """Return the keys of the documents of the same record, by name."""
    keys: dict[str, Keys] = {}
    for other in part:
        there = found[other.document].there.get(other.identity)
        if there is not None and other.origin == one.origin:
            keys[other.document] = there.keys
    return keys
