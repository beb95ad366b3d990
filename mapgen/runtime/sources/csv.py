"""CSV files in, rows out: a row at a time, whatever the size of the file.

The first line names the members. A broken row is handed on as broken; the ones after it are read
all the same.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, Literal

import msgspec
from msgspec import Struct

from mapgen.agreed.encodings import looks_like
from mapgen.agreed.plan import Form, Plan
from mapgen.runtime.sources.cells import HeaderError, Row, header_of
from mapgen.runtime.sources.kind import Source
from mapgen.runtime.sources.records import NO_TEXT, RawRecord
from mapgen.runtime.sources.rows import RowRecords

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_LINE = 16 * 1024 * 1024
CHUNK = 64 * 1024

_LINE_END = re.compile(r"\n|\r(?!\Z)\n?")


class CsvFiles(Struct, frozen=True):
    """Files of CSV."""

    form: Form

    def records(
        self, stream: BinaryIO, _: str, needed: tuple[str, ...], /
    ) -> Iterator[Row | RawRecord]:
        """Return the rows of a file."""
        form = self.form
        return read_rows(
            stream,
            form.delimiter,
            needed,
            is_quoted=form.is_quoted,
            header_line=form.header_line,
            fills=form.short_rows == "fill",
        )

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow whose records are rows."""
        return RowRecords(self, plan, kind)


class _LineTooLong(Exception):
    """A line that is longer than a record may be."""


