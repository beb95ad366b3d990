"""What the parts of one run share."""

from __future__ import annotations

import threading
import uuid

from msgspec import Struct, field

from mapgen.agreed.plan import Plan
from mapgen.runtime.delivery.gate import Gate
from mapgen.runtime.delivery.run_stats import RunStats
from mapgen.runtime.draining import Drain
from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import Ledger


def _new_id() -> str:
    return uuid.uuid4().hex


class Run(Struct, frozen=True):
    """One run of a flow: its plan and limits, its ledger, stats and gate, the signal to stop.

    `book` is what the ledger keeps the records under; `id` tells the run from all others that
    share the ledger. Once `drain` is set by whoever started it, it ends in order; `stop` is what
    its own parts stop each other by, and is set with it.
    """

    book: str
    plan: Plan
    limits: Limits
    ledger: Ledger
    stats: RunStats
    gate: Gate | None = None
    drain: Drain = field(default_factory=Drain)
    stop: threading.Event = field(default_factory=threading.Event)
    id: str = field(default_factory=_new_id)

    @property
    def updating(self) -> frozenset[str]:
        """What has a newer state after an older one: documents of the flow, and their steps."""
        sent = self.plan.sent.items()
        return frozenset(name for name, document in sent if document.does.updates)
