"""Lookup files in, tables out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path


class TableError(Exception):
    """A lookup file that cannot be used as a table; the message says why and where."""


class ColumnError(TableError):
    """A lookup file without a column that it should have."""

    def __init__(self, column: str, columns: Iterable[str]) -> None:
        self.column = column
        known = ", ".join(f"`{name}`" for name in columns) or "none"
        super().__init__(f"it has no column `{column}`; its columns are {known}")


def read_table(path: Path, key: str, value: str) -> Mapping[str, str]:
    """Return the table of a CSV file with a header line: key column to value column.

    Raises TableError for a file that is missing, not UTF-8, without the columns, or that gives one
    key two values.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(csv.DictReader(file, strict=True), key, value)
    except FileNotFoundError:
        raise TableError("it does not exist") from None
    except OSError as error:
        raise TableError(f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise TableError(f"it is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise TableError(f"it is not CSV: {error}") from None


def _table(rows: csv.DictReader[str], key: str, value: str) -> Mapping[str, str]:
    columns = rows.fieldnames or ()
    for column in (key, value):
        if column not in columns:
            raise ColumnError(column, columns)
    table: dict[str, str] = {}
    for row in rows:
        found, gives = row[key], row[value]
        if found is None or gives is None:
            raise TableError(f"line {rows.line_num} has too few columns")
        if table.setdefault(found, gives) != gives:
            raise TableError(f"line {rows.line_num} gives `{found}` a second value")
    return table
