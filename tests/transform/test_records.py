"""Input files of every shape become records, whatever is broken in them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.agreed.plan import Form
from mapgen.runtime.errors import RuleError
from mapgen.runtime.sources import records
from mapgen.runtime.sources.json import JsonFiles
from mapgen.runtime.sources.records import RawRecord, decode, decode_whole, read_records

ENVELOPE = ("order", "orders")
ONE, TWO, THREE = '{"id": 1}', '{"id": 2, "rows": [{"x": "}{]["}]}', '{"id": 3, "t": "\\"}\\\\"}'
WHOLE = [1, 2, 3]


def read(text: str | bytes, name: str = "orders.json") -> list[RawRecord]:
    data = text.encode() if isinstance(text, str) else text
    return list(JsonFiles(Form(envelope=ENVELOPE)).records(io.BytesIO(data), name))


def value_of(record: RawRecord) -> Any:
    return decode(record)


def ids(text: str | bytes, name: str = "orders.json") -> list[int | str]:
    """Return the id of each record, and of a broken one why it is none."""
    return ids_of(read(text, name))


def ids_of(records: list[RawRecord]) -> list[int | str]:
    found: list[int | str] = []
    for record in records:
        try:
            found.append(value_of(record)["id"])
        except RuleError as error:
            found.append(error.message)
    return found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(f"{ONE}\n{TWO}\n{THREE}\n", "a.jsonl", id="lines"),
        pytest.param(f"{ONE}\n{TWO}\n{THREE}", "a.ndjson", id="last line without an end"),
        pytest.param(f"{ONE}\r\n\r\n{TWO}\r\n \r\n{THREE}\r\n", "a.jsonl", id="CRLF and blanks"),
        pytest.param(f"\ufeff{ONE}\n{TWO}\n{THREE}\n", "A.JSONL", id="BOM, capital suffix"),
        pytest.param(f"\ufeff[{ONE}, {TWO}, {THREE}]", "a.json", id="list behind a BOM"),
        pytest.param(f"[\r\n{ONE},\r\n{TWO},\r\n{THREE}\r\n]\r\n", "a.json", id="list in lines"),
        pytest.param(f"{ONE}{TWO} \n {THREE}", "a.json", id="objects in a row"),
        pytest.param(f"{ONE}\n{TWO}\n{THREE}\n", "-", id="lines from standard input"),
        pytest.param(f'{{"orders": [{ONE}, {TWO}, {THREE}]}}', "a.json", id="envelope"),
        pytest.param(
            f'{{ "orders" : [{ONE},{TWO},{THREE}] , "next": {{"a": "}}"}}, "x": "]}}" }}',
            "a.json",
            id="envelope with members behind",
        ),
        pytest.param(
            f'{{"count": 3, "meta": {{"orders": [1]}}, "name": "orders", "orders": [{ONE},'
            f" {TWO}, {THREE}]}}",
            "a.json",
            id="envelope with members before",
        ),
        pytest.param(
            f'[{{"order": {ONE}}}, {{"order": {TWO}}}, {THREE}]', "a.json", id="each in an envelope"
        ),
        pytest.param(f"[{ONE}, {TWO}]\n[{THREE}]", "a.json", id="two lists"),
        pytest.param(
            f'{{"orders": [{ONE}]}}{{"orders": [{TWO}, {THREE}]}}', "a.json", id="two pages"
        ),
        pytest.param(
            f'{{"order": [{ONE}], "orders": [{TWO}, {THREE}]}}'.replace('"order": [', '"x": [', 1)
            .replace(f'"x": [{ONE}]', '"x": []')
            .replace(f"[{TWO}", f"[{ONE}, {TWO}"),
            "a.json",
            id="an empty list before",
        ),
    ],
)
def test_shape(text: str, name: str) -> None:
    """Every shape of file gives the same three records."""
    assert ids(text, name) == WHOLE


def test_single_object() -> None:
    """One object is one record, with or without what the shop wraps it in."""
    assert ids(ONE) == [1]
    assert ids(f'{{"order": {ONE}}}') == [1]


def test_own_member_called_like_the_envelope() -> None:
    """A member below the top is no envelope, whatever its name."""
    [record] = read('{"id": 1, "rows": {"orders": [{"id": 2}]}}')

    assert value_of(record)["id"] == 1


def test_two_lists_in_one_object() -> None:
    """A second list of records in one object is reported, and its records are read."""
    found = ids(f'{{"orders": [{ONE}], "orders": [{TWO}]}}')

    assert found == [1, "`orders` is a second list of records in one object", 2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \r\n\t ", id="blanks"),
        pytest.param("\ufeff", id="BOM alone"),
        pytest.param("[]", id="empty list"),
        pytest.param('{"orders": []}', id="empty envelope"),
    ],
)
def test_no_record(text: str) -> None:
    """A file without a record gives none, and no error."""
    assert read(text) == read(text, "a.jsonl")[:0] == []


ENDS_INSIDE = "the file ends inside the record: nothing behind its start is read"


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        pytest.param(
            f'{ONE}\n{{"id": 2, "t\n{THREE}', "a.jsonl",
            [1, "the record is not JSON: unterminated string starting at line 2, column 11", 3],
            id="a line",
        ),
        pytest.param(
            f'{ONE}\n{{"id": ', "a.jsonl",
            [1, "the record is not JSON: expecting value at line 2, column 8"],
            id="the last line",
        ),
        pytest.param(f'[{ONE}, {{"id": 2, "t', "a.json", [1, ENDS_INSIDE],
                     id="a list, in a string"),
        pytest.param(f'[{ONE}, {{"id": 2', "a.json", [1, ENDS_INSIDE],
                     id="a list, in an object"),
        pytest.param(f"[{ONE},", "a.json",
                     [1, "the file ends before the list of records is closed"],
                     id="a list, between objects"),
        pytest.param("[", "a.json", ["the file ends before the list of records is closed"],
                     id="a list, at its start"),
        pytest.param(f'{{"orders": [{ONE}, {{"id"', "a.json", [1, ENDS_INSIDE],
                     id="an envelope, in an object"),
        pytest.param(f'{{"orders": [{ONE}', "a.json",
                     [1, "the file ends before the list of records is closed"],
                     id="an envelope, in its list"),
        pytest.param(f'{{"orders": [{ONE}], "a": "', "a.json",
                     [1, "the file ends before the object around the records"],
                     id="an envelope, behind its list"),
        pytest.param('{"id": 1, "t": "\\', "a.json", [ENDS_INSIDE],
                     id="an object, after a backslash"),
    ],
)  # fmt: skip
def test_truncated(text: str, name: str, found: list[int | str]) -> None:
    """A file that ends too early gives all whole records, and one error for the end."""
    assert ids(text, name) == found


@pytest.mark.parametrize("broken", ['{"id": }', "{'id': 2}", "nul", '{"id": 2,}', '{"a" "b"}', "}"])
def test_broken_in_the_middle(broken: str) -> None:
    """A broken element is one error, and the ones around it are read."""
    found = ids(f"[{ONE}, {broken}, {THREE}]")

    assert [found[0], found[-1]] == [1, 3]
    assert len(found) == 3
    assert str(found[1]).startswith("the record is not JSON: ")


def test_places() -> None:
    """Each record has the number and the line and column at which it begins."""
    text = f'{{"x": "a\\n",\n "orders": [\n  {ONE},\n\n  {TWO}, {THREE}\n]}}'

    places = [(record.number, record.line, record.column) for record in read(text)]

    assert places == [(1, 3, 3), (2, 5, 3), (3, 5, 5 + len(TWO))]


def test_place_of_a_error() -> None:
    """A error inside a record is placed by the file's lines and columns."""
    found = ids(f'[\n{ONE}, {{"id": oops}}, {{\n"id": oops}}]')

    assert found == [
        1,
        f"the record is not JSON: expecting value at line 2, column {len(ONE) + 3 + 7}",
        "the record is not JSON: expecting value at line 3, column 7",
    ]


