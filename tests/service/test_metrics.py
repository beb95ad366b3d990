"""`/metrics` of a service over a real socket, as a monitor reads it."""

from __future__ import annotations

from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from mapgen.runtime.ledger import Delivery, Ledger
from mapgen.runtime.ledger.alerts import Alerts, Measured
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected
from tests.runtime_delivery.stand_in import standing_in
from tests.service.test_service import Orders, served, shopify, until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(url: str) -> Samples:
    answer = httpx2.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            key = one.name, frozenset(one.labels.items())
            assert key not in found
            found[key] = one.value
    return found


def test_metrics(tmp_path: Path) -> None:
    """Each look reads the ledger anew; what is there is counted by flow and state."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with standing_in() as tenant, ledger:
        flow = Orders(tenant)
        other = flow.book.replace("orders", "items", 1)
        of = dict(zip(("flow", "tenant", "url"), _parts(other), strict=True))
        with served(flow, ledger) as (url, _):

            def value(name: str, **labels: str) -> float | None:
                return scraped(url).get((name, frozenset((of | labels).items())))

            assert value("mapgen_queue_depth") is None
            ledger.stage(
                other,
                "run",
                [
                    Document(Origin("in", 1, 1, "1"), "SalesOrder", "1-shop", b"{}"),
                    Document(Origin("in", 2, 2, "2"), "SalesOrder", "2-shop", b"{}"),
                    Rejected(Origin("in", 3, 3, "3"), (ErrorReport("R201", "missing"),)),
                ],
                rules="abc",
            )
            ledger.receive(other, [Delivery("webhook shop", "d1", None, b"{}")])
            Alerts(ledger).note([Measured(other, "lag", "> 1s", 5.0, is_firing=True)], 60.0)

            assert value("mapgen_records", state="staged") == 2
            assert value("mapgen_records", state="rejected") == 1
            assert value("mapgen_queue_depth") == 2
            assert value("mapgen_inbox_waiting") == 1
            assert value("mapgen_alerts_firing", alert="lag", state="firing") == 1
            httpx2.post(f"{url}/webhooks/shop", content=b"{}")
            refused = frozenset({"connection": "shop", "outcome": "not signed"}.items())
            assert scraped(url)["mapgen_deliveries_total", refused] == 1
            body, headers = shopify(7, "d7")
            httpx2.post(f"{url}/webhooks/shop", content=body, headers=headers)
            of = dict(zip(("flow", "tenant", "url"), _parts(flow.book), strict=True))
            until(lambda: value("mapgen_records", state="sent") == 1)
            until(lambda: (value("mapgen_runs", ended="done") or 0) >= 1)
            assert any(name.startswith("process_") for name, _ in scraped(url))


def _parts(book: str) -> tuple[str, str, str]:
    flow, _, rest = book.partition(" in ")
    tenant, _, url = rest.rpartition(" at ")
    return flow, tenant, url


def test_who_may_look(tmp_path: Path) -> None:
    """From elsewhere, metrics and how flows do need the token; whether it is ready does not."""
    there = {"Host": "erp.example.com"}
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path / 'l.db'}") as ledger:
        with served(Orders(tenant), ledger, token="a token") as (url, _), httpx2.Client() as http:

            def status(path: str, **headers: str) -> int:
                return http.get(f"{url}/{path}", headers={**there, **headers}).status_code

            assert status("metrics") == status("metrics", Authorization="Bearer other") == 401
            assert status("metrics", Authorization="Bearer a token") == 200
            assert set(http.get(f"{url}/ready", headers=there).json()) == {"is_ready"}
            assert "flows" in http.get(f"{url}/ready").json()
            assert status("health") == 200
        with served(Orders(tenant), ledger) as (url, _):
            nothing = {**there, "Authorization": "Bearer"}
            assert httpx2.get(f"{url}/metrics", headers=nothing).status_code == 401
