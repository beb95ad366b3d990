"""Workbooks of Excel: rows of a sheet, cells as they would be in CSV, what has no value named."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import msgspec
import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import Form
from mapgen.runtime.sources.cells import HeaderError, Row
from mapgen.runtime.sources.kinds import files_of
from mapgen.runtime.sources.plain import UnfitBytes, plain
from mapgen.runtime.sources.records import RawRecord

FORM = Form("xlsx")
HEADER = ("id", " name ", "amount", "")


def workbook(*rows: Any, fill: Callable[[Any], None] = lambda book: None) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Orders"
    for row in rows:
        book.active.append(row)
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(data: bytes, form: Form = FORM, needed: tuple[str, ...] = ()) -> list[Row | RawRecord]:
    stream = plain(io.BytesIO(data), form)
    return list(files_of(form).records(stream, "orders.xlsx", needed))


def shown(rows: list[Row | RawRecord]) -> list[tuple[int, object]]:
    return [(row.line, row.named() if isinstance(row, Row) else row.broken) for row in rows]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("  x ", "  x "),
        (1001, "1001"),
        (12.1, "12.1"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (123456789012345, "123456789012345"),
        (9007199254740991, "9007199254740991"),
        (True, "true"),
        (False, "false"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 9, 30), "2026-01-31T09:30:00"),
        (time(9, 30), "09:30:00"),
    ],
)
def test_values(value: object, text: str) -> None:
    """A cell is the text that it would be in CSV, a number with the digits that Excel shows."""
    assert shown(read(workbook(["a"], [value]))) == [(2, {"a": text})]


def test_rows() -> None:
    """Rows have the lines of the sheet; empty ones are none, and a column without a name."""
    data = workbook(HEADER, [1, "Müller", 2.5, "x"], [], [None, None, None, "x"], [2, None, 7])

    assert shown(read(data)) == [
        (2, {"id": "1", "name": "Müller", "amount": "2.5"}),
        (4, {}),
        (5, {"id": "2", "amount": "7"}),
    ]


def test_a_sheet_by_its_name() -> None:
    """The first sheet that is seen is read, unless another is named; a header may come later."""

    def fill(book: Any) -> None:
        book.create_sheet("Hidden", 0).sheet_state = "hidden"
        book.create_chartsheet("Chart", 0)
        other = book.create_sheet("Ärger & Co")
        other["C3"], other["C4"], other["D4"] = "id", 7, "=1/0"

    data = workbook(["id"], [1], fill=fill)
    other = msgspec.structs.replace(FORM, sheet="Ärger & Co", header_line=3)

    assert shown(read(data)) == [(2, {"id": "1"})]
    assert shown(read(data, other)) == [(4, {"id": "7"})]
    with pytest.raises(UnfitBytes, match="it has no sheet `orders`") as caught:
        read(data, msgspec.structs.replace(FORM, sheet="orders"))
    assert caught.value.advice == "`sheet:` is one of `Orders`, `Ärger & Co`"


def test_what_has_no_value() -> None:
    """An error and a formula without a value reject their rows, and are named."""

    def fill(book: Any) -> None:
        book.active["B3"].data_type = "e"

    data = workbook(HEADER, [1, "a", "=A2*2"], [2, "#N/A", 1], [3, "a", 1, "=A1"], fill=fill)

    assert shown(read(data)) == [
        (2, "`Orders!C2` is a formula without a value: open the file in Excel and save it"),
        (3, "`Orders!B3` shows an error"),
        (4, {"id": "3", "name": "a", "amount": "1"}),
    ]


def test_faulty_cells_far_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found wherever the sheet is cut to pieces."""
    rows = [[at, "name", "=A1" if at % 5 == 0 else at] for at in range(1, 60)]
    data = workbook(HEADER, *rows)
    for size in (7, 64, 1000):
        monkeypatch.setattr("mapgen.runtime.sources.xlsx.CHUNK", size)
        broken = [line for line, why in shown(read(data)) if isinstance(why, str)]
        assert broken == [at + 1 for at in range(5, 60, 5)]


def test_a_long_number() -> None:
    """A number that Excel cannot hold to its last digit rejects its row."""
    [(_, why)] = shown(read(workbook(["id"], [12345678901234567])))

    assert why == "`Orders!A2` has more digits than a number of Excel keeps: write it as text"


def test_header() -> None:
    """A header that lacks a column, or has one twice, is reported before any row."""
    with pytest.raises(HeaderError, match="no column `sku`"):
        read(workbook(["id"], [1]), needed=("sku",))
    with pytest.raises(HeaderError, match="two columns `id`"):
        read(workbook(["id", "id "], [1]))
    assert read(workbook()) == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"a,b\n1,2\n", id="CSV"),
        pytest.param(b"\xd0\xcf\x11\xe0" + b"\0" * 600, id="old"),
        pytest.param(b"PK\x03\x04", id="no archive"),
        pytest.param(workbook(["a"])[:900], id="cut off"),
        pytest.param(b"", id="empty"),
    ],
)
def test_no_workbook(data: bytes) -> None:
    """Another file is reported, with what to do."""
    with pytest.raises(UnfitBytes, match="no workbook of Excel") as caught:
        read(data)
    assert caught.value.advice == "save it as an Excel workbook (`.xlsx`)"


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than a workbook may be is not unpacked."""
    monkeypatch.setattr("mapgen.runtime.sources.xlsx.LONGEST_UNPACKED", 1 << 20)
    data = io.BytesIO(workbook(["a"], [1]))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/x.xml", b" " * (1 << 21))

    with pytest.raises(UnfitBytes, match="when it is unpacked"):
        read(data.getvalue())


GOOD = workbook(HEADER, [1, "a", "=A1"], [2, "b", 2.5])


@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Whatever is changed in a file or in its parts, it is reported or read."""
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(GOOD) - 1))
        damaged = (
            GOOD[:at] + data.draw(st.binary(max_size=4)) + GOOD[at + data.draw(st.integers(0, 9)) :]
        )
    else:
        damaged = _with_a_part_changed(data)
    with contextlib.suppress(UnfitBytes, HeaderError):
        read(damaged)


def _with_a_part_changed(data: st.DataObject) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(out, "w") as new:
        changed = data.draw(st.sampled_from(old.namelist()))
        for name in old.namelist():
            text = old.read(name)
            if name == changed:
                at = data.draw(st.integers(0, len(text)))
                text = text[:at] + data.draw(st.binary(max_size=4)) + text[at + 3 :]
            new.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("place", ["XFD1048576", "ZZZZZZZZZ1", "A999999999", "zzz1048576"])
def test_a_cell_far_from_the_others(place: str) -> None:
    """A sheet of which most cells are empty is refused before there is no memory left."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(("id", "amount"), ("1", 2)))) as plain_book,
        zipfile.ZipFile(packed, "w") as other,
    ):
        for name in plain_book.namelist():
            data = plain_book.read(name)
            other.writestr(name, data.replace(b'r="B2"', f'r="{place}"'.encode()))

    with pytest.raises(UnfitBytes, match="`Orders` goes down to row"):
        read(packed.getvalue())


def test_packed() -> None:
    """A workbook that is packed once more is unpacked."""
    assert shown(read(gzip.compress(workbook(["a"], [1])))) == [(2, {"a": "1"})]
