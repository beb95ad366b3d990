"""Source, ledger and ERP side by side: what is missing, what differs by field, with its rule."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from mapgen.agreed.plan import Plan
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Keys, Ledger, book_of
from mapgen.runtime.outcome import Document, ErrorReport, Outcome
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets.bodies import UnknownKey, filled
from mapgen.runtime.targets.kind import Found, There, Writer
from mapgen.runtime.targets.opening import opened

_AT_ONCE = 50
Verdict = Literal["same", "missing", "different", "unclear"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A document that the source gives now, and what the ERP has of it.

    `is_in_ledger` says whether the ledger knows it as sent; `faults` tell each field that differs,
    or why it is unclear.
    """

    source: str
    document: str
    entity: str
    number: str | None
    verdict: Verdict
    is_in_ledger: bool
    faults: tuple[ErrorReport, ...] = ()


def compared(
    outcomes: Callable[[], Iterable[Outcome]],
    plan: Plan,
    environment: Environment,
    ledger: Ledger,
    rules: Rules,
    remote: RemoteTables,
) -> Iterator[Compared]:
    """Yield what the ERP has of each document of the source, and change nothing.

    Raises RunAborted where the ERP cannot be asked.
    """
    unread: list[TechnicalEvent] = []

    def tell(event: TechnicalEvent) -> None:
        if event.name == "not verified":
            unread.append(event)

    book = book_of(plan.flow, environment.place.name, environment.place.url)
    with opened(environment, plan, ledger, stop=threading.Event(), tell=tell) as ways:
        remote.connect(ledger, environment.tenant, ways.erp)
        writers = {one.name: ways.target.writer(one, rules) for one in plan.documents}
        documents = (one for one in outcomes() if isinstance(one, Document))
        while part := list(islice(documents, _AT_ONCE)):
            found = _looked_up(part, writers)
            for one in part:
                is_known = ledger.knows_as_sent(book, one)
                yield _compared(one, writers[one.document], found, part, unread, is_known=is_known)


def _looked_up(part: Sequence[Document], writers: Mapping[str, Writer]) -> dict[str, Found]:
    """Return what a look-up finds of documents, by their names."""
    by_name: dict[str, list[str]] = {}
    for one in part:
        by_name.setdefault(one.document, []).append(one.identity)
    return {name: writers[name].find(ids) for name, ids in by_name.items()}


def _compared(
    one: Document,
    writer: Writer,
    found: Mapping[str, Found],
    part: Sequence[Document],
    unread: list[TechnicalEvent],
    *,
    is_known: bool,
) -> Compared:
    looked = found[one.document]
    there, refused = looked.there.get(one.identity), looked.refused.get(one.identity)
    source = one.origin.key or str(one.origin)
    verdict: Verdict = "missing"
    faults: tuple[ErrorReport, ...] = ()
    if refused is not None or one.identity in looked.doubled:
        words = "several documents of the ERP have this identity"
        faults = (refused or ErrorReport("R412", words),)
        verdict = "unclear"
    elif there is not None:
        verdict, faults = _read(one, there, writer, _keys(one, found, part), unread)
    number = None if there is None else there.number
    return Compared(source, one.document, one.entity, number, verdict, is_known, faults)


def _read(
    one: Document,
    there: There,
    writer: Writer,
    keys: Mapping[str, Keys],
    unread: list[TechnicalEvent],
) -> tuple[Verdict, tuple[ErrorReport, ...]]:
    """Compare a document with what the ERP has, field by field."""
    before = len(unread)
    try:
        saved = writer.found(there, filled(one.body, keys))
    except UnknownKey as unknown:
        return "unclear", (ErrorReport("R411", str(unknown)),)
    if len(unread) > before:
        return "unclear", (ErrorReport("R413", "the ERP could not be read to compare it"),)
    return ("different" if saved.otherwise else "same"), saved.otherwise


def _keys(one: Document, found: Mapping[str, Found], part: Sequence[Document]) -> dict[str, Keys]:
    """Return the keys of the documents of the same record, by name."""
    keys: dict[str, Keys] = {}
    for other in part:
        there = found[other.document].there.get(other.identity)
        if there is not None and other.origin == one.origin:
            keys[other.document] = there.keys
    return keys
