"""Spans of a run, as a collector of OpenTelemetry gets them over a socket."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.telemetry import telemetry
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.tracing import traced
from tests.runtime_delivery.orders import RULES, PagedFeed, Watcher, nothing, of_lines, plan_of
from tests.runtime_delivery.stand_in import standing_in

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Take spans as a collector does."""
    spans: list[Any] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            sent = trace_service.ExportTraceServiceRequest.FromString(body)
            for resource in sent.resource_spans:
                spans.extend(one for scope in resource.scope_spans for one in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()


def test_spans_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has pages and documents, a document requests, and no value of a record is reported."""
    with collector() as (url, spans), standing_in() as tenant:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        with Ledger(f"sqlite:///{tmp_path / 'l.db'}") as ledger, telemetry():
            mapped = Mapped(PagedFeed(3), of_lines, nothing)
            deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())
    by_id = {one.span_id: one for one in spans}
    names = sorted(one.name for one in spans)
    parents = {(one.name, by_id[one.parent_span_id].name) for one in spans if one.parent_span_id}
    (run,) = (one for one in spans if one.name == "mapgen.run")
    assert len({one.trace_id for one in spans}) == 1
    assert names.count("mapgen.document") == len(tenant.orders) > 0
    assert ("mapgen.document", "mapgen.run") in parents
    assert ("mapgen.page", "mapgen.run") in parents
    assert ("mapgen.request", "mapgen.document") in parents
    assert {one.key for one in run.attributes} == {"mapgen.flow", "mapgen.feed", "mapgen.run"}
    told = {one.key for span in spans for one in span.attributes}
    assert told <= {f"mapgen.{name}" for name in (
        "flow", "feed", "run", "page", "document", "source", "method", "path",
    )}  # fmt: skip


def test_nothing_is_imported_without_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its variables the library stays out of the process."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    words = (
        "import sys\nfrom mapgen.cli.telemetry import telemetry\nwith telemetry():\n"
        "    print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a part of the library is not installed, a command does its work untraced."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with telemetry():
        assert traced("run") is traced("page")
