"""What a run reports about itself, and the log of it in JSON lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO, assert_never

import msgspec
from msgspec import Struct

from mapgen.runtime.lines import shown_json
from mapgen.runtime.summary import Counts

Arrival = Literal["created", "updated", "already exists", "unchanged", "done"]
EventOutcome = Literal[Arrival, "rejected", "skipped", "deferred", "dead_lettered"]
Level = Literal["info", "warning", "error"]
Plain = str | int | float | bool | None


class BusinessEvent(msgspec.Struct, frozen=True):
    """What became of one record, in the words of the business: `order 1001 -> SO000123 created`.

    `source` is the record's own key or its place, `number` what the ERP calls the document,
    `reasons` the codes and target fields (or the reason of a skip), never a value. `run` is the id
    of the run, as the ledger has it.
    """

    flow: str
    outcome: EventOutcome
    source: str
    entity: str | None = None
    number: str | None = None
    reasons: tuple[str, ...] = ()
    run: str | None = None

    @property
    def sentence(self) -> str:
        """The event as a person reads it."""
        arrow = f" -> {self.number}" if self.number else ""
        why = f": {', '.join(self.reasons)}" if self.reasons else ""
        return f"{self.source}{arrow} {self.outcome}{why}"


class TechnicalEvent(msgspec.Struct, frozen=True):
    """What the machinery did: a name, a level, and plain facts.

    Invariant: `facts` never hold a secret, a body, a query or a text that the ERP wrote.
    """

    name: str
    level: Level = "info"
    facts: Mapping[str, Plain] = {}
    run: str | None = None


Event = BusinessEvent | TechnicalEvent


def untold(_event: Event) -> None:
    """Leave an event to the log of runs."""


class Observer:
    """Who watches a run, and looks away from what it does not take note of.

    Called from several threads, one call at a time.
    """

    def on_progress(self, progress: Counts) -> None:
        """Take note of the counts; called after every batch read and every group acknowledged."""

    def on_event(self, event: Event) -> None:
        """Take note of one event."""


class JsonLog(Observer):
    """An observer that writes events as JSON lines: business and technical ones apart.

    Where runs begin and end, with their counts, is in both. A stream that is None stays unwritten.
    The streams belong to the caller, who closes them.
    """

    def __init__(self, *, business: TextIO | None, technical: TextIO | None) -> None:
        self._business = business
        self._technical = technical

    def on_event(self, event: Event) -> None:
        """Write the event as one line into the stream of its kind."""
        match event:
            case BusinessEvent():
                if self._business is not None:
                    _write(self._business, _business_facts(event), event.sentence, "info")
            case TechnicalEvent():
                facts = event.facts if event.run is None else {**event.facts, "run": event.run}
                for stream in self._of(event):
                    _write(stream, facts, event.name, event.level)
            case _:
                assert_never(event)

    def _of(self, event: TechnicalEvent) -> Iterator[TextIO]:
        if self._technical is not None:
            yield self._technical
        is_of_both = event.name in _OF_BOTH and self._business is not self._technical
        if is_of_both and self._business is not None:
            yield self._business


_OF_BOTH = frozenset({"run began", "run ended"})


class Together(Struct, Observer, frozen=True):
    """Several observers as one, told in their order."""

    observers: tuple[Observer, ...]

    def on_progress(self, progress: Counts) -> None:
        """Tell each."""
        for observer in self.observers:
            observer.on_progress(progress)

    def on_event(self, event: Event) -> None:
        """Tell each."""
        for observer in self.observers:
            observer.on_event(event)


class InTurn(Observer):
    """An observer of several runs at once, told one thing at a time."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._turn = threading.Lock()

    def on_progress(self, progress: Counts) -> None:
        """Tell it when nobody else does."""
        with self._turn:
            self._observer.on_progress(progress)

    def on_event(self, event: Event) -> None:
        """Tell it when nobody else does."""
        with self._turn:
            self._observer.on_event(event)


def _write(stream: TextIO, facts: Mapping[str, object], event: str, level: Level) -> None:
    """Write a line, and see to it that it is out: what dies next takes none with it."""
    line = {**facts, "event": event, "level": level, "timestamp": datetime.now(UTC)}
    stream.write(f"{shown_json(msgspec.json.encode(line)).decode()}\n")
    stream.flush()


def _business_facts(event: BusinessEvent) -> dict[str, object]:
    facts = msgspec.structs.asdict(event)
    return {name: fact for name, fact in facts.items() if fact not in (None, ())}
