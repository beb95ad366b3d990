"""A Singer tap on a pipe: its records, its STATE, and the ways in which it fails."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mapgen.agreed.feeds import TapFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.feeds.kind import Page, Ways
from mapgen.runtime.feeds.singer import ALLOWED, SingerTap
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Outcome
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import RULES, Watcher, nothing, order, plan_of
from tests.runtime_delivery.stand_in import StandIn, standing_in
from tests.runtime_delivery.test_feeds import book, names

TAP = """\
import json, os, signal, sys, time
args = sys.argv[1:]
last = json.load(open(args[args.index("--state") + 1]))["last"] if "--state" in args else 0
upto, how = int(args[0]), args[1]
def say(**message):
    print(json.dumps(message).replace('"EXACT"', "1234567890123001.10"), flush=True)
say(type="SCHEMA", stream="orders", schema={"type": "object"}, key_properties=["id"])
for number in range(last + 1, upto + 1):
    say(type="RECORD", stream="orders", record={"id": number, "amount": "EXACT"})
    say(type="RECORD", stream="others", record={"id": 1})
    if number % 5 == 0:
        say(type="STATE", value={"last": number})
print("ERROR token=s3cret", file=sys.stderr, flush=True)
if how == "fails": sys.exit(3)
if how == "killed": os.kill(os.getpid(), signal.SIGKILL)
if how == "hangs": time.sleep(60)
if how == "babbles": print("hello")
"""


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOWED, sys.executable)


def tap(
    folder: Path, upto: int, how: str = "well", told: list[TechnicalEvent] | None = None
) -> SingerTap:
    (folder / "tap.py").write_text(TAP)
    feed = TapFeed((sys.executable, "tap.py", str(upto), how), "orders", 1.0)
    events = [] if told is None else told
    return SingerTap(feed, folder, events.append, threading.Event())


def of_records(page: Page) -> Iterator[Outcome]:
    return (order(json.loads(line)["id"]) for line in page.stream)


def run(feed: SingerTap, ledger: Ledger, tenant: StandIn) -> Summary:
    mapped = Mapped(feed, of_records, nothing)
    return deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())


def test_numbers_come_digit_for_digit(tmp_path: Path) -> None:
    """And records of other streams do not come."""
    page, rest = tap(tmp_path, 7).pages(None, Ways())
    assert page.stream.read().splitlines()[0] == b'{"id": 1, "amount": 1234567890123001.10}'
    assert (page.cursor, rest.cursor) == ('{"last": 5}', None)
    assert len(rest.stream.readlines()) == 2


def test_the_state_is_the_cursor(address: str, tmp_path: Path) -> None:
    """It is stored with the rows that it covers, and given back."""
    with standing_in() as tenant, Ledger(address) as ledger:
        feed = tap(tmp_path, 12)
        assert run(feed, ledger, tenant).created == 12
        assert ledger.cursor(book(tenant), feed.name) == '{"last": 10}'
        again = run(tap(tmp_path, 23), ledger, tenant)
        assert (again.read, again.created) == (13, 11)
        assert tenant.identities == names(23)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("fails", "exit status 3"),
        ("killed", "exit status -9"),
        ("hangs", "said nothing for 1 s"),
        ("babbles", "no message of Singer"),
    ],
)
def test_a_tap_that_fails(address: str, tmp_path: Path, how: str, said: str) -> None:
    """What its STATE covers is taken, the next run goes on behind it, and no secret is reported."""
    with standing_in() as tenant, Ledger(address) as ledger:
        told: list[TechnicalEvent] = []
        with pytest.raises(FeedFailed, match=said) as failed:
            run(tap(tmp_path, 12, how, told), ledger, tenant)
        assert ledger.cursor(book(tenant), tap(tmp_path, 12).name) == '{"last": 10}'
        run(tap(tmp_path, 15), ledger, tenant)
        assert tenant.identities == names(15)
        assert told
        assert "s3cret" not in f"{told} {failed.value.message}"


def test_a_program_that_nobody_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec runs nothing by itself."""
    monkeypatch.setenv(ALLOWED, "tap-shop")
    with pytest.raises(FeedFailed, match="nobody has allowed"):
        list(tap(tmp_path, 3).pages(None, Ways()))
