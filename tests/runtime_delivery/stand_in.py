"""A tenant that misbehaves on demand, over a real socket: what a delivery is tried against.

It keeps its orders in the memory of the test, so that they outlive any client that is killed.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from mapgen.runtime.environment import Environment, Limits, Tenant

Kind = Literal["token", "find", "put", "logout"]

_IDENTITY = re.compile(r"ExternalRef eq '((?:[^']|'')*)'")


@dataclass(frozen=True)
class Asked:
    """One request as it came in: its kind, the how-manieth of its kind, its identity if a PUT.

    `user` is who signed in for it.
    """

    kind: Kind
    nth: int
    identity: str | None
    body: dict[str, Any]
    query: str
    user: str = ""


@dataclass(frozen=True)
class Answer:
    """Answer so, having done nothing, or all."""

    status: int
    body: object = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    is_done: bool = False


@dataclass(frozen=True)
class Drop:
    """Cut the connection, before or after the work is done."""

    is_done: bool


@dataclass(frozen=True)
class Hold:
    """Say `held`, wait for `go_on`; then do the work and answer."""

    is_done: bool = False


@dataclass(frozen=True)
class Drip:
    """Begin an answer and never end it: a byte of its head every tenth of a second."""

    is_done: bool = False


@dataclass(frozen=True)
class Late:
    """Cut the connection now, and do the work so many seconds later, or never.

    No tenant is at work for longer than the settle time: where the machine is too busy to do it in
    twice the seconds, it is not done.
    """

    seconds: float


Misdeed = Answer | Drop | Hold | Drip | Late | None


@dataclass
class StandIn:
    """The tenant's state and its script of misdeeds."""

    script: Callable[[Asked], Misdeed] = lambda asked: None
    expires_in: float = 3600.0
    orders: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    grants: list[str] = field(default_factory=list)
    sign_outs: int = 0
    most_at_once: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    echo: Callable[[dict[str, Any]], dict[str, Any]] = lambda order: order
    url: str = ""
    _refresh: str | None = None
    _at_once: int = 0
    _issued: int = 0
    _counts: Counter[Kind] = field(default_factory=Counter)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def identities(self) -> list[str]:
        """The identities of all orders, each as often as it is there."""
        with self._turn:
            return sorted(order["ExternalRef"]["value"] for order in self.orders)

    def count(self, kind: Kind) -> int:
        """How many requests of a kind came in."""
        with self._turn:
            return self._counts[kind]

    def environment(self, **limits: Any) -> Environment:
        """The way into this tenant, with limits that no machine is too slow for."""
        chosen = {"request_timeout": 60.0, "settle": 90.0, "concurrent_requests": 4} | limits
        return Environment("test", tenant_of(self.url), Limits(**chosen))


