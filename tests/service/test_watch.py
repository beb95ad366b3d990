"""Alerts: thresholds of specs against a ledger, and word of them over real sockets."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mapgen.runtime.events import Event, Observer
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.alerts import Alerts
from mapgen.runtime.ledger.conditions import Condition
from mapgen.runtime.ledger.reports import Choice, Reports
from mapgen.runtime.ledger.schema import RECORDS
from mapgen.service.alerts import Watch, standing, watched
from mapgen.service.telling import Mail, Unfit, Webhook
from tests.runtime_delivery.orders import order
from tests.runtime_delivery.test_reports import delivered, rejected, unknown

BOOK = book_of("orders", "Live", "https://erp.example.com")


class Seen(Observer):
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_event(self, event: Event) -> None:
        self.events.append(event)


@contextmanager
def taking(statuses: list[int]) -> Iterator[tuple[str, list[Any]]]:
    """Take POSTs, answering with the statuses in turn, the last one for ever."""
    bodies: list[Any] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/secret", bodies
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server() -> Iterator[tuple[str, list[str]]]:
    """Take mails as a server of this machine without TLS does."""
    mails: list[str] = []

    class Taker(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    mails.append(b"".join(lines).decode())
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
                if verb == b"QUIT":
                    return

    with socketserver.TCPServer(("127.0.0.1", 0), Taker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}", mails
        server.shutdown()


def test_an_alert_fires_is_told_and_is_over(address: str) -> None:
    """One look tells each channel; a second tells nothing; what was mended is reported once."""
    flow = watched("orders", BOOK, {"failure_rate": 0.01, "lag": 600.0}, 30.0)
    with (
        Ledger(address) as ledger, taking([204]) as (url, bodies), mail_server() as (server, mails)
    ):  # fmt: skip
        mail = Mail(server, "mapgen@example.com", ("ops@example.com",))
        watch = Watch(ledger, [flow], (Webhook(url), mail), Seen(), "live")
        nothing = watch.look()
        delivered(ledger, order(1))
        ledger.stage(BOOK, "b", [rejected(2, unknown("items")), order(3)], rules="abc")
        with ledger.transaction() as connection:
            old = RECORDS.update().where(RECORDS.c.state == "staged")
            connection.execute(old.values(open_since=RECORDS.c.open_since - 700))
            slow = RECORDS.update().where(RECORDS.c.state == "sent")
            connection.execute(slow.values(took=31.0))
        fired, again = watch.look(), watch.look()
        with ledger.transaction() as connection:
            connection.execute(RECORDS.delete())
        over = watch.look()
        left = Alerts(ledger).firing()
        queued = watch.history.queued("orders")
    assert (nothing, again, left) == ((), (), ())
    assert (
        {one.name for one in fired}
        == {"failure_rate", "lag", "latency"}
        == {one.name for one in over}
    )
    assert [one["state"] for one in bodies] == ["firing"] * 3 + ["resolved"] * 3
    rate = bodies[0]
    assert (rate["flow"], rate["tenant"], rate["environment"]) == ("orders", "Live", "live")
    assert rate["text"] == "orders (live): failure rate is 50%, threshold > 1%"
    assert len(mails) == 6
    assert (
        "Subject: [mapgen] firing: orders (live): failure rate is 50%, threshold > 1%" in mails[0]
    )
    assert [value for _, value in queued] == [0, 1, 1, 0]


def test_word_that_fails_is_sent_again(tmp_path: Path) -> None:
    """A hook that is down is tried at the next look, and no secret is in what is said of it."""
    flow, seen = watched("orders", BOOK, {"failure_rate": 0.01}, None), Seen()
    with Ledger(f"sqlite:///{tmp_path / 'l.db'}") as ledger, taking([500, 204]) as (url, bodies):
        watch = Watch(ledger, [flow], (Webhook(url),), seen, "live")
        ledger.stage(BOOK, "b", [rejected(2, unknown("items"))], rules="abc")
        first, second, third = watch.look(), watch.look(), watch.look()
        open_ = list(Reports(ledger).records(Choice("orders")))
    assert [len(one) for one in (first, second, third)] == [1, 1, 0]
    assert len(bodies) == 2
    assert len(open_) == 1
    failed = [one for one in seen.events if one.name == "alert not sent"]
    assert [one.facts["reason"] for one in failed] == ["status 500"]
    assert "secret" not in repr((seen.events, watch))


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/x", "ftp://127.0.0.1/", "hooks", "https://[::1", ""]
)
def test_addresses_that_are_refused(url: str) -> None:
    """Word goes out encrypted, but on this machine; what is wrong is said without the address."""
    with pytest.raises(Unfit) as found:
        Webhook(url)
    assert "hooks" not in str(found.value)
    with pytest.raises(Unfit):
        Mail(url, "a@example.com", ("b@example.com",))


def test_flows_that_do_not_run(tmp_path: Path) -> None:
    """A person is called at once where none can bind one, and for failures that do not pass."""
    fails = (Condition(BOOK, "failing", 1000.0, "R508: no such table: wait"),)
    unbound = (Condition(BOOK, "not bound", 1000.0, "E505"),)
    assert [one.is_firing for one in standing((), unbound, 1000.0)] == [True]
    assert [one.is_firing for one in standing((), fails, 1599.0)] == [False]
    (late,) = found = [*standing((), fails, 1660.0)]
    assert (late.name, late.is_firing) == ("failing", True)
    with Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        alerts = Alerts(ledger)
        (fired,) = alerts.note(found, 3600.0)
        assert fired.words == "its cycles fail for 11 min; `mapgen status` says why"
        assert [one.is_firing for one in standing(alerts.firing(), (), 1700.0)] == [False]
