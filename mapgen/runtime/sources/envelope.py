"""What records are wrapped in: records in, those inside them out.

A member that an envelope is called by is opened, whatever is beside it: an object, a list of
records, a text that holds either as JSON; and what is inside may be wrapped again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from operator import attrgetter, is_
from typing import Any

import msgspec
from msgspec.structs import replace

from mapgen.agreed.paths import member_path
from mapgen.agreed.plan import Form
from mapgen.runtime.annotations import fields_of
from mapgen.runtime.constraints import are_told, asks
from mapgen.runtime.doubted import DoubtedReader
from mapgen.runtime.errors import RuleError, SourceError
from mapgen.runtime.members import name_of
from mapgen.runtime.source import DOUBTS, decoder_of
from mapgen.runtime.sources.records import JsonValue, RawRecord

# The members of a message of a Singer tap that holds no record, by its type.
_MESSAGES: Mapping[str, str] = {"SCHEMA": "schema", "STATE": "value", "ACTIVATE_VERSION": "version"}
_DEEPEST = 32
_NOTHING = msgspec.Raw()
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_DAMAGE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Envelope:
    """The envelopes of one form of files; `passed` counts the messages that hold no record."""

    def __init__(self, form: Form) -> None:
        """Prepare for the names of a form."""
        tap = ("record",) if form.stream is not None else ()
        self.names = tuple(dict.fromkeys((*form.envelope, *tap)))
        self.own = frozenset(form.own)
        self.passed = Counter[str]()
        self._stream = form.stream
        self._is_tap = "record" in self.names
        told = ("type", "stream", *_MESSAGES.values(), "manifest") if self._is_tap else ()
        self._told = tuple(dict.fromkeys((*self.names, *told)))
        self._level = raw_decoder("Level", self._told)

    def opened(
        self, records: Iterator[RawRecord], decoder: BareDecoder | None = None
    ) -> Iterator[RawRecord]:
        """Yield what records hold that may be wrapped, numbered anew.

        Args:
            records: as they are in a file.
            decoder: by which most of them can be told to be bare, and are decoded at once.
        """
        self.passed.clear()
        known = (lambda _: None) if decoder is None else decoder.known
        number = 0
        for raw in records:
            found = known(raw) if raw.broken is None else raw
            for inner in (found,) if found is not None else self._inside(raw, decoder):
                number += 1
                yield inner if inner.number == number else replace(inner, number=number)

    def _inside(
        self, raw: RawRecord, decoder: BareDecoder | None, depth: int = 0
    ) -> Iterator[RawRecord]:
        if depth and decoder is not None and (bare := decoder.bare(raw)) is not None:
            yield bare
            return
        try:
            level = self._level.decode(raw.data)
        except _DAMAGE:
            yield raw  # no object, which is reported when it is decoded
            return
        members = dict(zip(self._told, msgspec.structs.astuple(level), strict=True))
        if self._is_tap and (why := self._passed(members)) is not None:
            if why:
                self.passed[why] += 1
            else:
                broken = "a BATCH message names files of records; let the tap send RECORD messages"
                yield replace(raw, data=b"", broken=broken)
            return
        held_by = [(name, held) for name in self.names if (held := _held(members[name]))]
        if any(name in self.own for name, _ in held_by) and len(_MEMBERS.decode(raw.data)) > 1:
            held_by = [(name, held) for name, held in held_by if name not in self.own]
        twice = next((name for name, _ in held_by if _is_twice(name, raw.data)), None)
        if twice is not None:
            yield replace(raw, data=b"", broken=f"duplicate key `{twice}` in one object")
        elif len(held_by) > 1:
            names = " and ".join(f"`{name}`" for name, _ in held_by)
            yield replace(raw, data=b"", broken=f"{names} are side by side, each an envelope")
        elif not held_by or depth > _DEEPEST:
            yield raw
        else:
            yield from self._unwrapped(raw, held_by[0][1], decoder, depth + 1)

    def _unwrapped(
        self, raw: RawRecord, inner: bytes, decoder: BareDecoder | None, depth: int
    ) -> Iterator[RawRecord]:
        """Yield what is in a member of a record."""
        if not inner.startswith(b"["):
            yield from self._inside(_placed(raw, inner), decoder, depth)
            return
        try:
            elements = _ELEMENTS.decode(inner)
        except _DAMAGE:
            yield _placed(raw, inner)
            return
        around = _placed(raw, inner)
        for element in elements:
            yield from self._inside(_placed(around, bytes(element)), decoder, depth)

    def _passed(self, members: Mapping[str, msgspec.Raw]) -> str | None:
        """Return what a message without a record of ours is called, None for what is none.

        What holds records elsewhere has no name.
        """
        kind = _text(members["type"])
        if kind == "RECORD" and self._stream is not None and bytes(members["record"]):
            is_ours = _text(members["stream"]) == self._stream
            return None if is_ours else "RECORD of another stream"
        if kind == "BATCH" and bytes(members["manifest"]):
            return ""
        sign = _MESSAGES.get(kind)
        return kind if sign is not None and bytes(members[sign]) else None

    def demand(self, value: JsonValue, kind: type[msgspec.Struct]) -> None:
        """Raise RuleError for an object in no envelope that has no member of a record either."""
        if not self.names or not isinstance(value, dict) or not value:
            return
        members = members_of(kind)
        if members and not any(name in value for name in members):
            names = ", ".join(f"`{name}`" for name in self.names)
            lacks = ", ".join(f"`{name}`" for name in members[:3])
            message = f"no record in any envelope of {names}, nor one by itself: it has no {lacks}"
            raise RuleError("R101", message)


class BareDecoder:
    """Decodes records of a kind, and sees on the way whether a name of the envelope is in them."""

    def __init__(self, kind: type[msgspec.Struct], envelope: Envelope, root: str) -> None:
        """Prepare for records of a kind, which each have some member; `root`: how one is called."""
        own = {field.encode_name for field in fields_of(kind)}
        names = [name for name in envelope.names if name not in own]
        self.kind = msgspec.defstruct(kind.__name__, _raw_fields(names), bases=(kind,))
        self.decoder = decoder_of(self.kind)
        self._root = root
        self._members = members_of(kind)
        # Of what more is asked than types, the JSON has to be looked at.
        self._doubted = DoubtedReader(self.kind) if are_told(kind) and not asks(kind) else None
        self._is_bare = _all_absent(len(names))
        self._was_bare = True
        marks = (re.escape(json.dumps(name, ensure_ascii=False)) for name in names)
        opening = rf"[ \t\r\n]*\{{[ \t\r\n]*(?:{'|'.join(marks) or '(?!)'})[ \t\r\n]*:[ \t\r\n]*"
        self._envelope = re.compile(opening.encode() + rb"(?=\{)").match

    def known(self, raw: RawRecord) -> RawRecord | None:
        """Return a record that is bare, or alone in an envelope: first as the last one was."""
        found = self.bare(raw) if self._was_bare else self.alone(raw)
        if found is None:
            found = self.alone(raw) if self._was_bare else self.bare(raw)
            self._was_bare = self._was_bare is (found is None)
        return found

    def bare(self, raw: RawRecord) -> RawRecord | None:
        """Return a bare record, decoded; None for what may be wrapped, or is no record."""
        found: Any = raw.decoded
        if found is not None:
            return raw if self._is_bare(found) else None
        errors: tuple[SourceError, ...] = ()
        try:
            found = self.decoder.decode(raw.data)
        except msgspec.ValidationError as refusal:
            found, errors = self._doubtful(raw.data, str(refusal))
        except DOUBTS:
            return None
        if found is None or not self._is_bare(found):
            return None
        return RawRecord(
            raw.number, raw.line, raw.data, None, raw.column, raw.members, found, errors
        )

    def _doubtful(self, data: bytes, refusal: str) -> tuple[Any, tuple[SourceError, ...]]:
        """Return a record with errors inside it, and those; None where more has to be looked at."""
        # What is wrong with the whole of it, as the lack of a member, is so of an envelope, too.
        if self._doubted is None or " - at `$" not in refusal:
            return None, ()
        try:
            data.decode()  # what is skipped has to be text, too
            found, errors = self._doubted.read(data, self._root, refusal) or (None, ())
        except DOUBTS:
            return None, ()
        return (None, ()) if lacks_all(errors, self._root, self._members) else (found, errors)

    def alone(self, raw: RawRecord) -> RawRecord | None:
        """Return the bare record that is alone in an envelope; None for all else."""
        found = self._envelope(raw.data)
        if found is None:
            return None
        start, inner = found.end(), raw.data[found.end() : raw.data.rfind(b"}")].rstrip()
        try:
            decoded = self.decoder.decode(inner)
        except DOUBTS:
            return None
        if not self._is_bare(decoded):
            return None
        lines = raw.data.count(b"\n", 0, start)
        column = start - raw.data.rfind(b"\n", 0, start) if lines else raw.column + start
        return RawRecord(raw.number, raw.line + lines, inner, None, column, decoded=decoded)


def _all_absent(count: int) -> Callable[[Any], bool]:
    """Return what tells whether so many members that are read as they are are not there."""
    if count == 1:
        one = attrgetter("m0")
        return lambda found: one(found) is _NOTHING
    if count == 2:
        return lambda found: found.m0 is _NOTHING and found.m1 is _NOTHING
    names, absent = [f"m{at}" for at in range(count)], (_NOTHING,) * count
    several = attrgetter(*names, "__class__", "__class__")  # two at least, for a tuple
    return lambda found: all(map(is_, several(found), absent))


@cache
def members_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the members by which a record is known: those that each has, or else all."""
    fields = fields_of(kind)
    required = tuple(name_of(field) for field in fields if field.required)
    return required or tuple(name_of(field) for field in fields)


