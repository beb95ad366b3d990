"""Records of the tenant: the store in memory, and a state file that survives a killed process."""

from __future__ import annotations

import copy
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast
from uuid import uuid4

import msgspec

from mapgen.private import make_private
from mapgen.report import Stopped
from mapgen.report.catalogue import sandbox as catalogue
from mapgen.sandbox.values import Value

_APPLICATION_ID = 0x4D53_4258
_FORMAT = 1
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A field that the contract does not have: its `type` member and its value."""

    type: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file attached to a record; the content is kept as base64 text."""

    id: str
    filename: str
    comment: str | None
    content: str


@dataclass(slots=True)
class Record:
    """One record or one line of it. A save works on a copy and puts it in place when it is good.

    `errors` holds what the save found wrong, by field; `sent` the names that the request named.
    """

    entity: str
    id: str = field(default_factory=lambda: str(uuid4()))
    values: dict[str, Value] = field(default_factory=dict)
    linked: dict[str, Record] = field(default_factory=dict)
    details: dict[str, list[Record]] = field(default_factory=dict)
    note: str | None = None
    custom: dict[str, CustomValue] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> Decimal:
        value = self.values.get(name)
        return Decimal(value) if isinstance(value, (int, Decimal)) else Decimal(0)

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def lines(self, name: str) -> list[Record]:
        return self.details.setdefault(name, [])

    def part(self, name: str) -> Record | None:
        return self.linked.get(name)

    def draft(self) -> Record:
        """Return a copy to work on, with a clean sheet of errors."""
        return copy.deepcopy(self)

    def failures(self) -> Iterator[Record]:
        """Yield this record and every part of it that has an error."""
        if self.errors:
            yield self
        for part in self.linked.values():
            yield from part.failures()
        for lines in self.details.values():
            for line in lines:
                yield from line.failures()


class Store:
    """All records by entity and id, found by key, numbered by series; kept in a file if asked.

    Invariant: nobody else changes a stored record; `save` puts another in its place. Each `save`
    outside `together` is one database transaction.
    """

    def __init__(self, keys: Mapping[str, Sequence[str]], path: Path | None = None) -> None:
        self._keys = keys
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._index: dict[tuple[str, ...], str] = {}
        self._facts: dict[str, dict[str, object]] = defaultdict(dict)
        self._database = None if path is None else _open(path)
        if self._database is not None:
            self._load(self._database)

    def all(self, entity: str, test: Callable[[Record], bool] | None = None) -> list[Record]:
        """Return the records of an entity that pass the test, in the order of their keys."""
        names = self._keys.get(entity, ())
        held = self._records[entity].values()
        return sorted(
            held if test is None else filter(test, held),
            key=lambda record: tuple(str(record.values.get(name, "")).casefold() for name in names),
        )

    def by_id(self, entity: str, record_id: str) -> Record | None:
        return self._records[entity].get(record_id.lower())

    def by_keys(self, entity: str, keys: Sequence[str]) -> Record | None:
        """Return the record with these keys; case and padding do not matter to the database."""
        found = self._index.get(_index_key(entity, keys))
        return None if found is None else self._records[entity][found]

    def save(self, *records: Record) -> None:
        """Put records in place, all in one transaction."""
        for record in records:
            self.forget(record)
            self._records[record.entity][record.id] = record
            keys = self._key_values(record)
            if keys is not None:
                self._index[_index_key(record.entity, keys)] = record.id
        self._write([(record.entity, record.id, _packed(record)) for record in records])

    def delete(self, record: Record) -> None:
        self.forget(record)
        self._write([(record.entity, record.id, None)])

    def forget(self, record: Record) -> None:
        """Take a record out of memory and of the index."""
        before = self._records[record.entity].pop(record.id, None)
        if before is not None:
            keys = self._key_values(before)
            if keys is not None:
                self._index.pop(_index_key(before.entity, keys), None)

    def next_number(self, entity: str, series: str, first: str) -> str:
        """Return the next number of a series, counting on from `first`; a gap is never filled."""
        key = f"{entity}/{series}"
        last = self._facts["number"].get(key)
        number = first if not isinstance(last, str) else _successor(last)
        self.keep("number", key, number)
        return number

    def keep(self, kind: str, name: str, fact: object) -> None:
        """Keep a JSON fact that is no record: a counter, a grant."""
        self._facts[kind][name] = fact
        self._write([(f"#{kind}", name, fact)])

    def drop(self, kind: str, name: str) -> None:
        self._facts[kind].pop(name, None)
        self._write([(f"#{kind}", name, None)])

    def facts(self, kind: str) -> Mapping[str, object]:
        return self._facts[kind]

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _key_values(self, record: Record) -> list[str] | None:
        names = self._keys.get(record.entity, ())
        values = [record.values.get(name) for name in names]
        if not values or any(value is None for value in values):
            return None
        return [str(value) for value in values]

    def _write(self, rows: list[tuple[str, str, object]]) -> None:
        if self._database is None:
            return
        with self._database:
            for kind, name, body in rows:
                if body is None:
                    self._database.execute(
                        "DELETE FROM thing WHERE kind = ? AND name = ?", (kind, name)
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO thing (kind, name, body) VALUES (?, ?, ?)",
                        (kind, name, _ENCODER.encode(body).decode()),
                    )

    def _load(self, database: sqlite3.Connection) -> None:
        for kind, name, body in database.execute("SELECT kind, name, body FROM thing"):
            fact = json.loads(body, parse_float=Decimal)
            if kind.startswith("#"):
                self._facts[kind[1:]][name] = fact
                continue
            record = _unpacked(fact)
            self._records[kind][record.id] = record
            keys = self._key_values(record)
            if keys is not None:
                self._index[_index_key(kind, keys)] = record.id


