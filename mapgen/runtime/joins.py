"""Joined files in, records with what belongs to them out.

A joined file is read once, into a table on disk that has an index on its key; it is gone with the
run. Memory holds a few pages of it, and a bit for each record.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from itertools import chain
from typing import Literal, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import member_path
from mapgen.agreed.plan import Form, Join, JoinKey, Plan
from mapgen.runtime.errors import RuleError, Unjoined
from mapgen.runtime.outcome import ErrorReport, Origin, Rejected
from mapgen.runtime.source import TypeMismatch, unfit
from mapgen.runtime.sources.cells import Row, whole_number
from mapgen.runtime.sources.entity import unwrapped, unwrapped_value
from mapgen.runtime.sources.envelope import raw_decoder
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.records import LONGEST_RECORD, JsonValue, RawRecord, decode

_SHAPE = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -16384;
    CREATE TABLE record (position INTEGER PRIMARY KEY, key TEXT NOT NULL, data BLOB NOT NULL);
"""
_AT_A_TIME = 256 * 1024
_INSERT = "INSERT INTO record (position, key, data) VALUES (?, ?, ?)"
_BELONGING = "SELECT position, data FROM record WHERE key = ? ORDER BY position"
_COUNT = "SELECT count(*) FROM record WHERE key = ?"
_own_value = json.JSONDecoder(parse_float=Decimal).decode
_TYPES: Mapping[str, type] = {"string": str, "int": int}


class IndexingError(Exception):
    """The index of a joined file cannot be kept on disk; the message says why."""


class UnfitKey(Exception):
    """A record whose key cannot be read: the member, and what is wrong with it."""

    def __init__(self, member: str, error: RuleError) -> None:
        super().__init__(member)
        self.member = member
        self.error = error


class JoinedFile(Struct, frozen=True):
    """A file that is joined: its name, and its records.

    One that `is_input` holds the records of the flow as well: what has the key of the join is
    joined, and is no record of the flow, and the other way round.
    """

    name: str
    records: Iterable[Row | RawRecord]
    is_input: bool = False


Calculated = Mapping[str, str | int | Unjoined | None]
"""What the keys of joins come to that are calculated: by function, or why one cannot be."""


# Whether a record has the key of a join, and what it asks for; with the key alone; with that alone.
_Chosen = Literal["ours", "others", "keyless", "unasked"]


class Choice:
    """Tells which records of a file a join takes, where it does not take all."""

    def __init__(self, join: Join) -> None:
        """Prepare for the records of a join."""
        self._key = tuple(pair.member for pair in join.on)
        self._where = join.where
        self._names = tuple(dict.fromkeys((*self._key, *self._where)))
        self._members = raw_decoder("Chosen", self._names)

    def of(self, record: Record) -> _Chosen | None:
        """Return what a record is to the join; None for what cannot be read."""
        if isinstance(record, Row):
            cells = dict(zip(record.header, record.cells, strict=True))
            texts = {name: cells.get(name) or None for name in self._names}
        else:
            try:
                found = msgspec.structs.astuple(self._members.decode(record.data))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return None
            texts = {name: _text(raw) for name, raw in zip(self._names, found, strict=True)}
        is_asked_for = all(_is_like(texts[name], words) for name, words in self._where.items())
        if any(texts[name] is None for name in self._key):
            return "keyless" if is_asked_for else "unasked"
        return "ours" if is_asked_for else "others"


def _text(member: msgspec.Raw) -> str | None:
    """Return a text, or another value as it is written; None for what is missing."""
    data = bytes(member)
    if data in (b"", b"null"):
        return None
    return str(_own_value(data.decode("utf-8", "replace"))) if data[:1] == b'"' else data.decode()


def _is_like(text: str | None, words: str) -> bool:
    if text is None:
        return False
    return text.startswith(words[:-1]) if words.endswith("*") else text == words


