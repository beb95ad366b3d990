"""What records are wrapped in: records in, those inside them out.

A member that an envelope is called by is opened, whatever stands beside it: an object, a list of
records, a text that holds either as JSON; and what is inside may be wrapped again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mapgen.plan import Form
from mapgen.runtime.errors import RuleError
from mapgen.runtime.sources.records import JsonValue, RawRecord

# The members of a message of a Singer tap that holds no record, by its type.
_MESSAGES: Mapping[str, str] = {"SCHEMA": "schema", "STATE": "value", "ACTIVATE_VERSION": "version"}
_ALL_MESSAGES = (*_MESSAGES, "BATCH")
_DEEPEST = 32
_PLAIN_NAME = re.compile(r"[\w .-]+", re.ASCII)
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
        marks = (*self.names, *(_ALL_MESSAGES if self._is_tap else ()))
        self._marks = tuple(json.dumps(mark, ensure_ascii=False).encode() for mark in marks)
        self._are_plain = all(map(_PLAIN_NAME.fullmatch, self.names))
        told = ("type", "stream", *_MESSAGES.values(), "manifest") if self._is_tap else ()
        self._told = tuple(dict.fromkeys((*self.names, *told)))
        self._level = raw_decoder("Level", self._told)

    def opened(self, records: Iterator[RawRecord]) -> Iterator[RawRecord]:
        """Yield what records hold that may be wrapped, numbered anew."""
        self.passed.clear()
        number = 0
        for raw in records:
            if raw.broken is not None or not self._may_wrap(raw.data):
                number += 1
                yield raw if raw.number == number else replace(raw, number=number)
                continue
            for inner in self._inside(raw, 0):
                number += 1
                yield inner if inner.number == number else replace(inner, number=number)

    def _may_wrap(self, data: bytes) -> bool:
        """Whether a name of the envelope may be in a record; most records are told apart by it."""
        for mark in self._marks:
            if mark in data:
                return True
        return b"\\u" in data or not self._are_plain

    def _inside(self, raw: RawRecord, depth: int) -> Iterator[RawRecord]:
        try:
            level = self._level.decode(raw.data)
        except _DAMAGE:
            yield raw  # no object, which is told when it is decoded
            return
        members = dict(zip(self._told, msgspec.structs.astuple(level), strict=True))
        if self._is_tap and (why := self._passed(members)) is not None:
            if why:
                self.passed[why] += 1
            else:
                broken = "a BATCH message names files of records; let the tap send RECORD messages"
                yield replace(raw, data=b"", broken=broken)
            return
        found = [(name, held) for name in self.names if (held := _held(members[name]))]
        if any(name in self.own for name, _ in found) and len(_MEMBERS.decode(raw.data)) > 1:
            found = [(name, held) for name, held in found if name not in self.own]
        if len(found) > 1:
            names = " and ".join(f"`{name}`" for name, _ in found)
            yield replace(raw, data=b"", broken=f"{names} stand side by side, each an envelope")
        elif not found or depth > _DEEPEST:
            yield raw
        else:
            yield from self._unwrapped(raw, found[0][1], depth + 1)

    def _unwrapped(self, raw: RawRecord, inner: bytes, depth: int) -> Iterator[RawRecord]:
        """Yield what stands in a member of a record."""
        if not inner.startswith(b"["):
            yield from self._inside(_placed(raw, inner), depth)
            return
        try:
            elements = _ELEMENTS.decode(inner)
        except _DAMAGE:
            yield _placed(raw, inner)
            return
        around = _placed(raw, inner)
        for element in elements:
            yield from self._inside(_placed(around, bytes(element)), depth)

    def _passed(self, members: Mapping[str, msgspec.Raw]) -> str | None:
        """Return what a message without a record of ours is called, None for what is none.

        What holds records elsewhere has no name.
        """
        kind = bytes(members["type"]).strip(b'"').decode("utf-8", "replace")
        if kind == "RECORD" and self._stream is not None:
            stream = bytes(members["stream"])
            is_ours = stream and _TEXT.decode(stream) == self._stream
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


def members_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the members by which a record is known: those that each has, or else all."""
    fields = msgspec.structs.fields(kind)
    required = tuple(field.encode_name for field in fields if field.required)
    return required or tuple(field.encode_name for field in fields)


def members_decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    """Return what reads the members by which a record is known."""
    return raw_decoder("Members", members_of(kind))


def raw_decoder(what: str, names: Iterable[str]) -> msgspec.json.Decoder[Any]:
    """Return what reads members of an object as they stand there, empty where they do not."""
    fields = [
        (f"m{at}", msgspec.Raw, msgspec.field(name=name, default=_NOTHING))
        for at, name in enumerate(names)
    ]
    return msgspec.json.Decoder(msgspec.defstruct(what, fields))


def _held(member: msgspec.Raw) -> bytes:
    """Return what an envelope holds as JSON; nothing where it is no object, list or such a text."""
    data = bytes(member)
    if data[:1] == b'"':
        try:
            data = _TEXT.decode(data).strip().encode()
        except _DAMAGE:
            return b""
    return data if data[:1] in (b"{", b"[") else b""


def _placed(raw: RawRecord, inner: bytes) -> RawRecord:
    """Return a part of a record as one, with its own place where it stands there as it is."""
    at = max(raw.data.find(inner), 0)
    before = raw.data[:at]
    lines = before.count(b"\n")
    column = at - before.rfind(b"\n") if lines else raw.column + at
    return RawRecord(raw.number, raw.line + lines, inner, None, column)
