"""What a kind of source is: files that hold records, and how a record becomes a flow's struct."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import msgspec

from mapgen.agreed.plan import Plan
from mapgen.runtime.errors import SourceError
from mapgen.runtime.source import patient, strict
from mapgen.runtime.sources.cells import Row
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.records import JsonValue, RawRecord

Doubted = tuple[Any, tuple[SourceError, ...]]
"""The struct of a record that is looked at whole, and what is wrong in it."""


class Source(Protocol):
    """The source of one flow. `passed` counts what a file holds beside records, by what it is."""

    passed: Counter[str]

    def records(self, stream: BinaryIO, name: str) -> Iterator[Record]:
        """Return the records of a file that is open for bytes.

        Reading them raises HeaderError for a file without the columns that every record has.
        """

    def unwrapped(self, raw: RawRecord) -> Iterator[RawRecord]:
        """Return what a record that comes by itself holds: one, without what it is wrapped in."""

    def read(self, record: Record) -> Any | None:
        """Return the struct of a record that is beyond doubt, None for one to be looked at."""

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of any record with its errors. Raises RuleError for no record."""

    def value(self, record: Record) -> JsonValue:
        """Return a record as the JSON that its struct is made of. Raises RuleError."""


class Files(Protocol):
    """Files of one form, whether they hold the records of a flow or what is joined to them."""

    def records(
        self, stream: BinaryIO, name: str, needed: tuple[str, ...], /
    ) -> Iterator[Row | RawRecord]:
        """Return the records of a file; raises HeaderError where it lacks a needed column."""

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow whose records are in such files."""


def looked_at(value: JsonValue, kind: type[msgspec.Struct], name: str) -> Doubted:
    """Return what a record becomes that is JSON; `name` is what it is called."""
    with contextlib.suppress(msgspec.ValidationError):
        return strict(value, kind), ()
    return patient(value, kind, name)
