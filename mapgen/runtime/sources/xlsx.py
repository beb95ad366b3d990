"""Workbooks of Excel in, rows out: a record is a row of a sheet below its header.

A cell becomes the text that it would be in CSV. What shows an error, or is a formula without a
value, rejects its row and is named: `Orders!C7`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree import ElementTree

import msgspec

from mapgen.agreed.plan import Form, Plan
from mapgen.runtime.sources.cells import Row, header_of
from mapgen.runtime.sources.kind import Source
from mapgen.runtime.sources.plain import UnfitBytes
from mapgen.runtime.sources.records import CHUNK, RawRecord
from mapgen.runtime.sources.rows import RowRecords

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

# Of the file, and of what it holds unpacked: a sheet is read as a whole.
LONGEST_WORKBOOK = 256 * 1024 * 1024
LONGEST_UNPACKED = 1024 * 1024 * 1024
# All cells from the first to the last of a sheet are kept, the empty ones too.
MOST_CELLS = 32_000_000
_LONGEST_INDEX = 4 * 1024 * 1024
_AS_XLSX = "save it as an Excel workbook (`.xlsx`)"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MOST_EXACT = 2**53
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_ENDS = (b"</c>", b":c>")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_PLACES = re.compile(rb"\br=[\"']([A-Za-z]+)(\d{1,9})")
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*(?<!/)>[^<]")
_TEXT = re.compile(rb"\bt=[\"']str[\"']")
_DAMAGE = (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, KeyError, EOFError)
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class XlsxFiles:
    """Files of Excel."""

    def __init__(self, form: Form) -> None:
        """Prepare for files of a form."""
        self.form = form

    def records(
        self, stream: BinaryIO, _: str, needed: tuple[str, ...], /
    ) -> Iterator[Row | RawRecord]:
        """Yield the rows below the header that are not empty. Raises UnfitBytes, HeaderError."""
        with _told():
            data = _whole(stream)
            book, archive = _opened(data)
            name = _sheet(book, self.form.sheet)
            faulty = _faulty(archive, name)
            sheet = book.get_sheet_by_name(name)
            first = sheet.start[1] if sheet.start else 0
            rows = enumerate(sheet.iter_rows(), 1)
            yield from self._rows(rows, first, faulty, name, needed)

    def _rows(
        self,
        rows: Iterator[tuple[int, list[Any]]],
        first: int,
        faulty: Mapping[tuple[int, int], str],
        sheet: str,
        needed: tuple[str, ...],
    ) -> Iterator[Row | RawRecord]:
        header: tuple[str, ...] = ()
        wrong: dict[int, tuple[int, str]] = {}
        number = 0
        for line, values in rows:
            if line < self.form.header_line:
                continue
            if line == self.form.header_line:
                header = header_of((_text(value).strip() for value in values), needed)
                names = {first + at: name for at, name in enumerate(header) if name}
                for (at, column), why in faulty.items():
                    if column in names:
                        wrong.setdefault(at, (column, why))
                continue
            cells = [_text(value) for value in values]
            if line in wrong:
                column, why = wrong[line]
                number += 1
                yield RawRecord(number, line, b"", f"`{sheet}!{_letters(column)}{line}` {why}")
            elif any(cells):
                number += 1
                yield _row(number, line, header, cells, values, (sheet, first))

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow whose records are rows."""
        return RowRecords(self, plan, kind)


def _row(
    number: int,
    line: int,
    header: tuple[str, ...],
    cells: list[str],
    values: list[Any],
    place: tuple[str, int],
) -> Row | RawRecord:
    """Return a row, broken where a number of it has lost digits."""
    sheet, first = place
    for at, value in enumerate(values):
        if type(value) is float and abs(value) >= _MOST_EXACT and header[at]:
            cell = f"`{sheet}!{_letters(first + at)}{line}`"
            broken = f"{cell} has more digits than a number of Excel keeps: write it as text"
            return RawRecord(number, line, b"", broken)
    return Row(number, line, header, cells)


