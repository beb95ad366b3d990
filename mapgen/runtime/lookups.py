"""Lookup files in, tables out: CSV with a header line, a JSON object, a JSON list of objects."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from mapgen.agreed.plan import Column, RemoteTable
from mapgen.runtime.errors import RuleError

Key = str | tuple[str, ...]
Make = Callable[..., Any]
"""Makes the value of a key out of those of its columns: the class of a row in generated code."""
Remote = Callable[[str, RemoteTable, Make], Mapping[Key, Any]]
"""What gives the table for a lookup, by its name, in the ledger or in the tenant."""

# Parts of keys and values that come again and again are kept once; so many of them.
_MOST_SHARED = 4096


class TableError(Exception):
    """A lookup file that cannot be used as a table; the message says why and where."""


class ColumnError(TableError):
    """A lookup file without a column that it should have."""

    def __init__(self, column: str, columns: Iterable[str]) -> None:
        self.column = column
        known = ", ".join(f"`{name}`" for name in columns)
        has = f"its columns are {known}" if known else "it has no columns"
        super().__init__(f"it has no column `{column}`; {has}")


class Longest(Struct, frozen=True):
    """The longest text of a column: its length in UTF-16 units, and where it is."""

    length: int = 0
    at: str = ""


class Table(Struct, frozen=True):
    """The values by key, and the longest text of each column of values.

    A key of several columns is a tuple, in the order of the declaration; so is a row of values,
    unless another class was asked for. The only value of a key is in the column of no name.
    """

    values: Mapping[Key, Any]
    longest: Mapping[str, Longest]


def read_table(
    path: Path,
    key: tuple[str, ...],
    value: str | None,
    columns: tuple[Column, ...] = (),
    make: Make = lambda *row: row,
) -> Table:
    """Return the table of a file: CSV, or JSON where its name ends in `.json`.

    Args:
        path: the file.
        key: its key columns; none for a JSON object, whose names are the keys.
        value: its value column; None for a JSON object.
        columns: the columns of values where a key has several.
        make: what a row of them becomes.

    Raises TableError for a file that is missing, not UTF-8, without the columns, with a blank value
    or key, one that is not of its column's type, or that gives one key two values.
    """
    of = columns or (_ONLY if value is None else Column(value, "string"),)
    lines = _Lines(of, make if columns else _alone)
    try:
        if path.suffix.lower() == ".json":
            text = path.read_text(encoding="utf-8-sig")
            is_list = bool(key) or value is not None
            return _table(_json_entries(text, key, lines, is_list=is_list), "entry", lines)
        if not key:
            raise TableError("a CSV file needs the names of its key and value columns")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(_csv_entries(file, key, lines), "line", lines)
    except FileNotFoundError:
        raise TableError("it does not exist") from None
    except OSError as error:
        raise TableError(f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise TableError(f"it is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise TableError(f"it is not CSV: {error}") from None


def read_replacement(path: Path, table: RemoteTable, make: Make) -> Table:
    """Return the table of a file that stands for what is known only at run time.

    It has the columns of the declaration; of a JSON object, the names are the keys. Raises as
    `read_table` does.
    """
    is_object = path.suffix.lower() == ".json" and len(table.key) == 1 and _starts_object(path)
    key, value = ((), None) if is_object else (table.key, table.value)
    return read_table(path, key, value, table.columns, make)


def sample_of(_name: str, table: RemoteTable, make: Make) -> Mapping[Key, Any]:
    """Return what the spec gives as a sample of a lookup, as a table."""
    is_single = len(table.key) == 1
    lines = _Lines(table.columns, make)
    return {
        entry.key[0] if is_single else entry.key: (
            lines.value(entry.cells) if table.columns else entry.value
        )
        for entry in table.sample
    }


def is_read(text: str, of: str) -> bool:
    """Whether a text is a value of a column's type."""
    try:
        _readers()[of](text)
    except RuleError:
        return False
    return True


def row_of(columns: tuple[Column, ...], cells: Sequence[str], make: Make) -> Any:
    """Return the row that texts of columns make. Raises ValueError for one that is none."""
    row: list[Any] = []
    for column, cell in zip(columns, cells, strict=True):
        if not cell or cell.isspace():
            if not column.may_be_missing:
                raise ValueError(f"a blank value{_in(column)}")
            row.append(None)
            continue
        try:
            row.append(cell if column.type == "string" else _readers()[column.type](cell))
        except RuleError:
            raise ValueError(f"no {column.type}{_in(column)}") from None
    return make(*row)


def _in(column: Column) -> str:
    return f" in `{column.name}`" if column.name else ""


@cache
def _readers() -> Mapping[str, Callable[[str], Any]]:
    """Return what reads the texts of each type of column."""
    from mapgen.runtime import functions  # most tables hold text alone

    return {
        "string": str,
        "int": functions.parse_int,
        "decimal": functions.parse_decimal,
        "bool": functions.parse_bool,
        "date": functions.parse_date,
        "timestamp": functions.parse_timestamp,
    }


# The value of a key that has but one.
_ONLY = Column("", "string")


def _alone(value: str) -> str:
    return value


class Asked(Mapping[Key, Any]):
    """A table that is asked for one key at a time; nobody can list it."""

    def __iter__(self) -> Iterator[Key]:
        raise TypeError("what is asked for key by key cannot be listed")

    def __len__(self) -> int:
        raise TypeError("what is asked for key by key cannot be counted")


