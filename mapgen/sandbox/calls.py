"""What a site is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import URL
from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as far as it matters here: header names in lower case, the query decoded.

    `parts` are those of the path by the names of its route. `fails`: an action that it begins is
    accepted, and comes to nothing.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    url: URL
    parts: Mapping[str, str]
    fails: bool = False

    @property
    def shows_archived(self) -> bool:
        return self.headers.get("px-apiarchive", "").upper() == "SHOW"


def called(request: Request, raw: bytes) -> Call:
    """Return a request with its body."""
    return Call(
        method=request.method,
        path=request.scope["path"],
        query=dict(request.query_params),
        headers=dict(request.headers),
        raw=raw,
        url=request.url,
        parts=request.path_params,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or bytes of another `content_type`."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