class Joins:
    """All that is joined to the records of one run."""

    def __init__(
        self,
        plan: Plan,
        files: Mapping[str, JoinedFile],
        calculated: Callable[[Record], Calculated] = lambda _: {},
    ) -> None:
        """Make ready; nothing is read yet.

        Args:
            plan: the flow with its joins.
            files: the files by the names of the joins; a member without one is in the records.
            calculated: gives the keys that are calculated of a record.
        """
        self._plan = plan
        joined = [join for name, join in plan.joins.items() if name in files]
        is_any = any(key.function is not None for join in joined for key in join.on)
        self._calculated = calculated if is_any else None
        self._choices = [Choice(plan.joins[name]) for name, one in files.items() if one.is_input]
        self.strangers = 0
        self._open = ExitStack()
        self._indices = {
            name: self._open.enter_context(
                closing(_Index(plan.joins[name], file, f"{plan.source}.{name}"))
            )
            for name, file in files.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self) -> Iterator[Rejected]:
        """Read all files; yield the records of them that cannot be joined to anything.

        Raises IndexingError.
        """
        self.strangers = 0
        with _told():
            for index in self._indices.values():
                yield from index.read()

    def is_child(self, record: Record) -> bool:
        """Whether a record of the input has the key of a join, so that it is none of the flow.

        What no join takes of them is counted as `strangers`.
        """
        if not self._choices:
            return False
        found = {choice.of(record) for choice in self._choices}
        self.strangers += "ours" not in found and "others" in found
        return not found.isdisjoint(("ours", "others"))

    def joined(self, record: Record) -> Record:
        """Return a record with what belongs to it. Raises IndexingError."""
        if not self._indices or record.broken is not None:
            return record
        raw = (
            record
            if isinstance(record, RawRecord)
            else RawRecord(record.number, record.line, record.data)
        )
        own = _members(raw.data)
        if own is None:
            return raw  # what is no object is reported when it is decoded
        members = {**raw.members}
        calculated = {} if self._calculated is None else self._calculated(record)
        for name, index in self._indices.items():
            with _told():
                found = index.found(own, self._plan, calculated)
            if found is not None:
                members[name] = found
        return replace(raw, members=members)

    def unasked(self) -> Mapping[str, int]:
        """Return how many records of each file belong to no record, where there are any."""
        counts = {index.file.name: index.unasked() for index in self._indices.values()}
        return {name: count for name, count in counts.items() if count}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexingError(str(error).lower()) from None