def units(text: str) -> int:
    """Return the length of a text as the ERP counts it: in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Entry(NamedTuple):
    """One line of a table: its number, the parts of its key, the texts of its values."""

    number: int
    key: tuple[str, ...]
    cells: tuple[str, ...]


class _Lines(Struct, frozen=True):
    """What the lines of a table are made into: the columns of values, and what a row becomes."""

    columns: tuple[Column, ...]
    make: Make

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def value(self, cells: Sequence[str]) -> Any:
        """Return the value of a line. Raises ValueError for a text that is none."""
        return row_of(self.columns, cells, self.make)


def _table(entries: Iterable[_Entry], noun: str, lines: _Lines) -> Table:
    """Return the table of its lines; `noun` is what a line is called."""
    values: dict[Key, Any] = {}
    shared: dict[str, str] = {}
    rows: dict[tuple[str, ...], Any] = {}
    longest: dict[str, Longest] = {}
    for number, parts, cells in entries:
        if not any(part and not part.isspace() for part in parts):
            raise TableError(f"{noun} {number} has a blank key")
        value = rows.get(cells)
        if value is None:
            try:
                value = lines.value(cells)
            except ValueError as error:
                raise TableError(f"{noun} {number} has {error}") from None
            if len(rows) < _MOST_SHARED:
                rows[cells] = value
        is_single = len(parts) == 1
        key: Key = parts[0] if is_single else tuple(_shared(part, shared) for part in parts)
        if values.setdefault(key, value) != value:
            shown = "`, `".join(parts)
            raise TableError(f"{noun} {number} gives `{shown}` a second value")
        for column, cell in zip(lines.columns, cells, strict=True):
            length = units(cell) if column.type == "string" else 0
            if length > longest.get(column.name, _NOTHING).length:
                longest[column.name] = Longest(length, f"{noun} {number}")
    return Table(values, longest)


_NOTHING = Longest()


def _starts_object(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    except OSError:
        return False  # `read_table` says why


def _shared(text: str, shared: dict[str, str]) -> str:
    if len(shared) < _MOST_SHARED:
        return shared.setdefault(text, text)
    return shared.get(text, text)


def _csv_entries(rows_of: Iterable[str], key: tuple[str, ...], lines: _Lines) -> Iterator[_Entry]:
    rows = csv.reader(rows_of, strict=True)
    header = next(rows, [])
    keys = [_column(header, name) for name in key]
    values = [_column(header, name) for name in lines.names]
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            few = "few" if len(row) < len(header) else "many"
            raise TableError(f"line {rows.line_num} has too {few} columns")
        cells = tuple([row[one] for one in values])
        yield _Entry(rows.line_num, tuple([row[one] for one in keys]), cells)


def _column(header: list[str], name: str) -> int:
    if name not in header:
        raise ColumnError(name, header)
    if header.count(name) > 1:
        raise TableError(f"it has two columns `{name}`")
    return header.index(name)


def _json_entries(
    text: str, key: tuple[str, ...], lines: _Lines, *, is_list: bool
) -> Iterator[_Entry]:
    try:
        # Numbers stay as they are written.
        found: object = json.loads(
            text, object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str
        )
    except json.JSONDecodeError as error:
        problem = error.msg.lower().removesuffix(" at")
        raise TableError(f"it is not JSON: {problem} at line {error.lineno}") from None
    except RecursionError:
        raise TableError("it is not a table: nested too deep") from None
    if not is_list:
        if not isinstance(found, dict):
            raise TableError("it is no object; a list needs the names of its key and value columns")
        for number, (name, given) in enumerate(found.items(), start=1):
            yield _Entry(number, (name,), _cells(given, lines, number))
        return
    if not isinstance(found, list):
        raise TableError("it is no list of objects, so that it has no columns")
    for number, row in enumerate(found, start=1):
        yield _row(row, key, lines, number)


def _row(row: object, key: tuple[str, ...], lines: _Lines, number: int) -> _Entry:
    if not isinstance(row, dict):
        raise TableError(f"entry {number} is no object")
    for column in (*(Column(name, "string") for name in key), *lines.columns):
        if column.name in row or column.may_be_missing:
            continue
        if number == 1:
            raise ColumnError(column.name, row)
        raise TableError(f"entry {number} has no `{column.name}`")
    parts = tuple([_cell(row[one], number) for one in key])
    return _Entry(number, parts, _cells(row, lines, number))


def _cells(given: object, lines: _Lines, number: int) -> tuple[str, ...]:
    """Return the texts of values: one alone, or those in an object."""
    if lines.columns == (_ONLY,):
        return (_cell(given, number),)
    if not isinstance(given, dict):
        raise TableError(f"entry {number} is no object")
    return tuple(
        _cell(given.get(column.name), number, is_flag=column.type == "bool")
        for column in lines.columns
    )


def _cell(given: object, number: int, *, is_flag: bool = False) -> str:
    if given is None:
        return ""
    if is_flag and isinstance(given, bool):
        return "true" if given else "false"
    if not isinstance(given, str):
        raise TableError(f"entry {number} holds what is neither text nor a number")
    return given


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name, count in times.items() if count > 1)
        raise TableError(f"duplicate key `{twice}` in one object")
    return members
