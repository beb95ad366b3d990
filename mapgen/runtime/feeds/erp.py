"""Feeds of the ERP: records that were changed since the last poll, and those that it pushes.

Sources: the ERP's guide to its contract-based API. The order of a list is not part of the contract
and `$skip` slides over what changes meanwhile, so pages go on behind the last key, as long as the
list comes in the order of the keys; else it is read whole. A record that is being saved has an
older time than those that are there already: a poll looks back behind the one before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from mapgen.plan import Reads
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Cursor, Page
from mapgen.runtime.tenant import Connection
from mapgen.runtime.tenant.query import encoded, literal, value_of

_AT_ONCE = 100


class _Polled(msgspec.Struct, omit_defaults=True):
    """How far a poll is: what it asks `since`, the latest `seen`, and `after` which key it is."""

    since: str | None = None
    seen: str | None = None
    after: list[str] | None = None


@dataclass(frozen=True, slots=True)
class PolledEntity:
    """The records of an entity that were changed by the field `changed`; without it, all."""

    reads: Reads
    changed: str | None
    overlap: float
    name: str

    def pages(self, cursor: Cursor | None, erp: Connection | None) -> Iterator[Page]:
        """Yield what was changed since the last poll, or the rest of one that broke off."""
        assert erp is not None, "who polls the ERP has a session there"
        state = _Polled() if cursor is None else msgspec.json.decode(cursor, type=_Polled)
        number = 0
        while True:
            content = erp.read(self.reads.entity, self._query(state, _AT_ONCE))
            rows = msgspec.json.decode(content, type=list[dict[str, Any]])
            is_whole = not self._is_ordered(rows, state.after)
            if is_whole:
                content = erp.read(self.reads.entity, self._query(state, None))
                rows = msgspec.json.decode(content, type=list[dict[str, Any]])
            is_last = is_whole or len(rows) < _AT_ONCE
            state = self._behind(state, rows, is_last=is_last)
            number += 1
            place = f"{self.reads.entity} page {number}"
            yield Page(io.BytesIO(content), place, msgspec.json.encode(state).decode())
            if is_last:
                return

    def _query(self, state: _Polled, top: int | None) -> str:
        conditions = []
        if self.changed is not None and state.since is not None:
            since = datetime.fromisoformat(state.since) - timedelta(seconds=self.overlap)
            conditions.append(f"{self.changed} ge datetimeoffset'{since.isoformat()}'")
        if state.after is not None and top is not None:
            conditions.append(_behind_keys(self.reads.keys, state.after))
        asked = dict(self.reads.query)
        if self.changed is not None and "$select" in asked:
            names = asked["$select"].split(",")
            asked["$select"] = ",".join(dict.fromkeys((*names, self.changed)))
        if conditions:
            asked["$filter"] = " and ".join(conditions)
        if top is not None:
            asked["$top"] = str(top)
        return "&".join(f"{name}={encoded(value)}" for name, value in asked.items())

    def _keys(self, row: dict[str, Any]) -> list[str]:
        return [value_of(row, name) or "" for name in self.reads.keys]

    def _is_ordered(self, rows: Sequence[dict[str, Any]], after: list[str] | None) -> bool:
        """Whether a page goes on in the order of the keys, so that none is behind it unseen."""
        keys = [*([] if after is None else [after]), *map(self._keys, rows)]
        folded = [[part.casefold() for part in key] for key in keys]
        return all(one < other for one, other in pairwise(folded))

    def _behind(self, state: _Polled, rows: list[dict[str, Any]], *, is_last: bool) -> _Polled:
        """Return how far the feed is behind a page."""
        changed = self.changed
        moments = [] if changed is None else [value_of(row, changed) for row in rows]
        seen = max(filter(None, (state.seen, *moments)), key=datetime.fromisoformat, default=None)
        if not is_last:
            return _Polled(state.since, seen, self._keys(rows[-1]))
        return _Polled(seen if seen is not None else state.since)


@dataclass(frozen=True, slots=True)
class PushedKeys:
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

    def pages(self, cursor: Cursor | None, erp: Connection | None) -> Iterator[Page]:
        """Yield a page for each notification: the records that it names and that are there."""
        assert erp is not None, "who reads the ERP has a session there"
        for page in self.inbox.pages(cursor, erp):
            contents = [
                erp.read(self.reads.entity, self._query(keys)) for keys in self._pushed(page)
            ]
            found = [
                row
                for content in contents
                for row in msgspec.json.decode(content, type=list[msgspec.Raw])
            ]
            stream = io.BytesIO(msgspec.json.encode(found))
            yield Page(stream, page.name, inbox=page.inbox)

    def _pushed(self, page: Page) -> list[tuple[str, ...]]:
        """Return the keys of the rows of a notification, each once."""
        try:
            pushed = msgspec.json.decode(page.stream.read(), type=_Rows)
        except msgspec.MsgspecError:
            return []
        rows = (*pushed.deleted, *pushed.inserted)
        keys = (tuple(str(row.get(name, "")) for name in self.reads.keys) for row in rows)
        return [key for key in dict.fromkeys(keys) if all(key)]

    def _query(self, keys: Sequence[str]) -> str:
        pairs = zip(self.reads.keys, keys, strict=True)
        asked = {
            **self.reads.query,
            "$filter": " and ".join(f"{name} eq {literal(key)}" for name, key in pairs),
        }
        return "&".join(f"{name}={encoded(value)}" for name, value in asked.items())


class _Rows(msgspec.Struct):
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)


def _behind_keys(names: Sequence[str], keys: Sequence[str]) -> str:
    """Return the condition of what comes behind a key: of several, the first that differs tells."""
    ways = []
    for at, name in enumerate(names):
        same = [f"{one} eq {literal(key)}" for one, key in zip(names[:at], keys, strict=False)]
        ways.append(" and ".join((*same, f"{name} gt {literal(keys[at])}")))
    return f"({' or '.join(f'({way})' for way in ways)})"
