"""All flows of a workspace at work in one process, until it is asked to end."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Delivery
from mapgen.runtime.summary import instant_of
from mapgen.service.loop import Around, Cycled, Loop

_GRACE = 30.0


def holder() -> str:
    """Return what others know this process by."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Sender:
    """A connection that sends to us: its kind, and its secret, which is not shown."""

    name: str
    kind: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Taker:
    """A feed of a flow that takes what a connection sends; without topics, all of it."""

    flow: Cycled
    feed: str
    connection: str
    topics: tuple[str, ...] = ()


class Service:
    """The loops of all flows, and what arrives for them."""

    def __init__(
        self,
        flows: Iterable[Cycled],
        around: Around,
        senders: Iterable[Sender] = (),
        takers: Sequence[Taker] = (),
    ) -> None:
        self.ledger = around.ledger
        self.drain = around.drain
        self.senders: Mapping[str, Sender] = {one.name: one for one in senders}
        self.counts: Counter[tuple[str, str]] = Counter()
        self._takers = takers
        self._observer = around.observer
        self._turn = threading.Lock()
        self.loops = {flow.name: Loop(flow, around) for flow in flows}

    def start(self) -> None:
        """Let the flows begin."""
        self.tell("service began", flows=len(self.loops))
        for loop in self.loops.values():
            loop.thread.start()

    def stop(self) -> bool:
        """Let what is under way end, start nothing more; tell whether all ended in time."""
        self.drain.set()
        for loop in self.loops.values():
            loop.wake()
        for loop in self.loops.values():
            loop.thread.join(_GRACE)
        is_over = not any(loop.thread.is_alive() for loop in self.loops.values())
        self.tell("service ended", is_complete=is_over)
        return is_over

    def take(self, connection: str, topic: str | None, delivery: Delivery) -> int:
        """Write what a connection sent into the inbox of each flow that takes it.

        Returns how many flows take it. Raises LedgerFailed: then it has to be sent again.
        """
        takers = [
            one
            for one in self._takers
            if one.connection == connection and (not one.topics or topic in one.topics)
        ]
        new = 0
        for taker in takers:
            found = Delivery(taker.feed, delivery.delivery, topic, delivery.body, delivery.turn)
            new += self.ledger.receive(taker.flow.book, [found])
            self.loops[taker.flow.name].wake()
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
    def is_alive(self) -> bool:
        """Whether each loop goes on that has not been asked to end."""
        return self.drain.is_set() or all(one.thread.is_alive() for one in self.loops.values())

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
                    "is_running": loop.status.is_running,
                    "is_elsewhere": loop.status.is_elsewhere,
                    "cycles": loop.status.cycles,
                    "failures": loop.status.failures,
                    "failure": loop.status.failure,
                    "next_at": (
                        None
                        if loop.status.next_at is None
                        else loop.status.next_at.isoformat(timespec="seconds")
                    ),
                }
                for name, loop in self.loops.items()
            },
            "received": {" ".join(key): count for key, count in sorted(self.counts.items())},
            "at": instant_of(self.ledger.now()),
        }
