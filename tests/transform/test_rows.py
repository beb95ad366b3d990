"""CSV by chunks is CSV by lines: the same rows and the same errors at the same places."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from mapgen.agreed.constraints import Constraints
from mapgen.agreed.plan import Form, Group
from mapgen.runtime.exact import exactly
from mapgen.runtime.source import Amount, Instant, strict
from mapgen.runtime.sources import csv as csv_files
from mapgen.runtime.sources.cells import HeaderError, Row, typed_cells, typed_members
from mapgen.runtime.sources.columns import CsvReader
from mapgen.runtime.sources.csv import read_rows
from mapgen.runtime.sources.groups import RowGroup
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.sources.spelling import Spelling
from tests.bench.price_list import dirty_price_list, price_list
from tests.bench.product import flow

PLAIN = Spelling(Form("csv"))
Shown = list[tuple[int, int, object]]


def by_chunks(data: bytes, chunk: int, longest: int, *, is_quoted: bool) -> Shown | str:
    """Return what each row is: its number, its line, and its cells or what is wrong with it."""
    with patch.object(csv_files, "CHUNK", chunk), patch.object(csv_files, "LONGEST_LINE", longest):
        try:
            read = list(read_rows(io.BytesIO(data), ";", (), is_quoted=is_quoted))
        except HeaderError as error:
            return str(error)
    return [
        (row.number, row.line, row.named() if isinstance(row, Row) else without_a_guess(row))
        for row in read
    ]


def without_a_guess(row: RawRecord) -> str:
    """Return why a row is broken, without which encoding it looks like."""
    return str(row.broken).partition(" and looks like")[0]


class _Lines:
    """The lines of a text one by one: what is counted cannot go wrong."""

    def __init__(self, data: bytes, longest: int) -> None:
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        self._lines = iter(io.StringIO(text, newline=""))
        self._longest = longest
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if len(line.rstrip("\r\n")) >= self._longest:
            raise _TooLong
        return line


class _TooLong(Exception):
    pass


def by_lines(data: bytes, longest: int, *, is_quoted: bool) -> Shown | str:
    """Return the same as `by_chunks`, of one line after the other."""
    lines = _Lines(data, longest)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
    rows = csv.reader(lines, delimiter=";", quoting=quoting, strict=True)
    try:
        header = next(rows, [])
    except (csv.Error, _TooLong):
        return "its first line is not CSV"
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        return f"it has two columns `{twice[0]}`"
    found: Shown = []
    while True:
        begin, row, broken = lines.number + 1, [], None
        try:
            row = next(rows)
        except StopIteration:
            return found
        except _TooLong:
            broken = f"the row is longer than {longest:,} characters"
        except csv.Error as error:
            broken = csv_files._problem(error)
        if not any(row) and broken is None:
            continue
        record = {name: cell for name, cell in zip(header, row, strict=False) if name and cell}
        if broken is None and not header:
            return "the line of its header is blank"
        if broken is None and len(row) != len(header):
            broken = f"the row has {len(row)} cells, the header {len(header)}"
        elif broken is None and not _is_utf8(record):
            broken = "the row is not UTF-8"
        found.append((len(found) + 1, begin, broken or record))
        for line in range(begin + 1, lines.number + 1) if broken else ():
            found.append((len(found) + 1, line, csv_files._swallowed(begin)))


def _is_utf8(record: dict[str, str]) -> bool:
    try:
        msgspec.json.encode(record)
    except UnicodeEncodeError:
        return False
    return True


PIECES = (
    *(b'"', b'""', b";", b"\n", b"\r", b"\r\n", b"\0", b"a", b"7", b" ", b"\\", b"\x0b", b"\x85"),
    *(b"\xef\xbb\xbf", b"\xc3\xa4", b"\xe2\x80\xa8", b"\xff", b"\xc3", b"\xed\xa0\x80", b'";"'),
)
FILES = some.builds(
    lambda header, rows: header + b"".join(rows),
    some.sampled_from(
        (b"", b"a;b\n", b"a;b\r\n", b"a;b\r", b"\xef\xbb\xbfa;b\n", b'"a";\n', b"a\n")
    ),
    some.lists(some.sampled_from(PIECES), max_size=40),
)


@given(FILES, some.integers(1, 12), some.booleans())
@example(b"a\n1\r\n2", 4, True)
@example(b"a\n\r\r\n2", 3, True)
@example(b"a\r1\r2\r", 2, True)
def test_chunks_are_lines(data: bytes, chunk: int, is_quoted: bool) -> None:
    """Whatever a file holds, and wherever a chunk of it ends."""
    found = by_chunks(data, chunk, 1_000, is_quoted=is_quoted)

    assert found == by_lines(data, 1_000, is_quoted=is_quoted)


@given(FILES, some.integers(1, 4), some.booleans())
@example(b"a\n12345678\n1\n", 2, True)
def test_lines_without_end(data: bytes, chunk: int, is_quoted: bool) -> None:
    """A line that is too long to be held is one that is reported, and the next is read.

    A chunk is far shorter than the longest line.
    """
    found = by_chunks(data, chunk, 7, is_quoted=is_quoted)

    assert found == by_lines(data, 7, is_quoted=is_quoted)


class Cup(msgspec.Struct, rename={"number": "No."}):
    """What a flow might read of a row."""

    number: str
    price: Amount
    count: int | None = None
    fragile: bool | None = None
    since: date | None = None
    sold: Instant | None = None
    grade: Annotated[str, Constraints(choices=("A", "7"))] | None = None
    stock: Annotated[int, Constraints(bounds=((">", "0"),))] | None = None
    weight: Annotated[Amount, Constraints(bounds=((">", "0"),))] | None = None


class Cups(msgspec.Struct):
    """What a flow might read of several rows."""

    grade: str
    rows: list[Cup]
    count: int | None = None


HEADER = ("No.", "count", "", "fragile", "price", "since", "sold", "grade", "stock", "weight")
CELL = some.sampled_from(
    (
        *("", " ", "A", "7", "-3", "007", "0", "-0", "1.50", "-.5", "1,5", "1e3", "true", "FALSE"),
        *("yes", "2026-01-31", "2026-02-30", "20260131", "2026-01-31T09:30:00-05:00", "9" * 30),
        *("2026-01-31T09:30:00", "null", "NaN", "ä", "\u0661"),
    )
)
ROW = some.tuples(*[CELL] * len(HEADER)).map(list)
# Most rows of cells drawn at random are refused: these are taken but for a cell or two.
GOOD = ["C1", "7", "", "true", "1.50", "2026-01-31", "2026-01-31T09:30:00Z", "A", "7", "1.50"]
NEARLY = some.builds(
    lambda changes: [changes.get(at, cell) for at, cell in enumerate(GOOD)],
    some.dictionaries(some.integers(0, len(GOOD) - 1), CELL, max_size=3),
)
COLUMNS = some.permutations(range(len(HEADER)))
HEADERS = some.tuples(COLUMNS, some.integers(2, len(HEADER))).map(lambda one: one[0][: one[1]])


def made(read: Any, *given_: Any) -> object:
    """Return what is made, None where it is refused."""
    try:
        with exactly():
            return read(*given_)
    except (ValueError, msgspec.ValidationError):
        return None


@given(ROW | NEARLY, HEADERS)
def test_a_row_becomes_what_its_json_becomes(row: list[str], columns: list[int]) -> None:
    """Whatever is in the cells, in whichever columns: the same struct, or none."""
    header = tuple(HEADER[at] for at in columns)
    record = Row(1, 2, header, [row[at] for at in columns])

    expected = made(lambda: strict(typed_cells(record.named(), Cup), Cup))

    found = made(CsvReader(Cup, PLAIN).read, record)
    assert found == expected
    assert repr(found) == repr(expected)  # 1.50 is not 1.5, and true is not 1


class Project(msgspec.Struct):
    """What a flow might read of several rows but the rows."""

    grade: str


@given(
    some.lists(NEARLY, min_size=1, max_size=3),
    some.sampled_from(("grade", "count")),
    some.sampled_from((Cups, Project)),
)
def test_rows_become_what_their_json_becomes(rows: list[list[str]], by: str, kind: type) -> None:
    """A record of several rows likewise."""
    record = RowGroup(1, 2, Group((by, "grade"), "rows"), HEADER, rows)

    def by_json() -> object:
        value = typed_members(typed_cells(record.named(), kind), kind, {"rows": Form("csv")})
        return strict(value, kind)

    found, expected = made(CsvReader(kind, PLAIN).read, record), made(by_json)
    assert found == expected
    assert repr(found) == repr(expected)


def test_a_good_row_is_taken() -> None:
    """The rows above are not all refused."""
    record = Row(1, 2, HEADER, GOOD)

    found: Any = CsvReader(Cup, PLAIN).read(record)

    assert (found.number, found.count, found.fragile) == ("C1", 7, True)
    assert CsvReader(Cup, PLAIN).read(Row(1, 2, HEADER, ["", *GOOD[1:]])) is None


def test_a_file_of_another_header() -> None:
    """One reader reads many files."""
    reader = CsvReader(Cup, PLAIN)
    found: list[Any] = [
        reader.read(Row(1, 2, ("No.", "price"), ["C1", "2"])),
        reader.read(Row(1, 2, ("price", "No."), ["2", "C1"])),
    ]

    assert [(one.number, one.price) for one in found] == [("C1", 2)] * 2


PRICES = b"""sheet;valid_from;sku;unit;price;currency;price_class;from_quantity
A;2026-01-31;CUP;EA;1.50;EUR;;
A;2026-01-31;CUP;EA;1.20;EUR;RETAIL;10
B;2026-01-31;CUP;EA;1,50;EUR;;
C;2026-02-30;CUP;EA;1.50;EUR;;0
C;2026-02-30;CUP;;0;EUR;;-1
D;;CUP;EA;1.50;EUR;;
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("price_list_items", price_list(50)),
        ("price_list_items", dirty_price_list(50)),
        ("price_list_prices", PRICES),
    ],
)
def test_a_record_that_waited_says_the_same(name: str, content: bytes) -> None:
    """What is kept of a record, its JSON, becomes what the row became: values, codes and places."""
    bound = flow(name)
    kept = [one for one in bound.flow.records(io.BytesIO(content), "list.csv") if not one.broken]

    for raw in kept:
        again = RawRecord(raw.number, raw.line, raw.data)
        found = bound.transformer.outcomes(raw, "list.csv")
        assert found == bound.transformer.outcomes(again, "list.csv")
    assert len(kept) >= 4
