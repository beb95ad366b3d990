"""Records of the tenant in a database: found by id, by keys, and by what a field says."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import msgspec

from mapgen.disk.private import make_private
from mapgen.report import Stopped
from mapgen.report.catalogue import sandbox as catalogue

_APPLICATION_ID = 0x4D53_4258
_FORMAT = 2
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (entity TEXT, id TEXT, key TEXT, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON record (entity, id);
CREATE INDEX IF NOT EXISTS by_key ON record (entity, key);
CREATE TABLE IF NOT EXISTS file
    (id TEXT PRIMARY KEY, record TEXT, name TEXT, comment TEXT, content BLOB, versions INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS by_name ON file (record, name);
CREATE TABLE IF NOT EXISTS fact (kind TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, name))
"""


class CustomValue(msgspec.Struct, frozen=True):
    """A field that the contract does not have: its `type` member and its value."""

    type: str
    value: object = None


class Record(msgspec.Struct, omit_defaults=True):
    """One record, or one line or part of it. `errors` is what a save finds wrong, by field."""

    entity: str
    id: str = msgspec.field(default_factory=lambda: str(uuid4()))
    values: dict[str, object] = {}
    linked: dict[str, Record] = {}
    details: dict[str, list[Record]] = {}
    note: str | None = None
    custom: dict[str, CustomValue] = {}
    is_archived: bool = False
    errors: dict[str, str] = {}

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

    def parts(self) -> Iterator[Record]:
        """Yield the parts and lines of this record, not theirs."""
        yield from self.linked.values()
        for lines in self.details.values():
            yield from lines

    def failures(self) -> Iterator[Record]:
        """Yield this record and every part of it that has an error."""
        if self.errors:
            yield self
        for part in self.parts():
            yield from part.failures()


class AttachedFile(msgspec.Struct, frozen=True):
    """A file of a record: `versions` is how often one of this name was put there."""

    id: str
    name: str
    comment: str
    content: bytes
    versions: int


