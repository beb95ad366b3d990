"""Specs with faults in, specs with the certain ones mended out: what `mapgen check --fix` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mapgen.compiler import Findings, check_specs
from mapgen.report import Diagnostic, Fix, Source, Stopped
from mapgen.report.fix import spliced
from mapgen.spec.nodes import read_yaml
from mapgen.spec.reader import read_connection, read_environment, read_spec
from mapgen.workspace import SPEC_SUFFIX, SPECS, Workspace

# A fix may uncover a fault that another one mends; what takes longer goes round in circles.
MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """Words that were replaced, at their place in the file as it was in that round."""

    path: str
    line: int
    found: str
    words: str

    def __str__(self) -> str:
        """Return `path:line: from -> to`."""
        found, words = (" ".join(text.split()).strip(", ") for text in (self.found, self.words))
        where = f"{self.path}:{self.line}"
        if not found:
            return f"{where}: added `{words}`" if words else f"{where}: a tab -> spaces"
        return f"{where}: `{found}` -> `{words}`" if words else f"{where}: removed `{found}`"


@dataclass(frozen=True, slots=True)
class Mended:
    """Files before and after by path, what was changed, and what is left to do by hand."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    changes: tuple[Change, ...]
    findings: Findings


def mend(workspace: Workspace, paths: Iterable[str]) -> Mended:
    """Apply the fixes of all faults, and of those that come to light; nothing is written."""
    paths = tuple(paths)
    before: dict[str, str] = {}
    changes: list[Change] = []
    findings = check_specs(workspace, paths)
    for _ in range(MOST_ROUNDS):
        drafts = dict(workspace.drafts)
        for source, fixes in _by_file(findings.faults):
            text, done = _mended(source, fixes)
            if text != source.text:
                before.setdefault(source.path, source.text)
                drafts[source.path] = text
                changes += [change for fix in done for change in _changes(fix)]
        if drafts == workspace.drafts:
            break
        workspace = replace(workspace, drafts=drafts)
        findings = check_specs(workspace, paths)
    faults = tuple(replace(fault, fix=None) for fault in findings.faults)
    return Mended(before, workspace.drafts, tuple(changes), Findings(findings.flows, faults))


def _by_file(faults: Iterable[Diagnostic]) -> list[tuple[Source, list[Fix]]]:
    """Return the fixes of each file; a file is known by its path, for it may be read twice."""
    found: dict[str, tuple[Source, list[Fix]]] = {}
    for fault in faults:
        if fault.fix is not None:
            source = fault.fix.replacements[0].span.source
            found.setdefault(source.path, (source, []))[1].append(fault.fix)
    return list(found.values())


def _mended(source: Source, fixes: list[Fix]) -> tuple[str, tuple[Fix, ...]]:
    """Return the text with fixes in it, none of which makes the file harder to read."""
    text, done = spliced(source.text, fixes)
    least = soundness(source)
    if soundness(Source(source.path, text)) >= least:
        return text, done
    kept: list[Fix] = []
    for fix in done:
        text, taken = spliced(source.text, [*kept, fix])
        if soundness(Source(source.path, text)) >= least:
            kept = list(taken)
    return spliced(source.text, kept)


def soundness(source: Source) -> tuple[int, int]:
    """Return how far a file can be read: up to a fault of YAML, with faults of shape, whole."""
    try:
        read_yaml(source)
    except Stopped as stopped:
        label = stopped.diagnostics[0].label
        return 0, label.span.line if label is not None else 0
    try:
        _read(source)
    except Stopped as stopped:
        return 1, -len(stopped.diagnostics)
    return 2, 0


def _read(source: Source) -> None:
    if source.path.endswith(SPEC_SUFFIX):
        read_spec(source)
    elif source.path.startswith(f"{SPECS}/environments/"):
        read_environment(source)
    elif source.path.startswith(f"{SPECS}/connections/"):
        read_connection(source)


def _changes(fix: Fix) -> list[Change]:
    return [
        Change(
            one.span.source.path,
            one.span.line,
            one.span.source.text[one.span.start : one.span.end],
            one.words,
        )
        for one in fix.replacements
    ]
