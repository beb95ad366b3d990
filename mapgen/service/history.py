"""How long queues were, minute by minute, as far as this process has seen it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

_MOST = 60


class History:
    """The latest lengths of the queues; the ledger knows only what they are now."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._moments: deque[tuple[float, Mapping[str, int]]] = deque(maxlen=_MOST)

    def note(self, moment: float, queued: Mapping[str, int]) -> None:
        """Take down how many documents each flow has in its queue."""
        with self._turn:
            self._moments.append((moment, queued))

    def queued(self, flow: str | None) -> list[tuple[float, float | None]]:
        """Return moments and how many documents were in the queue of a flow, or of all."""
        with self._turn:
            found = list(self._moments)
        return [
            (moment, float(sum(by_flow.values()) if flow is None else by_flow.get(flow, 0)))
            for moment, by_flow in found
        ]
