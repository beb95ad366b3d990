"""A feed of an HTTP API: what a list shows of records that were changed, page by page.

What the API answers is not trusted: a next page that was there before, one at another host, an
answer that is no list. The order of a list is nobody's promise, so a poll that broke off goes on at
the address of its next page; the next poll asks from before the first page, by the API's own clock,
since what is changed while its pages are read may lie behind them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import count

import httpx2
import msgspec
from msgspec import Struct

from mapgen.agreed.feeds import HttpFeed
from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import Request
from mapgen.runtime.aborted import FeedFailed, TenantUnavailable
from mapgen.runtime.feeds.kind import Cursor, Page, Ways, page_of
from mapgen.runtime.feeds.looking_back import Place, Unfit, as_asked, aware, begun, behind
from mapgen.runtime.network.api import HttpApi
from mapgen.runtime.network.reading import told_at
from mapgen.runtime.network.verdict import Failure, Verdict, may_pass

_MOST_PAGES = 100_000
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_Word = str | int | float | None
_WORD: msgspec.json.Decoder[_Word] = msgspec.json.Decoder(_Word)
_HELP = "see what the API answers by hand; the next run goes on where this one was"


class Listed(msgspec.Struct, omit_defaults=True):
    """How far a poll is: what it asks `since`, the latest `seen`, its `next` page and its number.

    It `began` when the API's clock said so.
    """

    since: str | int | None = None
    seen: str | int | None = None
    began: str | None = None
    next: str | None = None
    number: int = 0


class _Shown(Struct, frozen=True):
    """An answer of the API, and the records in it as they are there."""

    answer: httpx2.Response
    rows: Sequence[msgspec.Raw]


class ListedRecords(Struct, frozen=True):
    """The records of a list."""

    feed: HttpFeed

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, cursor: Cursor | None, ways: Ways) -> Iterator[Page]:
        """Yield what changed since the cursor, or the rest of a poll that broke off.

        Raises FeedFailed, once what came is taken.
        """
        api = ways.apis[self.feed.connection]
        state = Listed() if cursor is None else msgspec.json.decode(cursor, type=Listed)
        try:
            yield from self._pages(state, api)
        except Failure as failure:
            raise self._failed(f"cannot be read: {failure.verdict.reason}", _HELP) from None
        except TenantUnavailable as gone:
            raise FeedFailed(gone.message, gone.help) from None
        except Unfit as unfit:
            raise self._failed(f"is read in vain: {unfit}", unfit.help) from None

    def _pages(self, state: Listed, api: HttpApi) -> Iterator[Page]:
        known: set[str] = set()
        before = ""
        for nth in count():
            listed, state = self._listed(state, api, is_resumed=nth == 0)
            content = b"[" + b",".join(map(bytes, listed.rows)) + b"]"
            digest = hashlib.sha256(content).hexdigest()
            following = self._next(listed, state, api)
            is_endless = following in known or nth > _MOST_PAGES
            if is_endless or (listed.rows and digest == before):
                raise Unfit(
                    "a page comes again, so that its pages never end", "correct `pages` of the feed"
                )
            before = digest
            state = self._behind(state, listed, following)
            known.add(following or "")
            place = f"{self.feed.connection} {digest[:12]}.json"
            yield page_of(content, place, state)
            if following is None:
                return

    def _listed(self, state: Listed, api: HttpApi, *, is_resumed: bool) -> tuple[_Shown, Listed]:
        """Return the page at which a poll is.

        One that `is_resumed` begins anew where its page is not there any more.
        """
        if state.next is not None:
            try:
                address = api.of_the_same_host(httpx2.URL(state.next))
                return api.wire.persist(partial(self._ask, api, address), may_pass), state
            except Failure as failure:
                if not is_resumed or failure.verdict.kind != "permanent":
                    raise
                state = Listed(state.since)
        address = str(self._first(state, api))
        listed = api.wire.persist(partial(self._ask, api, address), may_pass)
        began = told_at(listed.answer)
        state.began = None if began is None else began.isoformat()
        return listed, state

    def _ask(self, api: HttpApi, address: str) -> _Shown:
        """Ask for a page. Raises Failure for what is none, too."""
        answer = api.send(Request("GET", self.feed.path), address)
        try:
            held = msgspec.Raw(answer.content)
            for name in names_along(self.feed.records) if self.feed.records else ():
                held = _MEMBERS.decode(held)[name]
            return _Shown(answer, _LIST.decode(held))
        except (msgspec.ValidationError, KeyError):
            where = f"`{self.feed.records}` of the answer" if self.feed.records else "the answer"
            raise Failure(Verdict("permanent", "none", f"{where} is no list")) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            # A proxy's page with status 200.
            raise Failure(Verdict("transient", "none", "an answer that is no JSON")) from None

    def _first(self, state: Listed, api: HttpApi) -> httpx2.URL:
        """Return the address of the first page."""
        url, asked = httpx2.URL(api.url + self.feed.path), dict(self.feed.parameters)
        if self.feed.since is not None and state.since is not None:
            asked[self.feed.since] = self._since(state.since)
        pages = self.feed.pages
        if pages.next is None and pages.parameter is not None:
            asked[pages.parameter] = str(pages.first)
        for name, value in asked.items():
            url = url.copy_set_param(name, value)
        return url

    def _since(self, reached: str | int) -> str:
        """Return from where on to ask, as the API writes it."""
        what = f"the member `{self.feed.cursor}`"
        since = behind(place_of(reached), self.feed.overlap, self.feed.back, what)
        if isinstance(since, datetime) and since.tzinfo is not None:
            return as_asked(since)
        return since.isoformat() if isinstance(since, date) else str(since)

    def _next(self, listed: _Shown, state: Listed, api: HttpApi) -> str | None:
        """Return the address of the page behind one, None for the last. Raises Failure."""
        pages, url = self.feed.pages, listed.answer.url
        if pages.next is not None:
            found = _member(msgspec.Raw(listed.answer.content), pages.next)
            if found in (None, ""):
                return None
            if pages.parameter is not None:
                return str(self._first(state, api).copy_set_param(pages.parameter, str(found)))
            return api.of_the_same_host(_joined(url, str(found)))
        if pages.parameter is not None:
            step = len(listed.rows) if pages.is_offset else 1
            number = pages.first + state.number + step
            first = self._first(state, api)
            return str(first.copy_set_param(pages.parameter, str(number))) if listed.rows else None
        linked = listed.answer.links.get("next", {}).get("url")
        return None if linked is None else api.of_the_same_host(_joined(url, linked))

    def _behind(self, state: Listed, listed: _Shown, following: str | None) -> Listed:
        """Return how far the feed is behind a page. Raises Unfit."""
        step = len(listed.rows) if self.feed.pages.is_offset else 1
        number = state.number + step
        if self.feed.cursor is None:
            return Listed(began=state.began, next=following, number=number if following else 0)
        found = [_reached(row, self.feed.cursor) for row in listed.rows]
        seen = [one for one in (state.seen, *found) if one is not None]
        if listed.rows and not any(one is not None for one in found):
            raise Unfit(
                f"the member `{self.feed.cursor}` of its records is neither a moment nor a number",
                "name the one that says when a record was changed as `cursor` of the feed",
            )
        latest = max(seen, key=_order, default=None)
        if following is not None:
            return Listed(state.since, latest, state.began, following, number)
        if isinstance(latest, str) and state.began is not None:
            # What was changed amid the pages may be older than what the last of them showed.
            latest = min(latest, state.began, key=_order)
        if latest is None or (state.since is not None and _order(latest) < _order(state.since)):
            return Listed(state.since)
        return Listed(latest)

    def _failed(self, what: str, help: str) -> FeedFailed:
        return FeedFailed(
            f"the list `{self.feed.path}` of the connection `{self.feed.connection}` {what}", help
        )


def _joined(url: httpx2.URL, address: str) -> httpx2.URL:
    """Return an address that an answer names, which may be relative. Raises Failure."""
    try:
        return url.join(address)
    except (httpx2.InvalidURL, ValueError):
        raise Failure(Verdict("permanent", "none", "the next page has no address")) from None


def _member(content: msgspec.Raw, path: str) -> _Word:
    """Return what is at a path of members; None for nothing, and for what is no word."""
    try:
        for name in names_along(path):
            content = _MEMBERS.decode(content)[name]
        return _WORD.decode(content)
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError, RecursionError):
        return None


def _reached(row: msgspec.Raw, path: str) -> str | int | None:
    """Return what a record says of when it was changed, None for what tells no time."""
    found = _member(row, path)
    try:
        if isinstance(found, float):
            return int(found)  # looked back from, it loses nothing
        if found is not None:
            _order(found)
    except (ValueError, OverflowError):
        return None
    return found


def place_of(value: str | int) -> Place:
    """Return a moment, a day or a number. Raises ValueError."""
    if isinstance(value, int):
        return value
    return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)


def _order(value: str | int) -> float:
    """Return by what values are compared; a moment without an offset is in UTC."""
    place = place_of(value)
    return aware(begun(place)).timestamp() if isinstance(place, date) else float(place)
