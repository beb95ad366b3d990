"""Spans of what a run does, for whoever traces it: nobody does, until `trace_by` is called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from mapgen.runtime.events import Plain

Kind = Literal["run", "page", "document", "request"]


class Tracer(Protocol):
    """Who traces: called from several threads."""

    def span(
        self, kind: Kind, facts: Mapping[str, Plain], run: str | None
    ) -> AbstractContextManager[object]:
        """Return what lasts as long as its block.

        It belongs to the one around it. `run` is the id of the run for one that a run lasts.
        `facts` hold what events may hold: no secret, no body, no query.
        """

    def within(self, run: str) -> AbstractContextManager[object]:
        """Return what makes the block part of a run, in a thread that is not the run's own."""


_NOTHING = nullcontext()
_tracers: list[Tracer] = []


def traced(kind: Kind, run: str | None = None, /, **facts: Plain) -> AbstractContextManager[object]:
    """Return a span of what the block does."""
    return _tracers[-1].span(kind, facts, run) if _tracers else _NOTHING


def within(run: str) -> AbstractContextManager[object]:
    """Make what the block does part of a run, in a thread that is not the run's own."""
    return _tracers[-1].within(run) if _tracers else _NOTHING


def trace_by(tracer: Tracer | None) -> None:
    """Let what happens from now on in this process be traced, or no more for None."""
    _tracers[:] = [] if tracer is None else [tracer]
