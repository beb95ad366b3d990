"""Input files in, raw records out: a record at a time, whatever the size of the file.

JSON Lines, a JSON array, an object that wraps records (`{"orders": [...]}`), objects in a row. A
broken record is handed on as broken; the ones after it are read all the same.
"""

from __future__ import annotations

import decimal
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, cast

import msgspec
from msgspec.structs import replace

from mapgen.agreed.encodings import looks_like
from mapgen.agreed.formats import unpacked
from mapgen.runtime.errors import RuleError, SourceError, Unjoined
from mapgen.runtime.nesting import DEEPEST, is_deeper

LONGEST_RECORD = 16 * 1024 * 1024
CHUNK = 256 * 1024

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | Decimal | bool | None

# Strings are skipped whole, so that a bracket in a text is none.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(_STRING + rb'|["{}\[\]]', re.DOTALL)
_UP_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+", re.DOTALL)
_TO_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_OPENING_AFTER_NAME = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+([\[{])")
_NOTHING_YET = re.compile(rb"[ \t\r\n]*+:?[ \t\r\n]*+")
_NOT_SPACE = re.compile(rb"[^ \t\r\n,]")
_SCALAR_END = re.compile(rb"[ \t\r\n,\[\]{}\"]")
_CLOSING = {b"{": b"}", b"[": b"]"}
_ENDS = frozenset(_CLOSING.values())
_NOTHING_BEHIND = "nothing behind its start is read"
# What was skipped: a value, the file, or all before a list of records.
_Passed = Literal["value", "unclosed", "file", "list"]
# Borders that are tried before an object is gone through: a list inside may have the same.
_MOST_GUESSES = 16
_WHOLE_VALUE = msgspec.json.Decoder(msgspec.Raw)
UNTYPED = msgspec.json.Decoder(float_hook=Decimal)
# What stands for bytes that are no text in the encoding of their file: it is no UTF-8.
NO_TEXT = b"\xfe\xfe"
_DEPTHS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


class RawRecord(msgspec.Struct, frozen=True):
    """The bytes of one record, its 1-based number, line and column; `broken`: why it is none.

    `members` come to those of the bytes: what was joined, or why it could not be. `decoded` is what
    the bytes are as a type, where that was found out on the way, and `errors` are its errors.
    """

    number: int
    line: int
    data: bytes
    broken: str | None = None
    column: int = 1
    members: Mapping[str, JsonValue | Unjoined] = MappingProxyType({})
    decoded: object = None
    errors: tuple[SourceError, ...] = ()


def read_records(
    stream: BinaryIO,
    name: str,
    names: Iterable[str] = (),
    decoder: msgspec.json.Decoder[Any] | None = None,
    own: Container[str] = (),
) -> Iterator[RawRecord]:
    """Return the records of a file as they are there; memory holds one of them and one chunk.

    Args:
        stream: the file, open for bytes.
        name: its name; `.jsonl` and `.ndjson` are read line by line, all else by structure.
        names: members that lists of records may be in, and what holds such a member.
        decoder: what most records can be decoded by, so that it is done once.
        own: those of the names that a record may have itself: they count where they come first.
    """
    if unpacked(name).lower().endswith((".jsonl", ".ndjson")):
        return lines_of(stream)
    return _Splitter(stream, _Names(names, own), decoder).records()


def decode(raw: RawRecord) -> JsonValue:
    """Return the record's JSON, exactly: decimals as Decimal. Of a member's values the last counts.

    Raises RuleError (R101) for what is not JSON: bad UTF-8, NaN, half a surrogate pair.
    """
    text = text_of(raw)
    try:
        value: JsonValue = UNTYPED.decode(text)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        # Broken, or with numbers beyond what msgspec counts: slower, and telling where.
        value = _read(text, raw)
    if raw.members and isinstance(value, dict):
        # What could not be joined is in its member's place: it has the type of none.
        value.update(cast("Mapping[str, JsonValue]", raw.members))
    return value


def text_of(raw: RawRecord) -> str:
    """Return the text of a record. Raises RuleError (R101) where there is none."""
    if raw.broken is not None:
        raise RuleError("R101", raw.broken)
    try:
        return raw.data.decode("utf-8")
    except UnicodeDecodeError as error:
        at, data = error.start, raw.data
        if data.startswith(NO_TEXT, at):
            message = f"the record is no text in the encoding of its source, at {at}"
        else:
            message = f"the record is not UTF-8{looks_like(data)}: byte {data[at]:#04x} at {at}"
        raise RuleError("R101", message) from None


def _read(text: str, raw: RawRecord) -> JsonValue:
    try:
        value: JsonValue = json.loads(
            text, parse_float=_decimal, parse_int=_whole, parse_constant=_no_constant
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError as error:
        column = error.colno + (raw.column - 1 if error.lineno == 1 else 0)
        problem = error.msg.lower().removesuffix(" at")
        place = f"line {raw.line + error.lineno - 1}, column {column}"
        raise RuleError("R101", f"the record is not JSON: {problem} at {place}") from None
    except UnicodeEncodeError:
        raise RuleError("R101", "the record holds half of a surrogate pair") from None
    except RecursionError:
        raise RuleError("R101", "the record is nested too deep") from None
    return value


def decode_whole(raw: RawRecord) -> JsonValue:
    """Return the record's JSON as `decode` does, for what looks into each of its levels.

    Raises RuleError (R101) for what `decode` refuses, for what is nested too deep for that, and for
    a number beyond all bounds.
    """
    record = decode(raw)
    if is_deeper(record, DEEPEST):
        raise RuleError("R101", f"the record is nested deeper than {DEEPEST} levels")
    if _is_boundless(record):
        raise RuleError("R101", "the record holds a number beyond all bounds")
    return record


def _is_boundless(value: JsonValue) -> bool:
    match value:
        case dict():
            return any(_is_boundless(inner) for inner in value.values())
        case list():
            return any(_is_boundless(inner) for inner in value)
        case _:
            return isinstance(value, Decimal) and value.is_infinite()


def _whole(digits: str) -> JsonValue:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)  # Python counts so many digits no more


def _decimal(digits: str) -> JsonValue:
    try:
        return Decimal(digits)
    except decimal.InvalidOperation:
        return Decimal("Infinity")  # beyond all bounds: it is an amount to nobody


def _no_constant(word: str) -> JsonValue:
    raise RuleError("R101", f"`{word}` is not a JSON number")


def lines_of(stream: BinaryIO) -> Iterator[RawRecord]:
    """Yield the lines of a file that are not blank, each as a record that may be anything."""
    number = 0
    line = 0
    while data := stream.readline(LONGEST_RECORD + 1):
        line += 1
        broken = None
        if len(data) > LONGEST_RECORD:
            while not data.endswith(b"\n") and (data := stream.readline(CHUNK)):
                pass
            broken, data = f"the record is longer than {LONGEST_RECORD:,} bytes", b""
        elif line == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        if broken is None and (not data or data.isspace()):
            continue
        number += 1
        yield RawRecord(number, line, data.rstrip(b"\r\n"), broken)


def _unclosed(line: int) -> str:
    return f"a bracket of the record is not closed: nothing up to line {line} is a record"


class _Names:
    """The names that lead to a list of records, as they are in a file."""

    def __init__(self, names: Iterable[str], own: Container[str]) -> None:
        self._all = frozenset(json.dumps(name).encode() for name in names)
        self._others = frozenset(json.dumps(name).encode() for name in names if name not in own)

    def __bool__(self) -> bool:
        return bool(self._all)

    def leads(self, mark: bytes, *, is_first: bool) -> bool:
        """Whether a name leads on, which may be the first in its object."""
        return mark in (self._all if is_first else self._others)


class _Splitter:
    """Cuts a stream of JSON into its records by counting brackets outside of strings.

    Offsets count from the first byte that is not yet passed.
    """

    def __init__(
        self,
        stream: BinaryIO,
        names: _Names,
        decoder: msgspec.json.Decoder[Any] | None,
    ) -> None:
        self._names = names
        # How many objects lead here, each by a name: in the last of them the next name may come.
        self._led = 1
        self._stream = stream
        self._decoder = decoder
        self._decoded: object = None
        self._buffer = b""
        self._view = memoryview(self._buffer)
        self._start = 0
        self._line = 1
        self._column = 1
        self._number = 0
        self._is_broken = False
        # What stood around the last two records' border, and how long the last one was.
        self._seam = b""
        self._length = 0

    def records(self) -> Iterator[RawRecord]:
        """Yield each top-level value, and each element of a top-level or wrapped array."""
        while len(self._buffer) < 3 and self._more():
            pass
        self._start = 3 * self._buffer.startswith(b"\xef\xbb\xbf")
        while first := self._next():
            if first == b"[":
                self._pass(1)
                yield from self._list()
            elif (record := self._value(is_top=bool(self._names))) is not None:
                yield record
            else:
                yield from self._led_to()

    def _list(self) -> Iterator[RawRecord]:
        """Yield the elements of a list whose bracket is passed."""
        while first := self._next():
            if first == b"]":
                self._pass(1)
                return
            end = self._guessed() if first == b"{" else 0
            record = self._cut(end, None, self._decoded) if end else self._value()
            assert record is not None
            yield record
        if not self._is_broken:
            yield self._record(b"", "the file ends before the list of records is closed")

    def _led_to(self) -> Iterator[RawRecord]:
        """Yield the elements of a list that names led to; skip what is around it."""
        depth = self._led
        yield from self._list()
        self._led = depth
        while depth:
            mark, end = self._token(0)
            if not mark:
                self._pass(end)
                if not self._is_broken:
                    yield self._record(b"", "the file ends before the object around the records")
                return
            if mark == b'"':
                self._pass_string()
            elif depth == self._led and (start := self._list_after(mark, end)):
                name = json.loads(mark)
                yield self._record(b"", f"`{name}` is a second list of records in one object")
                self._pass(start)
                yield from self._list()
                self._led = depth
            else:
                self._pass(end)
                depth += _DEPTHS.get(mark, 0)
                if depth < self._led and mark in _ENDS:
                    self._led = max(depth, 1)

    def _value(self, *, is_top: bool = False) -> RawRecord | None:
        """Return the value that begins here; None when it is an object around a list of records.

        Names lead to the list in what `is_top`, and all up to its first element is passed.
        """
        if self._buffer[self._start : self._start + 1] not in b'{}[]"':
            return self._scalar()
        depth, offset = 0, 0
        self._led, is_first = 1, False
        opening = self._buffer[self._start : self._start + 1]
        while True:
            is_named = is_top and depth == self._led
            mark, end = self._token(offset) if is_named or not depth else self._bracket(offset)
            if not mark:
                return self._cut(end, f"the file ends inside the record: {_NOTHING_BEHIND}")
            if end > LONGEST_RECORD:
                place = self._line, self._column
                self._pass(offset)
                passed = self._pass_value(depth, _CLOSING.get(opening, b""), is_top=is_top)
                return None if passed == "list" else self._too_long(*place, passed)
            if is_named and (start := self._list_after(mark, end, is_first=is_first)):
                self._pass(start)
                return None
            offset, is_first = end, mark == b"{"
            depth += _DEPTHS.get(mark, 0)
            if depth < self._led and mark in _ENDS:
                self._led = max(depth, 1)
            if depth <= 0:
                is_closed = mark == _CLOSING.get(opening, mark)
                line = self._line + self._buffer.count(b"\n", self._start, self._start + offset)
                return self._cut(offset, None if is_closed else _unclosed(line))

    def _guessed(self) -> int:
        """Return where the object that begins here ends, if it borders on the next as the last did.

        What ends at such a border and is one whole value ends there; else 0: it has to be looked
        for.
        """
        if b"," not in self._seam:
            return 0
        offset, most = 0, min(4 * self._length + CHUNK // 16, LONGEST_RECORD)
        for _ in range(_MOST_GUESSES):
            found = self._border(self._start + offset, self._start + most)
            if found < 0:
                if self._left() < most and self._more():
                    continue
                return 0
            offset = found + 1 - self._start
            try:
                self._decode(self._view[self._start : found + 1])
            except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
                continue
            return offset
        return 0

    def _decode(self, value: memoryview) -> None:
        """Decode what may be a whole value. Raises what msgspec raises for what is none."""
        self._decoded = None
        if self._decoder is not None:
            try:
                self._decoded = self._decoder.decode(value)
            except msgspec.ValidationError:
                pass  # it may be whole, and not what it should be
            else:
                return
        _WHOLE_VALUE.decode(value)

    def _border(self, start: int, end: int) -> int:
        """Return where a border like the last one is found first, -1 where there is none."""
        within = self._seam.find(b"\n")
        if within >= 0:  # of records that have a line each, the first line end is it
            found = self._buffer.find(b"\n", start, end) - within
            if found >= start and self._buffer.startswith(self._seam, found, end):
                return found
        return self._buffer.find(self._seam, start, end)

    def _scalar(self) -> RawRecord:
        offset = 0
        while (found := _SCALAR_END.search(self._buffer, self._start + offset)) is None:
            offset = self._left()
            if offset > LONGEST_RECORD:
                place = self._line, self._column
                self._pass_scalar()
                return self._too_long(*place)
            if not self._more():
                break
        end = found.start() - self._start if found else self._left()
        if end <= LONGEST_RECORD:
            return self._cut(end, None)
        place = self._line, self._column
        self._pass(end)
        return self._too_long(*place)

    def _token(self, offset: int) -> tuple[bytes, int]:
        """Return the next bracket or whole string, and where it ends.

        The mark is empty at the end of the file, and one `"` for a string that is too long.
        """
        while True:
            found = _TOKEN.search(self._buffer, self._start + offset)
            if found is not None and (mark := found.group()) != b'"':
                return mark, found.end() - self._start
            offset = self._left() if found is None else found.start() - self._start
            if self._left() > LONGEST_RECORD:
                return b'"', self._left()
            if not self._more():
                return b"", self._left()

    def _bracket(self, offset: int) -> tuple[bytes, int]:
        """Do what `_token` does, for brackets alone."""
        while True:
            found = _UP_TO_BRACKET.match(self._buffer, self._start + offset)
            assert found is not None
            mark = self._buffer[found.end() : found.end() + 1]
            offset = found.end() - self._start
            if mark in _DEPTHS:
                return mark, offset + 1
            if self._left() > LONGEST_RECORD:
                return b'"', self._left()
            if not self._more():
                return b"", self._left()

    def _list_after(self, mark: bytes, offset: int, *, is_first: bool = False) -> int:
        """Return where the elements begin if a name and a list are here, else 0.

        Where the name leads to an object, the next may come in there.
        """
        if not self._names.leads(mark, is_first=is_first):
            return 0
        while True:
            found = _OPENING_AFTER_NAME.match(self._buffer, self._start + offset)
            if found is not None:
                if found[1] == b"[":
                    return found.end() - self._start
                self._led += 1
                return 0
            blank = _NOTHING_YET.match(self._buffer, self._start + offset)
            assert blank is not None
            is_other = blank.end() < len(self._buffer) or self._left() > LONGEST_RECORD
            if is_other or not self._more():
                return 0

    def _too_long(self, line: int, column: int, passed: _Passed = "value") -> RawRecord:
        """Return the record that began there, and is passed."""
        broken = f"the record is longer than {LONGEST_RECORD:,} bytes"
        if passed == "file":
            broken += f", and the file ends inside it: {_NOTHING_BEHIND}"
        elif passed == "unclosed":
            broken += f", and {_unclosed(self._line)}"
        return replace(self._record(b"", broken), line=line, column=column)

    def _pass_value(self, depth: int, closing: bytes, *, is_top: bool) -> _Passed:
        """Pass over the rest of a value, holding none of it; what comes next is in no string.

        Of an object around a list of records, all up to the first of them is passed.
        """
        while True:
            if self._buffer[self._start : self._start + 1] == b'"':
                self._pass_string()
            else:
                mark, end = self._token(0)
                if not mark:
                    self._pass(end)
                    return "file"
                is_named = is_top and depth == self._led
                if is_named and (start := self._list_after(mark, end)):
                    self._pass(start)
                    return "list"
                if mark[:1] == b'"':
                    self._pass(self._buffer.index(b'"', self._start) - self._start)
                    continue
                self._pass(end)
                depth += _DEPTHS[mark]
                if depth < self._led and mark in _ENDS:
                    self._led = max(depth, 1)
                if depth <= 0:
                    return "value" if mark == closing else "unclosed"
            if depth <= 0:
                return "value"

    def _pass_scalar(self) -> None:
        while (found := _SCALAR_END.search(self._buffer, self._start)) is None:
            self._pass(self._left())
            if not self._more():
                return
        self._pass(found.start() - self._start)

    def _pass_string(self) -> None:
        """Pass over a string that may be longer than memory; its quote comes next."""
        if (found := _TOKEN.search(self._buffer, self._start)) is not None:
            self._pass(found.start() - self._start + 1)
        while True:
            inner = _TO_STRING_END.match(self._buffer, self._start)
            assert inner is not None
            self._pass(inner.end() - self._start)
            if self._buffer[self._start : self._start + 1] == b'"':
                self._pass(1)
                return
            if not self._more():
                self._pass(self._left())
                return

    def _cut(self, end: int, broken: str | None, decoded: object = None) -> RawRecord:
        self._length = end
        data = self._buffer[self._start : self._start + end]
        record = self._record(data, broken, decoded)
        self._pass(end)
        return record

    def _record(self, data: bytes, broken: str | None, decoded: object = None) -> RawRecord:
        self._number += 1
        self._is_broken = broken is not None
        place = self._number, self._line
        return RawRecord(*place, data, broken, self._column, decoded=decoded)

    def _next(self) -> bytes:
        """Pass over space and commas; return the byte that follows, nothing at the end."""
        while True:
            found = _NOT_SPACE.search(self._buffer, self._start)
            if found:
                self._seam = b"}" + self._buffer[self._start : found.start()] + b"{"
                self._pass(found.start() - self._start)
                return found.group()
            self._pass(self._left())
            if not self._more():
                return b""

    def _left(self) -> int:
        return len(self._buffer) - self._start

    def _pass(self, count: int) -> None:
        end = self._start + count
        last = self._buffer.rfind(b"\n", self._start, end)
        if last >= 0:
            self._line += self._buffer.count(b"\n", self._start, end)
            self._column = end - last
        else:
            self._column += count
        self._start = end

    def _more(self) -> bool:
        # As much again as is held, so that a long string is not looked through too many times.
        chunk = self._stream.read(max(CHUNK, self._left()))
        self._buffer = self._buffer[self._start :] + chunk
        self._view = memoryview(self._buffer)
        self._start = 0
        return bool(chunk)
