"""Spans for OpenTelemetry, where the extra `otel` is installed and OTEL_* variables say whereto."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from mapgen import __version__
from mapgen.runtime.events import Plain
from mapgen.runtime.tracing import Kind, trace_by

_WHERE = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NAMES: Mapping[Kind, str] = {
    "run": "mapgen.run",
    "page": "mapgen.page",
    "document": "mapgen.document",
    "request": "mapgen.request",
}


@contextmanager
def telemetry() -> Iterator[None]:
    """Send spans for the time of a command; without a place for them nothing is imported."""
    if not _is_wanted():
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:  # the extra, or a part of it, is not installed
        yield
        return
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is said here.
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or "mapgen"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(_Tracer(provider.get_tracer("mapgen", __version__)))
    try:
        yield
    finally:
        trace_by(None)
        provider.shutdown()


def _is_wanted() -> bool:
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_none = os.environ.get("OTEL_TRACES_EXPORTER", "otlp") == "none"
    return any(os.environ.get(name) for name in _WHERE) and not is_off and not is_none


class _Tracer:
    """Makes spans; other threads than a run's own find its span by its id."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self._runs: dict[str, Any] = {}

    def span(
        self, kind: Kind, facts: Mapping[str, Plain], run: str | None
    ) -> AbstractContextManager[object]:
        """Return a span."""
        if run is None:
            return self._started(kind, facts)
        return self._of_run(kind, {**facts, "run": run}, run)

    @contextmanager
    def within(self, run: str) -> Iterator[None]:
        """Make the block part of a run that goes on in another thread."""
        from opentelemetry.context import attach, detach

        if run not in self._runs:
            yield
            return
        before = attach(self._runs[run])
        try:
            yield
        finally:
            detach(before)

    @contextmanager
    def _of_run(self, kind: Kind, facts: Mapping[str, Plain], run: str) -> Iterator[None]:
        from opentelemetry.context import get_current

        with self._started(kind, facts):
            self._runs[run] = get_current()
            try:
                yield
            finally:
                del self._runs[run]

    def _started(self, kind: Kind, facts: Mapping[str, Plain]) -> AbstractContextManager[Any]:
        reported = {f"mapgen.{name}": value for name, value in facts.items() if value is not None}
        # Words of exceptions are not told: nobody vouches for what they hold.
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            _NAMES[kind], attributes=reported, record_exception=False, set_status_on_exception=False
        )
        return span
