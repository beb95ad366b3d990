"""`mapgen check --fix`: applies the fixes of diagnostics, each kept only if it does no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.disk.workspace import DEFAULTS, PARTS_SUFFIX, SPEC_SUFFIX, SPECS, Workspace
from mapgen.project.checking import Findings, check_specs
from mapgen.project.specs import Specs
from mapgen.report import Diagnostic, Fix, Source, Stopped
from mapgen.report.fix import spliced, written_at
from mapgen.spec.model import Connection, Environment
from mapgen.spec.nodes import read_yaml
from mapgen.spec.reader import read, read_parts

# A fix may uncover what another one corrects; what takes longer goes round in circles.
MOST_ROUNDS = 10
# A bad fix is found by halves; after so many checks the rest is left to the author.
MOST_CHECKS = 80
# As long as a base has errors, nobody can know whether it means what it meant.
_OF_A_BASE = "E716"


class Change(Struct, frozen=True):
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


class Fixed(Struct, frozen=True):
    """Files before and after by path, what was changed, and what is left to do by hand.

    `refused` is the number of fixes that would have made something else wrong.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    changes: tuple[Change, ...]
    findings: Findings
    refused: int = 0


def autofix(workspace: Workspace, paths: Iterable[str]) -> Fixed:
    """Apply the fixes of all diagnostics, and of those that come to light; nothing is written.

    Invariant: a fix is kept only where the specs, checked again, no longer say what it was for, and
    nothing new, but for what they could not say as long as the file was not read to its end.
    """
    bench = _Bench(tuple(paths))
    before: dict[str, str] = {}
    changes: list[Change] = []
    state = bench.checked(workspace)
    for _ in range(MOST_ROUNDS):
        last = state
        for source, diagnostics in _by_file(state.findings.diagnostics):
            state, taken = bench.with_good_fixes(state, source, diagnostics)
            if taken:
                before.setdefault(source.path, source.text)
            changes += [change for fix in taken for change in _changes(fix)]
        if state is last:
            break
    left = tuple(replace(diagnostic, fix=None) for diagnostic in state.findings.diagnostics)
    findings = replace(state.findings, diagnostics=left)
    return Fixed(
        before, state.workspace.drafts, tuple(changes), findings, bench.refused(state.findings)
    )


class _State(Struct, frozen=True):
    """The specs with some fixes in them, and what is found there."""

    workspace: Workspace
    findings: Findings

    @property
    def known(self) -> Counter[_Known]:
        return Counter(_known(one) for one in self.findings.diagnostics if one.code != _OF_A_BASE)

    def soundness(self, path: str) -> tuple[int, int]:
        return soundness(self.workspace, path)

    def is_better_than(
        self, other: _State, path: str, cured: Iterable[Diagnostic], written: list[range]
    ) -> bool:
        """Whether fixes of a file cured what they were for and made nothing worse.

        `written` is where their words are now: a file that can be read further may say anything but
        that those are wrong.
        """
        mine, least = self.soundness(path), other.soundness(path)
        if _is_read_further(mine, least):
            return not any(
                _is_about(diagnostic, path, written) for diagnostic in self.findings.diagnostics
            )
        return mine >= least and self.known <= other.known - Counter(map(_known, cured))


