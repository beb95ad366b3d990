"""The kinds of feeds at work: what opens each, by what the plan says of it."""

from __future__ import annotations

from typing import assert_never

from mapgen.feeds import ErpFeed, PushFeed, WebhookFeed
from mapgen.feeds import Feed as FeedPlan
from mapgen.plan import Plan
from mapgen.runtime.feeds.erp import PolledEntity, PushedKeys
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Feed
from mapgen.runtime.ledger import Ledger


def opened(feed: FeedPlan, plan: Plan, ledger: Ledger, book: str) -> Feed:
    """Return a feed of a flow, which the ledger keeps under `book`."""
    match feed:
        case WebhookFeed():
            return InboxFeed(ledger, book, feed.name)
        case ErpFeed(changed=changed, overlap=overlap):
            assert plan.reads is not None
            return PolledEntity(plan.reads, changed, overlap, feed.name)
        case PushFeed():
            assert plan.reads is not None
            return PushedKeys(plan.reads, InboxFeed(ledger, book, feed.name))
        case _:
            assert_never(feed)