class _Chunks:
    """The lines of a file, as many at a time as a chunk of it has: all that is held of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        # What is no UTF-8 becomes half of a surrogate pair: it spoils one row, not the file.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self._is_first = True
        self.is_utf8 = True
        self.is_cut = False

    def __iter__(self) -> _Chunks:
        return self

    def __next__(self) -> Iterable[str]:
        """Return lines with their ends. Raises _LineTooLong, having skipped the line."""
        text, self._rest = self._rest, ""
        while True:
            more = self._more()
            text += more
            if more:
                end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            elif text:
                end = len(text)
                self.is_cut = text[-1] not in "\r\n"
            else:
                raise StopIteration
            if len(text) >= LONGEST_LINE:
                self._pass_over(text)
            if end:
                self._rest = text[end:]
                return io.StringIO(text[:end], newline="")

    def _more(self) -> str:
        """Return what comes next, nothing at the end of the file."""
        while True:
            chunk = self._read(CHUNK)
            text = self._decoder.decode(chunk, not chunk)
            if self.is_utf8 and not text.isascii():
                self.is_utf8 = _is_utf8(text)
            if self._is_first and text:
                self._is_first = False
                text = text.removeprefix("\ufeff")
            if text or not chunk:
                return text

    def _pass_over(self, text: str) -> None:
        """Pass over the first line where it is too long, and raise _LineTooLong."""
        found = _LINE_END.search(text)
        length = found.start() if found else len(text.removesuffix("\r"))
        if length < LONGEST_LINE:
            return
        while found is None:
            more = self._more()
            if not more:
                raise _LineTooLong
            text = text[-1] + more
            found = _LINE_END.search(text)
        self._rest = text[found.end() :]
        raise _LineTooLong


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_rows(
    stream: BinaryIO,
    delimiter: str,
    needed: tuple[str, ...],
    *,
    is_quoted: bool = True,
    header_line: int = 1,
    fills: bool = False,
) -> Iterator[Row | RawRecord]:
    """Yield the rows below the header that are not empty; unreadable ones are broken records.

    Where a row in quotation marks reaches over several lines and cannot be read, each of them is
    told as a broken row, since any may be a row that a mark which is not closed has swallowed.

    Args:
        stream: the file, open for bytes; it stays open.
        delimiter: what is between cells.
        needed: columns without which no row can become a record.
        is_quoted: whether a cell may be in quotation marks; if not, they are text.
        header_line: the line with the header; those before it are skipped.
        fills: whether cells that a row lacks at its end are empty; not where the file is cut off.

    Raises HeaderError where the first line lacks one of them, names a column twice, or is blank
    although rows follow.
    """
    chunks = _Chunks(stream)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE

    def started(lines: Iterator[str]) -> Reader:
        return csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)

    lines = chain.from_iterable(chunks)
    passed = _passed_over(lines, header_line - 1)
    rows = started(lines)
    header = header_of(_first(rows), needed)
    yield from _Rows(chunks, started, rows, passed, header, fills=fills).all()


class _Rows:
    """The rows below a header, each with its number and the line that it begins in."""

    def __init__(
        self,
        chunks: _Chunks,
        started: Callable[[Iterator[str]], Reader],
        rows: Reader,
        passed: int,
        header: tuple[str, ...],
        *,
        fills: bool,
    ) -> None:
        """Go on behind the header; `passed` lines were before what `rows` has begun with."""
        self._chunks = chunks
        self._started = started
        self._rows = rows
        self._passed = passed
        self._header = header
        self._fills = fills
        self._number = 0
        self._begin = self._next_line()

    def _next_line(self) -> int:
        return self._passed + self._rows.line_num + 1

    def all(self) -> Iterator[Row | RawRecord]:
        """Yield the rows, and broken records for those that cannot be read."""
        while (broken := (yield from self._readable())) is not None:
            yield from self._unreadable(broken)

    def _readable(self) -> Generator[Row, None, str | None]:
        """Yield the rows up to one that cannot be read; return why that is, None at the end."""
        chunks, header, width = self._chunks, self._header, len(self._header)
        rows, passed = self._rows, self._passed
        try:
            for cells in rows:
                if any(cells):  # no blank line, nor what spreadsheets leave of rows: `;;;;`
                    is_whole = len(cells) == width and chunks.is_utf8
                    whole = cells if is_whole else self._whole(cells)
                    if whole is None and not width:
                        raise HeaderError("the line of its header is blank")
                    if whole is None:
                        return _misshapen(header, cells)
                    self._number += 1
                    yield Row(self._number, self._begin, header, whole)
                self._begin = passed + rows.line_num + 1
        except csv.Error as error:
            return _problem(error)
        except _LineTooLong:
            self._passed = self._next_line()
            self._rows = self._started(chain.from_iterable(self._chunks))
            return f"the row is longer than {LONGEST_LINE:,} characters"
        return None

    def _whole(self, cells: list[str]) -> list[str] | None:
        """Return a row with as many cells as the header, None where it is none that can be read."""
        lacking = len(self._header) - len(cells)
        if not lacking:
            is_text = self._chunks.is_utf8 or _is_text(self._header, cells)
            return cells if is_text else None
        is_sound = self._chunks.is_utf8 and not self._chunks.is_cut
        return cells + [""] * lacking if self._fills and lacking > 0 and is_sound else None

    def _unreadable(self, broken: str) -> Iterator[RawRecord]:
        """Yield what stands for a row that cannot be read, and for each line that it reaches over.

        Args:
            broken: why it cannot be read.
        """
        begin, end = self._begin, self._next_line()
        self._number += 1
        yield RawRecord(self._number, begin, b"", broken)
        for swallowed in range(begin + 1, end):
            self._number += 1
            yield RawRecord(self._number, swallowed, b"", _swallowed(begin))
        self._begin = end


def _passed_over(lines: Iterator[str], count: int) -> int:
    """Pass over so many lines, or as many as there are; return how many."""
    try:
        return sum(1 for _ in islice(lines, count))
    except _LineTooLong:
        raise HeaderError("what is before its header is no text") from None


def _is_text(header: tuple[str, ...], cells: list[str]) -> bool:
    """Whether all of a row that is read is UTF-8."""
    named = zip(header, cells, strict=True)
    return all(_is_utf8(name + cell) for name, cell in named if name and cell)


def _misshapen(header: tuple[str, ...], cells: list[str]) -> str:
    if len(cells) != len(header):
        return f"the row has {len(cells)} cells, the header {len(header)}"
    data = " ".join((*header, *cells)).encode("utf-8", "surrogateescape")
    if NO_TEXT in data:
        return "the row is no text in the encoding of its source"
    return f"the row is not UTF-8{looks_like(data)}"


def _first(rows: Iterator[list[str]]) -> list[str]:
    try:
        return next(rows, [])
    except (csv.Error, _LineTooLong):
        raise HeaderError("its first line is not CSV") from None


def _swallowed(line: int) -> str:
    return (
        f"the row in line {line} reaches over it, and cannot be read:"
        " is a quotation mark not closed there?"
    )


def _problem(error: csv.Error) -> str:
    reason = str(error)
    if "field larger" in reason:
        longest = f"{csv.field_size_limit():,}"
        return f"a cell has more than {longest} characters: is a quotation mark not closed?"
    if "unexpected end" in reason:
        return "the file ends inside quotation marks"
    return f"the row is not CSV: {reason}"
