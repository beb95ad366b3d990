"""What a process that runs flows is to those outside: it takes deliveries, and says how it is."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Delivery
from mapgen.runtime.summary import instant_of
from mapgen.service.loop import Around, Cycled


@dataclass(frozen=True, slots=True)
class Sender:
    """A connection that sends to us: its kind, and its secret, which is not shown."""

    name: str
    kind: str
    secret: str = field(repr=False)


class Awaiting(Protocol):
    """A flow that takes what is sent to it, whether it can run or not."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def book(self) -> str | None:
        """What the ledger keeps it under, None where nobody knows."""


class NotYet(Exception):
    """A delivery cannot be kept for a flow that is not bound: it has to be sent again."""


@dataclass(frozen=True, slots=True)
class Taker:
    """A feed of a flow that takes what a connection sends; without topics, all of it."""

    flow: Awaiting
    feed: str
    connection: str
    topics: tuple[str, ...] = ()


class Reception(ABC):
    """The flows of a process, what arrives for them, and how they are doing."""

    def __init__(
        self, around: Around, senders: Iterable[Sender] = (), takers: Iterable[Taker] = ()
    ) -> None:
        self.ledger = around.ledger
        self.drain = around.drain
        self.board = around.board
        self.senders: Mapping[str, Sender] = {one.name: one for one in senders}
        self.counts: Counter[tuple[str, str]] = Counter()
        self._takers = tuple(takers)
        self._observer = around.observer
        self._turn = threading.Lock()

    @abstractmethod
    def add(self, flow: Cycled) -> None:
        """Let a flow run, too."""

    @abstractmethod
    def run(self, ended: threading.Event) -> None:
        """Let the flows run until `ended` is set."""

    @property
    @abstractmethod
    def is_alive(self) -> bool:
        """Whether all goes on that has not been asked to end."""

    @abstractmethod
    def wake(self, flow: str) -> None:
        """Say that something has arrived for a flow."""

    def expect(self, flow: str, senders: Iterable[Sender], takers: Iterable[Taker]) -> None:
        """Take from now on what is sent to a flow, instead of what was taken for it before."""
        with self._turn:
            others = (one for one in self._takers if one.flow.name != flow)
            self._takers = (*others, *takers)
            self.senders = {**self.senders, **{one.name: one for one in senders}}

    def take(self, connection: str, topic: str | None, delivery: Delivery) -> int:
        """Write what a connection sent into the inbox of each flow that takes it.

        Returns how many flows take it. Raises LedgerFailed, and NotYet where the place of a flow
        that takes it is not known: then it has to be sent again.
        """
        takers = [
            one
            for one in self._takers
            if one.connection == connection and (not one.topics or topic in one.topics)
        ]
        books = [(book, one) for one in takers if (book := one.flow.book) is not None]
        if len(books) < len(takers):
            raise NotYet
        new = 0
        for book, taker in books:
            found = Delivery(taker.feed, delivery.delivery, topic, delivery.body, delivery.turn)
            new += self.ledger.receive(book, [found])
            self.wake(taker.flow.name)
        self.count(connection, "unwanted" if not takers else "received" if new else "known")
        if not takers:
            facts = {"connection": connection, "topic": topic}
            self.tell("nobody takes a delivery", "warning", **facts)
        return len(takers)

    def count(self, connection: str, what: str) -> None:
        """Count a request by what became of it."""
        with self._turn:
            self.counts[connection, what] += 1

    def tell(self, name: str, level: Any = "info", /, **facts: Any) -> None:
        """Hand an event of the service itself on."""
        self._observer.on_event(TechnicalEvent(name, level, facts))

    @property
    def is_whole(self) -> bool:
        """Whether all flows of the workspace that run by themselves can."""
        return not self.board.unbound

    @property
    def is_ready(self) -> bool:
        """Whether deliveries can be taken: the ledger answers, and nothing ends."""
        if self.drain.is_set() or not self.is_alive:
            return False
        try:
            self.ledger.count_waiting()
        except LedgerFailed:
            return False
        return True

    def state(self) -> dict[str, object]:
        """Return how the flows are doing, as plain data."""
        return {
            "flows": {
                name: {
                    "is_running": one.is_running,
                    "is_elsewhere": one.is_elsewhere,
                    "cycles": one.cycles,
                    "failures": one.failures,
                    "failure": one.failure,
                    "next_at": (
                        None if one.next_at is None else one.next_at.isoformat(timespec="seconds")
                    ),
                }
                for name, one in tuple(self.board.flows.items())
            },
            "unbound": {name: one.code for name, one in sorted(self.board.unbound.items())},
            "received": {" ".join(key): count for key, count in sorted(self.counts.items())},
            "at": instant_of(self.ledger.now()),
        }
