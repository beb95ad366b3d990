"""Push notifications of the ERP: who may send them, and what tells one from another.

Source: the ERP's guide to push notifications. They are not signed; a header that the set-up of the
destination names holds a secret. Each is sent at least once; `Id` and `Query` tell it from others,
`TimeStamp` orders them, and an update is what is deleted and inserted, perhaps in two of them.
"""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

SECRET_HEADER = "x-mapgen-secret"
"""The header that the destination has to send, with the secret as its value."""


class Push(msgspec.Struct, frozen=True):
    """What a notification says of itself, and its rows."""

    id: str = msgspec.field(name="Id")
    query: str = msgspec.field(name="Query")
    timestamp: int = msgspec.field(name="TimeStamp")
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)

    @property
    def delivery(self) -> str:
        """What it is known by."""
        return f"{self.id} {self.query}"


def is_allowed(secret: str, given: str | None) -> bool:
    """Whether a request holds the secret."""
    return hmac.compare_digest(secret.encode(), (given or "").encode())


def push_of(body: bytes) -> Push | None:
    """Return what a body says of itself, None for one that is no notification."""
    try:
        return msgspec.json.decode(body, type=Push)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
