"""The HTTP transport: nothing reaches the tenant without a token, and answers are read whole."""

from __future__ import annotations

import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import httpcore2
import httpx2

from mapgen.runtime.network.deadline import Deadline, TimedBackend, TimedStream
from mapgen.runtime.network.rate_limit import RateLimiter

LAST_WORD = "mapgen.last_word"
"""The extension of a request that holds a function called with the token in hand, right before
the request goes out; it may still stop it by raising."""

PLACE = "mapgen.place"
"""The extension of a request whose path has values of a record in it: what logs call it instead."""

BRIEF = "mapgen.brief"
"""The extension of a request that nothing depends on: the seconds that it may last at most."""

UNMETERED = "mapgen.unmetered"
"""The extension of a request that the licence does not count, the sign-out: its seconds."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer, unpacked: what is larger is none of the ERP's to one of our requests."""

_GZIP = 16 + zlib.MAX_WBITS
_OF_THE_WAY = (b"content-encoding", b"content-length", b"transfer-encoding")


class UnreadableAnswer(httpx2.DecodingError):
    """An answer came that nobody can read; its message says why, and is safe to log."""


class RateLimitedTransport(httpx2.BaseTransport):
    """A transport that waits for a rate-limit token, and gives it back once the answer is read.

    Invariant: a request lasts `longest` seconds at most, its last word included, whatever it waits
    for, and its answer takes no more memory than `LARGEST_ANSWER` twice.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        *,
        places: int,
        connections: httpx2.Limits,
        longest: float,
        stop: threading.Event,
    ) -> None:
        """Take the limits of the licence, and how many requests of it are under way at most."""
        self._limiter = limiter
        self._places = threading.BoundedSemaphore(places)
        self._longest = longest
        self._stop = stop
        self._deadline = Deadline()
        self._connections = connections
        # Those that no request is using, the last used on top: requests never wait for each other.
        self._idle = deque[httpx2.HTTPTransport]()
        trusted()  # read once, before all threads ask for it at a time

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; raises what httpx2 raises, and what the last word raises."""
        unmetered = request.extensions.get(UNMETERED)
        if unmetered is not None:
            with self._deadline.within(unmetered):
                return self._send(request)
        # The time begins before the last word: who is stopped right after it, and wakes when the
        # document is in other hands, sends nothing.
        longest = min(self._longest, request.extensions.get(BRIEF, self._longest))
        with (
            self._places,
            self._limiter.token(self._stop) as until,
            self._deadline.within(longest, until),
        ):
            last_word = request.extensions.get(LAST_WORD)
            if last_word is not None:
                last_word()
            return self._send(request)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _network(self) -> Iterator[httpx2.HTTPTransport]:
        """Give connections that nobody else uses meanwhile, those of a request before if any."""
        try:
            network = self._idle.pop()
        except IndexError:
            network = _open_network(self._connections, self._deadline)
        try:
            yield network
        finally:
            self._idle.append(network)

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        with self._network() as network:
            return self._answered(network, request)

    def _answered(self, network: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        answer = network.handle_request(request)
        try:
            stream = answer.extensions.get("network_stream")
            if isinstance(stream, TimedStream) and stream.is_unanswered:
                raise UnreadableAnswer("an answer that was there before its request")
            # Read here, while the token is held: the server is at work until the last byte.
            body = _body(answer)
        finally:
            answer.close()
        headers = [
            (name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_WAY
        ]
        return httpx2.Response(
            status_code=answer.status_code,
            headers=headers,
            stream=httpx2.ByteStream(body),
            extensions=answer.extensions,
        )


@lru_cache(1)
def _trusted(_hour: int) -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def trusted() -> ssl.SSLContext:
    """Return whom this machine trusts, read anew within an hour.

    To read all certificates takes tens of milliseconds, and a service opens sessions all day.
    """
    return _trusted(int(time.monotonic() // 3600))


def _open_network(connections: httpx2.Limits, deadline: Deadline) -> httpx2.HTTPTransport:
    transport = httpx2.HTTPTransport(verify=trusted(), limits=connections)
    transport._pool.close()
    # The transport takes no backend of ours, its pool does.
    transport._pool = httpcore2.ConnectionPool(
        ssl_context=trusted(),
        max_connections=connections.max_connections,
        max_keepalive_connections=connections.max_keepalive_connections,
        keepalive_expiry=connections.keepalive_expiry,
        network_backend=TimedBackend(deadline),
    )
    return transport


def _body(answer: httpx2.Response) -> bytes:
    """Return the body, unpacked. Raises UnreadableAnswer for one that is broken or too large."""
    encoding = answer.headers.get("content-encoding", "identity").strip().casefold()
    stream = answer.stream
    assert isinstance(stream, httpx2.SyncByteStream)
    match encoding:
        case "identity" | "":
            parts: Iterator[bytes] = iter(stream)
        case "gzip" | "x-gzip":
            parts = _unpacked(iter(stream))
        case _:
            raise UnreadableAnswer("the answer is packed in a way that was not asked for")
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > LARGEST_ANSWER:
            raise UnreadableAnswer(f"the answer is larger than {LARGEST_ANSWER >> 20} MiB")
    return bytes(body)


def _unpacked(parts: Iterator[bytes]) -> Iterator[bytes]:
    gzip = zlib.decompressobj(_GZIP)
    is_empty = True
    try:
        for part in parts:
            is_empty = is_empty and not part
            while part:
                yield gzip.decompress(part, 1 << 20)
                part = gzip.unconsumed_tail
    except zlib.error:
        raise UnreadableAnswer("the answer cannot be unpacked") from None
    if not (gzip.eof or is_empty):
        raise UnreadableAnswer("the answer cannot be unpacked: its end is missing")
