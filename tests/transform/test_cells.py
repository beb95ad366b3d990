"""CSV files: rows in, records out, whatever the file looks like."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from mapgen.runtime.source import Amount
from mapgen.runtime.sources import csv as csv_files
from mapgen.runtime.sources.cells import HeaderError, Row, needed_columns, typed_cells
from mapgen.runtime.sources.csv import read_rows
from mapgen.runtime.sources.records import RawRecord


class Article(msgspec.Struct, rename={"number": "No."}):
    """What a flow might read of a row."""

    number: str
    count: int | None = None
    fragile: bool | None = None
    price: Amount | None = None


def rows(
    data: bytes | str, delimiter: str = ",", needed: tuple[str, ...] = ()
) -> list[Row | RawRecord]:
    encoded = data.encode() if isinstance(data, str) else data
    return list(read_rows(io.BytesIO(encoded), delimiter, needed))


def found(data: bytes | str, delimiter: str = ",") -> list[object]:
    """Return each row: where it begins, and its cells or why it has none."""
    return [(one.line, one.broken or json.loads(one.data)) for one in rows(data, delimiter)]


READ = [
    pytest.param("a,b\n1,2\n", [(2, {"a": "1", "b": "2"})], id="two cells"),
    pytest.param("a,b\n1,2", [(2, {"a": "1", "b": "2"})], id="no line end at the end"),
    pytest.param(
        "a,b\r\n1,2\r\n3,4\r\n", [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})], id="CRLF"
    ),
    pytest.param("a,b\r1,2\r", [(2, {"a": "1", "b": "2"})], id="CR alone"),
    pytest.param('\ufeff"a",b\n1,2\n', [(2, {"a": "1", "b": "2"})], id="byte order mark"),
    pytest.param("a,b\n,2\n", [(2, {"b": "2"})], id="empty cell"),
    pytest.param('a,b\n"",2\n', [(2, {"b": "2"})], id="empty quoted cell"),
    pytest.param("a,b\n ,2\n", [(2, {"a": " ", "b": "2"})], id="blank cell is kept"),
    pytest.param(
        'a,b\n"1,""x""\n2",3\n4,5\n',
        [(2, {"a": '1,"x"\n2', "b": "3"}), (4, {"a": "4", "b": "5"})],
        id="quotes over two lines",
    ),
    pytest.param(
        "a,b\n\n1,2\n\n\n3,4\n",
        [(3, {"a": "1", "b": "2"}), (6, {"a": "3", "b": "4"})],
        id="empty lines",
    ),
    pytest.param("a,\n1,2\n", [(2, {"a": "1"})], id="column without a name"),
    pytest.param("a\n\u00e9\U0001f375\n", [(2, {"a": "\u00e9\U0001f375"})], id="wide characters"),
    pytest.param("a,b\n", [], id="header alone"),
    pytest.param("", [], id="nothing"),
]


@pytest.mark.parametrize(("data", "expected"), READ)
def test_rows(data: str, expected: list[object]) -> None:
    """Each row is a record with the line that it begins on; what is empty is missing."""
    assert found(data) == expected


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(delimiter: str) -> None:
    """A comma is nothing special where another character is between the cells."""
    assert found(f"a{delimiter}b\n1,5{delimiter}2\n", delimiter) == [(2, {"a": "1,5", "b": "2"})]


BROKEN = [
    pytest.param(b"1", "1 cells, the header 2", id="short"),
    pytest.param(b"1,2,3", "3 cells, the header 2", id="long"),
    pytest.param(b"\xff,2", "not UTF-8", id="Latin 1"),
    pytest.param(b'"1"x,2', "not CSV: ',' expected", id="text behind a quote"),
]


@pytest.mark.parametrize(("row", "reason"), BROKEN)
def test_a_broken_row(row: bytes, reason: str) -> None:
    """A row that cannot be read says why; the rows around it are read all the same."""
    first, broken, last = rows(b"a,b\n1,2\n" + row + b"\n3,4\n")

    assert (first.line, broken.line, last.line) == (2, 3, 4)
    assert (first.number, broken.number, last.number) == (1, 2, 3)
    assert broken.broken is not None
    assert reason in broken.broken
    assert json.loads(last.data) == {"a": "3", "b": "4"}


def test_an_open_quote() -> None:
    """A quotation mark that is never closed is reported, and so is each line that it swallows."""
    row, swallowed = rows('a,b\n1,"2\n3,4\n')

    assert (row.line, row.broken) == (2, "the file ends inside quotation marks")
    assert (swallowed.line, swallowed.number) == (3, 2)
    assert "the row in line 2 reaches over it" in (swallowed.broken or "")


def test_an_open_quote_in_a_long_file() -> None:
    """It spoils no more than one cell can hold: the rows after that are read again."""
    read = rows('a,b\n1,"2\n' + "3,4\n" * 60_000)

    assert read[0].broken is not None
    assert "is a quotation mark not closed?" in read[0].broken
    assert [row.line for row in read] == list(range(2, 60_003))
    assert sum(row.broken is None for row in read) > 20_000


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than any record is skipped, held never, and the next one is read."""
    monkeypatch.setattr(csv_files, "LONGEST_LINE", 100)
    monkeypatch.setattr(csv_files, "CHUNK", 30)

    long, last = rows("a,b\n" + "x" * 1_000 + ",2\n3,4\n")

    assert (long.line, long.broken) == (2, "the row is longer than 100 characters")
    assert (last.line, json.loads(last.data)) == (3, {"a": "3", "b": "4"})


