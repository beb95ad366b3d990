"""A deadline for a whole request: connecting, sending and every read."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2

from mapgen.runtime.clock import uptime


class Deadline(threading.local):
    """Until when the request of this thread may last; a thread makes one at a time."""

    def __init__(self) -> None:
        self._ends_at: float | None = None
        self._begins_by = float("inf")

    @contextmanager
    def within(self, seconds: float, begins_by: float = float("inf")) -> Iterator[None]:
        """Give the requests of the block so many seconds, all together.

        Nothing of them is sent for the first time after the moment `begins_by`.
        """
        self._ends_at, self._begins_by = uptime() + seconds, begins_by
        try:
            yield
        finally:
            self._ends_at, self._begins_by = None, float("inf")

    def begin(self) -> None:
        """Say that something is about to be sent. Raises ConnectTimeout where it is too late.

        That is before the first byte: so it surely had no effect.
        """
        if uptime() >= self._begins_by:
            raise httpcore2.ConnectTimeout("the process was stopped, and has no share any more")
        self._begins_by = float("inf")

    def rest(self, timeout: float | None, over: Callable[[str], Exception]) -> float | None:
        """Return how long one step may take, raising what `over` makes where no time is left."""
        if self._ends_at is None:
            return timeout
        rest = self._ends_at - uptime()
        if rest <= 0:
            raise over("the time of the whole request is over")
        return rest if timeout is None else min(rest, timeout)


class TimedBackend(httpcore2.NetworkBackend):
    """A network whose every step ends in time.

    Without it, each read has the timeout to itself, and an answer that drips holds a run for ever.
    A process that was stopped amid a request and wakes after its time sends no byte of it.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore2.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect, within the time that is left."""
        rest = self._deadline.rest(timeout, httpcore2.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, rest, local_address, socket_options)
        return TimedStream(stream, self._deadline)


class TimedStream(httpcore2.NetworkStream):
    """A connection of such a network; `is_unanswered` from a write until something is read."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline
        self.is_unanswered = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, within the time that is left."""
        rest = self._deadline.rest(timeout, httpcore2.ReadTimeout)
        self.is_unanswered = False
        return self._inner.read(max_bytes, rest)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, within the time that is left."""
        self._deadline.begin()
        self.is_unanswered = True
        self._inner.write(buffer, self._deadline.rest(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Encrypt, within the time that is left."""
        rest = self._deadline.rest(timeout, httpcore2.ConnectTimeout)
        return TimedStream(
            self._inner.start_tls(ssl_context, server_hostname, rest), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection."""
        return self._inner.get_extra_info(info)
