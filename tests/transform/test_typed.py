"""What is read in one step is what the patient way reads, too, and the same."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.runtime.constraints import Constraints
from mapgen.runtime.errors import SourceError
from mapgen.runtime.exact import exactly
from mapgen.runtime.source import (
    DOUBTS,
    Amount,
    ErrorValue,
    Instant,
    Whole,
    decoder_of,
    patient,
)
from mapgen.runtime.sources.records import RawRecord, decode
from mapgen.runtime.sources.typed import TypedReader
from tests.depth import examples


class Row(msgspec.Struct):
    n: Whole
    price: Amount | None = None
    rows: list[Row] | None = None


class Record(msgspec.Struct):
    id: Whole
    amount: Amount
    at: Instant
    flag: bool = False
    day: date | None = None
    text: str | None = None
    rows: list[Row] | None = None
    row: Row | None = None
    amounts: list[Amount | None] | None = None
    few: Annotated[list[Row], Constraints(fewest=1, is_unique=True)] | None = None
    short: Annotated[str, Constraints(longest=3)] | None = None
    low: Annotated[Amount, Constraints(bounds=(("<", "10"),))] | None = None
    some: Annotated[Whole, Constraints(numbers=("1", "2.0"))] | None = None
    known_as: str | None = msgspec.field(default=None, name="known as")


class Bare(msgspec.Struct):
    """A record of which nothing is asked beside its types."""

    id: Whole
    amount: Amount
    at: Instant
    flag: bool = False
    day: date | None = None
    text: str | None = None
    rows: list[Row] | None = None
    few: list[Row | None] | None = None
    row: Row | None = None
    amounts: list[Amount | None] | None = None
    known_as: str | None = msgspec.field(default=None, name="known as")


class Loose(msgspec.Struct):
    """A record of which nothing has to be there: what wraps one could be one."""

    id: Whole | None = None
    amount: Amount | None = None


class Spelled(msgspec.Struct):
    """An amount that is validated against what it is written like."""

    amount: Annotated[Amount, Constraints(pattern="^1")]


NUMBERS_AS_WRITTEN = """
    0 -0 1 -1 12 1.0 1.10 -0.0 0.00 1e3 1E3 1e+3 1.5e-3 1E400 -1e-400 1e9999999999999999999
    9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
    18446744073709551615 18446744073709551616 123456789012345678901234567890
    1234567890123456789012345678 0.1234567890123456789012345678 12345678901234567890123456789
    01 +1 .5 1. 1e -  --1 0x10 NaN Infinity -Infinity nan true false null
"""
TEXTS_AS_WRITTEN = """
    1 12.50 -12.50 -0 -0.00 0.0 1_0 1e3 1E3 NaN Infinity -Infinity sNaN inf +1 .5 5. 1,5 00.10
    １２ ٣ 1\u00a0 1.1234567890123456789012345678 1234567890123456789012345678.9
    12345678901234567890123456789 true null
    2026-01-31T09:30:00Z 2026-01-31t09:30:00z 2026-01-31T09:30:00-05:00 2026-01-31T09:30:00
    2026-01-31T09:30:00+0200 2026-01-31T09:30:00+02 2026-01-31T09:30:00-00:00
    2026-01-31T09:30:00.1234567Z 2026-01-31T23:59:59.9999999999Z 2026-01-31T24:00:00Z
    2026-01-31T24:00:01Z 2026-01-31T23:59:60Z 2026-02-30T00:00:00Z 2026-01-31T09:30Z
    2026-01-31T09:30:00,5Z 2026-01-31T09:30:00.Z 0000-01-01T00:00:00Z 9999-12-31T23:59:59-23:59
    2026-01-31T09:30:00+24:00 2026-01-31T09:30:00+23:60 ２026-01-31T09:30:00Z
    2026-01-31 2026-1-31 20260131 2026-02-30 2026-W01-1
    café 😀 \\ud83d\\ude00 \\ud83d \\ude00 \\u0041 \\" \\/ \\q \\u12 abcd \\u0000
