"""A service at work: webhooks over real sockets, cycles that are started by them, its end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
import uvicorn
from standardwebhooks import Webhook

from mapgen.runtime.aborted import TenantUnavailable
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Observer
from mapgen.runtime.feeds.inbox import InboxFeed
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.ledger import Delivery, Ledger, book_of
from mapgen.runtime.ledger.conditions import Conditions
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected
from mapgen.runtime.summary import Summary
from mapgen.service.app import application
from mapgen.service.clock import ServiceClock
from mapgen.service.loop import Around, Pace, Status, Why, note_failed, note_well
from mapgen.service.pushes import SECRET_HEADER
from mapgen.service.reception import Sender, Taker
from mapgen.service.schedule import Schedule
from mapgen.service.service import Service, holder
from mapgen.service.webhooks import LONGEST_BODY
from mapgen.sockets import listen, url_of
from tests.runtime_delivery.orders import RULES, Watcher, nothing, order, plan_of
from tests.runtime_delivery.stand_in import StandIn, standing_in

SECRET = "whsec_" + base64.b64encode(b"a secret of sixteen").decode()


@dataclass
class Orders:
    """A flow of orders, whose feed is the inbox."""

    tenant: StandIn
    mode: str = "direct"
    schedule: Schedule = field(default_factory=Schedule)
    retry_seconds: float = 0.2
    fails: int = 0
    whys: list[Why] = field(default_factory=list)
    name: str = "orders"
    rules: str = ""

    @property
    def pace(self) -> Pace:
        return Pace(self.rules, self.mode, self.schedule, self.retry_seconds)

    @property
    def book(self) -> str:
        where = self.tenant.environment().tenant
        assert where is not None
        return book_of("orders", where.tenant, where.url)

    def cycle(self, why: Why, ledger: Ledger, observer: Observer, drain: Drain) -> Summary | None:
        self.whys.append(why)
        if self.fails > 0:
            self.fails -= 1
            raise TenantUnavailable("the shop does not answer", "wait")
        feed = InboxFeed(ledger, self.book, "webhook shop")
        mapped = Mapped(feed, numbers, nothing, drain=drain)
        environment = self.tenant.environment()
        return deliver(mapped, plan_of(), environment, ledger, RULES, observer)


def numbers(page: Page) -> Iterator[Document]:
    yield order(json.loads(page.stream.read())["id"])


@contextmanager
def served(
    flow: Orders, ledger: Ledger, kind: str = "shopify", token: str | None = None
) -> Iterator[tuple[str, Service]]:
    around = Around(ledger, ServiceClock(), Watcher(), holder())
    senders = [Sender("shop", kind, SECRET), Sender("erp", "acumatica", "s3cret")]
    takers = [
        Taker(flow, "webhook shop", "shop", ("orders/create", "order.created")),
        Taker(flow, "webhook shop", "erp", ("Changed orders",)),
    ]
    service = Service([flow], around, senders, takers)
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(application(service, token=token), lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    service.start()
    try:
        yield url_of(listener), service
    finally:
        server.should_exit = True
        thread.join()
        service.stop()
        listener.close()


def shopify(number: int, delivery: str, *, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"id": number}).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return body, {
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Webhook-Id": delivery,
        "X-Shopify-Topic": "orders/create",
    }


def woocommerce(number: int, delivery: str) -> tuple[bytes, dict[str, str]]:
    body, headers = shopify(number, delivery)
    return body, {
        "X-WC-Webhook-Signature": headers["X-Shopify-Hmac-Sha256"],
        "X-WC-Webhook-Delivery-ID": delivery,
        "X-WC-Webhook-Topic": "order.created",
    }


def standard(number: int, delivery: str) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"id": number, "type": "order.created"})
    now = datetime.now(UTC)
    return body.encode(), {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(delivery, now, body),
    }


Signed = Callable[[int, str], tuple[bytes, dict[str, str]]]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("kind", "signed"),
    [("shopify", shopify), ("woocommerce", woocommerce), ("standard_webhooks", standard)],
)
def test_webhooks_become_documents(address: str, kind: str, signed: Signed) -> None:
    """Each delivery is answered at once and delivered once, however often it is sent."""
    with standing_in() as tenant, Ledger(address) as ledger:
        flow = Orders(tenant)
        with served(flow, ledger, kind) as (url, service), httpx2.Client() as http:
            for number in (1, 2, 1, 3, 2):
                body, headers = signed(number, f"d{number}")
                answer = http.post(f"{url}/webhooks/shop", content=body, headers=headers)
                assert answer.status_code == 200
            until(lambda: len(tenant.orders) == 3)
            assert http.get(f"{url}/health").status_code == 200
            assert http.get(f"{url}/ready").json()["is_ready"]
            until(lambda: ledger.count_waiting() == 0)
            assert service.counts["shop", "known"] == 2

        assert tenant.identities == ["1-shop", "2-shop", "3-shop"]


def test_what_is_not_signed_is_refused(tmp_path: Path) -> None:
    """Another secret, no signature, a body changed on the way, too long a body, an unknown door."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        with served(Orders(tenant), ledger) as (url, service), httpx2.Client() as http:
            body, headers = shopify(1, "d1", secret="another")
            good, signed = shopify(1, "d1")

            def posted(body: bytes, headers: dict[str, str], to: str = "webhooks/shop") -> int:
                return http.post(f"{url}/{to}", content=body, headers=headers).status_code

            assert posted(body, headers) == 401
            assert posted(good, {}) == 401
            assert posted(good + b" ", signed) == 401
            assert posted(b" " * (LONGEST_BODY + 1), signed) == 413
            assert posted(good, signed, "webhooks/other") == 404
            assert posted(good, {SECRET_HEADER: "wrong"}, "pushes/erp") == 401
            assert posted(b"{}", {SECRET_HEADER: "s3cret"}, "pushes/erp") == 400
            odd = b'{"Id": "1", "Query": "q", "TimeStamp": 1, "Inserted": {"OrderNbr": "1"}}'
            assert posted(odd, {SECRET_HEADER: "s3cret"}, "pushes/erp") == 400
            assert service.counts["shop", "not signed"] == 3
        assert ledger.count_waiting() == 0


