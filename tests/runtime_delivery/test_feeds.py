"""Pages of a feed, its cursor and its inbox: each is taken with the rows that it covers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from mapgen.runtime.aborted import RunAborted, TenantUnavailable
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.ledger import Acknowledgement, Delivery, Ledger, book_of
from mapgen.runtime.ledger.schema import RUNS
from mapgen.runtime.outcome import ErrorReport, Rejected
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import (
    RULES,
    PagedFeed,
    Watcher,
    nothing,
    of_lines,
    order,
    plan_of,
)
from tests.runtime_delivery.processes import at_once, start
from tests.runtime_delivery.stand_in import Asked, Hold, Misdeed, StandIn, standing_in


def book(tenant: StandIn) -> str:
    where = tenant.environment().tenant
    return book_of("orders", where.tenant, where.url)


def run(feed: PagedFeed | InboxFeed, ledger: Ledger, tenant: StandIn, **plan: object) -> Summary:
    mapped = Mapped(feed, of_lines, nothing)
    return deliver(mapped, plan_of(**plan), tenant.environment(), ledger, RULES, Watcher())


def names(count: int) -> list[str]:
    return sorted(f"{number}-shop" for number in range(1, count + 1))


@pytest.mark.parametrize("size", [1, 7, 20, 100])
def test_a_feed_goes_on_where_it_was(address: str, size: int) -> None:
    """A second run reads what came since, however pages and batches meet."""
    with standing_in() as tenant, Ledger(address) as ledger:
        feed = PagedFeed(50, size)
        first = run(feed, ledger, tenant)
        idle = run(feed, ledger, tenant)
        feed.count = 53
        again = run(feed, ledger, tenant)

        assert (first.read, idle.read, again.read) == (50, 0, 3)
        assert tenant.identities == names(53)
        assert ledger.cursor(book(tenant), "paged") == "53"
        assert len(feed.taken) == len(set(feed.taken))


def test_the_cursor_stays_behind_what_is_not_staged(address: str) -> None:
    """Where a page breaks amid its rows the cursor is that of the page before."""

    def broken(page: Page) -> Iterator[object]:
        for line in page.stream:
            if line == b"30\n":
                raise TenantUnavailable("the shop does not answer", "run again")
            yield order(int(line))

    with standing_in() as tenant, Ledger(address) as ledger:
        feed = PagedFeed(50, 20)
        mapped = Mapped(feed, broken, nothing)  # type: ignore[arg-type]
        with pytest.raises(RunAborted):
            deliver(mapped, plan_of(batch_size=4), tenant.environment(), ledger, RULES, Watcher())
        assert ledger.cursor(book(tenant), "paged") == "20"
        assert feed.taken == ["page 1"]

        rest = run(feed, ledger, tenant)
        assert rest.read == 30
        assert tenant.identities == names(50)


def test_a_run_says_how_it_ended(address: str) -> None:
    """The ledger has where each run went, from what, its counts, and why it ended."""
    with standing_in() as tenant, Ledger(address) as ledger:
        run(PagedFeed(3), ledger, tenant)
        stops = TenantUnavailable("the shop does not answer", "run again")
        mapped = Mapped(PagedFeed(4), partial(_raising, stops), nothing)
        with pytest.raises(RunAborted):
            deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())

        with ledger._engine.begin() as connection:
            done, aborted = connection.execute(select(RUNS).order_by(RUNS.c.began_at)).all()
        assert (done.env, done.feed, done.reason, aborted.reason) == (
            "test", "paged", "done", "R504",
        )  # fmt: skip
        assert done.counts["created"] == 3
        assert aborted.ended_at is not None


def _raising(stops: RunAborted, _page: Page) -> Iterator[object]:
    raise stops
    yield


def test_a_delivery_is_received_once(address: str) -> None:
    """What is sent again is known, before it is staged and after."""
    with standing_in() as tenant, Ledger(address) as ledger:
        sent = [Delivery("shop", f"d{number}", "orders", b"%d\n" % number) for number in (1, 2)]
        assert ledger.receive(book(tenant), sent) == 2
        assert ledger.receive(book(tenant), sent) == 0
        assert ledger.count_waiting() == 2

        feed = InboxFeed(ledger, book(tenant), "shop")
        assert run(feed, ledger, tenant).created == 2
        assert ledger.receive(book(tenant), sent) == 0
        assert run(feed, ledger, tenant).read == 0
        assert ledger.count_waiting(book(tenant)) == 0


def test_the_inbox_is_read_in_turn(address: str) -> None:
    """What tells its age is staged by it, and not as it came."""
    with Ledger(address) as ledger:
        sent = [Delivery("erp", f"d{turn}", None, b"{}", turn) for turn in (3, 1, 2)]
        ledger.receive("orders", sent)
        first = ledger.waiting("orders", "erp", limit=2)
        rest = ledger.waiting("orders", "erp", (first[-1].turn, first[-1].row))

        assert [one.turn for one in (*first, *rest)] == [1, 2, 3]


def test_one_process_at_a_time_has_the_cycles(address: str) -> None:
    """Another gets them when the first leaves, or says no more that it has them."""
    with Ledger(address) as one, Ledger(address) as other:
        assert one.take_cycles("orders", "one", 60.0)
        assert one.take_cycles("orders", "one", 60.0)
        assert not other.take_cycles("orders", "other", 60.0)
        assert other.take_cycles("payments", "other", 60.0)
        one.leave_cycles("orders", "one")
        assert other.take_cycles("orders", "other", 0.05)
        time.sleep(0.1)
        assert one.take_cycles("orders", "one", 60.0)


def held_at(nth: int, *, is_done: bool) -> Callable[[Asked], Misdeed]:
    return lambda asked: Hold(is_done) if (asked.kind, asked.nth) == ("put", nth) else None


def test_killed_between_receipt_and_staging(tmp_path: Path) -> None:
    """Killed with SIGKILL while pages are staged and sent, the next run completes: each once."""

    def scene(flow: str, nth: int, is_done: bool) -> None:
        address = f"sqlite:///{tmp_path}/{flow}{nth}{is_done}.db"
        with standing_in(script=held_at(nth, is_done=is_done)) as tenant:
            with Ledger(address) as ledger:
                sent = [Delivery("shop", f"d{n}", None, b"%d\n" % n) for n in range(1, 61)]
                ledger.receive(book(tenant), sent)
            child = start(tenant.url, address, 60, flow)
            assert tenant.held.wait(300)
            child.kill()
            tenant.script = lambda _: tenant.go_on.set()

            start(tenant.url, address, 60, flow).finish()

            assert tenant.identities == names(60)
            with Ledger(address) as ledger:
                assert ledger.count_waiting() == (0 if flow == "inbox" else 60)

    places = [
        (flow, nth, done) for flow in ("pages", "inbox") for nth in (1, 30) for done in (0, 1)
    ]
    at_once({f"{place}": partial(scene, place[0], place[1], bool(place[2])) for place in places})


def test_killed_again_and_again(address: str) -> None:
    """Killed at arbitrary moments, from its start on, nothing of the inbox is lost or doubled."""
    with standing_in() as tenant:
        with Ledger(address) as ledger:
            sent = [Delivery("shop", f"d{n}", None, b"%d\n" % n) for n in range(1, 41)]
            ledger.receive(book(tenant), sent)
        for at in range(3):
            child = start(tenant.url, address, 40, "inbox")
            deadline = time.monotonic() + 300
            while len(tenant.orders) < at * 10 and time.monotonic() < deadline:
                if not child.is_running:
                    break
                time.sleep(0.02)
            child.kill()

        start(tenant.url, address, 40, "inbox").finish()
        assert tenant.identities == names(40)


def test_the_record_of_what_failed_is_kept(address: str) -> None:
    """It lies in the ledger from staging on, until the document is sent or kept for too long."""
    error = ErrorReport("R405", "refused")
    with Ledger(address) as ledger:
        held = [msgspec.structs.replace(order(n), data=b"{%d}" % n) for n in (1, 2, 3)]
        unmapped = Rejected(order(4).origin, (error,), b"{4}")
        ledger.stage("orders", "a", [*held, unmapped], rules="r")
        assert records(ledger) == [1, 2, 3, 4]

        sent, refused, later = ledger.claim("orders", "a", limit=3, settle=60.0, rules="r")
        ends = [Acknowledgement(sent, "sent", "SO1"), Acknowledgement(refused, "rejected")]
        ends.append(Acknowledgement(later, "deferred", errors=(error,)))
        ledger.acknowledge("a", ends)
        assert records(ledger) == [2, 3, 4]
        # What the ERP deferred is mapped once more by a later run, though it is in no input.
        assert [kept.data for kept in ledger.kept("orders", "b")] == [b"{3}"]

        ledger.purge("orders", "b", -60.0, "r")
        assert records(ledger) == []


def records(ledger: Ledger) -> list[int]:
    """The numbers of the orders whose records the ledger holds."""
    from mapgen.runtime.ledger.schema import RECORDS

    with ledger._engine.begin() as connection:
        found = connection.scalars(select(RECORDS.c.record).order_by(RECORDS.c.id)).all()
    held = [one for one in found if one is not None]
    return [int(one.data.strip(b"{}")) for one in held]
