"""CSV: a record is a row below the header, or several that one key holds together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from mapgen.plan import Form, Plan
from mapgen.runtime.cells import Row, read_rows
from mapgen.runtime.records import RawRecord
from mapgen.runtime.sources.rows import RowRecords
from mapgen.runtime.sources.source import Source


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """Files of CSV."""

    form: Form

    def records(
        self, stream: BinaryIO, _: str, needed: tuple[str, ...], /
    ) -> Iterator[Row | RawRecord]:
        """Return the rows of a file."""
        return read_rows(stream, self.form.delimiter, needed, is_quoted=self.form.is_quoted)

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow whose records are rows."""
        return RowRecords(self, plan, kind)
