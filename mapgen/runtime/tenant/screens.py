"""Who may use a screen of the session: many requests at once, or one action alone.

While an action runs for long, the ERP refuses whatever else the session asks of the same screen
(409, "A long operation is running for this screen"). Source: OpenAPI documents 25.200 and 26.200.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mapgen.runtime.network.breaker import Stopping

_LOOK = 0.2
"""Seconds between two looks at whether the run is being stopped."""


class Screens:
    """The screens of one session, by entity. Threads share it; who waits is woken by a stop."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._state = threading.Condition()
        self._used: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._alone: set[str] = set()

    @contextmanager
    def shared(self, entity: str) -> Iterator[None]:
        """Use a screen beside others, for one request. Raises Stopping."""
        with self._state:
            while entity in self._alone or self._waiting[entity]:
                self._wait()
            self._used[entity] += 1
        try:
            yield
        finally:
            with self._state:
                self._used[entity] -= 1
                self._state.notify_all()

    @contextmanager
    def alone(self, entity: str) -> Iterator[None]:
        """Use a screen for an action, while no other request does. Raises Stopping."""
        with self._state:
            self._waiting[entity] += 1
            try:
                while entity in self._alone or self._used[entity]:
                    self._wait()
                self._alone.add(entity)
            finally:
                self._waiting[entity] -= 1
                self._state.notify_all()
        try:
            yield
        finally:
            with self._state:
                self._alone.discard(entity)
                self._state.notify_all()

    def _wait(self) -> None:
        self._state.wait(_LOOK)
        if self._stop.is_set():
            raise Stopping
