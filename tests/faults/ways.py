"""The ways of a document: where it comes from, where it goes, what of it is there in the end."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from mapgen.agreed.feeds import TapFeed
from mapgen.agreed.plan import Plan, Retry
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import Mapped
from mapgen.runtime.delivery.deliver import Outcomes
from mapgen.runtime.environment import Api, Environment, FolderPlace, Limits
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.singer import ALLOWED, SingerTap
from mapgen.runtime.ledger import Delivery, Ledger, book_of
from mapgen.runtime.storage.kind import UNFINISHED
from mapgen.sandbox import ShopSettings, serve_shop
from tests.runtime_delivery.flows import RELEASED, paid, payments
from tests.runtime_delivery.orders import PagedFeed, nothing, of_lines, orders, plan_of
from tests.runtime_delivery.stand_in import StandIn, standing_in, tenant_of
from tests.runtime_delivery.test_against_sandbox import LOCK, tenant
from tests.runtime_delivery.test_api import ASKED, fulfilments
from tests.runtime_delivery.test_api import plan_of as fulfilling
from tests.runtime_delivery.test_steps import asked
from tests.runtime_delivery.test_taps import TAP, of_records
from tests.runtime_delivery.written import environment_of, items_in, prices
from tests.runtime_delivery.written import plan_of as writing

# So many attempts that no machine is too slow for them.
RETRY = Retry(attempts=100, first=0.02, ceiling=0.2)
LIMITS = Limits(request_timeout=0.8, settle=1.6, concurrent_requests=3)
_SILENCE = 60.0  # seconds that a tap may say nothing


@dataclass(frozen=True)
class Place:
    """Where documents arrive. `there` has the identity of each as often as it is there.

    `actions_again` counts actions that were asked for once too often.
    """

    url: str
    sent: Callable[[], int]
    there: Callable[[], list[str]]
    stand_in: StandIn | None = None
    actions_again: Callable[[], int] = int


@dataclass(frozen=True)
class Way:
    """What a process does on this way, and the place to which it leads.

    `outcomes` is given the ledger, the URL of the place, a count, and a folder of the scene.
    `own_steps` are those of the ledger that no other way has.
    """

    plan: Plan
    outcomes: Callable[[Ledger, str, int, Path], Outcomes]
    place: Callable[[], AbstractContextManager[Place]]
    environment: Callable[[str, str], Environment]
    name_of: str = "{}-shop"
    own_steps: tuple[str, ...] = ()


def _tenant(url: str, user: str) -> Environment:
    return Environment("test", tenant_of(url, user), LIMITS)


def _only_user(url: str, _user: str) -> Environment:
    return Environment("test", tenant_of(url), LIMITS)


def _shop(url: str, _user: str) -> Environment:
    headers = {"X-Shopify-Access-Token": ShopSettings().token}
    return Environment("test", None, Limits(), Api("shop", url, headers, LIMITS))


def _received(ledger: Ledger, url: str, count: int, _: Path) -> Outcomes:
    """Receive what a sender sends until it is answered, and take it from the inbox."""
    book = book_of("orders", tenant_of(url).tenant, url)
    for first in range(1, count + 1, 5):
        numbers = range(first, min(first + 5, count + 1))
        ledger.receive(book, [Delivery("shop", f"d{n}", None, b"%d\n" % n) for n in numbers])
    return Mapped(InboxFeed(ledger, book, "shop"), of_lines, nothing)


def _polled(_ledger: Ledger, _url: str, count: int, _: Path) -> Outcomes:
    return Mapped(PagedFeed(count), of_lines, nothing)


def _tapped(_ledger: Ledger, _url: str, count: int, folder: Path) -> Outcomes:
    os.environ[ALLOWED] = sys.executable
    script = folder / f"tap-{os.getpid()}.py"
    script.write_text(TAP)
    script.replace(folder / "tap.py")
    feed = TapFeed((sys.executable, "tap.py", str(count), "well"), "orders", _SILENCE)
    tap = SingerTap(feed, folder, lambda _: None, threading.Event())
    return Mapped(tap, of_records, nothing)


@contextmanager
def _standing_in() -> Iterator[Place]:
    with standing_in() as stand_in:
        yield Place(
            stand_in.url, partial(stand_in.count, "put"), lambda: stand_in.identities, stand_in
        )


@cache
def _contract() -> Contract:
    return load(LOCK)


@contextmanager
def _paying() -> Iterator[Place]:
    """A tenant in which a payment is there once it is released."""
    with tenant(_contract()) as sandbox:

        def released() -> list[str]:
            found = sandbox.records("Payment")
            return [str(one["ExternalRef"]) for one in found if one["Status"] == "Open"]

        def sent() -> int:
            made = [count for line, count in sandbox.counts().items() if "PUT Payment" in line]
            return sum(made) + asked(sandbox)

        yield Place(
            sandbox.url, sent, released, None, lambda: max(0, asked(sandbox) - len(released()))
        )


@contextmanager
def _fulfilling() -> Iterator[Place]:
    with serve_shop(ShopSettings(has_unique_names=False)) as shop:

        def sent() -> int:
            return sum(count for line, count in shop.counts().items() if line.startswith("POST"))

        yield Place(shop.url, sent, lambda: [one["name"] for one in shop.shop.fulfilments])


@contextmanager
def _written() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "out"
        folder.mkdir()

        def there() -> list[str]:
            assert not list((folder / UNFINISHED).iterdir()), "something half done stays"
            return items_in(folder)

        yield Place(made, lambda: len(there()), there)


_PLAN = plan_of(batch_size=8, retry=RETRY)
WAYS = {
    "file": Way(_PLAN, lambda *given: orders(given[2]), _standing_in, _tenant),
    "inbox": Way(_PLAN, _received, _standing_in, _tenant),
    "cursor": Way(_PLAN, _polled, _standing_in, _tenant),
    "Singer": Way(_PLAN, _tapped, _standing_in, _tenant),
    "steps": Way(
        payments(RELEASED, batch_size=8, retry=RETRY), lambda *given: paid(given[2]), _paying,
        _only_user,
    ),
    "written": Way(
        writing(batch_size=8), lambda *given: prices(given[2]), _written,
        lambda url, _: environment_of(FolderPlace(Path(url)), LIMITS), "I-{}",
        ("begin_file", "note_whole"),
    ),
    "HTTP": Way(
        fulfilling(ASKED), lambda *given: fulfilments(given[2]), _fulfilling, _shop, "S-{}"
    ),
}  # fmt: skip
