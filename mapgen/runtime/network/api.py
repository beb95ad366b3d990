"""An HTTP API that takes and gives JSON: its requests, and what its answers mean."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import httpx2

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import Plan, Request
from mapgen.runtime.environment import Api
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.rate_limit import RateLimiter
from mapgen.runtime.network.reading import Unreadable, decoded
from mapgen.runtime.network.transport import LAST_WORD, PLACE
from mapgen.runtime.network.verdict import Effect, Failure, Kind, Verdict, asked_pause
from mapgen.runtime.network.wire import Wire

_LONGEST_WORDS = 500
_MOST_WORDS = 20
_SAYING = ("message", "error_description", "error", "errors", "detail", "title", "code")

_BY_STATUS: dict[int, tuple[Kind, str]] = {
    401: ("needs_person", "the API does not let the connection in"),
    403: ("needs_person", "the API does not give the connection the right"),
    407: ("needs_person", "a proxy asks for a password"),
    409: ("unexplained", "the API reports a conflict"),
    423: ("transient", "what is written to is locked"),
    425: ("transient", "the API takes no early requests"),
    429: ("transient", "declined by the API's request limits"),
}


def classify(answer: httpx2.Response) -> Verdict:
    """Tell what a failed answer of an API means, by its status alone.

    What the API refuses (4xx) it has not done. A conflict may be about the very document; after a
    failure of its own (5xx), or of a proxy before it, nobody knows.
    """
    status, pause = answer.status_code, asked_pause(answer)
    words = _words(answer.content)
    if answer.is_redirect:
        return Verdict("needs_person", "none", f"sent to another address (status {status})")
    if status == 408:
        return Verdict("transient", "unknown", "the server gave up waiting", words, pause)
    if status in _BY_STATUS:
        kind, reason = _BY_STATUS[status]
        effect: Effect = "unknown" if kind == "unexplained" else "none"
        return Verdict(kind, effect, f"{reason} (status {status})", words, pause)
    if status in (404, 410):
        return Verdict("permanent", "none", f"status {status}", words, is_absent=True)
    if 400 <= status < 500 or status in (501, 505):
        return Verdict("permanent", "none", f"status {status}", words)
    return Verdict("transient", "unknown", f"status {status}", words, pause)


class HttpApi:
    """An API in a run. Threads share it; leaving its context closes the connections."""

    def __init__(
        self,
        api: Api,
        plan: Plan,
        *,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
        limiter: RateLimiter | None = None,
    ) -> None:
        self.url = api.url
        self._headers = api.headers
        who = f"the system of the connection `{api.name}`"
        self.wire = Wire(
            api.limits, plan, who=who, classify=classify, stop=stop, tell=tell, limiter=limiter
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def send(
        self,
        request: Request,
        address: str,
        body: bytes | None = None,
        last_word: Callable[[], None] | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """Make one request, to its address filled in; logs show the one of the spec.

        Raises Failure for every answer that is no success.
        """
        extensions: dict[str, Any] = {PLACE: request.path.partition("?")[0]}
        if last_word is not None:
            extensions[LAST_WORD] = last_word
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self.wire.send(
            self.wire.http.build_request(
                request.method,
                address,
                content=body,
                headers={**headers, **self._headers},
                extensions=extensions,
            )
        )
        if not answer.is_success:
            raise Failure(classify(answer), answer.content)
        return answer

    def of_the_same_host(self, url: httpx2.URL) -> str:
        """Return an address that an answer names. Raises Failure for one of another host.

        What lets requests in would go there.
        """
        own = httpx2.URL(self.url)
        if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
            raise Failure(Verdict("permanent", "none", "the next page is at another host"))
        return str(url)


def member_at(content: Any, path: str) -> Any:
    """Return what is at a path of members, None where nothing does."""
    for name in names_along(path):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _words(content: bytes) -> str | None:
    """Return what an API says of an error: the texts below the members that it may say them by."""
    try:
        told = decoded(content, dict[str, Any])
    except Unreadable:
        return None
    said = [word for name in _SAYING if name in told for word in _texts(told[name], "")]
    return "; ".join(dict.fromkeys(said[:_MOST_WORDS]))[:_LONGEST_WORDS] or None


def _texts(value: Any, path: str) -> Iterator[str]:
    match value:
        case str():
            yield f"{path}: {value}" if path else value
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, str(name))
        case list():
            for inner in value:
                yield from _texts(inner, path)
