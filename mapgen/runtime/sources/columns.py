"""Records of CSV in, source structs out: a header is looked at once, and no row twice.

What is made here is what `strict` makes of the record as JSON. A record that is refused is read
again by the complete way, which says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from mapgen.runtime.annotations import fields_of, present_type, struct_of
from mapgen.runtime.constraints import keeper
from mapgen.runtime.errors import RuleError
from mapgen.runtime.members import name_of
from mapgen.runtime.source import Amount, amount, exact, one_type
from mapgen.runtime.sources.cells import Row, getter, typed_cell
from mapgen.runtime.sources.groups import RowGroup
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.sources.spelling import Spelling
from mapgen.runtime.varied import Nothing, is_nothing, nothing_of, varied_of

_Read = Callable[[Any], Any]
_Values = Callable[[list[str]], list[Any]]
_Converter = Callable[[str], object]


class CsvReader:
    """Reads the records of one flow; what a header says is evaluated once."""

    def __init__(self, kind: type, spelling: Spelling) -> None:
        """Make ready for records that become this struct, of cells that are written so."""
        self._kind = kind
        self._spelling = spelling
        self._header: tuple[str, ...] | None = None
        self._read: _Read

    def read(self, record: Row | RowGroup) -> Any | None:
        """Return the struct of a record, None where the complete way has to look at it."""
        if record.header is not self._header:
            self._read = _reader(self._kind, record, self._spelling)
            self._header = record.header
        try:
            return self._read(record)
        except (ValueError, ArithmeticError, msgspec.ValidationError, RuleError):
            return None


def _reader(kind: type, first: Row | RowGroup, spelling: Spelling) -> _Read:
    if isinstance(first, RowGroup):
        return _group_reader(kind, first, spelling)
    values = _values(kind, first.header, spelling)
    return lambda row: kind(*values(row.cells))


def _group_reader(kind: type, first: RowGroup, spelling: Spelling) -> _Read:
    kinds = {name_of(field): field.type for field in fields_of(kind)}
    inner = struct_of(kinds.get(first.group.rows))
    of_key = getter([first.header.index(name) for name in first.group.by])
    if inner is None:  # no rule reads the rows
        key = _values(kind, first.group.by, spelling)
        return lambda record: kind(*key(list(of_key(record.rows[0]))))
    if not first.group.by:
        of_row = _values(inner, first.header, spelling)
        return lambda record: kind([inner(*of_row(cells)) for cells in record.rows])
    at = list(kinds).index(first.group.rows)
    key = _values(kind, first.group.by, spelling, at)
    values = _values(inner, first.header, spelling)

    def read(record: RowGroup) -> Any:
        members = key(list(of_key(record.rows[0])))
        members[at] = [inner(*values(cells)) for cells in record.rows]
        return kind(*members)

    return read


def _values(
    kind: type, header: tuple[str, ...], spelling: Spelling, rows: int | None = None
) -> _Values:
    """Return what gives the members of a struct, in their order; that at `rows` is none of cells.

    An optional member that is missing is None in every source struct.
    """
    columns = {name: at for at, name in enumerate(header) if name}
    fields = fields_of(kind)
    of_members = getter([columns.get(name_of(field), 0) for field in fields])
    absent = [at for at, field in enumerate(fields) if name_of(field) not in columns]
    required = [at for at, field in enumerate(fields) if field.required and at != rows]
    of_required = getter([columns.get(fields[at].encode_name, 0) for at in required])
    is_lacking = not set(absent).isdisjoint(required)
    converters = list(_converters(kind, spelling))

    def values(cells: list[str]) -> list[Any]:
        if is_lacking or "" in of_required(cells):
            raise ValueError("a cell is missing")
        found: list[Any] = [cell or None for cell in of_members(cells)]
        for at in absent:
            found[at] = None
        for at, convert in converters:
            if found[at] is not None:
                found[at] = convert(found[at])
        return found

    return values


def _converters(kind: type, spelling: Spelling) -> Iterator[tuple[int, _Converter]]:
    """Yield what makes the members that are more than text of their cells, each with its place."""
    for at, field in enumerate(fields_of(kind)):
        inner, is_kept = present_type(field.type), keeper(field.type)
        convert = _CONVERTERS.get(inner, partial(_converted, inner))
        read, varied = spelling.of(name_of(field), inner), varied_of(field.type)
        if varied is not None:
            convert = partial(one_type, varied)
        if is_kept is not None:
            convert = partial(_kept, is_kept, inner, convert)
        if read is not None:
            convert = partial(_spelled, read, convert)
        if varied is not None:
            yield at, partial(_perhaps, nothing_of(field.type), convert)
        elif read is not None or is_kept is not None or inner is not str:
            yield at, convert


def _perhaps(nothing: Nothing, convert: _Converter, cell: str) -> object:
    return None if is_nothing(nothing, cell) else convert(cell)


def _spelled(read: Callable[[str], str], convert: _Converter, cell: str) -> object:
    return convert(read(cell))


def _converted(kind: object, cell: str) -> object:
    return msgspec.convert(typed_cell(cell, kind), kind, dec_hook=exact)


def _kept(
    is_kept: Callable[[JsonValue], bool], kind: object, convert: _Converter, cell: str
) -> object:
    converted = convert(cell)
    if not is_kept(typed_cell(cell, kind)):
        raise ValueError("a cell is not what the source schema says")
    return converted


_CONVERTERS: dict[object, _Converter] = {str: str, Amount: amount}
