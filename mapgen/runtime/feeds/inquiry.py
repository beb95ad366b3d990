"""A feed of a generic inquiry: rows that the ERP answers by OData, in the session with the tenant.

Sources: the ERP's user guide to generic inquiries by OData. Unlike a list of the contract-based API
an answer honours `$orderby`. Rows come in the order of the cursor, and each page begins at the
moment at which the one before ended: what is changed meanwhile moves behind, and nothing slides
over a page. Only among rows of one moment is it counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, pairwise
from urllib.parse import quote, urljoin

import httpx2
import msgspec
from msgspec import Struct

from mapgen.agreed.feeds import InquiryFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.feeds.erp import Polled
from mapgen.runtime.feeds.kind import Cursor, Page, Ways, page_of
from mapgen.runtime.feeds.looking_back import as_asked, behind, moment_of, utc
from mapgen.runtime.tenant import Connection
from mapgen.runtime.tenant.query import encoded

_AT_ONCE = 500
_MOST_PAGES = 100_000
_HELP_SKIP = "write `read: all`, or name a column as `cursor:` that few rows are alike in"
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class _Answer(msgspec.Struct):
    value: list[msgspec.Raw]
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)


class InquiredRows(Struct, frozen=True):
    """The rows of an inquiry."""

    feed: InquiryFeed

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, cursor: Cursor | None, ways: Ways) -> Iterator[Page]:
        """Yield what was changed since the last poll, or the rest of one that broke off.

        Raises FeedFailed for answers that are not what was asked for.
        """
        erp = ways.erp
        assert erp is not None, "who asks the ERP has a session there"
        if self.feed.cursor is None:
            yield from self._all(erp)
            return
        state = Polled() if cursor is None else msgspec.json.decode(cursor, type=Polled)
        before: list[msgspec.Raw] = []
        for number in count(1):
            start, skip = self._start(state)
            answer = erp.inquire(self._url(erp, start, skip), self.feed.inquiry)
            if state.after is None:
                state.began = answer.told_at.isoformat()
            found = self._read(answer.content)
            if skip and found.value and found.value == before:
                raise self._failed("gives the same rows whatever is left out", _HELP_SKIP)
            before = found.value
            moments = self._moments(found.value, start)
            is_last = len(found.value) < _AT_ONCE and found.next is None
            state = _behind(state, moments, (start, skip), is_last=is_last or not moments)
            yield self._page(found, number, state)
            if state.after is None:
                return

    def _all(self, erp: Connection) -> Iterator[Page]:
        """Yield all rows, on as many pages as the ERP makes of them."""
        url, known = erp.inquiries + quote(self.feed.inquiry, safe=""), set[str]()
        for number in range(1, _MOST_PAGES):
            known.add(url)
            found = self._read(erp.inquire(url, self.feed.inquiry).content)
            yield self._page(found, number, None)
            if found.next is None:
                return
            url = _next(url, found.next)
            if url in known or not url.startswith(erp.inquiries):
                raise self._failed("leads to a next page that is none", "see what it answers")
        raise self._failed("never ends", "have the inquiry give fewer rows")

    def _read(self, content: bytes) -> _Answer:
        try:
            return msgspec.json.decode(content, type=_Answer)
        except msgspec.MsgspecError:
            raise self._failed("answers what is no page of rows", "see what it answers") from None

    def _page(self, found: _Answer, number: int, state: Polled | None) -> Page:
        content = b"[" + b",".join(map(bytes, found.value)) + b"]"
        return page_of(content, f"{self.feed.inquiry} page {number}", state)

    def _start(self, state: Polled) -> tuple[datetime | None, int]:
        """Return at which moment a page begins, and how many rows from there are left out."""
        if state.after is not None:
            begins, skip = state.after
            return (moment_of(begins) if begins else None), int(skip)
        if state.since is None:
            return None, 0
        start = behind(moment_of(state.since), self.feed.overlap, None, self.feed.inquiry)
        assert isinstance(start, datetime)
        return start, 0

    def _url(self, erp: Connection, start: datetime | None, skip: int) -> str:
        asked = {"$orderby": str(self.feed.cursor), "$top": str(_AT_ONCE)}
        if start is not None:
            asked["$filter"] = f"{self.feed.cursor} ge {as_asked(start)}"
        if skip:
            asked["$skip"] = str(skip)
        query = "&".join(f"{name}={encoded(value)}" for name, value in asked.items())
        return f"{erp.inquiries}{quote(self.feed.inquiry, safe='')}?{query}"

    def _moments(self, rows: Sequence[msgspec.Raw], start: datetime | None) -> list[datetime]:
        """Return when each row was changed, in their order; before all what never was.

        Raises FeedFailed where they come in another order, or tell no moment.
        """
        column = str(self.feed.cursor)
        try:
            found = [_at(row, column) for row in rows]
        except (msgspec.MsgspecError, ValueError, OverflowError):
            raise self._failed(
                f"has rows whose `{column}` is not a date and time",
                "name the column that says when a row was changed as `cursor:` of the feed",
            ) from None
        if any(one > other for one, other in pairwise([start or _BEFORE_ALL, *found])):
            raise self._failed(
                f"does not come in the order of `{column}`",
                "write `read: all`, or have the inquiry give the column as it is stored",
            )
        return found

    def _failed(self, what: str, help: str) -> FeedFailed:
        return FeedFailed(f"the inquiry `{self.feed.inquiry}` {what}", help)


def _behind(
    state: Polled,
    moments: Sequence[datetime],
    at: tuple[datetime | None, int],
    *,
    is_last: bool,
) -> Polled:
    """Return how far the feed is behind a page that began `at` a moment."""
    known = [one for one in moments if one != _BEFORE_ALL]
    seen = [*known, *([moment_of(state.seen)] if state.seen else [])]
    latest = max(seen).isoformat() if seen else None
    if not is_last:
        start, skip = at
        last = moments[-1]
        is_stuck = last in (start, _BEFORE_ALL)
        begins = start if is_stuck else last
        after = ["" if begins is None else begins.isoformat(), str(skip + len(moments))]
        if not is_stuck:
            after[1] = "0"
        return Polled(state.since, latest, state.began, after)
    return state.ended(latest)


def _next(url: str, link: str) -> str:
    """Return the address that a page names; "" where it is none."""
    try:
        return str(httpx2.URL(urljoin(url, link)))
    except (httpx2.InvalidURL, ValueError):
        return ""


def _at(row: msgspec.Raw, column: str) -> datetime:
    """Return when a row was changed. Raises MsgspecError, ValueError, OverflowError."""
    found = msgspec.json.decode(row, type=dict[str, msgspec.Raw]).get(column)
    text = None if found is None else msgspec.json.decode(found, type=str | None)
    return _BEFORE_ALL if text is None else utc(moment_of(text))
