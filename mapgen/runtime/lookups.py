"""Lookup files in, tables out: CSV with a header line, a JSON object, a JSON list of objects."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mapgen.plan import RemoteTable

Key = str | tuple[str, ...]
Remote = Callable[[str, RemoteTable], Mapping[Key, str]]
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


class Table(Struct, frozen=True):
    """The values by key, and the longest of them: its length in UTF-16 units, and where it stands.

    A key of several columns is a tuple, in the order of the declaration.
    """

    values: Mapping[Key, str]
    longest: int
    longest_at: str


def read_table(path: Path, key: tuple[str, ...], value: str | None) -> Table:
    """Return the table of a file: CSV, or JSON where its name ends in `.json`.

    Args:
        path: the file.
        key: its key columns; none for a JSON object, whose names are the keys.
        value: its value column; None for a JSON object.

    Raises TableError for a file that is missing, not UTF-8, without the columns, with a blank value
    or key, or that gives one key two values.
    """
    try:
        if path.suffix.lower() == ".json":
            return _table(_json_entries(path.read_text(encoding="utf-8-sig"), key, value), "entry")
        if value is None:
            raise TableError("a CSV file needs the names of its key and value columns")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(_csv_entries(file, key, value), "line")
    except FileNotFoundError:
        raise TableError("it does not exist") from None
    except OSError as error:
        raise TableError(f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise TableError(f"it is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise TableError(f"it is not CSV: {error}") from None


def read_replacement(path: Path, table: RemoteTable) -> Table:
    """Return the table of a file that stands for what is known only at run time.

    It has the columns of the declaration; of a JSON object, the names are the keys. Raises as
    `read_table` does.
    """
    is_object = path.suffix.lower() == ".json" and len(table.key) == 1 and _starts_object(path)
    return read_table(path, () if is_object else table.key, None if is_object else table.value)


def sample_of(_name: str, table: RemoteTable) -> Mapping[Key, str]:
    """Return what the spec gives as a sample of a lookup, as a table."""
    is_single = len(table.key) == 1
    return {entry.key[0] if is_single else entry.key: entry.value for entry in table.sample}


class Asked(Mapping[Key, str]):
    """A table that is asked for one key at a time; nobody can list it."""

    def __iter__(self) -> Iterator[Key]:
        raise TypeError("what is asked for key by key cannot be listed")

    def __len__(self) -> int:
        raise TypeError("what is asked for key by key cannot be counted")


def units(text: str) -> int:
    """Return the length of a text as the ERP counts it: in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Entry(NamedTuple):
    """One line of a table: its number, the parts of its key, its value."""

    number: int
    key: tuple[str, ...]
    value: str


def _table(entries: Iterable[_Entry], noun: str) -> Table:
    """Return the table of its lines; `noun` is what a line is called."""
    values: dict[Key, str] = {}
    shared: dict[str, str] = {}
    longest, longest_at = 0, 0
    for number, parts, given in entries:
        if not given or given.isspace():
            raise TableError(f"{noun} {number} has a blank value")
        if not any(part and not part.isspace() for part in parts):
            raise TableError(f"{noun} {number} has a blank key")
        value = _shared(given, shared)
        is_single = len(parts) == 1
        key: Key = parts[0] if is_single else tuple(_shared(part, shared) for part in parts)
        if values.setdefault(key, value) != value:
            shown = "`, `".join(parts)
            raise TableError(f"{noun} {number} gives `{shown}` a second value")
        if (length := units(value)) > longest:
            longest, longest_at = length, number
    return Table(values, longest, f"{noun} {longest_at}")


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


def _csv_entries(lines: Iterable[str], key: tuple[str, ...], value: str) -> Iterator[_Entry]:
    rows = csv.reader(lines, strict=True)
    header = next(rows, [])
    *keys, at = (_column(header, name) for name in (*key, value))
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            few = "few" if len(row) < len(header) else "many"
            raise TableError(f"line {rows.line_num} has too {few} columns")
        yield _Entry(rows.line_num, tuple([row[one] for one in keys]), row[at])


def _column(header: list[str], name: str) -> int:
    if name not in header:
        raise ColumnError(name, header)
    if header.count(name) > 1:
        raise TableError(f"it has two columns `{name}`")
    return header.index(name)


def _json_entries(text: str, key: tuple[str, ...], value: str | None) -> Iterator[_Entry]:
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
    if value is None:
        if not isinstance(found, dict):
            raise TableError("it is no object; a list needs the names of its key and value columns")
        for number, (name, given) in enumerate(found.items(), start=1):
            yield _Entry(number, (name,), _cell(given, number))
        return
    if not isinstance(found, list):
        raise TableError("it is no list of objects, so that it has no columns")
    for number, row in enumerate(found, start=1):
        yield _row(row, key, value, number)


def _row(row: object, key: tuple[str, ...], value: str, number: int) -> _Entry:
    if not isinstance(row, dict):
        raise TableError(f"entry {number} is no object")
    for column in (*key, value):
        if column not in row and number == 1:
            raise ColumnError(column, row)
        if column not in row:
            raise TableError(f"entry {number} has no `{column}`")
    parts = tuple([_cell(row[one], number) for one in key])
    return _Entry(number, parts, _cell(row[value], number))


def _cell(given: object, number: int) -> str:
    if given is None:
        return ""
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