_DECODER = msgspec.json.Decoder(Record, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Among:
    """What an index answers: the text at a `path` (`MainContact/Email`) is one of `values`."""

    path: str
    values: frozenset[str]


class Store:
    """All records by entity, and facts beside them, in a file or in memory.

    Invariant: a record that was read is the reader's own; only `save` changes what is stored. Each
    `save` is one transaction, together with the numbers that were taken for it.
    """

    def __init__(self, keys: Mapping[str, Sequence[str]], path: Path | None = None) -> None:
        self._keys = keys
        self._database = _open(path)
        self._indexed: set[str] = set()

    def all(self, entity: str, among: Among | None = None) -> list[Record]:
        """Return the records of an entity in the order of their keys."""
        if among is None:
            return self._read("WHERE entity = ? ORDER BY key", entity)
        index, place = self._index(among.path)
        marks = ",".join("?" * len(among.values))
        return self._read(
            f"INDEXED BY {index} WHERE entity = ? AND {place} IN ({marks}) ORDER BY key",
            entity,
            *map(folded, among.values),
        )

    def by_id(self, entity: str, record_id: str) -> Record | None:
        found = self._read("WHERE entity = ? AND id = ?", entity, record_id.lower())
        return found[0] if found else None

    def by_keys(self, entity: str, keys: Sequence[str]) -> Record | None:
        """Return the record with these keys; case and padding do not matter to the database."""
        found = self._read("WHERE entity = ? AND key = ?", entity, _key(keys))
        return found[0] if found else None

    def counts(self) -> dict[str, int]:
        """Return how many records there are of each entity that has some."""
        words = "SELECT entity, count(*) FROM record GROUP BY entity ORDER BY entity"
        return dict(self._database.execute(words).fetchall())

    def save(self, record: Record) -> None:
        values = [record.values.get(name) for name in self._keys.get(record.entity, ())]
        is_keyed = bool(values) and all(value is not None for value in values)
        key = _key(map(str, values)) if is_keyed else None
        row = (record.entity, record.id, key, _ENCODER.encode(record).decode())
        with self._database:
            self._database.execute(
                "INSERT INTO record (entity, id, key, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (entity, id) DO UPDATE SET key = excluded.key, body = excluded.body",
                row,
            )

    def delete(self, record: Record) -> None:
        with self._database:
            words = "DELETE FROM record WHERE entity = ? AND id = ?"
            self._database.execute(words, (record.entity, record.id))

    def attach(self, record: Record, name: str, comment: str, content: bytes) -> str:
        """Keep a file of a record, in the place of one of this name; return its id."""
        with self._database:
            found = self._database.execute(
                "INSERT INTO file (id, record, name, comment, content, versions)"
                " VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (record, name) DO UPDATE SET"
                " comment = excluded.comment, content = excluded.content, versions = versions + 1"
                " RETURNING id",
                (str(uuid4()), record.id, name, comment, content),
            ).fetchone()
        return str(found[0])

    def files(self, record: str) -> list[AttachedFile]:
        """Return the files of a record, by its id, in the order in which they came."""
        return self._files("record = ? ORDER BY rowid", record)

    def file(self, name: str) -> AttachedFile | None:
        """Return a file by its id."""
        return next(iter(self._files("id = ?", name)), None)

    def _files(self, chosen: str, value: str) -> list[AttachedFile]:
        words = f"SELECT id, name, comment, content, versions FROM file WHERE {chosen}"
        return [AttachedFile(*row) for row in self._database.execute(words, (value,))]

    def next_number(self, entity: str, series: str, first: str) -> str:
        """Take the next number of a series, counting on from `first`; a gap is never filled."""
        name = f"{entity}/{series}"
        last = self.facts("number").get(name)
        number = _successor(last) if isinstance(last, str) else first
        self._write_fact("number", name, number)
        return number

    def keep(self, kind: str, name: str, fact: object) -> None:
        """Keep a JSON fact that is no record: a counter, a grant."""
        with self._database:
            self._write_fact(kind, name, fact)

    def facts(self, kind: str) -> dict[str, object]:
        rows = self._database.execute("SELECT name, body FROM fact WHERE kind = ?", (kind,))
        return {name: msgspec.json.decode(body) for name, body in rows}

    def close(self) -> None:
        self._database.close()

    def _read(self, chosen: str, *values: str) -> list[Record]:
        rows = self._database.execute(f"SELECT body FROM record {chosen}", values)
        return [_DECODER.decode(body) for (body,) in rows]

    def _index(self, path: str) -> tuple[str, str]:
        """Return the index of a field's text and what it holds; the first who asks makes it."""
        *parts, name = path.split("/")
        inner = "".join(f'."linked"."{part}"' for part in parts)
        index = f'"by {path}"'
        place = f"""folded(ifnull(json_extract(body, '${inner}."values"."{name}"'), ''))"""
        if path not in self._indexed:
            self._database.execute(
                f"CREATE INDEX IF NOT EXISTS {index} ON record (entity, {place})"
            )
            self._indexed.add(path)
        return index, place

    def _write_fact(self, kind: str, name: str, fact: object) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO fact (kind, name, body) VALUES (?, ?, ?)",
            (kind, name, _ENCODER.encode(fact).decode()),
        )


def folded(text: str) -> str:
    """Return a text as the database compares it: case and padding at its end do not count."""
    return text.rstrip().casefold()


def _key(keys: Iterable[str]) -> str:
    return "\x1f".join(map(folded, keys))


def _successor(number: str) -> str:
    """Return the next number: the digits at the end count up, `S20-100148` to `S20-100149`."""
    match = re.search(r"\d+$", number)
    if match is None:
        return f"{number}1"
    digits = match.group()
    return f"{number[: match.start()]}{int(digits) + 1:0{len(digits)}d}"


def _open(path: Path | None) -> sqlite3.Connection:
    """Open the state file, or make it. Raises Stopped where the file is something else."""
    name = ":memory:" if path is None else path.name
    try:
        database = sqlite3.connect(path or name, check_same_thread=False)
        owner = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and (owner != _APPLICATION_ID or version != _FORMAT):
            raise Stopped([catalogue.foreign_state(path=name)])
        if path is not None:
            with suppress(OSError):  # SQLite reports what cannot be opened
                make_private(path)
        # A killed process loses nothing that the log holds; only a machine that loses power could.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_FORMAT}")
        database.create_function("folded", 1, folded, deterministic=True)
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        raise Stopped([catalogue.unusable_state(path=name, reason=str(error))]) from None
    return database