def _index_key(entity: str, keys: Sequence[str]) -> tuple[str, ...]:
    return (entity, *(key.rstrip().casefold() for key in keys))


def _successor(number: str) -> str:
    """Return the next number: the digits at the end count up, `S20-100148` to `S20-100149`."""
    match = re.search(r"\d+$", number)
    if match is None:
        return f"{number}1"
    digits = match.group()
    return f"{number[: match.start()]}{int(digits) + 1:0{len(digits)}d}"


def _keep_private(path: Path) -> None:
    """Let nobody else read what a rehearsal delivers; SQLite gives the files beside it its mode."""
    with suppress(OSError):  # what cannot be opened is told by SQLite
        make_private(path)


def _open(path: Path) -> sqlite3.Connection:
    """Open the state file, or make it. Raises Stopped where the file is something else."""
    try:
        database = sqlite3.connect(path, check_same_thread=False)
        owner = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and (owner != _APPLICATION_ID or version != _FORMAT):
            raise Stopped([catalogue.foreign_state(path.name)])
        _keep_private(path)
        # A killed process loses nothing that the log holds; only a machine that loses power could.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_FORMAT}")
        database.execute(
            "CREATE TABLE IF NOT EXISTS thing"
            " (kind TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID"
        )
    except sqlite3.DatabaseError as fault:
        raise Stopped([catalogue.unusable_state(path.name, str(fault))]) from None
    return database


def _packed(record: Record) -> dict[str, object]:
    return {
        "entity": record.entity,
        "id": record.id,
        "values": record.values,
        "linked": {name: _packed(part) for name, part in record.linked.items()},
        "details": {
            name: [_packed(line) for line in lines] for name, lines in record.details.items()
        },
        "note": record.note,
        "custom": {name: [value.type, value.value] for name, value in record.custom.items()},
        "files": [[file.id, file.filename, file.comment, file.content] for file in record.files],
    }


class _Packed(msgspec.Struct):
    """A record as the state file holds it."""

    entity: str
    id: str
    values: dict[str, object]
    linked: dict[str, _Packed]
    details: dict[str, list[_Packed]]
    note: str | None
    custom: dict[str, tuple[str, object]]
    files: list[tuple[str, str, str | None, str]]


def _unpacked(fact: object) -> Record:
    return _record(msgspec.convert(fact, _Packed))


def _record(packed: _Packed) -> Record:
    return Record(
        entity=packed.entity,
        id=packed.id,
        values=cast(dict[str, Value], packed.values),
        linked={name: _record(part) for name, part in packed.linked.items()},
        details={name: [_record(line) for line in lines] for name, lines in packed.details.items()},
        note=packed.note,
        custom={
            name: CustomValue(kind, cast(Value | None, value))
            for name, (kind, value) in packed.custom.items()
        },
        files=[StoredFile(*file) for file in packed.files],
    )
