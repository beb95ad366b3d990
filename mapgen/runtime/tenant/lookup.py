"""A lookup in the tenant: each key is asked for once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from mapgen.agreed.plan import Condition, TenantTable
from mapgen.runtime.blanks import is_blank
from mapgen.runtime.errors import RuleError
from mapgen.runtime.folding import folded
from mapgen.runtime.limits import shown_key
from mapgen.runtime.lookups import Asked, Key, Make, row_of
from mapgen.runtime.tenant.query import LONGEST_QUERY, encoded, literal, value_of

_MOST_KNOWN = 65_536
_MOST_UNKNOWN = 4_096
_MOST_RECORDS = 256
_UNKNOWN_FOR = 10.0
"""Seconds that a key without a value is not asked for again: long enough that a record which is
gone through a second time, for all its errors, costs no second request."""
# Of a day, the ERP sends a time, too.
_DAY = len("2026-01-31")

Ask = Callable[[str, str], Sequence[dict[str, Any]] | None]
"""Takes an entity and a query; returns at most two records, None where the ERP refuses it."""


class QueriedTable(Asked):
    """The records of an entity as a table: the value of the one record that has the key.

    Invariant: a value is given only where all records that answer have the key asked for, and that
    value; anything else raises a RuleError of the record at work. A key is asked for once in a run.
    Of rows, the record that they are in is asked for, once for ten seconds.
    """

    def __init__(self, name: str, table: TenantTable, ask: Ask, make: Make = str) -> None:
        """Take a lookup and who is asked; `make` makes a row of several values."""
        self._name = name
        self._table = table
        self._ask = ask
        self._make = make
        self._values = tuple(column.name for column in table.columns) or (table.value or "",)
        self._own = tuple(name for name in table.key if "." not in name)
        self._known = lru_cache(_MOST_KNOWN)(self._look_up)
        self._records: dict[tuple[str, ...], tuple[float, Sequence[dict[str, Any]] | None]] = {}
        self._unknown: dict[Key, tuple[float, RuleError | None]] = {}

    def forget(self) -> None:
        """Ask anew from now on: a run has ended, and others change what the tenant has."""
        self._known.cache_clear()
        self._unknown.clear()
        self._records.clear()

    def __getitem__(self, key: Key) -> Any:
        parts = (key,) if isinstance(key, str) else key
        if any(map(is_blank, parts)):
            raise KeyError(key)  # the ERP keeps no blank text: nothing can have this key
        return self._known(key)

    def _look_up(self, key: Key) -> Any:
        """Return the value of a key. The cache keeps neither KeyError nor RuleError."""
        until, error = self._unknown.get(key, (0.0, None))
        if until < time.monotonic():
            try:
                value = self._asked(key)
            except RuleError as refused:
                error = refused
            else:
                if value is not None:
                    return value
                error = None
            if len(self._unknown) >= _MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[key] = (time.monotonic() + _UNKNOWN_FOR, error)
        if error is None:
            raise KeyError(key)
        # A new one each time: a record's errors are told apart by who they are.
        raise RuleError(error.code, error.message, error.value)

    def _asked(self, key: Key) -> Any:
        parts = (key,) if isinstance(key, str) else key
        asked = tuple(
            part for name, part in zip(self._table.key, parts, strict=True) if name in self._own
        )
        query = self._query(asked)
        if len(query) > LONGEST_QUERY:
            raise self._unanswered("the key is too long for a query", key)
        rows = self._found(asked, query)
        if rows is None:
            raise self._unanswered("it refuses the query", key)
        if not all(_has(row, self._own, asked) for row in rows):
            raise self._unanswered("it answers with records that have another key", key)
        if self._table.rows is not None:
            lines = (line for row in rows for line in _lines(row, self._table.rows))
            rows = [line for line in lines if _has(line, self._table.key, parts)]
        values = {tuple(value_of(row, name) for name in self._values) for row in rows}
        if len(values) > 1:
            fields = " and ".join(f"`{field}`" for field in self._table.key)
            message = f"the lookup `{self._name}` is ambiguous: several records have this {fields}"
            raise RuleError("R252", message, shown_key(key))
        return self._value(values.pop(), key) if values else None

    def _found(self, asked: tuple[str, ...], query: str) -> Sequence[dict[str, Any]] | None:
        """Return the records that have a key; those with rows serve the others of their rows."""
        if self._table.rows is None:
            return self._ask(self._table.entity, query)
        until, rows = self._records.get(asked, (0.0, None))
        if until < time.monotonic():
            rows = self._ask(self._table.entity, query)
            if len(self._records) >= _MOST_RECORDS:
                self._records.clear()
            self._records[asked] = (time.monotonic() + _UNKNOWN_FOR, rows)
        return rows

    def _value(self, cells: tuple[str | None, ...], key: Key) -> Any:
        """Return the value of a key, or its row. Raises RuleError for what is of another type."""
        columns = self._table.columns
        if not columns:
            return cells[0]
        texts = [
            (cell or "")[: _DAY if column.type == "date" else None]
            for column, cell in zip(columns, cells, strict=True)
        ]
        try:
            return row_of(columns, texts, self._make)
        except ValueError as error:
            raise self._unanswered(f"its record has {error}", key) from None

    def _unanswered(self, why: str, key: Key) -> RuleError:
        return RuleError(
            "R251", f"the ERP gives the lookup `{self._name}` no value: {why}", shown_key(key)
        )

    def _query(self, parts: Sequence[str]) -> str:
        tests = [*self._tests(parts), *map(_condition, self._table.where)]
        fields = dict.fromkeys([*self._table.key, *self._values])
        own = [name for name in fields if "." not in name]
        of_rows = [name.partition(".")[2] for name in fields if "." in name]
        expand, rows = "", self._table.rows
        if rows is not None and self._table.nests:
            chosen = ",".join(of_rows)
            expand = f"&$expand={encoded(f'{rows}($select={chosen})')}"
        elif rows is not None:
            own += [f"{rows}/{name}" for name in of_rows]
            expand = f"&$expand={encoded(rows)}"
        select = encoded(",".join(own))
        return f"$filter={encoded(' and '.join(tests))}&$select={select}{expand}&$top=2"

    def _tests(self, parts: Sequence[str]) -> Iterator[str]:
        for field, part in zip(self._own, parts, strict=True):
            is_number = field in self._table.numbers
            yield f"{field} eq {part if is_number else literal(part)}"


def _has(row: dict[str, Any], names: Sequence[str], parts: Sequence[str]) -> bool:
    return all(
        folded(value_of(row, name) or "") == folded(part)
        for name, part in zip(names, parts, strict=True)
    )


def _lines(row: dict[str, Any], rows: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record, each with the fields of the record and its own: `Details.X`."""
    listed = row.get(rows)
    for line in listed if isinstance(listed, list) else ():
        if isinstance(line, dict):
            yield {**row, **{f"{rows}.{name}": value for name, value in line.items()}}


def _condition(condition: Condition) -> str:
    is_text = condition.kind == "text"
    constant = literal(condition.constant) if is_text else condition.constant.lower()
    return f"{condition.field} eq {constant}"
