"""The kinds of feeds at work: what opens each, by what the plan says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from mapgen.agreed.feeds import (
    ErpFeed,
    FilesFeed,
    HttpFeed,
    InquiryFeed,
    PushFeed,
    SqlFeed,
    TapFeed,
    WebhookFeed,
)
from mapgen.agreed.feeds import Feed as FeedPlan
from mapgen.agreed.plan import Plan
from mapgen.runtime.draining import Drain
from mapgen.runtime.environment import Environment, FolderPlace
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.feeds.erp import PolledEntity, PushedKeys
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.http import ListedRecords
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.inquiry import InquiredRows
from mapgen.runtime.feeds.kind import Feed
from mapgen.runtime.feeds.singer import SingerTap
from mapgen.runtime.feeds.sql import QueriedRows
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.storage.opening import opened as opened_storage


class Around(Struct, frozen=True):
    """What feeds of a flow live in: its book of the ledger, the folder of its workspace, its place.

    They tell what happens, and end once `drain` is set.
    """

    ledger: Ledger
    book: str
    root: Path
    environment: Environment
    tell: Callable[[TechnicalEvent], None]
    drain: Drain


@contextmanager
def opened(feed: FeedPlan, plan: Plan, around: Around) -> Iterator[Feed]:
    """Open a feed of a flow until the block ends."""
    if isinstance(feed, FilesFeed):
        here = FolderPlace(around.root)
        place = here if feed.at is None else around.environment.files[feed.at]
        with opened_storage(place) as storage:
            yield ArrivingFiles(storage, feed, around.drain)
    else:
        yield _feed_of(feed, plan, around)


def _feed_of(
    feed: WebhookFeed | ErpFeed | InquiryFeed | PushFeed | TapFeed | SqlFeed | HttpFeed,
    plan: Plan,
    around: Around,
) -> Feed:
    match feed:
        case WebhookFeed():
            return InboxFeed(around.ledger, around.book, feed.name)
        case ErpFeed(changed=changed, overlap=overlap):
            assert plan.reads is not None
            return PolledEntity(plan.reads, changed, overlap, feed.name)
        case InquiryFeed():
            return InquiredRows(feed)
        case PushFeed():
            assert plan.reads is not None
            return PushedKeys(plan.reads, InboxFeed(around.ledger, around.book, feed.name))
        case TapFeed():
            return SingerTap(feed, around.root, around.tell, around.drain)
        case HttpFeed():
            return ListedRecords(feed)
        case SqlFeed(connection=name):
            address = around.environment.databases[name]
            return QueriedRows(feed, address, around.root, around.drain)
        case _:
            assert_never(feed)
