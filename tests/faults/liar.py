"""A tenant that lies, over raw sockets: it saves what it is sent, and answers as it likes.

It writes its answers byte by byte, so that it can also break the protocol below them.
"""

from __future__ import annotations

import gzip
import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

_WANTED = re.compile(r"ExternalRef eq '((?:[^']|'')*)'")


@dataclass(frozen=True)
class Raw:
    """The bytes of an answer; after them the connection is closed, or not."""

    data: bytes
    closes: bool = False


def answer(status: int, content: object = b"", *headers: tuple[str, str]) -> Raw:
    """Return an answer as it should be: JSON of what is no bytes, with its length."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    chosen = {"Content-Type": "application/json", "Content-Length": str(len(data))} | dict(headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in chosen.items())
    return Raw(f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode() + data)


@dataclass
class Request:
    """One request; `nth` counts those of its kind."""

    kind: str
    nth: int
    query: str
    body: bytes

    @property
    def order(self) -> dict[str, Any]:
        """The document that is sent."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def wanted(self) -> list[str]:
        """The identities that are looked up."""
        return [one.replace("''", "'") for one in _WANTED.findall(self.query)]


Lie = Callable[["Liar", Request], "Raw | None"]
"""What it answers instead of the truth, which None stands for."""


@dataclass
class Liar:
    """The orders that it has, and how it lies."""

    lie: Lie | None = None
    orders: list[dict[str, Any]] = field(default_factory=list)
    saved_at: list[float] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    lies: int = 0
    url: str = ""
    lied_about: set[str] = field(default_factory=set)
    turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def identities(self) -> list[str]:
        """The identities of all orders, each as often as it is there."""
        with self.turn:
            return sorted(order["ExternalRef"]["value"] for order in self.orders)

    def save(self, request: Request) -> dict[str, Any]:
        """Save the document of a request."""
        with self.turn:
            number = f"SO{len(self.orders) + 1:06}"
            order = request.order | {"OrderNbr": {"value": number}, "id": f"id-{number}"}
            self.orders.append(order)
            self.saved_at.append(time.monotonic())
            return order

    def find(self, wanted: list[str], *, older_than: float = 0.0) -> list[dict[str, Any]]:
        """Return the documents that a look-up should give."""
        until = time.monotonic() - older_than
        with self.turn:
            return [
                order
                for order, at in zip(self.orders, self.saved_at, strict=True)
                if order["ExternalRef"]["value"] in wanted and at <= until
            ]

    def kept(self, request: Request) -> dict[str, Any]:
        """Return the document whose id a path ends with."""
        with self.turn:
            path = request.query.partition("?")[0]
            return next(order for order in self.orders if path.endswith(f"/{order['id']}"))

    def first_time(self, request: Request) -> bool:
        """Whether every third order is sent for the first time."""
        identity = request.order["ExternalRef"]["value"]
        with self.turn:
            if int(identity.partition("-")[0]) % 3 or identity in self.lied_about:
                return False
            self.lied_about.add(identity)
            return True

    def told(self, kind: str, query: str, body: bytes) -> Raw:
        """Answer a request, truly or not."""
        with self.turn:
            nth = sum(one.kind == kind for one in self.requests) + 1
            request = Request(kind, nth, query, body)
            self.requests.append(request)
        said = None if self.lie is None else self.lie(self, request)
        if said is not None:
            with self.turn:
                self.lies += 1
            return said
        match kind:
            case "token":
                return answer(200, {"access_token": f"t{nth}", "expires_in": 3600})
            case "logout":
                return answer(204)
            case "find":
                return answer(200, self.find(request.wanted))
            case "read":
                return answer(200, self.kept(request))
            case _:
                return answer(200, self.save(request))


class _Handler(socketserver.StreamRequestHandler):
    liar: Liar

    def handle(self) -> None:
        try:
            while line := self.rfile.readline():
                self._handle(line.decode())
        except (OSError, ValueError):
            pass

    def _handle(self, line: str) -> None:
        method, target, _ = line.split(" ")
        length = 0
        while (header := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
        body = self.rfile.read(length)
        kind = {"PUT": "put", "GET": "find" if "$filter" in target else "read"}.get(method) or (
            "token" if target.endswith("token") else "logout"
        )
        said = self.liar.told(kind, unquote(target), body)
        self.wfile.write(said.data)
        if said.closes:
            raise OSError


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def lying(lie: Lie | None = None) -> Iterator[Liar]:
    """Run a liar on a free port."""
    liar = Liar(lie)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"liar": liar}))
    liar.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield liar
    finally:
        server.shutdown()
        server.server_close()


def saving(said: Callable[[Liar, dict[str, Any]], Raw]) -> Lie:
    """Lie about every third order, once: it is saved, and this is said of it."""

    def lie(liar: Liar, request: Request) -> Raw | None:
        if request.kind != "put" or not liar.first_time(request):
            return None
        return said(liar, liar.save(request))

    return lie


def refusing(said: Raw) -> Lie:
    """Say this of every third order, once, and save nothing."""

    def lie(liar: Liar, request: Request) -> Raw | None:
        return said if request.kind == "put" and liar.first_time(request) else None

    return lie


def finding(said: Callable[[Liar, Request], Raw | None]) -> Lie:
    """Lie about what there is."""
    return lambda liar, request: said(liar, request) if request.kind == "find" else None


def zipped(order: dict[str, Any], more: int, cut: int = 0) -> Raw:
    """Return a document in gzip whose length is said wrongly, or whose end is missing."""
    data = gzip.compress(json.dumps(order).encode())
    data = data[: len(data) - cut]
    length = ("Content-Length", str(len(data) + more))
    # A length too great is waited for; the connection ends it.
    return Raw(answer(200, data, ("Content-Encoding", "gzip"), length).data, closes=True)