class _Bench(Struct):
    """Tries fixes out, with a bounded number of checks, and none that was bad a second time."""

    paths: tuple[str, ...]
    _left: int = MOST_CHECKS
    _bad: set[tuple[str, ...]] = field(default_factory=set)

    def checked(self, workspace: Workspace) -> _State:
        self._left -= 1
        return _State(workspace, check_specs(workspace, self.paths))

    def with_good_fixes(
        self, state: _State, source: Source, diagnostics: list[Diagnostic]
    ) -> tuple[_State, tuple[Fix, ...]]:
        """Return the specs with the good ones of the fixes of a file in them, and those fixes.

        All are tried at once; where that makes something worse, each half of them is.
        """
        best, kept = state, dict[Fix, Diagnostic]()
        open_ = [[one for one in diagnostics if self._marks(one) not in self._bad]]
        while open_ and self._left > 0:
            some = open_.pop()
            fixes = {one.fix: one for one in some if one.fix is not None}
            text, taken = spliced(source.text, [*kept, *fixes], first=kept)
            new = {fix: fixes[fix] for fix in taken if fix not in kept}
            if not new:
                continue
            drafts = {**state.workspace.drafts, source.path: text}
            found = self.checked(replace(state.workspace, drafts=drafts))
            if found.is_better_than(best, source.path, new.values(), written_at(taken)):
                best, kept = found, kept | new
            elif len(some) > 1:
                half = len(some) // 2
                open_ += [some[half:], some[:half]]
            else:
                self._bad.add(self._marks(some[0]))
        return best, tuple(sorted(kept, key=lambda fix: fix.order))

    def refused(self, findings: Findings) -> int:
        """Return how many fixes of what is left were bad."""
        fixable = [diagnostic for diagnostic in findings.diagnostics if diagnostic.fix is not None]
        return sum(self._marks(diagnostic) in self._bad for diagnostic in fixable)

    def _marks(self, diagnostic: Diagnostic) -> tuple[str, ...]:
        """Return what a fix is known by, wherever others have moved it to."""
        assert diagnostic.fix is not None
        span = diagnostic.fix.replacements[0].span
        words = [one.words for one in diagnostic.fix.replacements]
        return (diagnostic.code, span.source.path, span.source.line_text(span.line), *words)


_Known = tuple[str, str, str]


def _known(diagnostic: Diagnostic) -> _Known:
    """Return what a diagnostic is known by before and after other words of its file change."""
    if diagnostic.label is None:
        return diagnostic.code, diagnostic.path or "", diagnostic.message
    span = diagnostic.label.span
    return diagnostic.code, span.source.path, span.source.text[span.start : span.end]


def _is_about(diagnostic: Diagnostic, path: str, places: list[range]) -> bool:
    if diagnostic.label is None or diagnostic.label.span.source.path != path:
        return False
    span = diagnostic.label.span
    return any(
        span.start < one.stop and one.start < max(span.end, span.start + 1) for one in places
    )


def _is_read_further(mine: tuple[int, int], least: tuple[int, int]) -> bool:
    """Whether a file can be read further than before, so that it says what nobody could know."""
    return mine[0] > least[0] or (mine[0] == least[0] == 0 and mine > least)


def _by_file(diagnostics: Iterable[Diagnostic]) -> list[tuple[Source, list[Diagnostic]]]:
    """Return what has a fix in each file; a file is known by its path, for it may be read twice."""
    found: dict[str, tuple[Source, list[Diagnostic]]] = {}
    for diagnostic in diagnostics:
        if diagnostic.fix is not None:
            source = diagnostic.fix.replacements[0].span.source
            found.setdefault(source.path, (source, []))[1].append(diagnostic)
    return list(found.values())


def soundness(workspace: Workspace, path: str) -> tuple[int, int]:
    """Return how far a file can be read: up to an error of YAML, with errors of shape, whole."""
    source = workspace.read(path, "the spec")
    try:
        read_yaml(source)
    except Stopped as stopped:
        label = stopped.diagnostics[0].label
        # What is left behind the place: words that a fix adds in front of it are no progress.
        return 0, label.span.start - len(source.text) if label is not None else -len(source.text)
    try:
        _read(workspace, source)
    except Stopped as stopped:
        return 1, -len(stopped.diagnostics)
    return 2, 0


def _read(workspace: Workspace, source: Source) -> None:
    if source.path.endswith(SPEC_SUFFIX):
        Specs(workspace).read(source.path)
    elif source.path.endswith(PARTS_SUFFIX):
        read_parts(source)
    elif source.path == DEFAULTS:
        Specs(workspace).defaults()
    elif source.path.startswith(f"{SPECS}/environments/"):
        read(source, Environment)
    elif source.path.startswith(f"{SPECS}/connections/"):
        read(source, Connection)


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
