"""Rows of CSV in, records of several rows out: those that are together and have one key.

Memory holds the rows of one record, and a hash of each key that has been.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, cast

import msgspec
from msgspec import Struct, field

from mapgen.agreed.plan import Group
from mapgen.runtime.annotations import fields_of, struct_of
from mapgen.runtime.errors import Unjoined
from mapgen.runtime.members import name_of
from mapgen.runtime.sources.cells import Row, getter, named, needed_columns
from mapgen.runtime.sources.records import LONGEST_RECORD, JsonValue, RawRecord

_Key = Sequence[str]


class RowGroup(msgspec.Struct, frozen=True):
    """A record of several rows: those of one file that have one key."""

    number: int
    line: int
    group: Group
    header: tuple[str, ...]
    rows: list[list[str]]

    broken: ClassVar[None] = None

    def named(self) -> dict[str, JsonValue]:
        """Return the cells of the key by their names, and the rows as a list of objects."""
        rows = [named(self.header, cells) for cells in self.rows]
        key: dict[str, JsonValue] = {
            name: rows[0][name] for name in self.group.by if name in rows[0]
        }
        return key | {self.group.rows: cast(JsonValue, rows)}

    @property
    def data(self) -> bytes:
        """The record as a JSON object."""
        return msgspec.json.encode(self.named())


Record = RawRecord | Row | RowGroup
"""What a transformer takes: JSON, a row of CSV, or several."""


class _Open(Struct):
    """A record whose rows are still coming; `error` says why it will not be a whole one."""

    key: _Key
    line: int
    header: tuple[str, ...]
    rows: list[list[str]] = field(default_factory=list)
    size: int = 0
    error: Unjoined | None = None

    def take(self, cells: list[str], size: int) -> None:
        """Add a row; a record that is too long holds none."""
        self.size += size
        if self.size <= LONGEST_RECORD:
            self.rows.append(cells)
            return
        self.rows.clear()
        message = f"the rows of the record are longer than {LONGEST_RECORD:,} bytes"
        self.error = self.error or Unjoined("R101", message)


def grouped(rows: Iterable[Row | RawRecord], group: Group) -> Iterator[RowGroup | RawRecord]:
    """Yield a record for all rows that follow each other and have one key.

    A row that cannot be read is told by itself. It may belong to the record before it or to the one
    after it: neither is whole then. A key that comes again further down makes no second record.

    Args:
        rows: the rows of a file.
        group: the columns of the key, and what the list of rows is called.
    """
    sealing = _Sealing(group)
    current: _Open | None = None
    unread: RawRecord | None = None
    key_of, names = None, 0
    for row in rows:
        if isinstance(row, RawRecord):
            unread = unread or row
            yield sealing.unread(row)
            continue
        if key_of is None:
            key_of = getter([row.header.index(name) for name in group.by])
            names = sum(len(name) + len(',"":""') for name in row.header)
        key = key_of(row.cells)
        if current is None or key != current.key:
            if current is not None:
                yield sealing.sealed(current, unread)
            current = _Open(key, row.line, row.header)
            if unread is not None:
                current.error = _incomplete(unread)
        elif unread is not None:
            current.error = current.error or _incomplete(unread)
        unread = None
        current.take(row.cells, names + sum(map(len, row.cells)))
    if current is not None:
        yield sealing.sealed(current, unread)


def _incomplete(unread: RawRecord) -> Unjoined:
    message = f"a row that may belong to the record cannot be read, in line {unread.line}"
    return Unjoined("R101", f"{message}: {unread.broken}")


class _Sealing:
    """Makes records of groups, and remembers which keys there have been."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._seen: dict[bytes, int] = {}
        self._number = 0

    def unread(self, row: RawRecord) -> RawRecord:
        """Return a row that cannot be read as a record that cannot be."""
        self._number += 1
        return RawRecord(self._number, row.line, b"", row.broken)

    def sealed(self, found: _Open, unread: RawRecord | None) -> RowGroup | RawRecord:
        """Return the record of a group.

        Args:
            found: the group, which has all its rows.
            unread: a row behind it that cannot be read.
        """
        self._number += 1
        error = found.error
        if error is None and unread is not None:
            error = _incomplete(unread)
        first = self._seen.setdefault(_hash(found.key), found.line)
        if first != found.line:
            names = " and ".join(f"`{name}`" for name in self._group.by)
            message = f"the rows of one {names} are not together: others begin in line {first}"
            error = Unjoined("R104", message)
        if error is None:
            return RowGroup(self._number, found.line, self._group, found.header, found.rows)
        data = msgspec.json.encode(named(self._group.by, found.key))
        return RawRecord(self._number, found.line, data, members={self._group.rows: error})


def _hash(key: _Key) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(key), digest_size=16).digest()


def needed_for(kind: type, group: Group) -> tuple[str, ...]:
    """Return the columns that a file needs: those of the key, and what every row has.

    Args:
        kind: the struct that a record is to become.
        group: the columns of the key, and what the list of rows is called.
    """
    fields = {name_of(field): field.type for field in fields_of(kind)}
    row = struct_of(fields.get(group.rows))
    return tuple(dict.fromkeys((*group.by, *(needed_columns(row) if row is not None else ()))))
