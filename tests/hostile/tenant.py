"""A tenant whose answers are damaged now and then, over raw sockets."""

from __future__ import annotations

import gzip
import json
from contextlib import AbstractContextManager
from random import Random
from typing import Any

from tests.faults.liar import Liar, Raw, Request, answer, lying
from tests.hostile.damage import STRANGE, damaged

STATUSES = (
    200,
    200,
    200,
    201,
    202,
    204,
    302,
    400,
    401,
    403,
    404,
    412,
    422,
    429,
    500,
    500,
    503,
    999,
)
HEADS = (
    b"HTTP/1.1 200\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 99999 OK\r\n\r\n",
    b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 \xff\x1b[31m\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip, nonsense\r\nContent-Length: 2\r\n\r\n{}",
    b"\x00" * 64,
    b"",
)
HEADERS = (
    ("Retry-After", "-1"),
    ("Retry-After", "9" * 400),
    ("Retry-After", "\x1b[31m"),
    ("Content-Type", "text/html; charset=nonsense"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Location", "http://127.0.0.1:1/\x1b[31m"),
    ("Location", "file:///etc/passwd"),
    ("Location", "//["),
    ("Set-Cookie", "a=\x9b; Path=/\udce9"),
    ("Date", "never"),
    ("WWW-Authenticate", 'Bearer error="\x07"'),
)
KEYS = {
    "DropID": "D-1",
    "DeliveryNbr": "000001",
    "ListNbr": "L-1",
    "DepotID": "D1",
    "Name": "North",
}


def truth(request: Request) -> Any:
    """Return what a tenant says that has a depot and nothing else."""
    match request.kind:
        case "token":
            return {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
        case "put":
            return request.order | {key: {"value": value} for key, value in KEYS.items()} | _ID
        case "find" if "/Depot?" in request.query:
            return [_ID | {key: {"value": value} for key, value in KEYS.items()}]
        case "find":
            return []
        case _:
            return {}


_ID = {"id": "b9a2e1f0-0000-4000-8000-000000000001", "rowNumber": 1, "note": {"value": ""}}


def _refusal(random: Random) -> Any:
    """Return what the ERP says of what went wrong, in strange words."""
    words = random.choice(STRANGE)
    return random.choice(
        (
            {"message": words, "exceptionMessage": words, "exceptionType": "PX.Data.PXException"},
            {"error": words, "Carrier": {"value": "FAST", "error": words}, words: {"error": words}},
            {"message": [words], "exceptionType": {"a": words}},
            {"error": words, "error_description": words},
            words,
        )
    )


def _strange(request: Request, random: Random) -> Raw:
    """Return an answer that is damaged: its content, its head, or both."""
    way = random.random()
    if way < 0.15:
        return Raw(random.choice(HEADS), closes=True)
    if way < 0.4:
        content = json.dumps(_refusal(random)).encode()
    else:
        content = damaged(json.dumps(truth(request)), "json", random)
    headers = dict([random.choice(HEADERS)]) if random.random() < 0.2 else {}
    if random.random() < 0.1:
        content, headers = gzip.compress(content), headers | {"Content-Encoding": "gzip"}
    chosen = {"Content-Type": "application/json", "Content-Length": str(len(content))} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in chosen.items())
    status = random.choice(STATUSES)
    line = f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode("utf-8", "surrogateescape")
    return Raw(line + content, closes=random.random() < 0.1)


def damaging(random: Random, part: float) -> AbstractContextManager[Liar]:
    """Run a tenant of whose answers this part is damaged."""

    def lie(liar: Liar, request: Request) -> Raw:
        with liar.turn:
            if request.kind != "logout" and random.random() < part:
                return _strange(request, random)
        return answer(200, truth(request))

    return lying(lie)
