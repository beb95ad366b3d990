"""A client that is killed amid the body of its request is no error of the server."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from mapgen.sockets import server_of


async def _endpoint(request: Request) -> Response:
    return Response(await request.body())


def test_nothing_is_raised() -> None:
    """What the application raises by it ends in the server's hands, and prints no traceback."""
    application = Starlette(routes=[Route("/", _endpoint, methods=["PUT"])])
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "PUT", "path": "/", "raw_path": b"/",
        "query_string": b"", "headers": [(b"content-length", b"9")], "client": None,
        "server": ("127.0.0.1", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip

    async def gone() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Nobody hears it."""

    with pytest.raises(ClientDisconnect):
        asyncio.run(application({**scope}, gone, send))
    asyncio.run(server_of(application).config.app({**scope}, gone, send))  # type: ignore[operator,arg-type]
