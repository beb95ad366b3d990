"""An HTTP API as a target: each document there once, whatever answers come or do not come."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, HttpSend, Identity, Plan, Request, Retry
from mapgen.runtime.aborted import AccessRefused
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Api, Environment, Limits
from mapgen.runtime.events import Event, Observer, TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.schema import PROCESSES as PROCESSES_OF_LICENCES
from mapgen.runtime.outcome import Document, Origin
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Summary
from mapgen.sandbox import ShopSettings, read_failure, serve_shop
from tests.runtime_delivery.orders import plan_of as any_plan
from tests.runtime_delivery.processes import PROCESSES

ADDRESS = "/admin/api/2024-10/orders/{order_id}/fulfillments.json"
ASKED = HttpSend(
    create=Request("POST", ADDRESS),
    find=Request("GET", ADDRESS),
    found="fulfillments",
    wrap="fulfillment",
)
MUTE = HttpSend(create=Request("POST", ADDRESS), wrap="fulfillment")


def plan_of(send: HttpSend) -> Plan:
    """A flow of fulfilments whose pauses suit a test."""
    document = DocumentPlan("document", "F", "create", Identity("name"), ("id",), send=send)
    retry = Retry(attempts=20, first=0.02, ceiling=0.3)
    common = {"endpoint": "", "version": "", "contract_version": 0, "dead_letter_days": 30}
    return any_plan(
        flow="fulfilments", documents=(document,), target="http", to="shop", retry=retry, **common
    )


def fulfilments(count: int) -> Iterator[Document]:
    """So many fulfilments, three of an order."""
    for number in range(1, count + 1):
        body = {
            "name": f"S-{number}",
            "order_id": str(1000 + number // 3),
            "location_id": "61120000001",
            "order": {"ref": f"S-{number}"},
            "line_items": [{"id": "1", "quantity": 1}],
        }
        origin = Origin("f.jsonl", number, number, str(number))
        yield Document(origin, "F", f"S-{number}", json.dumps(body).encode())


def send_all(
    url: str,
    address: str,
    count: int,
    send: HttpSend,
    settle: float = 1.0,
    observer: Observer | None = None,
) -> Summary:
    """Deliver so many fulfilments to a shop."""
    headers = {"X-Shopify-Access-Token": ShopSettings().token}
    api = Api("shop", url, headers, Limits(None, 4, settle / 2, settle))
    environment = Environment("test", None, Limits(), api)
    with Ledger(address) as ledger:
        seen = observer or Observer()
        return deliver(fulfilments(count), plan_of(send), environment, ledger, Rules({}), seen)


FAILURES = (
    "drop@POST:fulfillments:2,9",
    "slow-answer=0.8@POST:fulfillments:4",
    "refuse@POST:fulfillments:6",
    "unavailable@*:fulfillments:11",
    "deadlock-after@POST:fulfillments:13",
    "conflict-after@POST:fulfillments:15",
    "throttle@*:fulfillments:every 7",
    "drop@GET:fulfillments:3",
)


def test_once_through_failures(tmp_path: Path) -> None:
    """Answers that are lost, late, refused or of a proxy double nothing, and nothing is lost."""
    settings = ShopSettings(has_unique_names=False, failures=tuple(map(read_failure, FAILURES)))
    with serve_shop(settings) as shop:
        summary = send_all(shop.url, f"sqlite:///{tmp_path}/ledger.db", 30, ASKED)

        names = sorted(one["name"] for one in shop.shop.fulfilments)
        assert names == sorted(f"S-{number}" for number in range(1, 31))
        assert summary.created + summary.already_exists == 30
        with (
            Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
            ledger.transaction() as connection,
        ):
            (row,) = connection.execute(PROCESSES_OF_LICENCES.select()).all()
        assert row.tenant == f"shop {shop.url}"  # its limits are shared as those of the ERP are


def test_an_identity_inside_a_part(tmp_path: Path) -> None:
    """A document whose answer is lost is found by what is inside a part of it."""
    settings = ShopSettings(
        has_unique_names=False, failures=(read_failure("drop@POST:fulfillments:2"),)
    )
    send = replace(ASKED, known_by=("order.ref",))
    with serve_shop(settings) as shop:
        first = send_all(shop.url, f"sqlite:///{tmp_path}/ledger.db", 5, send)
        again = send_all(shop.url, f"sqlite:///{tmp_path}/ledger.db", 5, send)

        assert (first.created + first.already_exists, again.created) == (5, 0)
        assert len(shop.shop.fulfilments) == 5


class Seen(Observer):
    """An observer that keeps what it is reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def on_event(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)


