"""A fix: words of a file that others replace, as data; and what a text is with such fixes in it."""

from __future__ import annotations

from collections.abc import Container, Iterable

from msgspec import Struct

from mapgen.report.source import Span


class Replacement(Struct, frozen=True):
    """Raw words that come in the place of a span: at an empty span they are inserted."""

    span: Span
    words: str


class Fix(Struct, frozen=True):
    """What makes one error go away: all of its replacements, or none."""

    replacements: tuple[Replacement, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """Return what fixes of one file are sorted by."""
        return tuple(one.span.start for one in self.replacements)


def spliced(
    text: str, fixes: Iterable[Fix], first: Container[Fix] = ()
) -> tuple[str, tuple[Fix, ...]]:
    """Return a text with fixes in it, and those that it took.

    Of fixes that touch each other one is taken, of those in `first`, or the first in the text; the
    others may fit the new text, or not.
    """
    taken: list[Fix] = []
    spans: list[Span] = []
    for fix in sorted(fixes, key=lambda one: (one not in first, one.order)):
        own = [replacement.span for replacement in fix.replacements]
        if not any(_meet(one, other) for one in own for other in spans):
            taken.append(fix)
            spans += own
    replacements = [one for fix in taken for one in fix.replacements]
    for one in sorted(replacements, key=lambda one: one.span.start, reverse=True):
        text = text[: one.span.start] + one.words + text[one.span.end :]
    return text, tuple(taken)


def written_at(fixes: Iterable[Fix]) -> list[range]:
    """Return where the words of fixes are in the text that `spliced` makes with all of them."""
    replacements = [one for fix in fixes for one in fix.replacements]
    places, shift = [], 0
    for one in sorted(replacements, key=lambda one: one.span.start):
        start = one.span.start + shift
        places.append(range(start, start + len(one.words)))
        shift += len(one.words) - (one.span.end - one.span.start)
    return places


def _meet(one: Span, other: Span) -> bool:
    return one.start <= other.end and other.start <= one.end
