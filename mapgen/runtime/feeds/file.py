"""A feed of one file that somebody names: it is read whole, each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from mapgen.runtime.feeds.kind import Cursor, Page, Ways


class FileFeed(Struct, frozen=True):
    """The records of an open file; `file` is what it is called."""

    stream: BinaryIO
    file: str
    name: str = "file"

    def pages(self, _cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield the file."""
        yield Page(self.stream, self.file)
