"""What is before each page: whose name it was asked by, from where, and what a page may do."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mapgen.runtime.environment import LOOPBACK

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """Lets a request through that names a host of ours, and a form only from a page of ours."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        """Take the pages, and the names of hosts besides those of this machine."""
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        answer: ASGIApp = self._app if refusal is None else refusal

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await answer(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host_of(host) not in self._hosts:
            return PlainTextResponse("no such host here\n", 421)
        if method in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site")
        is_ours = urlsplit(origin).netloc.lower() == host.lower() if origin else site is None
        if not is_ours or site not in (None, "same-origin"):
            return PlainTextResponse("a form of another page\n", 403)
        return None


async def body_of(request: Request, most: int) -> bytes | None:
    """Return the raw bytes of a request, None for more than so many."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            return None
    return bytes(found)


def host_of(header: str) -> str:
    """Return the host that a header names, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def is_local(connection: HTTPConnection) -> bool:
    """Whether a request comes from this machine, and asks for it by its own name.

    A proxy on this machine asks by the name that others know.
    """
    client = connection.client
    try:
        is_here = client is not None and ip_address(client.host).is_loopback
    except ValueError:
        is_here = False
    return is_here and host_of(connection.headers.get("host", "")) in LOOPBACK
