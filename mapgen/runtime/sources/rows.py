"""Rows of cells in, a flow's records out, whatever format the rows are read of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from mapgen.agreed.plan import Plan
from mapgen.runtime.sources.cells import needed_columns, typed_cells
from mapgen.runtime.sources.columns import CsvReader
from mapgen.runtime.sources.entity import remade
from mapgen.runtime.sources.groups import Record, grouped, needed_for
from mapgen.runtime.sources.kind import Doubted, Files, looked_at
from mapgen.runtime.sources.records import JsonValue, RawRecord, decode
from mapgen.runtime.sources.spelling import Spelling


class RowRecords:
    """Records that are a row each, or all rows of one key."""

    def __init__(self, files: Files, plan: Plan, kind: type[msgspec.Struct]) -> None:
        """Prepare for a kind of records."""
        self._files = files
        self._plan = plan
        self._kind = kind
        self._made = remade(plan, kind)
        self._spelling = Spelling(plan.form)
        self._reader = CsvReader(kind, self._spelling)
        self.passed = Counter[str]()

    def records(self, stream: BinaryIO, name: str) -> Iterator[Record]:
        """Return the records of a file, rows of one key together where the flow groups them."""
        group, joins = self._plan.group, self._plan.joins
        if group is not None:
            needed = needed_for(self._kind, group)
            return grouped(self._files.records(stream, name, needed), group)
        columns = (column for column in needed_columns(self._kind) if column not in joins)
        return self._files.records(stream, name, tuple(columns))

    def unwrapped(self, raw: RawRecord) -> Iterator[RawRecord]:
        """Return a record as it is: rows are in no envelope."""
        return iter([raw])

    def read(self, record: Record) -> Any | None:
        """Return the struct of a record; of one that something is joined to, it is told later."""
        return None if isinstance(record, RawRecord) else self._reader.read(record)

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of a record with its errors."""
        return looked_at(self.value(record), self._kind, self._plan.source)

    def value(self, record: Record) -> JsonValue:
        """Return the record as an object, with numbers and flags where it is to have some."""
        raw = decode(record) if isinstance(record, RawRecord) else record.named()
        value = typed_cells(raw, self._kind, self._spelling)
        return value if self._made is None else self._made(value)
