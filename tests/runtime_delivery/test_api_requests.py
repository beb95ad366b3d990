"""What an HTTP API as a target is asked: by which method, address and headers, how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from mapgen.agreed.plan import DocumentPlan, HttpSend, Identity, Plan, Request, Retry
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Api, Environment, Limits
from mapgen.runtime.events import Observer
from mapgen.runtime.identity import joined
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document, Origin
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import plan_of as any_plan

KEY = "Idempotency-Key"
BY_KEY = HttpSend(create=Request("POST", "/notices"), idempotency_key=KEY)
BY_NAME = HttpSend(create=Request("PUT", "/notices/{identity}"))
MUTABLE = HttpSend(
    create=Request("POST", "/notices"),
    find=Request("GET", "/notices?number={number}"),
    update=Request("PUT", "/notices/{id}"),
)


@dataclass
class Board:
    """An API that keeps notices: what it was asked, and what it has.

    It does what the first `unanswered` writes ask, and cuts their connections.
    """

    unanswered: int = 0
    is_silent: bool = False
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)

    def write(
        self, method: str, path: str, key: str | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep a notice: under its address, or under a new id unless the key is known."""
        new = str(len(self.notices) + 1)
        name = (
            path.rpartition("/")[2] if method == "PUT" else self.by_key.setdefault(key or new, new)
        )
        self.notices[name] = {**body, "id": name}
        return self.notices[name]


class _Handler(BaseHTTPRequestHandler):
    """The requests that a board is asked by."""

    protocol_version = "HTTP/1.1"

    @property
    def board(self) -> Board:
        return cast(Board, getattr(self.server, "board"))  # noqa: B009

    def do_GET(self) -> None:
        self.board.asked.append(("GET", self.path))
        number = parse_qs(urlsplit(self.path).query)["number"][0]
        self._answer([one for one in self.board.notices.values() if one["number"] == number])

    def do_POST(self) -> None:
        board, key = self.board, self.headers.get(KEY)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        board.asked.append((self.command, self.path))
        board.keys.append(key)
        notice = board.write(self.command, self.path, key, body)
        if board.unanswered:
            board.unanswered -= 1
            self.close_connection = True
        else:
            self._answer(None if board.is_silent else notice)

    do_PUT = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, content: object) -> None:
        words = b"" if content is None else json.dumps(content).encode()
        self.send_response(200 if words else 204)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)


@contextmanager
def served(board: Board) -> Iterator[Board]:
    """Serve a board until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    setattr(server, "board", board)  # noqa: B010
    board.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield board
    finally:
        server.shutdown()
        server.server_close()


def plan_of(send: HttpSend, operation: str = "create", *others: str) -> Plan:
    """A flow of notices that are known by their number, and by further fields."""
    identity = Identity("number", others=others)
    document = DocumentPlan("document", "Notice", operation, identity, ("id",), send=send)
    retry = Retry(attempts=5, first=0.02, ceiling=0.1)
    common = {"endpoint": "", "version": "", "contract_version": 0}
    return any_plan(
        flow="notices", documents=(document,), target="http", to="board", retry=retry, **common
    )


def notice(number: int, text: str, depot: str | None = None) -> Document:
    """A notice, of a depot where it is known by that, too."""
    body = {"number": f"N {number}", "text": text} | ({} if depot is None else {"depot": depot})
    identity = joined([f"N {number}"] if depot is None else [f"N {number}", depot])
    origin = Origin("f.jsonl", number, number, f"{number}{depot or ''}")
    return Document(origin, "Notice", identity, json.dumps(body).encode())


def send_all(board: Board, address: str, plan: Plan, *documents: Document) -> Summary:
    """Deliver notices to a board."""
    environment = Environment(
        "test", None, Limits(), Api("board", board.url, {}, Limits(None, 1, 0.5, 0.6))
    )
    with Ledger(address) as ledger:
        return deliver(iter(documents), plan, environment, ledger, Rules({}), Observer())


@pytest.mark.parametrize("send", [BY_KEY, BY_NAME], ids=["by a key", "by its address"])
def test_a_create_that_may_be_repeated(send: HttpSend, address: str) -> None:
    """An API that knows a create again gets an unanswered one twice, and has it once."""
    with served(Board(unanswered=1)) as board:
        summary = send_all(board, address, plan_of(send), notice(1, "a"), notice(2, "b"))

        assert summary.created + summary.already_exists == 2
        assert sorted(one["text"] for one in board.notices.values()) == ["a", "b"]
        assert len(board.asked) == 3


def test_keys_of_requests(address: str) -> None:
    """Each document has a key of its own, the same in each request that carries it."""
    with served(Board(unanswered=1)) as board:
        send_all(board, address, plan_of(BY_KEY), notice(1, "a"), notice(2, "b"))

        assert len(board.keys) == 3
        assert len(set(board.keys)) == 2
        assert None not in board.keys


def test_updates(address: str) -> None:
    """What is there is changed by the key that the API gave it; the same state asks nothing."""
    plan = plan_of(MUTABLE, "upsert")
    with served(Board()) as board:
        first = send_all(board, address, plan, notice(1, "a"))
        before = len(board.asked)
        same = send_all(board, address, plan, notice(1, "a"))
        assert len(board.asked) == before
        newer = send_all(board, address, plan, notice(1, "b"))

        assert (first.created, same.unchanged, newer.updated) == (1, 1, 1)
        assert board.asked[0] == ("GET", "/notices?number=N%201")
        assert board.asked[-1] == ("PUT", "/notices/1")
        assert [one["text"] for one in board.notices.values()] == ["b"]


def test_joint_identity(address: str) -> None:
    """Of documents that share a field of the identity, the one is found whose fields all match."""
    plan = plan_of(MUTABLE, "upsert", "depot")
    with served(Board()) as board:
        send_all(board, address, plan, notice(1, "a", "east"), notice(1, "b", "west"))
        send_all(board, address, plan, notice(1, "c", "west"))

        told = {one["depot"]: one["text"] for one in board.notices.values()}
        assert told == {"east": "a", "west": "c"}
        assert len(board.notices) == 2


def test_answers_without_content(address: str) -> None:
    """A document whose answer is empty is saved, and called by its identity."""
    with served(Board(is_silent=True)) as board:
        summary = send_all(board, address, plan_of(BY_KEY), notice(1, "a"))
        again = send_all(board, address, plan_of(BY_KEY), notice(1, "a"))

        assert (summary.created, again.created, again.already_exists) == (1, 0, 1)
        assert len(board.asked) == 1