def lacks_all(errors: Iterable[SourceError], root: str, members: Iterable[str]) -> bool:
    """Whether a record has none of these members, by its errors; `root` is what it is called."""
    missing = {one.path for one in errors if one.error.code == "R103"}
    return all(member_path(root, name) in missing for name in members)


def raw_decoder(what: str, names: Iterable[str]) -> msgspec.json.Decoder[Any]:
    """Return what reads members of an object as they are there, empty where they do not."""
    return msgspec.json.Decoder(msgspec.defstruct(what, _raw_fields(names)))


def _raw_fields(names: Iterable[str]) -> list[tuple[str, type, Any]]:
    return [
        (f"m{at}", msgspec.Raw, msgspec.field(name=name, default=_NOTHING))
        for at, name in enumerate(names)
    ]


def _held(member: msgspec.Raw) -> bytes:
    """Return what an envelope holds as JSON; nothing where it is no object, list or such a text."""
    data = bytes(member)
    if data[:1] == b'"':
        data = _text(member).strip().encode("utf-8", "replace")
    return data if data[:1] in (b"{", b"[") else b""


def _is_twice(name: str, data: bytes) -> bool:
    """Whether an object has a member of a name twice, of which the last one alone is decoded."""
    mark = json.dumps(name, ensure_ascii=False).encode()
    if data.count(mark) < 2 and b"\\u" not in data:
        return False
    try:
        members = json.loads(data, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False  # what is wrong is reported when it is decoded
    return [member for member, _ in members].count(name) > 1


def _text(member: msgspec.Raw) -> str:
    """Return what a text says, nothing for what is none."""
    try:
        return str(_TEXT.decode(bytes(member)))
    except _DAMAGE:
        return ""


def _placed(raw: RawRecord, inner: bytes) -> RawRecord:
    """Return a part of a record as one, with its own place where it is there as it is."""
    at = max(raw.data.find(inner), 0)
    before = raw.data[:at]
    lines = before.count(b"\n")
    column = at - before.rfind(b"\n") if lines else raw.column + at
    return RawRecord(raw.number, raw.line + lines, inner, None, column)
