"""A feed of what others send: each delivery that lies in the inbox is a page."""

from __future__ import annotations

import io
from collections.abc import Iterator

from msgspec import Struct

from mapgen.runtime.feeds.kind import Cursor, Page, Ways
from mapgen.runtime.ledger import Ledger


class InboxFeed(Struct, frozen=True):
    """What a flow was sent under the name of a feed, the oldest first."""

    ledger: Ledger
    book: str
    name: str

    def pages(self, _cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield the deliveries that nobody has taken, those too that come meanwhile."""
        last = None
        while found := self.ledger.waiting(self.book, self.name, last):
            for one in found:
                place = f"{self.name} {one.delivery}"
                yield Page(io.BytesIO(one.body), place, inbox=(one.row,))
            last = found[-1].turn, found[-1].row
