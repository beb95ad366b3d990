"""JSON and JSON Lines: a record is an object, which members may wrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec

from mapgen.agreed.plan import Form, Plan
from mapgen.runtime.annotations import fields_of
from mapgen.runtime.members import are_escaped
from mapgen.runtime.source import decoder_of, patient
from mapgen.runtime.sources.entity import remade
from mapgen.runtime.sources.envelope import BareDecoder, Envelope, lacks_all, members_of
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.kind import Doubted, Source, looked_at
from mapgen.runtime.sources.records import JsonValue, RawRecord, decode, read_records
from mapgen.runtime.sources.typed import TypedReader


class JsonFiles:
    """Files of JSON."""

    def __init__(self, form: Form) -> None:
        """Prepare for files of a form."""
        self.envelope = Envelope(form)

    def records(
        self,
        stream: BinaryIO,
        name: str,
        _: tuple[str, ...] = (),
        decoder: msgspec.json.Decoder[Any] | BareDecoder | None = None,
        /,
    ) -> Iterator[RawRecord]:
        """Return the records of a file; its name tells JSON Lines from JSON."""
        envelope = self.envelope
        bare = decoder if isinstance(decoder, BareDecoder) else None
        known = decoder.decoder if isinstance(decoder, BareDecoder) else decoder
        found = read_records(stream, name, envelope.names, known, envelope.own)
        return envelope.opened(found, bare) if envelope.names else found

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow, of records as they are or as something is made of them."""
        made = remade(plan, kind)
        if made is None and not are_escaped(kind):
            return JsonRecords(self, plan, kind)
        return RemadeRecords(self, plan, kind, made or (lambda value: value))


class _Records:
    """What records of JSON have in common."""

    def __init__(self, files: JsonFiles, plan: Plan, kind: type[msgspec.Struct]) -> None:
        """Prepare for a kind of records."""
        self._files = files
        self._envelope = files.envelope
        self._plan = plan
        self._kind = kind
        self.passed = self._envelope.passed

    def unwrapped(self, raw: RawRecord) -> Iterator[RawRecord]:
        """Return what a record that comes by itself holds."""
        return self._envelope.opened(iter([raw])) if self._envelope.names else iter([raw])

    def value(self, record: Record) -> JsonValue:
        """Return what the record says. Raises RuleError."""
        assert isinstance(record, RawRecord)
        value = decode(record)
        self._envelope.demand(value, self._kind)
        return value


class JsonRecords(_Records):
    """Records whose bytes are decoded as the struct."""

    def __init__(self, files: JsonFiles, plan: Plan, kind: type[msgspec.Struct]) -> None:
        """Prepare for a kind of records."""
        super().__init__(files, plan, kind)
        self._decoder: msgspec.json.Decoder[Any] | BareDecoder = decoder_of(kind)
        self._typed = TypedReader(kind)
        self._members = members_of(kind)
        # Without a member that each record has, anything would be one.
        is_any = not any(field.required for field in fields_of(kind))
        is_doubtful = is_any and bool(self._envelope.names)
        self.read: Callable[[Any], Any | None] = (
            self._read_some if is_doubtful else self._typed.read
        )
        if not is_any and self._envelope.names:
            self._decoder = BareDecoder(kind, self._envelope, plan.source)

    def records(self, stream: BinaryIO, name: str) -> Iterator[RawRecord]:
        """Return the records of a file, most of them decoded where they are cut out of it."""
        return self._files.records(stream, name, (), None if self._plan.joins else self._decoder)

    def _read_some(self, raw: RawRecord) -> Any | None:
        found = self._typed.read(raw)
        is_one = found is not None and any(
            one is not None for one in msgspec.structs.astuple(found)
        )
        return found if is_one else None

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of a record with its errors."""
        assert isinstance(record, RawRecord)
        if record.errors:
            return record.decoded, record.errors
        root = self._plan.source
        found = self._typed.errors(record, root)
        # What nothing is known of is no record, where records may be in an envelope.
        if found is not None and self._envelope.names and lacks_all(found[1], root, self._members):
            found = None
        return found or patient(self.value(record), self._kind, root)


class RemadeRecords(_Records):
    """Records of JSON that something is made of first, and then the struct."""

    def __init__(
        self,
        files: JsonFiles,
        plan: Plan,
        kind: type[msgspec.Struct],
        made: Callable[[JsonValue], JsonValue],
    ) -> None:
        """Prepare for a kind of records, of which `made` makes what the struct is made of."""
        super().__init__(files, plan, kind)
        self._made = made

    def records(self, stream: BinaryIO, name: str) -> Iterator[RawRecord]:
        """Return the records of a file."""
        return self._files.records(stream, name)

    def read(self, record: Record) -> None:
        """Leave each to be looked at."""

    def doubted(self, record: Record) -> Doubted:
        """Return the struct of a record with its errors."""
        return looked_at(self.value(record), self._kind, self._plan.source)

    def value(self, record: Record) -> JsonValue:
        """Return what is made of what the record says."""
        return self._made(super().value(record))
