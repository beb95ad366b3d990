"""What a file of rows shows of its form: encoding, delimiter, header, how numbers and days are.

Only what all cells of a column agree on is taken; what fits two forms stays text.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.encodings import SIZE_OF_HEAD, guess, marked
from mapgen.agreed.paths import member_path
from mapgen.agreed.plan import Form
from mapgen.contract.inference import Json
from mapgen.runtime.dates import MONTHS, DateFormat
from mapgen.runtime.errors import RuleError
from mapgen.runtime.source import Amount, Instant
from mapgen.runtime.sources.plain import plain
from mapgen.runtime.sources.spelling import Spelling

Record: TypeAlias = Mapping[str, Json]
Columns: TypeAlias = Mapping[str, Sequence[str]]

DELIMITERS = (",", ";", "\t", "|")
RFC2822 = "rfc2822"
# So much of a file is looked at: what is before the header, the header, and rows.
_HEAD = 1 << 18
_MOST_LINES = 200
_FEWEST_COLUMNS = 3
# So many lines at the end may be totals, behind so many rows.
_MOST_TOTALS = 3
_FEWEST_ROWS = 3
_NO_NAME = re.compile(r"[-+\d.,:/% ]*\d[-+\d.,:/% ]*", re.ASCII)
# What texts of days look like, and the formats that may be meant.
_DAYS: Sequence[tuple[re.Pattern[str], tuple[str, ...]]] = tuple(
    (re.compile(pattern, re.ASCII), formats)
    for pattern, formats in (
        (r"\d\d\.\d\d\.\d{4}", ("dd.MM.yyyy",)),
        (r"\d{1,2}\.\d{1,2}\.\d{4}", ("d.M.yyyy",)),
        (r"\d\d\.\d\d\.\d\d", ("dd.MM.yy",)),
        (r"\d{1,2}\.\d{1,2}\.\d\d", ("d.M.yy",)),
        (r"\d\d/\d\d/\d{4}", ("dd/MM/yyyy", "MM/dd/yyyy")),
        (r"\d{1,2}/\d{1,2}/\d{4}", ("d/M/yyyy", "M/d/yyyy")),
        (r"\d\d-\d\d-\d{4}", ("dd-MM-yyyy", "MM-dd-yyyy")),
        (r"\d{4}/\d\d/\d\d", ("yyyy/MM/dd",)),
    )
)
_MONTH = "|".join(name[:3] for name in MONTHS)
_RFC2822 = re.compile(
    rf"(?:[A-Z][a-z]{{2}}, )?\d{{1,2}} (?:{_MONTH}) \d{{4}} \d\d:\d\d(?::\d\d)? [-+A-Z0-9]+",
    re.ASCII,
)


class _Style(Struct, frozen=True):
    """A way to write numbers: the sign before the decimals, those that group thousands."""

    decimal: str
    thousands: str

    @property
    def number(self) -> re.Pattern[str]:
        """A number: its sign may be before or behind it, or brackets around it."""
        whole = rf"\d{{1,3}}(?:(?P<group>[{self.thousands}])\d{{3}})(?:(?P=group)\d{{3}})*|\d+"
        decimals = rf"(?P<decimals>{re.escape(self.decimal)}\d+)?"
        return re.compile(rf"[-+]?\(?(?:{whole}){decimals}\)?[-+]?", re.ASCII)

    def columns(self, columns: Columns) -> dict[str, list[re.Match[str]]]:
        """Return the columns all of whose cells are surely such numbers, some with decimals."""
        found: dict[str, list[re.Match[str]]] = {}
        for name, cells in columns.items():
            numbers = [match for cell in cells if (match := self.number.fullmatch(cell))]
            sure = any(
                one["decimals"] and (one["group"] or len(one["decimals"]) != 4) for one in numbers
            )
            if len(numbers) == len(cells) and sure:
                found[name] = numbers
        return found


_COMMA = _Style(",", ". '\N{NO-BREAK SPACE}")
_POINT = _Style(".", ", '\N{NO-BREAK SPACE}")


def form_of_rows(path: Path) -> Form:
    """Return the form of a file of CSV, but for how it writes numbers and days."""
    with path.open("rb") as stream:
        encoding = _marked(stream.read(SIZE_OF_HEAD))
        stream.seek(0)
        head = plain(stream, Form("csv", encoding=encoding)).read(_HEAD)
    guessed = _guessed(head)
    text = head.decode(guessed, "replace")
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    delimiter = _delimiter(lines[:_MOST_LINES])
    return Form(
        "csv",
        delimiter=delimiter,
        encoding=guessed if encoding == "utf-8" else encoding,
        header_line=_header_line(_rows(lines[:_MOST_LINES], delimiter)),
    )


def with_spelling(form: Form, rows: Sequence[Record]) -> Form:
    """Return the form with how rows write numbers and days."""
    columns = _columns(rows)
    dates = {name: words for name, cells in columns.items() if (words := _format(cells))}
    numbers = {name: cells for name, cells in columns.items() if name not in dates}
    by_comma, by_point = _COMMA.columns(numbers), _POINT.columns(numbers)
    form = replace(form, dates=dates)
    if bool(by_comma) == bool(by_point):
        return form
    found = by_comma or by_point
    groups = Counter(one["group"] for cells in found.values() for one in cells if one["group"])
    sign = next((group for group, _ in groups.most_common(1)), None)
    if by_point and sign is None:
        return form
    return replace(
        form,
        decimal="," if by_comma else None,
        thousands=" " if sign == "\N{NO-BREAK SPACE}" else sign,
    )


def as_elsewhere(form: Form, rows: Sequence[Record]) -> list[Record]:
    """Return rows with numbers and days as they are written where a form says nothing of them."""
    style = _COMMA if form.decimal == "," else _POINT
    kinds: dict[str, type] = dict.fromkeys(style.columns(_columns(rows)), Amount)
    kinds |= {name: _kind_of(words) for name, words in form.dates.items()}
    spelling = Spelling(form)
    return [
        {name: _respelled(cell, name, kinds.get(name), spelling) for name, cell in row.items()}
        for row in rows
    ]


def before_totals(rows: Sequence[Record]) -> int:
    """Return how many rows come before lines of totals, which are few, at the end.

    Such a line has at most half of the cells that any row has.
    """
    end = len(rows)
    while end > max(_FEWEST_ROWS, len(rows) - _MOST_TOTALS):
        if 2 * len(rows[end - 1]) > min(map(len, rows[: end - 1])):
            break
        end -= 1
    return end


def formats_of_days(records: Iterable[Record], name: str) -> Mapping[str, str]:
    """Return the formats of texts that are days or moments, by source path: `rfc2822`.

    Args:
        records: the samples.
        name: what a record is called.
    """
    texts: dict[str, list[str]] = {}
    for record in records:
        _gather(record, name, texts)
    return {path: words for path, found in texts.items() if (words := _format(found))}


def _gather(value: Json, path: str, texts: dict[str, list[str]]) -> None:
    """Collect the texts that are not blank, by path."""
    if isinstance(value, str):
        texts.setdefault(path, []).extend([value] if value.strip() else [])
    elif isinstance(value, list):
        for one in value:
            _gather(one, f"{path}[]", texts)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _gather(one, member_path(path, name), texts)


def _marked(head: bytes) -> str:
    """Return the encoding that the first bytes of a file tell, as a source names it."""
    found = marked(head)
    if found is None:
        return "utf-8"
    label, mark = found
    return label.removesuffix("-le").removesuffix("-be") if mark else label


def _guessed(head: bytes) -> str:
    """Return the encoding that most lines look like which are no UTF-8."""
    lines = head.splitlines()[: -1 if len(head) == _HEAD else None]
    found = Counter(guess(line) for line in lines if not _is_utf8(line))
    return next((label for label, _ in found.most_common() if label is not None), "utf-8")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(lines: Sequence[str]) -> str:
    """Return what is in most lines the same number of times, and often."""

    def weight(sign: str) -> int:
        counts = Counter(line.count(sign) for line in lines if sign in line)
        return max((count * times for count, times in counts.items()), default=0)

    return max(DELIMITERS, key=weight)


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        if delimiter == "\t":
            return [*csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)]
        return [*csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return []


def _header_line(rows: Sequence[Sequence[str]]) -> int:
    """Return the line with the names: the first, unless most of its cells are empty or lacking."""
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    filled = [[cell for cell in row if cell.strip()] for row in rows]
    if width < _FEWEST_COLUMNS or 2 * len(filled[0]) > width:
        return 1
    found = (
        number
        for number, (row, cells) in enumerate(zip(rows, filled, strict=True), 1)
        if len(row) == width and 2 * len(cells) > width
        if len({*cells}) == len(cells) and not any(map(_NO_NAME.fullmatch, cells))
    )
    return next(found, 1)


def _columns(rows: Iterable[Record]) -> dict[str, list[str]]:
    """Return the cells that are not empty, by column."""
    columns: dict[str, list[str]] = {}
    for row in rows:
        for name, cell in row.items():
            if isinstance(cell, str) and cell.strip():
                columns.setdefault(name, []).append(cell.strip())
    return columns


def _format(texts: Sequence[str]) -> str | None:
    """Return the format of days that all texts have, None where there is none, or two."""
    if texts and all(map(_RFC2822.fullmatch, texts)):
        return RFC2822
    for pattern, formats in _DAYS if texts else ():
        if all(map(pattern.fullmatch, texts)):
            found = [words for words in formats if _fits(words, texts)]
            return found[0] if len(found) == 1 else None
    return None


def _fits(words: str, texts: Iterable[str]) -> bool:
    read = DateFormat(words).read_date
    try:
        return all(map(read, texts))
    except (ValueError, OverflowError):
        return False


def _kind_of(words: str) -> type:
    return Instant if words == RFC2822 else date


def _respelled(cell: Json, name: str, kind: type | None, spelling: Spelling) -> Json:
    read = spelling.of(name, kind)
    try:
        return read(cell) if read is not None and isinstance(cell, str) else cell
    except RuleError:
        return cell