def tenant_of(url: str, user: str = "api-user") -> Tenant:
    """The stand-in's only credentials; it lets everybody in who knows the password."""
    return Tenant(url, "DEMO", "app@DEMO", "application-secret", user, "user-password")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one write an answer, or delayed acknowledgements cost 40 ms each
    tenant: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        kind: Kind = "token" if self.path.endswith("/connect/token") else "logout"
        self._handle(kind, {})

    def do_GET(self) -> None:
        self._handle("find", {})

    def do_PUT(self) -> None:
        self._handle("put", None)

    def _handle(self, kind: Kind, body: dict[str, Any] | None) -> None:
        raw = (
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            if (self.headers["Content-Length"])
            else b""
        )
        if self._has_hung_up():
            return
        body = json.loads(raw) if body is None else {}
        tenant = self.tenant
        identity = body.get("ExternalRef", {}).get("value")
        with tenant._turn:
            tenant._counts[kind] += 1
            nth, query = tenant._counts[kind], unquote(self.path)
            asked = Asked(kind, nth, identity, body, query, self._user(kind, raw))
            tenant.asked.append(asked)
            tenant._at_once += 1
            tenant.most_at_once = max(tenant.most_at_once, tenant._at_once)
        try:
            self._answer(asked, raw)
        finally:
            with tenant._turn:
                tenant._at_once -= 1

    def _has_hung_up(self) -> bool:
        """Whether nobody waits for the answer any more: a busy machine reads a request late.

        What is done so late would be done after its settle time, which no tenant does.
        """
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _user(self, kind: Kind, raw: bytes) -> str:
        if kind == "token":
            return parse_qs(raw.decode()).get("username", [""])[0]
        return self.tenant.users.get(self._bearer(), "")

    def _bearer(self) -> str:
        return (self.headers["Authorization"] or "").removeprefix("Bearer ")

    def _answer(self, asked: Asked, raw: bytes) -> None:
        match self.tenant.script(asked):
            case None:
                self._write(self._work(asked, raw))
            case Answer() as answer:
                if answer.is_done:
                    self._work(asked, raw)
                self._write(answer)
            case Drop(is_done):
                if is_done:
                    self._work(asked, raw)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case Late(seconds):
                at = time.monotonic()
                work = threading.Timer(seconds, self._work_late, (asked, raw, at + 2 * seconds))
                work.daemon = True
                work.start()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case Drip(is_done):
                if is_done:
                    self._work(asked, raw)
                self._drip()
            case Hold(is_done):
                done = self._work(asked, raw) if is_done else None
                self.tenant.held.set()
                self.tenant.go_on.wait(120)
                self._write(done or self._work(asked, raw))

    def _drip(self) -> None:
        self.close_connection = True
        try:
            self.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not self.tenant.go_on.wait(0.1):
                self.connection.sendall(b"x")
        except OSError:
            pass

    def _work_late(self, asked: Asked, raw: bytes, until: float) -> None:
        if time.monotonic() < until:
            self._work(asked, raw)

    def _work(self, asked: Asked, raw: bytes) -> Answer:
        with self.tenant._turn:
            if asked.kind == "token":
                return self._token({k: v[0] for k, v in parse_qs(raw.decode()).items()})
            if asked.kind == "logout":
                if self.headers["Content-Length"] is None:
                    return Answer(411)
                self.tenant.sign_outs += 1
                return Answer(204)
            if self._bearer() not in self.tenant.tokens:
                return Answer(401, {"message": "You are not logged in."})
            return self._find() if asked.kind == "find" else self._put(asked.body)

    def _token(self, form: dict[str, str]) -> Answer:
        tenant = self.tenant
        if form["client_id"] != "app@DEMO" or form["client_secret"] != "application-secret":
            return Answer(400, {"error": "invalid_client"})
        is_refresh = form["grant_type"] == "refresh_token"
        if is_refresh and form["refresh_token"] != tenant._refresh:
            return Answer(400, {"error": "invalid_grant"})
        if not is_refresh and form["password"] != "user-password":
            return Answer(400, {"error": "invalid_grant"})
        tenant.grants.append(form["grant_type"])
        tenant._issued += 1
        token, tenant._refresh = f"access-{tenant._issued}", f"refresh-{tenant._issued}"
        tenant.tokens.add(token)
        user = form.get("username") or tenant.users[form["refresh_token"]]
        tenant.users |= {token: user, tenant._refresh: user}
        body = {"access_token": token, "token_type": "Bearer", "expires_in": tenant.expires_in}
        return Answer(200, body | {"refresh_token": tenant._refresh})

    def _find(self) -> Answer:
        query = parse_qs(urlsplit(self.path).query).get("$filter", [""])[0]
        self.tenant.queries.append(unquote(self.path))
        if not query:
            return Answer(200, self.tenant.orders)
        wanted = {one.replace("''", "'") for one in _IDENTITY.findall(query)}
        found = [o for o in self.tenant.orders if o["ExternalRef"]["value"] in wanted]
        return Answer(200, found)

    def _put(self, body: dict[str, Any]) -> Answer:
        order = body | {"OrderNbr": {"value": f"SO{len(self.tenant.orders) + 1:06}"}}
        self.tenant.orders.append(order)
        return Answer(200, self.tenant.echo(order))

    def _write(self, answer: Answer) -> None:
        content = answer.body if isinstance(answer.body, str | bytes) else json.dumps(answer.body)
        encoded = content.encode() if isinstance(content, str) else content
        data = b"" if answer.body is None else encoded
        try:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed are what this is for."""


@contextmanager
def standing_in(**state: Any) -> Iterator[StandIn]:
    """Run a stand-in on a free port."""
    tenant = StandIn(**state)
    handler = type("Handler", (_Handler,), {"tenant": tenant})
    server = _Server(("127.0.0.1", 0), handler)
    tenant.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield tenant
    finally:
        tenant.go_on.set()
        server.shutdown()
        server.server_close()
