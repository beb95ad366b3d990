"""Feeds of the ERP: records that were changed since the last poll, and those that it pushes.

Sources: the ERP's guide to its contract-based API. The order of a list is not part of the contract
and `$skip` slides over what changes meanwhile, so pages go on behind the last key, as long as the
list comes in the order of the keys; else it is read whole. A record that is being saved has an
older time than those that are there already: a poll looks back behind the one before. What is
changed while its pages are read may lie behind them: the next one asks from before the first page.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from mapgen.agreed.plan import Reads
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Cursor, Page, Ways, page_of
from mapgen.runtime.feeds.looking_back import moment_of
from mapgen.runtime.tenant.query import (
    LONGEST_QUERY,
    behind_keys,
    encoded,
    is_ordered,
    keys_in,
    literal,
    value_of,
)

_AT_ONCE = 100
_NOTIFICATIONS = 100


class Polled(msgspec.Struct, omit_defaults=True):
    """How far a poll is: what it asks `since`, the latest `seen`, and `after` which key it is.

    It `began` when the ERP's clock said so.
    """

    since: str | None = None
    seen: str | None = None
    began: str | None = None
    after: list[str] | None = None

    def ended(self, seen: str | None) -> Polled:
        """Return how far a poll is that has come to its end, having seen this at the latest.

        What was changed amid the pages may be older than what the last of them showed.
        """
        if seen is None:
            return Polled(self.since)
        return Polled(min(filter(None, (seen, self.began)), key=moment_of))


class PolledEntity(Struct, frozen=True):
    """The records of an entity that were changed by the field `changed`; without it, all."""

    reads: Reads
    changed: str | None
    overlap: float
    name: str

    def pages(self, cursor: Cursor | None, ways: Ways) -> Iterator[Page]:
        """Yield what was changed since the last poll, or the rest of one that broke off."""
        erp = ways.erp
        assert erp is not None, "who polls the ERP has a session there"
        state = Polled() if cursor is None else msgspec.json.decode(cursor, type=Polled)
        number = 0
        while True:
            answer = erp.read(self.reads.entity, self._query(state, _AT_ONCE))
            if state.after is None:
                state.began = answer.told_at.isoformat()
            content = answer.content
            rows = msgspec.json.decode(content, type=list[dict[str, Any]])
            is_whole = not is_ordered(rows, self.reads.keys, state.after)
            if is_whole:
                content = erp.read(self.reads.entity, self._query(state, None)).content
                rows = msgspec.json.decode(content, type=list[dict[str, Any]])
            is_last = is_whole or len(rows) < _AT_ONCE
            state = self._behind(state, rows, is_last=is_last)
            number += 1
            yield page_of(content, f"{self.reads.entity} page {number}", state)
            if is_last:
                return

    def _query(self, state: Polled, top: int | None) -> str:
        conditions = []
        if self.changed is not None and state.since is not None:
            since = moment_of(state.since) - timedelta(seconds=self.overlap)
            conditions.append(f"{self.changed} ge datetimeoffset'{since.isoformat()}'")
        if state.after is not None and top is not None:
            conditions.append(behind_keys(self.reads.keys, state.after))
        asked = dict(self.reads.query)
        if self.changed is not None and "$select" in asked:
            names = asked["$select"].split(",")
            asked["$select"] = ",".join(dict.fromkeys((*names, self.changed)))
        if conditions:
            asked["$filter"] = " and ".join(conditions)
        if top is not None:
            asked["$top"] = str(top)
        return "&".join(f"{name}={encoded(value)}" for name, value in asked.items())

    def _behind(self, state: Polled, rows: list[dict[str, Any]], *, is_last: bool) -> Polled:
        """Return how far the feed is behind a page."""
        changed = self.changed
        moments = [] if changed is None else [value_of(row, changed) for row in rows]
        try:
            seen = max(filter(None, (state.seen, *moments)), key=moment_of, default=None)
        except ValueError:
            raise FeedFailed(
                f"`{self.reads.entity}.{changed}` of a record in the ERP is not a date and time",
                "name the field that says when a record was changed as `changed:` of the feed",
            ) from None
        if not is_last:
            return Polled(state.since, seen, state.began, keys_in(rows[-1], self.reads.keys))
        return state.ended(seen)


class PushedKeys(Struct, frozen=True):
    """The records whose keys push notifications hold, each read as it is now.

    Rows deleted and inserted are one change, in one notification or in two, and the order of
    notifications does not matter: what a record is now, the ERP says when it is asked.
    """

    reads: Reads
    inbox: InboxFeed

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.inbox.name

    def pages(self, cursor: Cursor | None, ways: Ways) -> Iterator[Page]:
        """Yield a page for many notifications: the records that they name and that are there."""
        erp = ways.erp
        assert erp is not None, "who reads the ERP has a session there"
        waiting = self.inbox.pages(cursor, ways)
        while notified := list(islice(waiting, _NOTIFICATIONS)):
            rows = [row for page in notified for row in _rows_of(page)]
            keys = dict.fromkeys(filter(None, map(self._keys, rows)))
            # A row without keys is handed on as it is, so that it is rejected, and seen.
            found = [msgspec.Raw(msgspec.json.encode(row)) for row in rows if not self._keys(row)]
            for query in self._queries(list(keys)):
                content = erp.read(self.reads.entity, query).content
                found.extend(msgspec.json.decode(content, type=list[msgspec.Raw]))
            taken = tuple(row for page in notified for row in page.inbox)
            yield Page(io.BytesIO(msgspec.json.encode(found)), notified[0].name, inbox=taken)

    def _keys(self, row: dict[str, Any]) -> tuple[str, ...]:
        """Return the keys that a pushed row holds, none where it lacks one.

        Columns of a query are called as people call them: `Order Nbr.` is `OrderNbr`.
        """
        named = {_plain(name): str(value) for name, value in row.items() if value is not None}
        keys = tuple(named.get(_plain(name), "") for name in self.reads.keys)
        return keys if all(keys) else ()

    def _queries(self, keys: Sequence[tuple[str, ...]]) -> Iterator[str]:
        """Yield the queries of records by their keys, as many in each as it takes."""
        asked: list[str] = []
        for key in keys:
            pairs = zip(self.reads.keys, key, strict=True)
            one = " and ".join(f"{name} eq {literal(part)}" for name, part in pairs)
            if asked and len(self._query([*asked, one])) > LONGEST_QUERY:
                yield self._query(asked)
                asked = []
            asked.append(one)
        if asked:
            yield self._query(asked)

    def _query(self, ways: Sequence[str]) -> str:
        condition = ways[0] if len(ways) == 1 else " or ".join(f"({way})" for way in ways)
        asked = {**self.reads.query, "$filter": condition}
        return "&".join(f"{name}={encoded(value)}" for name, value in asked.items())


class _Rows(msgspec.Struct):
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)


def _rows_of(page: Page) -> tuple[dict[str, Any], ...]:
    """Return the rows of a notification: what was deleted and inserted is one change."""
    try:
        pushed = msgspec.json.decode(page.stream.read(), type=_Rows)
    except msgspec.MsgspecError:
        return ()
    return (*pushed.deleted, *pushed.inserted)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
