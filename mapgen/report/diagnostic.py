"""What is wrong, as a value: code, message, places, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

from mapgen.report.fix import Fix
from mapgen.report.source import Span

Severity = Literal["error", "warning"]


class Label(Struct, frozen=True):
    """A place in a source with a few words about it; a secret there is never shown."""

    span: Span
    words: str = ""
    is_secret: bool = False


class Diagnostic(Struct, frozen=True):
    """One error: where it is, why it is one, and the next step.

    `message` states the error in the author's words: lower case, no full stop, code in backticks.
    `label` is the place that shows it; `related` are further places when two disagree. `path` names
    the file where there is no place in it (a file that is missing or cannot be read). Only `help`
    suggests. `fix` does what `help` says, where that is certain. `unknown` is what kind of
    name is not known (a `field`, a `lookup`), `meant` are the known ones that `help` offers for it.
    """

    code: str
    message: str
    label: Label | None = None
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    path: str | None = None
    severity: Severity = "error"
    fix: Fix | None = None
    unknown: str = ""
    meant: tuple[str, ...] = ()

    @property
    def file(self) -> str | None:
        """Return the path of the file that it is about."""
        return self.label.span.source.path if self.label else self.path

    @property
    def order(self) -> tuple[str, int, str, str]:
        """Return what diagnostics are sorted by: file, place, code."""
        start = self.label.span.start if self.label else -1
        return (self.file or "", start, self.code, self.message)


REPORTED_ELSEWHERE = Diagnostic("", "what is wrong here is reported where it is written")
"""Keeps what rests on something wrong from counting as right; nobody is shown it."""


class Stopped(Exception):
    """A phase found one error, or several, and stops: carries them sorted by place, each once."""

    def __init__(self, found: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (found,) if isinstance(found, Diagnostic) else found
        found = (diagnostic for diagnostic in found if diagnostic != REPORTED_ELSEWHERE)
        self.diagnostics = tuple(
            sorted(dict.fromkeys(found), key=lambda diagnostic: diagnostic.order)
        )
        super().__init__("; ".join(diagnostic.message for diagnostic in self.diagnostics))


@contextmanager
def noting(diagnostics: list[Diagnostic]) -> Iterator[None]:
    """Add the errors of what stops the block to others; what is behind the block goes on."""
    try:
        yield
    except Stopped as stopped:
        diagnostics.extend(stopped.diagnostics)
