"""The kinds of feeds at work: what opens each, by what the plan says of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from mapgen.agreed.feeds import ErpFeed, FilesFeed, PushFeed, SqlFeed, TapFeed, WebhookFeed
from mapgen.agreed.feeds import Feed as FeedPlan
from mapgen.agreed.plan import Plan
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.feeds.erp import PolledEntity, PushedKeys
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Feed
from mapgen.runtime.feeds.singer import SingerTap
from mapgen.runtime.feeds.sql import QueriedRows
from mapgen.runtime.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Around:
    """What feeds of a flow live in: its book of the ledger, the folder of its workspace, its place.

    They tell what happens, and end once `drain` is set.
    """

    ledger: Ledger
    book: str
    root: Path
    environment: Environment
    tell: Callable[[TechnicalEvent], None]
    drain: threading.Event


def opened(feed: FeedPlan, plan: Plan, around: Around) -> Feed:
    """Return a feed of a flow."""
    match feed:
        case WebhookFeed():
            return InboxFeed(around.ledger, around.book, feed.name)
        case ErpFeed(changed=changed, overlap=overlap):
            assert plan.reads is not None
            return PolledEntity(plan.reads, changed, overlap, feed.name)
        case PushFeed():
            assert plan.reads is not None
            return PushedKeys(plan.reads, InboxFeed(around.ledger, around.book, feed.name))
        case FilesFeed():
            return ArrivingFiles(around.root / feed.folder, feed)
        case TapFeed():
            return SingerTap(feed, around.root, around.tell, around.drain)
        case SqlFeed(connection=name):
            address = around.environment.databases[name]
            return QueriedRows(feed, address, around.root, around.drain)
        case _:
            assert_never(feed)
