"""Rows of cells: a header names the members, and each cell is text until its member says more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import ClassVar, cast

import msgspec

from mapgen.agreed.plan import Form
from mapgen.runtime.annotations import fields_of, present_type, struct_of
from mapgen.runtime.errors import RuleError
from mapgen.runtime.members import name_of
from mapgen.runtime.source import TypeMismatch
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.sources.spelling import Spelling
from mapgen.runtime.varied import Nothing, is_nothing, nothing_of

_PLAIN = Spelling(Form())
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLAGS = {"true": True, "false": False}


class HeaderError(Exception):
    """A first line that does not name the columns a flow needs; the message says why."""


class Row(msgspec.Struct, frozen=True):
    """A row that can be read: as many cells as the header has names."""

    number: int
    line: int
    header: tuple[str, ...]
    cells: list[str]

    broken: ClassVar[None] = None

    def named(self) -> dict[str, JsonValue]:
        """Return the row as an object of text."""
        return named(self.header, self.cells)

    @property
    def data(self) -> bytes:
        """The row as a JSON object."""
        return msgspec.json.encode(self.named())


def named(header: Sequence[str], cells: Sequence[str]) -> dict[str, JsonValue]:
    """Return cells by the names of their columns; empty ones are missing."""
    return {name: cell for name, cell in zip(header, cells, strict=True) if name and cell}


def getter(columns: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    """Return what gives the cells in these columns of a row."""
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda cells: [cells[at] for at in columns]


def header_of(names: Iterable[str], needed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns; raises HeaderError for two alike, or a needed one lacking.

    A file without a first line has no columns, and needs none.
    """
    header = tuple(names)
    times = Counter(header)
    twice = sorted(name for name, count in times.items() if name and count > 1)
    if twice:
        raise HeaderError(f"it has two columns `{twice[0]}`")
    lacking = [name for name in needed if name not in header]
    if header and lacking:
        names = ", ".join(f"`{name}`" for name in lacking)
        raise HeaderError(f"it has no column{'s' * (len(lacking) > 1)} {names}")
    return header


def typed_cells(value: JsonValue, kind: type, spelling: Spelling = _PLAIN) -> JsonValue:
    """Return a row with whole numbers and flags as what they are; empty cells are missing.

    A cell that is not written like its type (`007`, `yes`) stays text, which the source's type
    then refuses. Amounts and dates are read from text anyway.

    Args:
        value: the row.
        kind: the struct that it is to become.
        spelling: how cells are written.
    """
    if not isinstance(value, dict):
        return value
    kinds = _kinds(kind)
    cells = ((name, cell) for name, cell in value.items() if cell != "")
    return {name: _spelled(cell, name, *kinds.get(name, _ANY), spelling) for name, cell in cells}


def _spelled(
    cell: JsonValue, name: str, kind: object, nothing: Nothing, spelling: Spelling
) -> JsonValue:
    """Return what a cell is; what is not written like it stands for its error."""
    if nothing and is_nothing(nothing, cell):
        return cell
    read = spelling.of(name, kind) if isinstance(cell, str) else None
    try:
        return typed_cell(cell if read is None else read(cast(str, cell)), kind)
    except RuleError as error:
        return cast(JsonValue, TypeMismatch(error))


_ANY: tuple[object, Nothing] = (None, Nothing())


@cache
def _kinds(kind: type) -> Mapping[str, tuple[object, Nothing]]:
    """Return what the members of a struct hold where they are there, and the words for nothing."""
    fields = fields_of(kind)
    return {name_of(one): (present_type(one.type), nothing_of(one.type)) for one in fields}


def typed_members(value: JsonValue, kind: type, forms: Mapping[str, Form]) -> JsonValue:
    """Return a record with the rows in these members typed as `typed_cells` does.

    Args:
        value: the record.
        kind: the struct that it is to become.
        forms: what files are of which its members are rows, or lists of them.
    """
    if not isinstance(value, dict):
        return value
    typed = dict(value)
    for name, inner in _structs(kind):
        if name in forms and name in value:
            found, spelling = value[name], Spelling(forms[name])
            if isinstance(found, list):
                typed[name] = [typed_cells(row, inner, spelling) for row in found]
            else:
                typed[name] = typed_cells(found, inner, spelling)
    return typed


@cache
def _structs(kind: type) -> tuple[tuple[str, type], ...]:
    """Return the members of a struct that are structs or lists of them, and which."""
    found = ((name_of(one), struct_of(one.type)) for one in fields_of(kind))
    return tuple((name, inner) for name, inner in found if inner is not None)


def whole_number(cell: str) -> int | None:
    """Return the number that a cell is written as, None for what is none: `012` is a code."""
    return int(cell) if _WHOLE.fullmatch(cell) else None


def needed_columns(kind: type) -> tuple[str, ...]:
    """Return the members that every record of a source has."""
    return tuple(name_of(field) for field in fields_of(kind) if field.required)


def typed_cell(cell: JsonValue, kind: object) -> JsonValue:
    """Return a whole number or a flag where the cell is to be one, and is written like one."""
    if not isinstance(cell, str):
        return cell
    if kind is int and _WHOLE.fullmatch(cell):
        return int(cell)
    if kind is bool:
        return _FLAGS.get(cell.lower(), cell)
    return cell
