"""CSV files in, raw records out: a row at a time, whatever the size of the file.

The first line names the members. A broken row is handed on as broken; the ones after it are read
all the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import BinaryIO, Literal

import msgspec

from mapgen.runtime.constraints import present_type
from mapgen.runtime.records import JsonValue, RawRecord
from mapgen.runtime.source import struct_of

LONGEST_LINE = 16 * 1024 * 1024

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLAGS = {"true": True, "false": False}


class HeaderError(Exception):
    """A first line that does not name the columns a flow needs; the message says why."""


class _LineTooLong(Exception):
    """A line that is longer than a record may be."""


class _Lines:
    """The lines of a file, each with its own line end; `number` is that of the last one read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            while (rest := self._text.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            raise _LineTooLong
        return line.removeprefix("\ufeff") if self.number == 1 else line


def read_rows(
    stream: BinaryIO, delimiter: str, needed: tuple[str, ...], *, is_quoted: bool = True
) -> Iterator[RawRecord]:
    """Yield the rows below the header as records: JSON objects of text, empty cells left out.

    Where a row in quotation marks reaches over several lines and cannot be read, each of them is
    told as a broken row, since any may be a row that a mark which is not closed has swallowed.

    Args:
        stream: the file, open for bytes; it stays open.
        delimiter: what stands between cells.
        needed: columns without which no row can become a record.
        is_quoted: whether a cell may stand in quotation marks; if not, they are text.

    Raises HeaderError where the first line lacks one of them, or names a column twice.
    """
    # What is no UTF-8 comes through as half of a surrogate pair: it spoils one row, not the file.
    text = io.TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline="")
    try:
        lines = _Lines(text)
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
        rows = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        header = _header(rows, needed)
        number = 0
        while True:
            line = lines.number + 1
            try:
                row, broken = next(rows), None
            except StopIteration:
                return
            except csv.Error as error:
                row, broken = [], _problem(error)
            except _LineTooLong:
                row, broken = [], f"the row is longer than {LONGEST_LINE:,} characters"
            if row or broken:
                number += 1
                record = _record(number, line, header, row, broken)
                yield record
                for swallowed in range(line + 1, lines.number + 1) if record.broken else ():
                    number += 1
                    yield RawRecord(number, swallowed, b"", _swallowed(line))
    finally:
        text.detach()


def _header(rows: Iterator[list[str]], needed: tuple[str, ...]) -> list[str]:
    try:
        header = next(rows, [])
    except (csv.Error, _LineTooLong):
        raise HeaderError("its first line is not CSV") from None
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


def _record(
    number: int, line: int, header: list[str], row: list[str], broken: str | None
) -> RawRecord:
    if broken is None and len(row) != len(header):
        broken = f"the row has {len(row)} cells, the header {len(header)}"
    if broken is None:
        cells = {name: cell for name, cell in zip(header, row, strict=True) if name and cell}
        try:
            return RawRecord(number, line, msgspec.json.encode(cells))
        except UnicodeEncodeError:
            broken = "the row is not UTF-8"
    return RawRecord(number, line, b"", broken)


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
    return {name: _typed(cell, kinds.get(name)) for name, cell in cells}


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
    for field in msgspec.structs.fields(kind):
        name, inner = field.encode_name, struct_of(field.type)
        if name in names and name in value and inner is not None:
            found = value[name]
            if isinstance(found, list):
                typed[name] = [typed_cells(row, inner) for row in found]
            else:
                typed[name] = typed_cells(found, inner)
    return typed


def whole_number(cell: str) -> int | None:
    """Return the number that a cell is written as, None for what is none: `012` is a code."""
    return int(cell) if _WHOLE.fullmatch(cell) else None


def needed_columns(kind: type) -> tuple[str, ...]:
    """Return the members that every record of a source has."""
    return tuple(field.encode_name for field in msgspec.structs.fields(kind) if field.required)


def _typed(cell: JsonValue, kind: object) -> JsonValue:
    if not isinstance(cell, str):
        return cell
    if kind is int and _WHOLE.fullmatch(cell):
        return int(cell)
    if kind is bool:
        return _FLAGS.get(cell.lower(), cell)
    return cell
