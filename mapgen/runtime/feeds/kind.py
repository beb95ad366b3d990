"""What a kind of feed is: pages of records, and how far they lead."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

import msgspec
from msgspec import Struct, field

from mapgen.runtime.network.api import HttpApi
from mapgen.runtime.tenant import Connection

Cursor = str
"""How far a feed is, as JSON text of its own."""


def _nothing() -> None:
    """Do nothing once a page is staged."""


def _unheard(_reason: str) -> None:
    """Do nothing where a page cannot be read: it is a rejected record by then."""


class Page(Struct, frozen=True):
    """A part of a feed that is taken whole.

    `stream` holds records in the form of the flow's source; `name` is what places in it are called,
    of its own where records may have no key: they are known by it. A `file` has another name, which
    may say how it is read. Once the last of its rows is
    staged, in the same transaction, the feed is at `cursor` (None: where it was), and the rows
    `inbox` of the inbox are taken. After that `taken` is called; a death may come before it, so it
    is called again for a page that is read again, and bears it. Who reads a page that is none as a
    whole calls `failed` with the reason first.
    """

    stream: BinaryIO
    name: str
    cursor: Cursor | None = None
    inbox: tuple[int, ...] = ()
    taken: Callable[[], None] = _nothing
    failed: Callable[[str], None] = _unheard
    file: str | None = None


def page_of(content: bytes, name: str, state: Struct | None = None) -> Page:
    """Return a page of what was read, and of how far the feed is by it."""
    cursor = None if state is None else msgspec.json.encode(state).decode()
    return Page(io.BytesIO(content), name, cursor)


class Ways(Struct, frozen=True):
    """Where the feeds of a run ask: the ERP where it has a session there, APIs by connection."""

    erp: Connection | None = None
    apis: Mapping[str, HttpApi] = field(default_factory=dict)


class Feed(Protocol):
    """The records of one source, from where its cursor is."""

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow: its cursor is kept under it."""

    def pages(self, cursor: Cursor | None, ways: Ways) -> Iterator[Page]:
        """Yield what came since the cursor, None for all; ends where nothing more is there.

        Each page is read to its end before the next is asked for; `ways` are those of the run.
        Raises RunAborted for what stops the run.
        """


class NoFeed(Struct, frozen=True):
    """A feed that has nothing: what earlier runs left is finished."""

    name: str = "none"

    def pages(self, _cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield nothing."""
        yield from ()
