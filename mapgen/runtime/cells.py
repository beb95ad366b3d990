"""CSV files in, raw records out: a row at a time, whatever the size of the file.

The first line names the members. A broken row is handed on as broken; the ones after it are read
all the same.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal

import msgspec

from mapgen.runtime.constraints import present_type
from mapgen.runtime.records import JsonValue, RawRecord
from mapgen.runtime.source import struct_of

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_LINE = 16 * 1024 * 1024
CHUNK = 64 * 1024

_LINE_END = re.compile(r"\n|\r(?!\Z)\n?")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLAGS = {"true": True, "false": False}


class HeaderError(Exception):
    """A first line that does not name the columns a flow needs; the message says why."""


class _LineTooLong(Exception):
    """A line that is longer than a record may be."""


class Row(msgspec.Struct, frozen=True):
    """A row that can be read: as many cells as the header has names."""

    number: int
    line: int
    header: tuple[str, ...]
    cells: list[str]

    broken: ClassVar[None] = None

    def named(self) -> dict[str, JsonValue]:
        """Return the row as an object of text."""
        return named(self.header, self.cells)

    @property
    def data(self) -> bytes:
        """The row as a JSON object."""
        return msgspec.json.encode(self.named())


def named(header: Sequence[str], cells: Sequence[str]) -> dict[str, JsonValue]:
    """Return cells by the names of their columns; empty ones are missing."""
    return {name: cell for name, cell in zip(header, cells, strict=True) if name and cell}


def getter(columns: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    """Return what gives the cells in these columns of a row."""
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda cells: [cells[at] for at in columns]


class _Chunks:
    """The lines of a file, as many at a time as a chunk of it has: all that is held of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        # What is no UTF-8 becomes half of a surrogate pair: it spoils one row, not the file.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self._is_first = True
        self.is_utf8 = True

    def __iter__(self) -> _Chunks:
        return self

    def __next__(self) -> Iterable[str]:
        """Return lines with their ends. Raises _LineTooLong, having passed over the line."""
        text, self._rest = self._rest, ""
        while True:
            more = self._more()
            text += more
            if more:
                end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            elif text:
                end = len(text)
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
    stream: BinaryIO, delimiter: str, needed: tuple[str, ...], *, is_quoted: bool = True
) -> Iterator[Row | RawRecord]:
    """Yield the rows below the header; those that cannot be read are broken records.

    Where a row in quotation marks reaches over several lines and cannot be read, each of them is
    told as a broken row, since any may be a row that a mark which is not closed has swallowed.

    Args:
        stream: the file, open for bytes; it stays open.
        delimiter: what stands between cells.
        needed: columns without which no row can become a record.
        is_quoted: whether a cell may stand in quotation marks; if not, they are text.

    Raises HeaderError where the first line lacks one of them, or names a column twice.
    """
    chunks = _Chunks(stream)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE

    def started() -> Reader:
        lines = chain.from_iterable(chunks)
        return csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)

    rows = started()
    header = header_of(_first(rows), needed)
    width = len(header)
    passed = number = 0
    begin = rows.line_num + 1
    while True:
        try:
            for cells in rows:
                if len(cells) == width and cells and (chunks.is_utf8 or _is_text(header, cells)):
                    number += 1
                    yield Row(number, begin, header, cells)
                elif cells:
                    broken = _misshapen(cells, width)
                    break
                begin = passed + rows.line_num + 1
            else:
                return
        except csv.Error as error:
            broken = _problem(error)
        except _LineTooLong:
            broken = f"the row is longer than {LONGEST_LINE:,} characters"
            passed += rows.line_num + 1
            rows = started()
        number += 1
        yield RawRecord(number, begin, b"", broken)
        for swallowed in range(begin + 1, passed + rows.line_num + 1):
            number += 1
            yield RawRecord(number, swallowed, b"", _swallowed(begin))
        begin = passed + rows.line_num + 1


def _is_text(header: tuple[str, ...], cells: list[str]) -> bool:
    """Whether all of a row that is read is UTF-8."""
    named = zip(header, cells, strict=True)
    return all(_is_utf8(name + cell) for name, cell in named if name and cell)


def _misshapen(cells: list[str], width: int) -> str:
    if len(cells) != width:
        return f"the row has {len(cells)} cells, the header {width}"
    return "the row is not UTF-8"


def _first(rows: Iterator[list[str]]) -> list[str]:
    try:
        return next(rows, [])
    except (csv.Error, _LineTooLong):
        raise HeaderError("its first line is not CSV") from None


def header_of(names: Iterable[str], needed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns; raises HeaderError for two alike, or a needed one lacking.

    A file without a first line has no columns, and needs none.
    """
    header = tuple(names)
    times = Counter(header)
    twice = sorted(name for name, count in times.items() if name and count > 1)
    if twice:
        raise HeaderError(f"it has two columns `{twice[0]}`")
    lacking = [name for name in needed if name not in header]
    if header and lacking:
        names = ", ".join(f"`{name}`" for name in lacking)
        raise HeaderError(f"it has no column{'s' * (len(lacking) > 1)} {names}")
    return header


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


def typed_cells(value: JsonValue, kind: type) -> JsonValue:
    """Return a row with whole numbers and flags as what they are; empty cells are missing.

    A cell that is not written like its type (`007`, `yes`) stays text, which the source's type
    then refuses. Amounts and dates are read from text anyway.

    Args:
        value: the row.
        kind: the struct that it is to become.
    """
    if not isinstance(value, dict):
        return value
    kinds = _kinds(kind)
    cells = ((name, cell) for name, cell in value.items() if cell != "")
    return {name: typed_cell(cell, kinds.get(name)) for name, cell in cells}


@cache
def _kinds(kind: type) -> Mapping[str, object]:
    """Return what the members of a struct hold where they are there."""
    fields = msgspec.structs.fields(kind)
    return {field.encode_name: present_type(field.type) for field in fields}


def typed_members(value: JsonValue, kind: type, names: frozenset[str]) -> JsonValue:
    """Return a record with the rows in these members typed as `typed_cells` does.

    Args:
        value: the record.
        kind: the struct that it is to become.
        names: its members that are rows, or lists of them.
    """
    if not isinstance(value, dict):
        return value
    typed = dict(value)
    for name, inner in _structs(kind):
        if name in names and name in value:
            found = value[name]
            if isinstance(found, list):
                typed[name] = [typed_cells(row, inner) for row in found]
            else:
                typed[name] = typed_cells(found, inner)
    return typed


@cache
def _structs(kind: type) -> tuple[tuple[str, type], ...]:
    """Return the members of a struct that are structs or lists of them, and which."""
    found = ((one.encode_name, struct_of(one.type)) for one in msgspec.structs.fields(kind))
    return tuple((name, inner) for name, inner in found if inner is not None)


def whole_number(cell: str) -> int | None:
    """Return the number that a cell is written as, None for what is none: `012` is a code."""
    return int(cell) if _WHOLE.fullmatch(cell) else None


def needed_columns(kind: type) -> tuple[str, ...]:
    """Return the members that every record of a source has."""
    return tuple(field.encode_name for field in msgspec.structs.fields(kind) if field.required)


def typed_cell(cell: JsonValue, kind: object) -> JsonValue:
    """Return a whole number or a flag where the cell is to be one, and is written like one."""
    if not isinstance(cell, str):
        return cell
    if kind is int and _WHOLE.fullmatch(cell):
        return int(cell)
    if kind is bool:
        return _FLAGS.get(cell.lower(), cell)
    return cell
