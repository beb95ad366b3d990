"""What a monitor reads at `/metrics`: the ledger as it is at that moment, and this process."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger.alerts import Alerts
from mapgen.runtime.ledger.book import parts_of
from mapgen.runtime.ledger.reports import FlowReport, Reports
from mapgen.service.reception import Reception

_OF = ("flow", "tenant", "url")


class Metrics:
    """The answer at `/metrics`, made anew each time that it is asked for."""

    def __init__(self, service: Reception) -> None:
        self._service = service

    async def answer(self, _request: Request) -> Response:
        """Return the text that Prometheus reads; 503 where the ledger does not answer."""
        try:
            text = await run_in_threadpool(self._text)
        except LedgerFailed:
            return PlainTextResponse("the ledger does not answer", 503)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def describe(self) -> list[Metric]:
        """Return nothing: what there is shows when it is read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what is measured. Raises LedgerFailed."""
        reports, now = Reports(self._service.ledger), self._service.ledger.now()
        yield from _of_flows(reports.flows(), now)
        yield from _of_ledger(reports, Alerts(self._service.ledger))
        yield from _of_process(self._service)

    def _text(self) -> bytes:
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        text: bytes = generate_latest(registry)
        return text


def _of_flows(flows: tuple[FlowReport, ...], now: float) -> Iterator[Metric]:
    records = GaugeMetricFamily(
        "mapgen_records", "Documents and records in the ledger.", labels=(*_OF, "state")
    )
    queued = GaugeMetricFamily("mapgen_queue_depth", "Documents to be sent.", labels=_OF)
    inbox = GaugeMetricFamily("mapgen_inbox_waiting", "Deliveries nobody has taken.", labels=_OF)
    oldest = GaugeMetricFamily(
        "mapgen_oldest_open_seconds", "Age of the oldest record that is open.", labels=_OF
    )
    waits = GaugeMetricFamily(
        "mapgen_oldest_queued_seconds", "Age of the oldest document to be sent.", labels=_OF
    )
    bound = GaugeMetricFamily("mapgen_flow_not_bound", "1 for a flow that cannot run.", labels=_OF)
    failing = GaugeMetricFamily(
        "mapgen_flow_failing", "1 for a flow whose last cycle failed.", labels=_OF
    )
    circuit = GaugeMetricFamily(
        "mapgen_circuit_open", "1 where requests of a flow are held back.", labels=_OF
    )
    for flow in flows:
        of = _labels(flow.book)
        said = {one.name for one in flow.conditions}
        bound.add_metric(of, "not bound" in said)
        failing.add_metric(of, "failing" in said)
        circuit.add_metric(of, "circuit open" in said)
        for state, count in flow.counts.items():
            records.add_metric((*of, state), count)
        queued.add_metric(of, flow.queued)
        inbox.add_metric(of, flow.inbox)
        oldest.add_metric(of, _age(flow.open_since, now))
        waits.add_metric(of, _age(flow.queued_since, now))
    yield from (records, queued, inbox, oldest, waits, bound, failing, circuit)


def _age(since: float | None, now: float) -> float:
    return 0.0 if since is None else max(0.0, now - since)


def _of_ledger(reports: Reports, kept: Alerts) -> Iterator[Metric]:
    doubt = GaugeMetricFamily(
        "mapgen_records_in_doubt", "Documents in hand after an unanswered request.", labels=_OF
    )
    for book, count in reports.in_doubt().items():
        doubt.add_metric(_labels(book), count)
    runs = GaugeMetricFamily("mapgen_runs", "Runs by how they ended.", labels=(*_OF, "ended"))
    for (book, ended), count in reports.runs_by_end().items():
        runs.add_metric((*_labels(book), ended), count)
    alerts = GaugeMetricFamily(
        "mapgen_alerts_firing", "Alerts that fire.", labels=(*_OF, "alert", "state")
    )
    for alert in kept.firing():
        alerts.add_metric((*_labels(alert.book), alert.name, alert.state), 1)
    yield from (doubt, runs, alerts)


def _of_process(service: Reception) -> Iterator[Metric]:
    taken = CounterMetricFamily(
        "mapgen_deliveries", "Requests of senders to us.", labels=("connection", "outcome")
    )
    for (connection, outcome), count in dict(service.counts).items():
        taken.add_metric((connection, outcome), count)
    cycles = CounterMetricFamily("mapgen_cycles", "Cycles of flows here.", labels=("flow",))
    failures = GaugeMetricFamily(
        "mapgen_cycle_failures_in_a_row", "Cycles that failed since one was fine.", labels=("flow",)
    )
    for name, status in tuple(service.board.flows.items()):
        cycles.add_metric((name,), status.cycles)
        failures.add_metric((name,), status.failures)
    yield from (taken, cycles, failures)


def _labels(book: str) -> tuple[str, str, str]:
    of = parts_of(book)
    return of.flow, of.tenant, of.url
