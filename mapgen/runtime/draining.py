"""The wish that work ends in order: heard at once by all that waits in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Drain(threading.Event):
    """Set by whoever wants the work to end: a signal, a service that stops.

    Invariant: while it is set, so is each event that it stops.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        self._stopped: list[threading.Event] = []

    def set(self) -> None:
        """Want the work to end."""
        with self._turn:
            super().set()
            for event in self._stopped:
                event.set()

    @contextmanager
    def stops(self, event: threading.Event) -> Iterator[None]:
        """Have an event set, too, until the block ends: what parts of the work wait for."""
        with self._turn:
            self._stopped.append(event)
            if self.is_set():
                event.set()
        try:
            yield
        finally:
            with self._turn:
                self._stopped.remove(event)