def _text(value: object) -> str:
    """Return a value of a cell as it would be in CSV, numbers with the digits that Excel shows."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case float():
            return f"{Decimal(f'{value:.15g}'):f}"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


@contextmanager
def _told() -> Iterator[None]:
    """Say what is no workbook. Raises UnfitBytes."""
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError:
        raise UnfitBytes("it is protected by a password", "save it without one") from None
    except (*_DAMAGE, CalamineError) as error:
        reason = f"it is no workbook of Excel: {str(error).lower() or 'it is damaged'}"
        raise UnfitBytes(reason, _AS_XLSX) from None


def _whole(stream: BinaryIO) -> bytes:
    pieces, size = [], 0
    while piece := stream.read(CHUNK):
        size += len(piece)
        if size > LONGEST_WORKBOOK:
            reason = f"it is longer than {LONGEST_WORKBOOK:,} bytes"
            raise UnfitBytes(reason, "split it, or save it as CSV")
        pieces.append(piece)
    return b"".join(pieces)


def _opened(data: bytes) -> tuple[CalamineWorkbook, zipfile.ZipFile]:
    from python_calamine import CalamineWorkbook

    if not data.startswith(b"PK"):
        raise UnfitBytes("it is no workbook of Excel", _AS_XLSX)
    archive = zipfile.ZipFile(io.BytesIO(data))
    if sum(one.file_size for one in archive.infolist()) > LONGEST_UNPACKED:
        reason = f"it is longer than {LONGEST_UNPACKED:,} bytes when it is unpacked"
        raise UnfitBytes(reason, "split it, or save it as CSV")
    if any(one.compress_type not in _PACKED_AS or one.flag_bits & 1 for one in archive.infolist()):
        raise zipfile.BadZipFile("it is packed in a way that Excel does not know")
    return CalamineWorkbook.from_filelike(io.BytesIO(data)), archive


def _sheet(book: CalamineWorkbook, name: str | None) -> str:
    """Return the name of the sheet that is asked for, or of the first that is seen."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    seen = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
    names = [one.name for one in sheets]
    if name is None and not seen:
        raise UnfitBytes("it has no sheet", _AS_XLSX)
    if name is not None and name not in names:
        listed = ", ".join(f"`{one}`" for one in seen[:8])
        raise UnfitBytes(f"it has no sheet `{name}`", f"`sheet:` is one of {listed}")
    return name or seen[0]


def _faulty(archive: zipfile.ZipFile, sheet: str) -> Mapping[tuple[int, int], str]:
    """Return the cells of a sheet that have no value though something is in them, and why.

    The reader of workbooks gives them like empty ones. Raises UnfitBytes for a sheet with more
    cells, empty ones too, than there is memory for.
    """
    found: dict[tuple[int, int], str] = {}
    lowest, rightmost = 0, ""
    for text in _pieces(archive, sheet):
        found.update(_faulty_of(text))
        places = _PLACES.findall(text)
        columns = {letters.decode().upper()[:7] for letters, _ in places}
        rightmost = max(columns | {rightmost}, key=lambda letters: (len(letters), letters))
        lowest = max(lowest, *map(int, {number for _, number in places}), 0)
        if lowest * (_column(rightmost.encode()) + 1) > MOST_CELLS:
            reason = f"its sheet `{sheet}` goes down to row {lowest}, right to column {rightmost}"
            raise UnfitBytes(reason, "delete what is far from the rows, or save it as CSV")
    return found


def _pieces(archive: zipfile.ZipFile, sheet: str) -> Iterator[bytes]:
    """Yield the text of a sheet in pieces that hold whole cells."""
    with archive.open(_path_of(archive, sheet)) as stream:
        rest = b""
        while chunk := stream.read(CHUNK):
            text = rest + chunk
            ends = (text.rfind(mark) + len(mark) for mark in _ENDS if mark in text)
            end = max(ends, default=0)
            rest = text[end:]
            if len(rest) > _LONGEST_INDEX:
                raise zipfile.BadZipFile("a cell of it is too long")
            yield text[:end]
        yield rest


def _faulty_of(text: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    if not _ERROR.search(text) and not _FORMULA.search(text):
        return
    for found in _CELL.finditer(text):
        attributes, inside = found[1], found[2]
        place = _PLACE.search(attributes)
        if place is None:
            continue
        at = int(place[2]), _column(place[1])
        if _ERROR.search(attributes):
            yield at, "shows an error"
        elif _FORMULA.search(inside) and not _has_value(attributes, inside):
            yield at, "is a formula without a value: open the file in Excel and save it"


def _has_value(attributes: bytes, inside: bytes) -> bool:
    """Whether the value of a formula is known; that may be an empty text."""
    return _VALUE.search(inside) is not None or _TEXT.search(attributes) is not None


def _path_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return where a sheet is in the archive."""
    related = {
        one.get("Id"): one.get("Target", "") for one in _xml(archive, "xl/_rels/workbook.xml.rels")
    }
    for one in _xml(archive, "xl/workbook.xml").iter():
        if one.tag.endswith("}sheet") and one.get("name") == sheet:
            target = related.get(one.get(_RELATION), "")
            return target.lstrip("/") if target[:1] == "/" else str(PurePosixPath("xl") / target)
    raise KeyError(f"the sheet {sheet} is in no file")


def _xml(archive: zipfile.ZipFile, path: str) -> ElementTree.Element:
    if archive.getinfo(path).file_size > _LONGEST_INDEX:
        raise zipfile.BadZipFile("its list of sheets is too long")
    return ElementTree.fromstring(archive.read(path))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _letters(column: int) -> str:
    found = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        found, column = chr(ord("A") + letter) + found, column - 1
    return found
