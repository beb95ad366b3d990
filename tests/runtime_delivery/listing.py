"""An API that lists orders, over a real socket: pages of each kind, and answers that are none."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Answer = tuple[int, bytes, dict[str, str]]
TOKEN = "s3cret-token"
FIRST = 1000


@dataclass
class Listing:
    """The orders of a shop, and what it answers instead; `asked` are the queries that came."""

    size: int = 3
    style: str = "link"
    orders: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    instead: Callable[[int, dict[str, str]], Answer | None] = lambda at, asked: None
    url: str = ""

    def put(self, number: int, moment: object) -> None:
        """Keep an order, changed at a moment."""
        self.orders = [one for one in self.orders if one["number"] != number]
        self.orders.append({"number": number, "total": 1, "meta": {"at": moment}})

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        """Return a page, as the style of the API has it."""
        other = self.instead(len(self.asked), asked)
        if other is not None:
            return other
        found = [one for one in self.orders if str(one["meta"]["at"]) >= asked.get("since", "")]
        match self.style:
            case "page":
                begin = (int(asked["page"]) - 1) * self.size
            case "offset":
                begin = int(asked["offset"])
            case _:
                begin = int(asked.get("cursor", "0"))
        rows, rest = found[begin : begin + self.size], found[begin + self.size :]
        headers = {"Date": "Mon, 30 Nov 2026 23:00:00 GMT"}
        content: dict[str, Any] = {"data": {"orders": rows}}
        following = {**asked, "cursor": str(begin + self.size)}
        if rest and self.style == "link":
            headers["Link"] = f'<{path}?{urlencode(following)}>; rel="next"'
        if rest and self.style == "cursor":
            content["next"] = following["cursor"]
        if rest and self.style in ("address", "odata"):
            name = "next" if self.style == "address" else "@odata.nextLink"
            content[name] = f"{self.url}{path}?{urlencode(following)}"
        words = json.dumps(content).replace('"total": 1,', '"total": 1234567890123001.10,')
        return 200, words.encode(), headers


@contextmanager
def listing(**how: Any) -> Iterator[Listing]:
    """Serve such an API."""
    api = Listing(**how)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            api.tokens.append(self.headers.get("Authorization"))
            status, body, headers = api.answer(parts.path, asked)
            api.asked.append(asked)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
