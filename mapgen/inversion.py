"""A Checked flow in, what its documents give back out; faults where it promises all of it."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.check.model import Checked
from mapgen.invert.model import Verdict
from mapgen.invert.verdict import verdict
from mapgen.lower.flow import lower
from mapgen.lower.samples import Samples
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import inversion as messages
from mapgen.spec.nodes import read_yaml
from mapgen.spec.pointers import place


def verdict_on(flow: Checked) -> Verdict:
    """Return what becomes of each rule of a flow, and of each source path that it reads."""
    return verdict(lower(flow, Samples((), (), ())))


def returning(flow: Checked) -> Checked:
    """Return the flow. Raises Stopped where it says `round_trip` and loses what its rules read."""
    if flow.spec.mapping.round_trip is not None:
        faults = list(_faults(flow))
        if faults:
            raise Stopped(faults)
    return flow


def _faults(flow: Checked) -> Iterator[Diagnostic]:
    """Yield one fault for each rule that loses something, with all that it loses."""
    mark = flow.spec.mapping.round_trip
    assert mark is not None
    root = read_yaml(flow.spec.source)
    lost: dict[tuple[str, str], list[str]] = {}
    where: dict[tuple[str, str], str] = {}
    for path in verdict_on(flow).lost:
        lost.setdefault((path.reader, path.why), []).append(path.path)
        where.setdefault((path.reader, path.why), path.at)
    for (reader, why), paths in lost.items():
        span = place(root, where[reader, why]) or mark.span()
        yield messages.not_given_back(reader, why, tuple(paths), span, mark)
