"""The counts of a run, and a bounded choice of details for its summary."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import assert_never, get_args

from msgspec.structs import replace

from mapgen.agreed.paths import without_numbers
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.events import (
    Arrival,
    BusinessEvent,
    Event,
    EventOutcome,
    Observer,
    TechnicalEvent,
)
from mapgen.runtime.ledger import Acknowledgement, State, StillOpen
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.summary import Counts, Kind, Reason, Shown, Summary

_MOST_REASONS = 200
_MOST_SHOWN = 20
_OTHERS = "others"


class RunStats:
    """Counts a run, and tells its observer, one call at a time."""

    def __init__(self, flow: str, observer: Observer) -> None:
        self.run: str | None = None
        self._flow = flow
        self._observer = observer
        self._turn = threading.RLock()
        self._read = 0
        self._made = 0
        self._counts: Counter[EventOutcome | Kind] = Counter()
        self._reasons: Counter[tuple[Kind, str]] = Counter()
        self._examples: dict[tuple[Kind, str], str] = {}
        self._shown: dict[Kind, list[Shown]] = {}
        self._withdrawn = 0
        self._still_open = StillOpen()
        self._failure: RunAborted | None = None

    def tell(self, event: Event) -> None:
        """Hand an event on; what keeps it from being written stops the run at its next `check`.

        It is counted all the same: what was delivered is delivered.
        """
        with self._turn:
            try:
                self._observer.on_event(replace(event, run=self.run))
            except RunAborted as failure:
                self._failure = self._failure or failure

    def check(self) -> None:
        """Raise what kept an event from being written."""
        if self._failure is not None:
            raise self._failure

    def saw(self, records: int, outcomes: int) -> None:
        """Note that so many more records were read, and gave so many outcomes."""
        with self._turn:
            self._read += records
            self._made += outcomes
            self._progress()

    def arrived(self, outcome: Arrival, source: str, entity: str, number: str | None) -> None:
        """Note a record whose document is in the tenant."""
        with self._turn:
            self._counts[outcome] += 1
            self.tell(BusinessEvent(self._flow, outcome, source, entity, number))

    def stayed_out(self, shown: Shown) -> None:
        """Note a record that found no way into the tenant."""
        with self._turn:
            kind = shown.kind
            assert kind != "differing"
            assert kind != "warned"
            self.tell(BusinessEvent(self._flow, kind, shown.source, reasons=self._note(shown)))

    def _note(self, shown: Shown) -> tuple[str, ...]:
        with self._turn:
            self._counts[shown.kind] += 1
            words = _words(shown)
            for word in words:
                key = (shown.kind, word)
                if key not in self._reasons and len(self._reasons) >= _MOST_REASONS:
                    key = (shown.kind, _OTHERS)
                self._reasons[key] += 1
                self._examples.setdefault(key, shown.source)
            first = self._shown.setdefault(shown.kind, [])
            if len(first) < _MOST_SHOWN:
                first.append(shown)
            return words

    def _differs(self, shown: Shown) -> None:
        """Note a document that the tenant has, but not as it was sent."""
        words = self._note(shown)
        self.tell(
            TechnicalEvent(
                "saved otherwise than sent",
                "warning",
                {"source": shown.source, "fields": ", ".join(words)},
            )
        )

    def warned(self, source: str, warnings: tuple[ErrorReport, ...]) -> None:
        """Note a record that gives documents, and does not honour checks that warn."""
        with self._turn:
            words = self._note(Shown("warned", source, warnings))
            facts = {"source": source, "checks": ", ".join(words)}
            self.tell(TechnicalEvent("record with warnings", "warning", facts))

    def ended(self, end: Acknowledgement, entity: str) -> None:
        """Note a document that came to its end in this run."""
        source = end.claim.source
        match end.end:
            case "sent":
                self.arrived(end.arrival, source, entity, end.number)
                if end.errors:
                    self._differs(Shown("differing", source, end.errors))
            case "rejected" | "dead_lettered" | "deferred" | "skipped":
                self.stayed_out(Shown(end.end, source, end.errors, end.reason))
            case _:
                assert_never(end.end)

    def advanced(self) -> None:
        """Tell how far the run is."""
        with self._turn:
            self._progress()

    def withdrew(self, documents: int) -> None:
        """Note that so many documents of earlier runs were taken back: their records changed."""
        if not documents:
            return
        with self._turn:
            self._withdrawn += documents
            self.tell(TechnicalEvent("documents withdrawn", facts={"documents": documents}))

    def add_open(self, still_open: StillOpen) -> None:
        """Note what earlier runs left that has no end yet."""
        with self._turn:
            self._still_open = still_open

    def add_elsewhere(self, states: Mapping[State, int]) -> None:
        """Count documents that this run read and another had, or brought to an end."""
        with self._turn:
            for state, count in states.items():
                self._counts[_ELSEWHERE[state]] += count
            self._progress()

    def summary(self) -> Summary:
        """Return the counts so far."""
        with self._turn:
            reasons = sorted(self._reasons.items(), key=lambda one: (-one[1], one[0]))
            return Summary(
                flow=self._flow,
                differing=self._counts["differing"],
                withdrawn=self._withdrawn,
                open=self._still_open.count,
                open_since=self._still_open.since,
                outdated=self._still_open.outdated,
                warnings=self._counts["warned"],
                reasons=tuple(Reason(*key, n, self._examples.get(key)) for key, n in reasons),
                shown=tuple(one for shown in self._shown.values() for one in shown),
                run=self.run,
                **self._so_far(),
            )

    def _progress(self) -> None:
        self._observer.on_progress(Counts(**self._so_far()))

    def _so_far(self) -> dict[str, int]:
        """Return what `Counts` has."""
        ends = {name: self._counts[end] for end, name in _ENDS.items()}
        return {"read": self._read, "made": self._made, **ends}


_ENDS: Mapping[EventOutcome, str] = {one: one.replace(" ", "_") for one in get_args(EventOutcome)}

# A document that is still in other hands when this run ends was there when this run read it.
_ELSEWHERE: dict[State, EventOutcome] = {
    "staged": "already exists",
    "sending": "already exists",
    "sent": "already exists",
    "rejected": "rejected",
    "dead_lettered": "dead_lettered",
    "skipped": "skipped",
    "deferred": "deferred",
}


def _words(shown: Shown) -> tuple[str, ...]:
    if shown.reason is not None:
        return (shown.reason,)
    return tuple(dict.fromkeys(map(_error_words, shown.errors)))


def _error_words(error: ErrorReport) -> str:
    target = "" if error.target is None else f" {without_numbers(error.target)}"
    return f"{error.code}{target}"
