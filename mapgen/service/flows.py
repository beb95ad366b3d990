"""The flows of a workspace, opened for an environment, as a service runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

from mapgen.agreed.feeds import PushFeed, WebhookFeed
from mapgen.agreed.plan import Plan
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import BoundFlow, once_more, outcomes_of
from mapgen.project.leads import webhook_secret
from mapgen.project.live import LiveFlow
from mapgen.project.named import named_connection
from mapgen.runtime.delivery import Mapped
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Observer
from mapgen.runtime.feeds.kind import Feed, NoFeed
from mapgen.runtime.feeds.kinds import Around, opened
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.summary import Summary
from mapgen.service.loop import Pace, Why
from mapgen.service.reception import Awaiting, Sender, Taker
from mapgen.service.schedule import schedule_of
from mapgen.service.tables import FreshTables
from mapgen.spec import model as spec


@dataclass(frozen=True, slots=True)
class ServedFlow(LiveFlow):
    """A flow that a service runs; `tables` of files are read again where one has changed."""

    tables: FreshTables | None = None

    @property
    def fresh(self) -> BoundFlow:
        """The flow with its tables as they are now. Raises EnvironmentInvalid."""
        return self.bound if self.tables is None else self.tables.bound()

    @property
    def pace(self) -> Pace:
        """When it runs, as its plan says."""
        plan = self.plan
        return Pace(plan.rules, plan.mode, schedule_of(plan.schedule), plan.retry.ceiling)

    def cycle(self, why: Why, ledger: Ledger, observer: Observer, drain: Drain) -> Summary | None:
        """Deliver what came and what is left: a run for each feed, so that one holds up no other.

        By the schedule all feeds are read; else what was sent to us, which is here already.
        """
        wanted = [one for one in self.plan.feeds if why == "scheduled" or one.is_sent]
        root, tell = self.bound.workspace.root, observer.on_event
        around = Around(ledger, self.book, root, self.environment, tell, drain)
        opening: list[AbstractContextManager[Feed]]
        opening = [opened(one, self.plan, around) for one in wanted] or [nullcontext(NoFeed())]
        summary = None
        for way in opening:
            with way as feed:
                summary = self.deliver(self._mapped(feed, drain), ledger, observer)
        return summary

    def _mapped(self, feed: Feed, drain: Drain) -> Mapped:
        bound = self.fresh
        of_page, of_kept = partial(outcomes_of, bound), partial(once_more, bound)
        return Mapped(feed, of_page, of_kept, self.remote, drain=drain)


def takers_of(flow: Awaiting, plan: Plan) -> Iterator[Taker]:
    """Yield which feeds of a flow take what connections send."""
    for feed in plan.feeds:
        match feed:
            case WebhookFeed(connection=connection, topics=topics):
                yield Taker(flow, feed.name, connection, topics)
            case PushFeed(query=query):
                yield Taker(flow, feed.name, plan.connection, (query,))
            case _:
                pass


def sender_of(workspace: Workspace, environment: spec.Environment, name: str) -> Sender:
    """Return a connection that sends to us.

    Raises Stopped where the environment does not say how it shows that it has sent something.
    """
    connection = named_connection(workspace, name)
    return Sender(name, connection.kind.value, webhook_secret(environment, connection))
