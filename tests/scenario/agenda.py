"""What is to happen when, by a clock that runs faster than the one on the wall."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

_OPENS = datetime(2026, 11, 30, 8)


@dataclass
class Agenda:
    """Things to do by the minute of the day, one at a time; `speed` minutes pass in one."""

    speed: float
    _began: float = field(default_factory=time.monotonic)
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=count)

    @property
    def minute(self) -> float:
        """How many minutes of the day have passed."""
        return (time.monotonic() - self._began) * self.speed / 60

    def begin(self) -> None:
        """Let the day begin now."""
        self._began = time.monotonic()

    def at(self, minute: float, what: Callable[[], None]) -> None:
        """Have something done at a minute of the day."""
        heapq.heappush(self._due, (minute, next(self._turns), what))

    def soon(self, minutes: float, what: Callable[[], None]) -> None:
        """Have something done some minutes from now."""
        self.at(self.minute + minutes, what)

    def run(self) -> None:
        """Do all that is due, and what comes of it, each at its time."""
        while self._due:
            minute, _, what = heapq.heappop(self._due)
            time.sleep(max(0.0, (minute - self.minute) * 60 / self.speed))
            what()

    def clock(self) -> str:
        """Return the time of day, as people write it."""
        return f"{_OPENS + timedelta(minutes=self.minute):%H:%M}"