def test_addresses_are_not_logged_filled_in(tmp_path: Path) -> None:
    """What a record puts into an address is in no event: the log has the spec's own words."""
    seen, settings = Seen(), ShopSettings(failures=tuple(map(read_failure, FAILURES)))
    with serve_shop(settings) as shop:
        send_all(shop.url, f"sqlite:///{tmp_path}/ledger.db", 30, ASKED, observer=seen)

    told = [one for one in seen.events if isinstance(one, TechnicalEvent)]
    failed = [one.facts for one in told if one.name == "request failed"]
    assert {(one["method"], one["path"]) for one in failed} == {("POST", ADDRESS), ("GET", ADDRESS)}
    assert not [one for one in told if re.search(r"\b10\d\d\b", str(one.facts))]


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    """A redirect stops the run: the token goes to no other host."""
    settings = ShopSettings(failures=(read_failure("redirect@*:fulfillments:all"),))
    with serve_shop(settings) as shop, pytest.raises(AccessRefused, match="another address"):
        send_all(shop.url, f"sqlite:///{tmp_path}/ledger.db", 1, ASKED)


def test_nobody_knows(tmp_path: Path) -> None:
    """Where no look-up tells, an unanswered create is left to a person, in later runs too."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    settings = ShopSettings(
        has_unique_names=False, failures=(read_failure("drop@POST:fulfillments:2"),)
    )
    with serve_shop(settings) as shop:
        first = send_all(shop.url, address, 5, MUTE)
        again = send_all(shop.url, address, 5, MUTE)

        assert (first.created, first.dead_lettered) == (4, 1)
        assert (again.created, again.already_exists) == (0, 4)
        assert len(shop.shop.fulfilments) == 5


@pytest.mark.parametrize(
    ("send", "failure", "seen"),
    [
        pytest.param(ASKED, "slow-answer=30@POST:fulfillments:5", 5, id="done, not answered"),
        pytest.param(ASKED, "slow=30@POST:fulfillments:5", 4, id="not done"),
        pytest.param(MUTE, "slow-answer=30@POST:fulfillments:5", 5, id="nobody can tell"),
    ],
)
def test_killed(send: HttpSend, failure: str, seen: int, tmp_path: Path) -> None:
    """Killed with SIGKILL amid a request, the next run completes: nothing is there twice."""
    # By this name the process finds it, too.
    from tests.runtime_delivery.test_api import send_all as sending

    address = f"sqlite:///{tmp_path}/ledger.db"
    settings = ShopSettings(has_unique_names=False, failures=(read_failure(failure),))
    with serve_shop(settings) as shop:
        child = PROCESSES.Process(target=sending, args=(shop.url, address, 12, send, 8.0))
        child.start()
        deadline = time.monotonic() + 300
        while len(shop.shop.fulfilments) < seen and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(shop.shop.fulfilments) >= seen
        child.kill()
        child.join()

        summary = send_all(shop.url, address, 12, send)

        names = [one["name"] for one in shop.shop.fulfilments]
        assert len(names) == len(set(names))
        assert len(names) + summary.dead_lettered >= 12
        assert send is MUTE or len(names) == 12