# How long a record may be here: so much more than is read at a time that nothing else changes.
LONGEST = 1024 * 1024
LONG = "x" * LONGEST


@pytest.fixture
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may be as long as `LONGEST`."""
    monkeypatch.setattr(records, "LONGEST_RECORD", LONGEST)


def test_how_long_a_record_may_be() -> None:
    """Sixteen megabytes, brackets and all."""
    long = "x" * (16 * 1024 * 1024 - len('{"id":2,"t":""}'))
    fits, too_long = f'{{"id":2,"t":"{long}"}}', f'{{"id":2,"t":"{long}!"}}'

    assert ids(f"[{ONE}, {fits}, {too_long}, {THREE}]") == [
        *(1, 2, "the record is longer than 16,777,216 bytes", 3)
    ]


@pytest.mark.usefixtures("_shorter")
@pytest.mark.parametrize(
    "long",
    [
        pytest.param(f'{{"id": 2, "t": "{LONG}", "u": "}}"}}', id="a long string"),
        pytest.param(f'"{LONG}"', id="only a long string"),
        pytest.param("[" + '"}",{"a":[]},' * (LONGEST // 12) + "1]", id="many brackets"),
        pytest.param("1" * (LONGEST + 1), id="a long number"),
        pytest.param("{" + " " * LONGEST + "}", id="much space"),
        pytest.param('{"t": "' + '\\"' * (LONGEST // 2) + '"}', id="many escapes"),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_longer_than_a_record_may_be(long: str, name: str) -> None:
    """A record that is too long is one error; the ones around it are read."""
    text = f"{ONE}\n{long}\n{THREE}\n" if name == "a.jsonl" else f"[{ONE},\n{long},\n{THREE}]"

    found = ids(text, name)

    assert [found[0], found[-1]] == [1, 3]
    assert len(found) == 3
    assert str(found[1]).endswith("record is longer than 1,048,576 bytes")


@pytest.mark.usefixtures("_shorter")
@pytest.mark.parametrize(
    "before",
    [
        pytest.param(f'"meta": "{LONG}"', id="a long string"),
        pytest.param('"meta": [' + '"}",{"orders":[]},' * (LONGEST // 18 + 1) + "1]", id="lists"),
        pytest.param('"page": ' + "1" * (LONGEST + 1), id="a long number"),
        pytest.param('"a": 1' + ', "b": 2' * (LONGEST // 8 + 1), id="many members"),
        pytest.param('"a": ' + " " * LONGEST + "1", id="much space"),
    ],
)
def test_much_in_front_of_the_records(before: str) -> None:
    """What comes before the records may be of any length."""
    text = f'{{{before}, "orders": [{ONE}, {{"id"}}, {THREE}], "more": 1}}{TWO}'

    found = read(text)

    assert [record.number for record in found] == [1, 2, 3, 4]
    assert found[0].column == len(before) + 15
    one, _, three, two = ids_of(found)
    assert (one, three, two) == (1, 3, 2)


@pytest.mark.usefixtures("_shorter")
@pytest.mark.parametrize("shape", ["[{}]", '{{"orders": [{}]}}'])
def test_record_that_is_not_closed(shape: str) -> None:
    """A record that takes those behind it along says so, with its place and where that ends."""
    short = shape.format(f'{ONE},\n{{"id": 2, "rows": [{{"n": 1}}],\n{THREE}')
    long = read(shape.format(f'{ONE},\n{{"id": 2, "t": "{LONG}",\n{THREE}'))

    unclosed = "a bracket of the record is not closed: nothing up to line 3 is a record"
    assert ids(short)[:2] == [1, unclosed]
    assert ids_of(long)[:2] == [1, f"the record is longer than 1,048,576 bytes, and {unclosed}"]
    assert [record.line for record in long][:2] == [1, 2]


@pytest.mark.usefixtures("_shorter")
def test_record_that_is_not_closed_when_the_file_ends() -> None:
    """A record that goes on to the end of the file says that nothing behind it is read."""
    text = f'[{ONE},\n{{"id": 2, "t": "{LONG}", "rows": [[\n{THREE}]'

    inside = "the file ends inside it: nothing behind its start is read"
    assert ids(text) == [1, f"the record is longer than 1,048,576 bytes, and {inside}"]


@pytest.mark.usefixtures("_shorter")
def test_long_string_behind_the_records() -> None:
    """What follows the records may be of any length."""
    assert ids(f'{{"orders": [{ONE}], "t": "{LONG}}}", "u": 1}}{TWO}') == [1, 2]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(-9, 9, places=2),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
SHAPES = {
    "list": "[{}]",
    "envelope": '{{"orders": [{}]}}',
    "envelope in the middle": '{{"a": "[", "b": {{"orders": []}}, "orders": [{}], "c": "}}"}}',
}


def written(value: Any, *, is_ascii: bool) -> str:
    return json.dumps(value, ensure_ascii=is_ascii, default=lambda number: str(number))


class Dripping(io.BytesIO):
    """A stream that gives so many bytes at a time, like a slow pipe."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._size)


