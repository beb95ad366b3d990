"""The product as the benchmarks use it: a flow of this workspace, bound to `local`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

from mapgen.cli.flows import open_flow, out_of_reach
from mapgen.project.binding import BoundFlow
from mapgen.runtime.exact import exactly
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.sources.records import CHUNK
from mapgen.runtime.transform import bound as bound_to

ROOT = Path(__file__).resolve().parents[2]


@cache
def flow(name: str) -> BoundFlow:
    """Return a flow of this workspace at work."""
    return open_flow(ROOT, name, "local", {}, out_of_reach(name))


def opened(content: bytes) -> BufferedReader:
    """Return a file with this content as `mapgen transform` opens it."""
    return BufferedReader(BytesIO(content), CHUNK)


def outcomes(bound: BoundFlow, content: bytes, name: str) -> Iterator[Outcome]:
    """Yield what becomes of the records of a file; its name tells JSON Lines from JSON."""
    for raw in bound.flow.records(opened(content), name):
        yield from bound.transformer.outcomes(raw, name)


def count(bound: BoundFlow, content: bytes, name: str) -> int:
    """Return how many outcomes a file has, and keep none."""
    return sum(1 for _ in outcomes(bound, content, name))


def structs(bound: BoundFlow, content: bytes, name: str = "orders.jsonl") -> list[Any]:
    """Return what the rules read of the records of a file."""
    raws = bound.flow.records(opened(content), name)
    return [bound.transformer.source(raw) for raw in raws]


def transform_of(bound: BoundFlow) -> Callable[[Any], Any]:
    """Return the generated function: what the rules read in, a document out, both structs."""
    name, module = bound.flow.plan.flow, bound.flow.module
    values = {key: one.value.value for key, one in bound.environment.settings.get(name, {}).items()}
    given = bound_to(bound.flow, values, ROOT / "specs", out_of_reach(name))
    transform: Callable[[Any], Any] = module.bind(given.settings, given.lookups)
    return transform


def documents(transform: Callable[[Any], Any], sources: Iterable[Any]) -> Iterator[Any]:
    """Yield the documents of what the rules read."""
    with exactly():
        for source in sources:
            yield transform(source)


def rejected(outcome: Outcome) -> Rejected:
    """Return the rejection that became of a dirty record."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def problems(outcome: Rejected) -> list[tuple[str, str | None]]:
    """Return codes and places: of the source what cannot be read, of the document all else."""
    return sorted(
        (fault.code, fault.source_path if fault.code.startswith("R10") else fault.target)
        for fault in outcome.errors
    )


def body(outcome: Outcome) -> bytes:
    """Return the document that became of an accepted record."""
    assert isinstance(outcome, Document), outcome
    return outcome.body
