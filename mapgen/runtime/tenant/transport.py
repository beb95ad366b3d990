"""Requests in, whole answers out, each with a permit: nothing goes to the tenant past it."""

from __future__ import annotations

import httpx2

from mapgen.runtime.tenant.permits import Permits

LAST_WORD = "mapgen.last_word"
"""The extension of a request that holds a function called with the permit in hand, right before
the request goes out; it may still stop it by raising."""

UNMETERED = "mapgen.unmetered"
"""The extension of a request that the licence does not count: the sign-out."""


class PermitTransport(httpx2.BaseTransport):
    """A transport that waits for a permit and gives its place back once the answer is read."""

    def __init__(self, inner: httpx2.BaseTransport, permits: Permits) -> None:
        self._inner = inner
        self._permits = permits

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; raises what httpx2 raises, and what the last word raises."""
        if request.extensions.get(UNMETERED):
            return self._send(request)
        with self._permits.permit():
            last_word = request.extensions.get(LAST_WORD)
            if last_word is not None:
                last_word()
            return self._send(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
        self._permits.close()

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._inner.handle_request(request)
        try:
            # Read here, inside the permit: the server is at work until the last byte.
            body = answer.read() if answer.is_closed else b"".join(_raw(answer))
        finally:
            answer.close()
        return httpx2.Response(
            status_code=answer.status_code,
            headers=answer.headers,
            stream=httpx2.ByteStream(body),
            extensions=answer.extensions,
        )


def _raw(answer: httpx2.Response) -> list[bytes]:
    stream = answer.stream
    assert isinstance(stream, httpx2.SyncByteStream)
    return list(stream)
