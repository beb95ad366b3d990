"""What a run tells of itself: typed events in, two streams of JSON lines out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TextIO, assert_never

import structlog

Arrival = Literal["created", "updated", "already exists", "unchanged"]
EventOutcome = Literal[Arrival, "rejected", "skipped", "deferred", "dead_lettered"]
Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class BusinessEvent:
    """What became of one record, in the words of the business: `order 1001 -> SO000123 created`.

    `source` is the record's own key or its place, `number` what the ERP calls the document,
    `reasons` the codes and target fields (or the reason of a skip), never a value.
    """

    flow: str
    outcome: EventOutcome
    source: str
    entity: str | None = None
    number: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The event as a person reads it."""
        arrow = f" -> {self.number}" if self.number else ""
        why = f": {', '.join(self.reasons)}" if self.reasons else ""
        return f"{self.source}{arrow} {self.outcome}{why}"


@dataclass(frozen=True, slots=True)
class TechnicalEvent:
    """What the machinery did: a name, a level, and plain facts.

    Invariant: `facts` never hold a secret, a body, a query or a text that the ERP wrote.
    """

    name: str
    level: Literal["info", "warning", "error"] = "info"
    facts: Mapping[str, Plain] = field(default_factory=dict)


Event = BusinessEvent | TechnicalEvent


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: the counts of its summary so far, and whether all input is read.

    `made` counts what the records read have given: documents, rejections, skips.
    """

    read: int
    skipped: int
    rejected: int
    created: int
    already_exists: int
    dead_lettered: int
    deferred: int
    updated: int
    unchanged: int
    made: int
    is_read: bool

    @property
    def finished(self) -> int:
        """How many records have found their end; a share of them where some give several."""
        ends = (self.skipped, self.rejected, self.created, self.updated, self.already_exists)
        done = sum(ends) + self.unchanged + self.dead_lettered + self.deferred
        return done if self.made == self.read else done * self.read // max(1, self.made)


class Observer(Protocol):
    """Who watches a run. Called from several threads, one call at a time."""

    def on_progress(self, progress: Progress) -> None:
        """Take note of the counts; called after every batch read and every group acknowledged."""

    def on_event(self, event: Event) -> None:
        """Take note of one event."""


class Unobserved:
    """An observer that looks away."""

    def on_progress(self, progress: Progress) -> None:
        """Do nothing."""

    def on_event(self, event: Event) -> None:
        """Do nothing."""


class JsonLog:
    """An observer that writes events as JSON lines: business and technical ones apart.

    A stream that is None stays unwritten. The streams belong to the caller, who closes them.
    """

    def __init__(self, *, business: TextIO | None, technical: TextIO | None) -> None:
        self._business = None if business is None else _logger(business)
        self._technical = None if technical is None else _logger(technical)

    def on_progress(self, progress: Progress) -> None:
        """Leave progress to others."""

    def on_event(self, event: Event) -> None:
        """Write the event as one line into the stream of its kind."""
        match event:
            case BusinessEvent():
                if self._business is not None:
                    self._business.info(event.sentence, **_business_facts(event))
            case TechnicalEvent():
                if self._technical is not None:
                    self._technical.log(_LEVELS[event.level], event.name, **event.facts)
            case _:
                assert_never(event)


@dataclass(frozen=True, slots=True)
class Together:
    """Several observers as one, told in their order."""

    observers: tuple[Observer, ...]

    def on_progress(self, progress: Progress) -> None:
        """Tell each."""
        for observer in self.observers:
            observer.on_progress(progress)

    def on_event(self, event: Event) -> None:
        """Tell each."""
        for observer in self.observers:
            observer.on_event(event)


_LEVELS = {"info": 20, "warning": 30, "error": 40}


def _logger(stream: TextIO) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS["info"]),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        cache_logger_on_first_use=True,
    )
    return logger


def _business_facts(event: BusinessEvent) -> dict[str, Plain | list[str]]:
    facts: dict[str, Plain | list[str]] = {
        "flow": event.flow,
        "outcome": event.outcome,
        "source": event.source,
    }
    if event.entity is not None:
        facts["entity"] = event.entity
    if event.number is not None:
        facts["number"] = event.number
    if event.reasons:
        facts["reasons"] = list(event.reasons)
    return facts
