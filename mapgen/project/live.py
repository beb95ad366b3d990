"""A flow at work in an environment: bound, with where it delivers and what it asks in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mapgen.agreed.plan import Plan
from mapgen.project.binding import BoundFlow, once_more
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.draining import Drain
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.summary import Summary

if TYPE_CHECKING:
    from mapgen.runtime.ledger.reports import OpenRecord


@dataclass(frozen=True, slots=True)
class LiveFlow:
    """A flow that is bound, where it delivers, and the tables that it asks in a run."""

    bound: BoundFlow
    environment: Environment
    remote: RemoteTables

    @property
    def plan(self) -> Plan:
        """What the compiler decided."""
        return self.bound.flow.plan

    @property
    def fresh(self) -> BoundFlow:
        """The flow with its tables as they are now."""
        return self.bound

    @property
    def name(self) -> str:
        """What it is called."""
        return self.plan.flow

    @property
    def book(self) -> str:
        """What the ledger keeps it under."""
        place = self.environment.place
        return book_of(self.plan.flow, place.name, place.url)

    def deliver(self, mapped: Mapped, ledger: Ledger, observer: Observer) -> Summary:
        """Run the flow over what is mapped; return the counts. Raises RunAborted."""
        rules = self.bound.flow.rules
        return deliver(mapped, self.plan, self.environment, ledger, rules, observer)

    def replay(
        self,
        records: Sequence[OpenRecord],
        who: str,
        ledger: Ledger,
        observer: Observer,
        drain: Drain | None = None,
    ) -> Summary:
        """Send records again, from the ledger's copies; return the counts. Raises RunAborted."""
        # A run that reads records has no need of it.
        from mapgen.runtime.delivery.again import Replay

        mapped = Replay(ledger, records, who).mapped(
            partial(once_more, self.fresh), self.remote, drain
        )
        return self.deliver(mapped, ledger, observer)