HEADERS = [
    pytest.param("a,a\n1,2\n", "two columns `a`", id="twice"),
    pytest.param("a;b\n1;2\n", "no columns `a`, `b`", id="another delimiter"),
    pytest.param("a,c\n1,2\n", "no column `b`", id="one is missing"),
    pytest.param("\na,b\n1,2\n", "header is blank", id="blank"),
    pytest.param('"a"x,b\n1,2\n', "not CSV", id="text behind a quote"),
]


@pytest.mark.parametrize(("data", "reason"), HEADERS)
def test_a_header_of_no_use(data: str, reason: str) -> None:
    """A first line that cannot serve any row is reported once, and not for each row."""
    with pytest.raises(HeaderError, match=reason):
        rows(data, needed=("a", "b"))


def test_columns_that_are_needed() -> None:
    """Every column that a record must have is needed, by its name in the file."""
    assert needed_columns(Article) == ("No.",)


def test_the_stream_stays_open() -> None:
    """Whoever opened a file closes it."""
    stream = io.BytesIO(b"a\n1\n")

    assert len(list(read_rows(stream, ",", ()))) == 1
    assert not stream.closed


TYPED = [
    pytest.param({"count": "12"}, {"count": 12}, id="whole number"),
    pytest.param({"count": "-3"}, {"count": -3}, id="negative"),
    pytest.param({"count": "0"}, {"count": 0}, id="zero"),
    pytest.param({"count": "012"}, {"count": "012"}, id="a code"),
    pytest.param({"count": "1.0"}, {"count": "1.0"}, id="a point"),
    pytest.param({"count": " 1"}, {"count": " 1"}, id="a blank"),
    pytest.param({"count": "1" * 19}, {"count": "1" * 19}, id="too many digits"),
    pytest.param({"count": "\u0661"}, {"count": "\u0661"}, id="digits of another script"),
    pytest.param({"fragile": "true"}, {"fragile": True}, id="true"),
    pytest.param({"fragile": "FALSE"}, {"fragile": False}, id="false in capitals"),
    pytest.param({"fragile": "yes"}, {"fragile": "yes"}, id="yes"),
    pytest.param({"price": "12.50"}, {"price": "12.50"}, id="an amount is read later"),
    pytest.param({"No.": "7"}, {"No.": "7"}, id="text stays text"),
    pytest.param({"other": "7"}, {"other": "7"}, id="a column nobody reads"),
    pytest.param({"count": "", "No.": ""}, {}, id="empty"),
    pytest.param({"count": 5, "fragile": None}, {"count": 5, "fragile": None}, id="JSON values"),
]


