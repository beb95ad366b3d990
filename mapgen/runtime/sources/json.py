"""JSON and JSON Lines: a record is an object, which a member may wrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from mapgen.plan import Form, Plan
from mapgen.runtime.source import decoder_of, patient
from mapgen.runtime.sources.cells import typed_members
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.kind import Doubted, Source, looked_at
from mapgen.runtime.sources.records import JsonValue, RawRecord, decode, read_records
from mapgen.runtime.sources.typed import TypedReader


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """Files of JSON."""

    form: Form

    def records(
        self, stream: BinaryIO, name: str, _: tuple[str, ...] = (), /
    ) -> Iterator[RawRecord]:
        """Return the records of a file; its name tells JSON Lines from JSON."""
        return read_records(stream, name, self.form.envelope)

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow; what is joined may come of cells, and is typed then."""
        cells = plan.members_of_cells
        if not cells:
            return JsonRecords(plan, kind)
        return RemadeRecords(self, plan, kind, lambda value: typed_members(value, kind, cells))


class JsonRecords:
    """Records whose bytes are decoded as the struct."""

    def __init__(self, plan: Plan, kind: type[msgspec.Struct]) -> None:
        """Prepare for a kind of records."""
        self._plan = plan
        self._kind = kind
        self._typed = TypedReader(kind, plan.form.envelope)
        self.read: Callable[[Any], Any | None] = self._typed.read

    def records(self, stream: BinaryIO, name: str) -> Iterator[RawRecord]:
        """Return the records of a file, most of them decoded where they are cut out of it."""
        known = None if self._plan.joins else decoder_of(self._kind)
        return read_records(stream, name, self._plan.form.envelope, known)

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of a record with its errors."""
        assert isinstance(record, RawRecord)
        found = self._typed.faults(record, self._plan.source)
        return found or patient(self.value(record), self._kind, self._plan.source)

    def value(self, record: Record) -> JsonValue:
        """Return what the record says."""
        assert isinstance(record, RawRecord)
        return decode(record, self._plan.form.envelope)


@dataclass(frozen=True, slots=True)
class RemadeRecords:
    """Records of JSON that something is made of first, and then the struct."""

    files: JsonFiles
    plan: Plan
    kind: type[msgspec.Struct]
    made: Callable[[JsonValue], JsonValue]

    def records(self, stream: BinaryIO, name: str) -> Iterator[RawRecord]:
        """Return the records of a file."""
        return self.files.records(stream, name)

    def read(self, record: Record) -> None:
        """Leave each to be looked at."""

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of a record with its errors."""
        return looked_at(self.value(record), self.kind, self.plan.source)

    def value(self, record: Record) -> JsonValue:
        """Return what is made of what the record says."""
        assert isinstance(record, RawRecord)
        return self.made(decode(record, self.files.form.envelope))
