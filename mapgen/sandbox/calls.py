"""What a site is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as far as it matters here: header names in lower case, the query decoded.

    `fails`: an action that it begins is accepted, and comes to nothing.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    fails: bool = False

    @property
    def shows_archived(self) -> bool:
        return self.headers.get("px-apiarchive", "").upper() == "SHOW"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or bytes of another `content_type`."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