@pytest.mark.parametrize(("given_cells", "expected"), TYPED)
def test_typed_cells(given_cells: dict[str, object], expected: dict[str, object]) -> None:
    """A cell becomes what the source says only where it is written like it."""
    typed = typed_cells(given_cells, Article)  # type: ignore[arg-type]

    assert typed == expected
    assert isinstance(typed, dict)
    assert [type(one) for one in typed.values()] == [type(one) for one in expected.values()]


_CELL = some.text(
    some.characters(exclude_categories=("Cs",), exclude_characters="\r\x00"), max_size=9
)


@given(some.lists(some.tuples(_CELL, _CELL, _CELL), max_size=9), some.sampled_from(",;\t|"))
def test_what_is_written_is_read(table: list[tuple[str, str, str]], delimiter: str) -> None:
    """Any cells that a CSV writer writes come back as they were."""
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
        [("a", "b", "c"), *table]
    )

    read = rows(written.getvalue(), delimiter)

    expected = [
        {name: cell for name, cell in zip("abc", row, strict=True) if cell}
        for row in table
        if any(row)
    ]
    assert [json.loads(row.data) for row in read] == expected


@given(some.lists(some.text('ab",;\n', max_size=12), max_size=12), some.booleans())
def test_every_line_is_accounted_for(lines: list[str], is_quoted: bool) -> None:
    """Whatever the quotation marks, no line goes silently: it is in a row, or told."""
    text = "\n".join(["x;y", *lines])

    read = list(read_rows(io.BytesIO(text.encode()), ";", (), is_quoted=is_quoted))

    told = set()
    for row in read:
        inner = 0 if row.broken else "".join(json.loads(row.data).values()).count("\n")
        told |= set(range(row.line, row.line + inner + 1))
    physical = text.split("\n")
    wanted = {at for at, line in enumerate(physical, 1) if at > 1 and line.strip('";')}
    assert wanted <= told
    assert [row.number for row in read] == list(range(1, len(read) + 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1;2;3\n", [{"a": "1", "b": "2", "c": "3"}]),
        ("1\n2;3\r\n", [{"a": "1"}, {"a": "2", "b": "3"}]),
        ("1;2;3;4\n", ["the row has 4 cells, the header 3"]),
        ("1;2;3\n4;5", [{"a": "1", "b": "2", "c": "3"}, "the row has 2 cells, the header 3"]),
        ("1;2;3", [{"a": "1", "b": "2", "c": "3"}]),
        ("\n;;\n", []),
    ],
)
def test_short_rows_that_are_filled(text: str, found: list[object]) -> None:
    """Cells that a row lacks are empty, but where the file may be cut off."""
    rows = list(read_rows(io.BytesIO(f"a;b;c\n{text}".encode()), ";", (), fills=True))

    assert [row.broken or json.loads(row.data) for row in rows] == found


def test_cells_that_are_never_quoted() -> None:
    """Quotation marks are text in a report whose cells are in none."""
    text = 'a\tb\n1\t"The Best" mug\n2\t"open\n'

    read = list(read_rows(io.BytesIO(text.encode()), "\t", (), is_quoted=False))

    assert [json.loads(row.data)["b"] for row in read] == ['"The Best" mug', '"open']


class _Endless(io.RawIOBase):
    """A file of very many rows that is nowhere."""

    def __init__(self, rows: int) -> None:
        self._left = rows
        self._rest = b"a,b\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while self._left and len(self._rest) < len(view):
            self._rest += b"12345678,some text in a cell\n" * 100
            self._left -= 100
        chunk, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(chunk)] = chunk
        return len(chunk)


def test_memory_is_flat() -> None:
    """What is held does not grow with the file."""
    peaks = []
    for count in (10_000, 100_000):
        tracemalloc.start()
        read = sum(1 for _ in read_rows(io.BufferedReader(_Endless(count)), ",", ()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert read == count

    assert peaks[1] < 2 * peaks[0]