def _members(data: bytes) -> Mapping[str, msgspec.Raw] | None:
    """Return the members of a record without reading them."""
    try:
        return msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Index:
    """The records of one joined file by their key."""

    def __init__(self, join: Join, file: JoinedFile, path: str) -> None:
        self.file = file
        self._path = path
        self._join = join
        # Without a name it is a file of its own that SQLite deletes.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SHAPE)
        self._unread: Row | RawRecord | None = None
        self._records = self._asked = 0
        # Of each key that has been asked for, the bit of its first record is set.
        self._known = bytearray()

    def close(self) -> None:
        """Delete the table."""
        self._database.close()

    def read(self) -> Iterator[Rejected]:
        """Fill the table; yield the records that cannot be in it."""
        pairs = [(pair.member, pair) for pair in self._join.on]
        self._database.execute("BEGIN")
        rows: list[tuple[int, str, bytes]] = []
        size = 0
        is_chosen = self.file.is_input or bool(self._join.where)
        choice = Choice(self._join) if is_chosen else None
        for raw in self.file.records:
            if choice is not None and not self._takes(choice.of(raw), raw):
                continue
            try:
                value, data = self._decoded(raw)
                if not isinstance(value, dict):
                    raise unfit(value, dict)
                if self._join.reads is not None:
                    value = _unwrapped_key(value, pairs)
                    if value is None:  # no record can ask for it
                        self._records += 1
                        continue
                key = _key(value, pairs, self._join.form)
            except UnfitKey as unfit_key:
                place = member_path(self._path, unfit_key.member)
                yield self._rejected(raw, unfit_key.error, place)
            except RuleError as error:
                yield self._rejected(raw, error)
            else:
                rows.append((self._records, key, data))
                self._records += 1
                size += len(data)
                if size > _AT_A_TIME:
                    self._database.executemany(_INSERT, rows)
                    rows, size = [], 0
        self._database.executemany(_INSERT, rows)
        self._database.execute("COMMIT")
        self._database.execute("CREATE INDEX by_key ON record (key)")
        self._known = bytearray(self._records // 8 + 1)

    def _takes(self, chosen: _Chosen | None, raw: Row | RawRecord) -> bool:
        """Whether a record is one of the join, by what it was found to be."""
        if not self.file.is_input:
            return chosen not in ("others", "unasked")
        if chosen is None:  # it is reported as one of the input, and may be one of ours
            self._unread = self._unread or raw
        return chosen == "ours"

    def _decoded(self, raw: Row | RawRecord) -> tuple[JsonValue, bytes]:
        if isinstance(raw, RawRecord):
            return decode(raw), raw.data
        value: JsonValue = raw.named()
        return value, msgspec.json.encode(value)

    def _rejected(
        self, raw: Row | RawRecord, error: RuleError, place: str | None = None
    ) -> Rejected:
        self._unread = self._unread or raw
        origin = Origin(self.file.name, raw.number, raw.line)
        return Rejected(origin, (ErrorReport(error.code, error.message, source_path=place),))

    def found(
        self, own: Mapping[str, msgspec.Raw], plan: Plan, calculated: Calculated
    ) -> JsonValue | Unjoined:
        """Return what belongs to a record, or why nobody can tell; None for nothing."""
        values: dict[str, JsonValue] = {}
        for pair in self._join.on:
            if pair.function is not None:
                known = calculated[pair.function]
                if isinstance(known, Unjoined):
                    return known
                if known is None:
                    return self._keyless(pair.of)
                values[pair.of] = known
        try:
            members = (pair.of for pair in self._join.on if pair.function is None)
            plain = unwrapped_value if plan.reads is not None else _as_it_is
            for name in members:
                if name in own:
                    values[name] = plain(_own_value(bytes(own[name]).decode()))
            key = _key(values, [(pair.of, pair) for pair in self._join.on], plan.form)
        except UnfitKey as unfit_key:
            error = unfit_key.error
            return Unjoined(error.code, error.message, error.value, member=unfit_key.member)
        except ValueError:
            return None  # no JSON, which is reported when the record is decoded
        rows = iter(self._database.execute(_BELONGING, (key,)))
        first = next(rows, None)
        if first is not None:
            self._ask(first[0], key)
        records = (data for _, data in (() if first is None else chain([first], rows)))
        return self._one(records, key) if self._join.takes == "one" else self._many(records)

    def _keyless(self, of: str) -> JsonValue | Unjoined:
        """Return what belongs to a record without a part of the key: nothing."""
        if self._join.takes == "many":
            return []
        if self._join.on_missing == "omit":
            return None
        message = f"nothing of `{self.file.name}` belongs to it: `{of}` is missing"
        return Unjoined("R105", message, retry=self._join.on_missing == "retry")

    def _ask(self, position: int, key: str) -> None:
        """Count the records of a key where nobody has asked for them before."""
        at, bit = position // 8, 1 << position % 8
        if not self._known[at] & bit:
            self._known[at] |= bit
            self._asked += self._database.execute(_COUNT, (key,)).fetchone()[0]

    def _one(self, records: Iterator[bytes], key: str) -> JsonValue | Unjoined:
        first = next(records, None)
        if first is None:
            if self._join.on_missing == "omit":
                return self._incomplete() if self._unread is not None else None
            return self._missing(key)
        value = self._value(first)
        if any(data != first and not self._same(value, self._value(data)) for data in records):
            names = self._names
            message = f"`{self.file.name}` has two different records for its {names}"
            return Unjoined("R106", message)
        return value

    def _many(self, records: Iterator[bytes]) -> JsonValue | Unjoined:
        if self._unread is not None:
            return self._incomplete()
        rows: list[JsonValue] = []
        size = 0
        for data in records:
            size += len(data)
            if size > LONGEST_RECORD:
                message = f"what belongs to it in `{self.file.name}` is longer than"
                return Unjoined("R101", f"{message} {LONGEST_RECORD:,} bytes")
            rows.append(self._value(data))
        return rows

    def _missing(self, key: str) -> Unjoined:
        message = f"`{self.file.name}` has no record for its {self._names}"
        shown = None if self._join.is_personal else " and ".join(json.loads(key))
        return Unjoined("R105", message, shown, retry=self._join.on_missing == "retry")

    def _incomplete(self) -> Unjoined:
        assert self._unread is not None
        message = f"`{self.file.name}` cannot be read in line {self._unread.line}"
        return Unjoined(
            "R107", f"{message}, so that something of it may be missing here", retry=True
        )

    @property
    def _names(self) -> str:
        return " and ".join(f"`{pair.of}`" for pair in self._join.on)

    def _same(self, one: JsonValue, other: JsonValue) -> bool:
        """Whether two records say the same: the order of members aside, `1` and `true` apart."""
        reads = self._join.reads
        if reads is not None:  # what is not asked for differs from answer to answer
            one, other = unwrapped(one, reads.shape), unwrapped(other, reads.shape)
        return _canonical(one) == _canonical(other)

    def _value(self, data: bytes) -> JsonValue:
        return decode(RawRecord(1, 1, data))

    def unasked(self) -> int:
        """Return how many records belong to no record that has been asked for."""
        return self._records - self._asked


def _key(value: Mapping[str, JsonValue], pairs: Iterable[tuple[str, JoinKey]], form: Form) -> str:
    """Return the key of a record as text. Raises UnfitKey."""
    parts = [_part(value.get(name), name, pair.type, form) for name, pair in pairs]
    return msgspec.json.encode(parts).decode()


def _unwrapped_key(
    value: Mapping[str, JsonValue], pairs: Iterable[tuple[str, JoinKey]]
) -> dict[str, JsonValue] | None:
    """Return the key of an answer, None where a part of it is empty: that is usual in the ERP."""
    found = {name: unwrapped_value(value.get(name)) for name, _ in pairs}
    return None if None in found.values() else found


def _as_it_is(value: JsonValue) -> JsonValue:
    return value


def _part(found: JsonValue, name: str, kind: str, form: Form) -> str:
    if found is None:
        raise UnfitKey(name, RuleError("R103", f"`{name}` is missing"))
    if isinstance(found, TypeMismatch):
        raise UnfitKey(name, found.error)
    value = found
    if form.holds_cells and kind == "int" and isinstance(found, str):
        number = whole_number(found)
        value = found if number is None else number
    if isinstance(value, bool) or not isinstance(value, _TYPES[kind]):
        raise UnfitKey(name, unfit(found, _TYPES[kind]))
    return str(value)


def _canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, default=_as_json)


def _as_json(value: Decimal | TypeMismatch) -> JsonValue:
    if isinstance(value, TypeMismatch):
        return {"misfit": str(value.error.value)}
    return {"decimal": str(value.normalize())}