class Anything(msgspec.Struct):
    """What any object can be decoded as."""


@given(st.lists(JSON), st.integers(1, 9), st.booleans(), st.sampled_from(sorted(SHAPES)))
def test_any_values_in_chunks_of_any_size(
    values: list[Any], size: int, is_ascii: bool, shape: str
) -> None:
    """Any list of values is read as it was written, wherever the chunks are cut."""
    texts = [written(value, is_ascii=is_ascii) for value in values]
    data = SHAPES[shape].format(" ,\n".join(texts)).encode()

    found = list(read_records(Dripping(data, size), "a.json", ("orders",)))

    assert [record.data.decode() for record in found] == texts
    assert not any(record.broken for record in found)
    decoder = msgspec.json.Decoder(Anything)
    known = list(read_records(Dripping(data, size), "a.json", ("orders",), decoder))
    assert [replace(record, decoded=None) for record in known] == found
    assert all(isinstance(record.decoded, Anything | None) for record in known)


@given(st.lists(JSON), st.sampled_from(["\n", "\r\n"]))
def test_any_values_in_lines(values: list[Any], end: str) -> None:
    """Any value is read from its line as it was written."""
    texts = [written(value, is_ascii=False) for value in values]
    data = "".join(text + end for text in texts).encode()

    found = read(data, "a.jsonl")

    assert [record.data.decode() for record in found] == texts
    assert [record.line for record in found] == list(range(1, len(texts) + 1))


