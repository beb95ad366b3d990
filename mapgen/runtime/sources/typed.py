"""Bytes in, source structs out in one step: the fast way into a flow, for records beyond doubt.

Whatever it takes, the patient way takes too (`records.decode`, then `source.patient`), and gives an
equal struct. What it does not take may still be a record that the patient way takes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mapgen.runtime.constraints import are_told, asks, keeps
from mapgen.runtime.doubted import DoubtedReader
from mapgen.runtime.source import DOUBTS, SourceError, decoder_of
from mapgen.runtime.sources.records import RawRecord

_FIRST_NAME = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"([^"\\]*+)(\\?)')


class TypedReader:
    """Reads the records of one flow."""

    def __init__(self, kind: type[msgspec.Struct], envelope: tuple[str, ...]) -> None:
        """Prepare for a kind of records, and the members that they may be wrapped in."""
        self._kind = kind
        self._decoder = decoder_of(kind)
        self._wrapped = {name.encode(): decoder_of(_wrapper(name, kind)) for name in envelope}
        self._is_told = are_told(kind)
        self._asks = asks(kind)
        self._doubted = DoubtedReader(kind)
        # The record that was refused last, and what msgspec says of it.
        self._refused: tuple[RawRecord | None, str] = None, ""

    def read(self, raw: RawRecord) -> Any | None:
        """Return the struct of a record, None where the patient way has to look at it."""
        if raw.broken is not None or raw.members or not self._is_told:
            return None
        data, wrapped = raw.data, None
        try:
            if not data.isascii():
                data.decode()  # what is passed over has to be text, too
            if self._wrapped and (first := _FIRST_NAME.match(data)) is not None:
                if first[2]:
                    return None  # a name with escapes may be any
                wrapped = self._wrapped.get(first[1])
            if wrapped is not None:
                record = wrapped.decode(data).record
            elif type(raw.decoded) is self._kind:
                record = raw.decoded
            else:
                record = self._decoder.decode(data)
        except DOUBTS as doubt:
            if wrapped is None and isinstance(doubt, msgspec.ValidationError):
                self._refused = raw, str(doubt)
            return None
        return record if not self._asks or keeps(record, self._kind) else None

    def faults(self, raw: RawRecord, root: str) -> tuple[Any, tuple[SourceError, ...]] | None:
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


def _wrapper(name: str, kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return the struct of an object that holds nothing but a record."""
    members = [("record", kind)]
    return msgspec.defstruct(
        "Wrapper", members, rename={"record": name}, forbid_unknown_fields=True
    )
