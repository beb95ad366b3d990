"""Bytes in, source structs out in one step: the fast way into a flow, for records beyond doubt.

Whatever it takes, the patient way takes too (`records.decode`, then `source.patient`), and gives an
equal struct. What it does not take may still be a record that the patient way takes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mapgen.runtime.constraints import are_told, asks, keeps
from mapgen.runtime.doubted import DoubtedReader
from mapgen.runtime.errors import SourceError
from mapgen.runtime.source import DOUBTS, decoder_of
from mapgen.runtime.sources.records import RawRecord


class TypedReader:
    """Reads the records of one flow."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        """Prepare for a kind of records."""
        self._kind = kind
        self._decoder = decoder_of(kind)
        self._is_told = are_told(kind)
        self._asks = asks(kind)
        self._doubted = DoubtedReader(kind)
        # The record that was refused last, and what msgspec says of it.
        self._refused: tuple[RawRecord | None, str] = None, ""

    def read(self, raw: RawRecord) -> Any | None:
        """Return the struct of a record, None where the patient way has to look at it."""
        if raw.broken is not None or raw.members or raw.errors or not self._is_told:
            return None
        data = raw.data
        try:
            if not data.isascii():
                data.decode()  # what is skipped has to be text, too
            is_read = isinstance(raw.decoded, self._kind)
            record: Any = raw.decoded if is_read else self._decoder.decode(data)
        except DOUBTS as doubt:
            if isinstance(doubt, msgspec.ValidationError):
                self._refused = raw, str(doubt)
            return None
        return record if not self._asks or keeps(record, self._kind) else None

    def errors(self, raw: RawRecord, root: str) -> tuple[Any, tuple[SourceError, ...]] | None:
        """Return what `source.patient` does for the record that was not read.

        None where the whole of it has to be decoded.
        """
        refused, why = self._refused
        if refused is not raw or self._asks:
            return None
        try:
            return self._doubted.read(raw.data, root, why)
        except DOUBTS:
            return None
