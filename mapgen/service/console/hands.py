"""What the console can do with open records: the service that it belongs to does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mapgen.runtime.ledger.reports import Choice, OpenRecord

Passes = Callable[[OpenRecord], bool | None]


class Hands(Protocol):
    """Who replays and discards. Each answers with how many records it is about."""

    def replay(self, choice: Choice, who: str) -> int:
        """Begin to send records again from the ledger's copies; what must not be, is not."""

    def discard(self, choice: Choice, reason: str, who: str) -> int:
        """Give records up."""

    def passes(self, flow: str) -> Passes | None:
        """Return what says of a record of a flow whether it would pass now, None for no such."""