"""
SPACED = ["", " ", " 1", "1 ", "1\\n", "2026-01-31 09:30:00Z", "\t", "\x00", "\x7f", "1\u00a0"]
NUMBERS = [*NUMBERS_AS_WRITTEN.split(), "9" * 5000, "0." + "0" * 30 + "1"]
TEXTS = [*TEXTS_AS_WRITTEN.split(), *SPACED]
BYTES = [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b"\xef\xbb\xbf1", b"'a'", b"/**/1"]
NAMES = [*Record.__struct_encode_fields__, "n", "price", "z", "order", "a b", "i\\u0064", "\\u007a"]

SCALARS = st.one_of(
    st.sampled_from(NUMBERS).map(str.encode),
    st.sampled_from(TEXTS).map(lambda text: f'"{text}"'.encode()),
    st.integers().map(lambda number: str(number).encode()),
    st.decimals().map(lambda number: str(number).encode()),
    st.decimals().map(lambda number: f'"{number}"'.encode()),
    st.datetimes(timezones=st.timezones()).map(lambda at: f'"{at.isoformat()}"'.encode()),
    st.text().map(msgspec.json.encode),
    st.sampled_from(BYTES),
)
SPACES = st.sampled_from([b"", b"", b"", b" ", b"\r\n\t", b"\x0c", b","])


def an_object(names: Sequence[str], members: list[tuple[int, bytes]], space: bytes) -> bytes:
    inside = (b'"%s"%s:%s' % (names[at].encode(), space, value) for at, value in members)
    return b"{" + space + b", ".join(inside) + space + b"}"


def objects(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    members = st.lists(st.tuples(st.integers(0, len(NAMES) - 1), values), max_size=4)
    return st.builds(an_object, st.just(NAMES), members, SPACES)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        st.lists(inner, max_size=3).map(lambda rows: b"[" + b",".join(rows) + b"]"),
    ),
    max_leaves=5,
)
GOOD = {
    "id": b"7",
    "amount": b'"12.50"',
    "at": b'"2026-01-31T09:30:00-05:00"',
    "rows": b'[{"n": 1, "price": 1.10}, {"n": 2, "rows": [{"n": 3}]}]',
    "day": b'"2026-01-31"',
    "few": b'[{"n": 1}, {"n": 2}]',
    "short": b'"abc"',
    "low": b'"9.99"',
    "some": b"2",
}


@st.composite
def texts_of_records(draw: st.DrawFn) -> bytes:
    """Return a good record with some members put in, at its beginning or its end."""
    added = draw(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3))
    kept = draw(st.sets(st.sampled_from(sorted(GOOD)))) | {"id", "amount", "at"}
    members = [(name, GOOD[name]) for name in GOOD if name in kept]
    members = [*added, *members] if draw(st.booleans()) else [*members, *added]
    space = draw(SPACES)
    text = b",".join(b'"%s":%s%s' % (name.encode(), space, one) for name, one in members)
    record = space + b"{" + text + b"}" + draw(SPACES)
    if draw(st.booleans()):
        return record
    return b'{"%s":%s%s}' % (draw(st.sampled_from(NAMES)).encode(), draw(SPACES), record)


def shown(value: object) -> object:
    """Return a value so that only what is the same to the last digit is equal."""
    if type(value) is ErrorValue:
        return "what cannot be read"
    match value:
        case msgspec.Struct():
            members = msgspec.structs.asdict(value)
            name = type(value).__name__
            return name, {name: shown(inner) for name, inner in members.items()}
        case list():
            return [shown(inner) for inner in value]
        case _:
            return type(value), str(value)


@pytest.mark.parametrize("kind", [Record, Loose, Spelled])
@settings(max_examples=examples(100), deadline=None)
@given(data=st.one_of(texts_of_records(), VALUES))
@example(data=b'{"order": {"id": 1}}')
@example(data=b'{"\\u006frder": {"id": 1}}')
@example(data=b'{"order": {"id": 1}, "order": {"id": 2}}')
@example(data=b'{"order": {"id": 1}, "id": 2}')
@example(data=b'{"amount": "1_0"}')
@example(data=b'{"amount": "2"}')
@example(data=b'{"amount": 10, "amount": "1"}')
def test_what_is_read_in_one_step(kind: type[msgspec.Struct], data: bytes) -> None:
    """The patient way finds no error in it, and the same struct to the last digit."""
    raw = RawRecord(1, 1, data)
    with exactly():
        found = TypedReader(kind).read(raw)
        known = None
        with contextlib.suppress(*DOUBTS):
            known = TypedReader(kind).read(replace(raw, decoded=decoder_of(kind).decode(data)))
        assert known is None or shown(known) == shown(found)
        if found is None:
            return
        record, errors = patient(decode(raw), kind, "record")

    assert errors == ()
    assert shown(found) == shown(record)


@pytest.mark.parametrize("kind", [Bare, Loose])
@settings(max_examples=examples(100), deadline=None)
@given(data=st.one_of(texts_of_records(), VALUES))
@example(data=b'{"id": 1, "amount": "1", "at": 2, "rows": [{"n": "1"}, {"price": 1}, 3]}')
@example(data=b'{"few": [{"n": 1, "z": 1}, {"n": 1, "z": 2}]}')
def test_what_is_looked_into_member_by_member(kind: type[msgspec.Struct], data: bytes) -> None:
    """The patient way finds the same errors, and the same struct around them."""
    raw = RawRecord(1, 1, data)
    with exactly():
        reader = TypedReader(kind)
        reader.read(raw)
        found = reader.errors(raw, "record")
        if found is None:
            return
        record, errors = patient(decode(raw), kind, "record")

    assert list(map(told, found[1])) == list(map(told, errors))
    assert shown(found[0]) == shown(record)


def told(one: SourceError) -> tuple[object, ...]:
    return one.path, one.error.code, one.error.message, shown(one.error.value)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"z": b'{"amount": [1e5, null]}'}, id="what nobody reads"),
        pytest.param({"text": '"café 😀"'.encode()}, id="beyond ASCII"),
        pytest.param({"text": b'"\\ud83d\\ude00"'}, id="escapes"),
        pytest.param({"amount": b"12.50"}, id="an amount that is a number"),
        pytest.param({"amounts": b'["1.10", 2, null]'}, id="amounts"),
        pytest.param({"row": b"null"}, id="null"),
    ],
)
def test_what_has_to_be_read_in_one_step(members: dict[str, bytes]) -> None:
    """Records as shops write them need no second look."""
    inside = b", ".join(
        b'"%s": %s' % (name.encode(), value) for name, value in (GOOD | members).items()
    )
    text = b"{" + inside + b"}"

    with exactly():
        assert TypedReader(Record).read(RawRecord(1, 1, text)) is not None


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_whole_numbers_have_64_bits(number: int) -> None:
    """A longer one is an error of the record, in both ways."""
    raw = RawRecord(1, 1, b'{"id": %d}' % number)

    with exactly():
        assert TypedReader(Loose).read(raw) is None
        _, [found] = patient(decode(raw), Loose, "record")
    assert found.error.message == "expected a whole number, found a number with too many digits"