@given(st.binary(max_size=200) | st.text('{}[]",:\\ \n1ae').map(str.encode), st.integers(1, 9))
@example(b"\xef\xbb\xbf", 1)
def test_any_bytes(data: bytes, size: int) -> None:
    """Whatever the file holds, each piece is a record or a RuleError, and none is empty-handed."""
    for name in ("a.json", "a.jsonl"):
        for record in read_records(Dripping(data, size), name, ENVELOPE):
            assert record.data or record.broken
            with contextlib.suppress(RuleError):
                decode(record)
    assert list(read_records(Dripping(data, size), "a", ENVELOPE)) == list(
        read_records(io.BytesIO(data), "a", ENVELOPE)
    )


MEASURED = """
import resource, sys
from mapgen.runtime.sources.records import decode, read_records

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
count = 0
for record in read_records(sys.stdin.buffer, sys.argv[1], ("orders",)):
    count += 1
    if count % 1000 == 0:
        decode(record)
print(count, peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is asked of a Unix kernel")
@pytest.mark.parametrize("name", ["-", "a.jsonl"])
def test_memory_stays_flat(name: str) -> None:
    """A long input passes through a few megabytes of memory."""
    megabytes = int(os.environ.get("MAPGEN_TEST_MEGABYTES", "64"))
    record = json.dumps({"id": 1, "rows": [{"sku": "AB-1", "t": 'a \\ " } text'}] * 100}).encode()
    times = megabytes * 1024 * 1024 // len(record)
    child = subprocess.Popen(
        [sys.executable, "-c", MEASURED, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"" if name == "a.jsonl" else b'{"page": 1, "orders": [\n')
    end = b"\n" if name == "a.jsonl" else b",\n"
    for _ in range(times):
        child.stdin.write(record + end)
    child.stdin.write(b"" if name == "a.jsonl" else b"]}")
    child.stdin.close()
    count, grown = map(int, child.stdout.read().split())
    child.wait()

    assert count == times
    assert grown < 12


def test_memory_of_a_long_record() -> None:
    """A record without an end costs no more memory than the longest that is read."""
    child = subprocess.Popen(
        [sys.executable, "-c", MEASURED, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b'[{"t": "')
    for _ in range(96):
        child.stdin.write(b"x" * 1024 * 1024)
    child.stdin.close()
    count, grown = map(int, child.stdout.read().split())
    child.wait()

    assert count == 1
    assert grown < 48


DECIMALS = [
    pytest.param("0.1", "0.1", id="no binary fraction"),
    pytest.param("12345678901234567890.123456789", "12345678901234567890.123456789", id="long"),
    pytest.param("1e400", "1E+400", id="beyond any float"),
    pytest.param("1.10", "1.10", id="the zero at the end"),
    pytest.param("1e-7", "1E-7", id="exponent"),
]


@pytest.mark.parametrize(("text", "kept"), DECIMALS)
def test_decimal(text: str, kept: str) -> None:
    """A number is kept with the digits it has."""
    [record] = read(f'{{"x": {text}}}')

    found = value_of(record)["x"]

    assert isinstance(found, Decimal)
    assert str(found) == kept


@given(st.integers())
def test_whole_number(number: int) -> None:
    """A whole number is an int, of any length."""
    [record] = read(f'{{"x": {number}}}')

    found = value_of(record)["x"]

    assert found == number
    assert isinstance(found, int)


def test_ten_thousand_digits() -> None:
    """A number of any length is read, exactly."""
    [record] = read('{"x": ' + "7" * 10_000 + "}")

    assert value_of(record)["x"] == Decimal("7" * 10_000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b'{"a": NaN}', "`NaN` is not a JSON number", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "`-Infinity` is not a JSON number", id="infinity"),
        pytest.param(b'{"a": "\xff"}', "the record is not UTF-8: byte 0xff at 7", id="no UTF-8"),
        pytest.param(
            b'{"a": "\xed\xa0\x80"}', "the record is not UTF-8: byte 0xed at 7", id="raw surrogate"
        ),
        pytest.param(
            b'{"a": "\\ud83c"}', "the record holds half of a surrogate pair", id="half a pair"
        ),
        pytest.param(
            b'{"\\udf75": 1}', "the record holds half of a surrogate pair", id="half in a name"
        ),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "the record is nested too deep", id="deep"),
        pytest.param(
            b'{"a": 1,5}',
            "the record is not JSON: expecting property name enclosed in double quotes"
            " at line 1, column 9",
            id="decimal comma",
        ),
        pytest.param(
            b'{"a": "x\ny"}',
            "the record is not JSON: invalid control character at line 1, column 9",
            id="line break in a string",
        ),
        pytest.param(
            b'{"a": 01}',
            "the record is not JSON: expecting ',' delimiter at line 1, column 8",
            id="leading zero",
        ),
    ],
)
def test_not_exactly_json(data: bytes, message: str) -> None:
    """What is not JSON in the strict sense is an error that says so, and repeats no value."""
    record = RawRecord(1, 1, data)

    with pytest.raises(RuleError) as caught:
        decode(record)

    assert (caught.value.code, caught.value.message) == ("R101", message)
    assert caught.value.value is None


@given(st.data(), st.sampled_from([",", ", ", ",\n", "\n,\n  ", ",,"]), st.integers(1, 40))
def test_borders_inside_of_records(data: st.DataObject, between: str, size: int) -> None:
    """A list in a record, or a text, may hold what is between the records."""
    inside = st.sampled_from(["1", '"}BETWEEN{"', "{}BETWEEN{}", "[{}BETWEEN{}]", '"x"', "[[]"])
    texts = data.draw(st.lists(st.lists(inside, max_size=3), max_size=6))
    records = [f'{{"a": [{", ".join(one)}]}}'.replace("BETWEEN", between) for one in texts]
    whole = f"[{between.join(records)}]"

    found = list(read_records(Dripping(whole.encode(), size), "records.json", ENVELOPE))
    expected = list(read_records(io.BytesIO(whole.encode()), "records.json", ENVELOPE))

    assert [(one.data, one.line, one.column) for one in found] == [
        (one.data, one.line, one.column) for one in expected
    ]
    if "[[]" not in whole:
        assert [one.data.decode() for one in found] == records


def test_member_that_comes_twice() -> None:
    """Of members of one name the last one counts."""
    assert decode(RawRecord(1, 1, b'{"a": 1, "b": [], "a": 2}')) == {"a": 2, "b": []}


def test_number_beyond_all_bounds() -> None:
    """It spoils nothing where no rule reads it; what looks at each value refuses the record."""
    record = RawRecord(1, 1, b'{"a": [1e9999999999999999999], "b": 1}')

    assert value_of(record)["b"] == 1
    with pytest.raises(RuleError, match="a number beyond all bounds"):
        decode_whole(record)