def test_pushes_are_known_by_id_and_query(tmp_path: Path) -> None:
    """A notification that comes twice is one; its time stamp is its turn."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        flow = Orders(tenant, mode="batch", schedule=Schedule(seconds=86_400))
        with served(flow, ledger) as (url, _), httpx2.Client() as http:
            for stamp in (3, 1, 3):
                push = {"Id": f"t{stamp}", "Query": "Changed orders", "TimeStamp": stamp}
                headers = {SECRET_HEADER: "s3cret"}
                answer = http.post(f"{url}/pushes/erp", json=push, headers=headers)
                assert answer.status_code == 200
            assert [one.turn for one in ledger.waiting(flow.book, "webhook shop")] == [1, 3]


def test_a_failing_cycle_is_tried_again(tmp_path: Path) -> None:
    """It is told how it failed, and nothing that arrived is lost."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        flow = Orders(tenant, fails=2)
        with served(flow, ledger) as (url, service), httpx2.Client() as http:
            body, headers = shopify(1, "d1")
            http.post(f"{url}/webhooks/shop", content=body, headers=headers)
            until(lambda: service.loops["orders"].status.failure == "R504")
            until(lambda: bool(Conditions(ledger).current()))
            (told,) = Conditions(ledger).current()
            assert (told.name, told.reason) == ("failing", "R504: the shop does not answer: wait")
            until(lambda: len(tenant.orders) == 1)
            until(lambda: service.loops["orders"].status.failure is None)
            until(lambda: not Conditions(ledger).current())


def test_a_failing_flow_is_well_again_whoever_runs_it(tmp_path: Path) -> None:
    """What one process said of it is over when a cycle of another goes well."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        flow, first, second = Orders(tenant), Status(), Status()
        here, there = (Around(ledger, ServiceClock(), Observer(), name) for name in "ab")
        note_failed(flow, first, here, ValueError("a customer's name"), 5.0)
        (told,) = Conditions(ledger).current()
        assert (told.reason, first.failures) == ("ValueError", 1)
        note_well(flow, second, there)
        assert Conditions(ledger).current() == ()


def test_two_services_share_a_flow(address: str) -> None:
    """One of two has the cycles; when it ends the other takes over at once."""
    with standing_in() as tenant, Ledger(address) as one, Ledger(address) as other:
        with (
            served(Orders(tenant), one) as (url, first),
            served(Orders(tenant), other) as (_, second),
        ):
            http = httpx2.Client()
            body, headers = shopify(1, "d1")
            http.post(f"{url}/webhooks/shop", content=body, headers=headers)
            until(lambda: len(tenant.orders) == 1)
            assert first.stop()
            body, _ = shopify(2, "d2")
            assert second.take("shop", "orders/create", Delivery("", "d2", None, body)) == 1
            until(lambda: len(tenant.orders) == 2)
            http.close()
        assert tenant.identities == ["1-shop", "2-shop"]


def test_what_is_left_holds_up_nothing(tmp_path: Path) -> None:
    """A record that stays open is tried later; what arrives meanwhile is delivered at once."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        flow = Orders(tenant, retry_seconds=3600, schedule=Schedule(seconds=1))
        refused = Rejected(Origin("old", 1, 1), (ErrorReport("R304", "unknown"),))
        ledger.stage(flow.book, "earlier", [refused], frozenset(), "")
        with served(flow, ledger) as (url, service), httpx2.Client() as http:
            until(lambda: service.loops["orders"].status.cycles > 0)
            body, headers = shopify(1, "d1")
            http.post(f"{url}/webhooks/shop", content=body, headers=headers)
            until(lambda: len(tenant.orders) == 1)
            until(lambda: flow.whys.count("scheduled") > 1)


def test_a_signal_that_another_thread_gets() -> None:
    """The kernel chooses the thread, and the service ends whichever it is."""
    script = textwrap.dedent("""
        import signal, tempfile, threading
        from mapgen.cli.operating import _ended_by_signals
        from mapgen.runtime.events import Observer
        from mapgen.runtime.ledger import Ledger
        from mapgen.service.clock import ServiceClock
        from mapgen.service.loop import Around
        from mapgen.service.service import Service

        def struck():
            waits.wait()
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            threading.Event().wait()

        class Waiting(threading.Event):
            def wait(self, timeout=None):
                if threading.current_thread() is threading.main_thread():
                    waits.set()
                return super().wait(timeout)

        waits, ended = threading.Event(), _ended_by_signals()
        ended.__class__ = Waiting
        threading.Thread(target=struck, daemon=True).start()
        with Ledger(f"sqlite:///{tempfile.mkdtemp()}/l.db") as ledger:
            Service((), Around(ledger, ServiceClock(), Observer(), "me")).run(ended)
    """)
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == 0
