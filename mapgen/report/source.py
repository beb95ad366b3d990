"""Where words are: a file's text, a span of it, and words that the file folds or escapes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Self

from msgspec import Struct


class Source(Struct, frozen=True, eq=False):
    """A file as the author wrote it. `path` is relative to the workspace, with forward slashes."""

    path: str
    text: str

    @property
    def line_starts(self) -> tuple[int, ...]:
        return _line_starts(self)

    def place(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset.

        Invariant: whatever leaves for a person or a tool goes through this one conversion.
        """
        line = bisect_right(self.line_starts, offset) - 1
        return line + 1, offset - self.line_starts[line] + 1

    def line_text(self, line: int) -> str:
        """Return the text of a 1-based line, without its line break."""
        start, end = self.line_bounds(line)
        return self.text[start:end]

    def line_bounds(self, line: int) -> tuple[int, int]:
        """Return where a 1-based line begins and ends, without its line break."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return start, end


@lru_cache
def _line_starts(source: Source) -> tuple[int, ...]:
    return (0, *(found.end() for found in re.finditer("\n", source.text)))


class Span(Struct, frozen=True):
    """From `start` up to but not including `end`: code-point offsets into the source's text."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.place(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.place(self.start)[1]

    def __str__(self) -> str:
        """Return `path:line:column`."""
        return f"{self.source.path}:{self.line}:{self.column}"


class Text(Struct, frozen=True):
    """Words whose every character knows its place in the file.

    A YAML scalar may be quoted, escaped or folded, so the words differ from what is in the
    file; `offsets[i]` is the place of `value[i]`, and one more entry tells where the words end.
    """

    value: str
    source: Source
    offsets: Sequence[int]

    @classmethod
    def plain(cls, value: str, path: str = "<expression>") -> Self:
        """Return words that are a file of their own."""
        return cls(value, Source(path, value), range(len(value) + 1))

    def part(self, start: int, end: int) -> Text:
        """Return the words from `start` to `end`, which know their places."""
        return Text(self.value[start:end], self.source, self.offsets[start : end + 1])

    def behind(self, more: str) -> Text:
        """Return the words behind others that are not in the file: their place is the first."""
        return Text(more + self.value, self.source, [*[self.offsets[0]] * len(more), *self.offsets])

    def followed_by(self, more: str) -> Text:
        """Return the words with more that are not in the file: their place is the last of these."""
        last = [self.offsets[max(0, len(self.value) - 1)]] * len(more)
        return Text(self.value + more, self.source, [*self.offsets[:-1], *last, self.offsets[-1]])

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Return where the words from `start` to `end` are in the file."""
        length = len(self.value)
        stop = length if end is None else end
        first = self.offsets[start if start < length else length]
        last = self.offsets[stop - 1] + 1 if stop > start else first
        return Span(self.source, first, last if last > first else first)
