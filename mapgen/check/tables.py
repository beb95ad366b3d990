"""Lookup rules: the key has the table's columns, the table what the rule needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from mapgen.check.formulas import Formulas, any_of, described
from mapgen.check.model import TableFacts, Value, ValueFacts
from mapgen.expression.scope import Scope
from mapgen.expression.tree import Select
from mapgen.expression.typed import Typed
from mapgen.ir import expression as tree
from mapgen.ir.building import where_present
from mapgen.ir.rewriting import renumbered
from mapgen.ir.types import (
    BY_NAME,
    ERROR,
    INT,
    STRING,
    Object,
    Optional,
    Type,
    is_assignable,
    optional,
    present,
)
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import lookups
from mapgen.report.catalogue import mapping as messages
from mapgen.runtime.lookups import is_read, units
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

_KEY_TYPES = (STRING, INT, ERROR)


class TableRules(Struct, frozen=True):
    """Checks the lookup rules of one spec.

    `choices` are the values that source fields may have, by the name of the object and its member.
    """

    formulas: Formulas
    tables: Mapping[str, TableFacts]
    choices: Mapping[tuple[str, str], tuple[str, ...]]

    def value(
        self, kind: spec.Lookup, scope: Scope, on_miss: tree.OnMiss = "reject"
    ) -> Value | None:
        """Return what a lookup rule gives, or None when it has errors.

        `on_miss` says what a miss means where the rule does not say it.
        """
        keys = [
            [self.formulas.whole(part.expression, scope) for part in key.parts] for key in kind.keys
        ]
        otherwise = None
        if kind.otherwise is not None:
            otherwise = self.formulas.whole(kind.otherwise, scope)
        if kind.table.value not in self.tables:
            self.formulas.diagnostics.append(
                messages.unknown_lookup(kind.table, it=kind.table.value, known=self.tables)
            )
            self.formulas.used |= {f"lookup {table}" for table in self.tables}
            return None
        self.formulas.used.add(f"lookup {kind.table.value}")
        if kind.default is not None:
            self.formulas.diagnostics.append(messages.idle_default(kind.default))
            return None
        if any(any_of(parts) for parts in keys) or (kind.otherwise and otherwise is None):
            return None
        table = self.tables[kind.table.value]
        column = self._column(kind, table)
        if column is None or not self._fits(kind, otherwise, table.values[column]):
            return None
        found = [
            self._key(key, [part for part in parts if part is not None], table)
            for key, parts in zip(kind.keys, keys, strict=True)
        ]
        known = tuple(key for key in found if key is not None)
        if len(known) < len(found) or not self._is_inline_complete(kind, table, known):
            return None
        formulas = tuple(part for key in known for part in key)
        said = cast(tree.OnMiss, kind.on_miss.value) if kind.on_miss else on_miss
        node = self._lookup(said, table, column, known, otherwise)
        formulas = formulas if otherwise is None else (*formulas, otherwise)
        return Value(node, node.type, formulas, (table.values[column],))

    def _column(self, kind: spec.Lookup, table: TableFacts) -> str | None:
        """Return the column of the value, None where the rule names none that there is."""
        named, names = kind.column, tuple(table.values)
        if named is None and len(names) == 1:
            return names[0]
        if named is not None and named.value in names:
            return named.value
        name = table.name.value
        if named is None:
            diagnostic = lookups.value_column_missing(kind.table, table=name, known=names)
        elif table.only is not None:
            diagnostic = lookups.value_column_idle(named, table=name)
        else:
            diagnostic = lookups.unknown_value_column(named, table=name, known=names)
        self.formulas.diagnostics.append(diagnostic)
        return None

    def _fits(self, kind: spec.Lookup, otherwise: Typed | None, found: ValueFacts) -> bool:
        """Report an `otherwise` of another type than the values of the table."""
        wanted = present(found.type)
        if kind.otherwise is None or otherwise is None:
            return True
        if is_assignable(present(otherwise.type), wanted):
            return True
        shown = described(wanted)
        self.formulas.refuse(kind.otherwise, otherwise, "`otherwise` of this lookup", shown)
        return False

    def _lookup(
        self,
        on_miss: tree.OnMiss,
        table: TableFacts,
        column: str,
        keys: tuple[tuple[Typed, ...], ...],
        otherwise: Typed | None,
    ) -> tree.Expression:
        """Return what the table has, missing where there is no key at all."""
        wanted = present(table.values[column].type)
        if otherwise is not None and isinstance(otherwise.type, Optional):
            wanted = optional(wanted)
        other = None if otherwise is None else otherwise.as_type(wanted)
        on_miss = on_miss if other is None else "omit"

        def found(*tried: tuple[tree.Expression, ...]) -> tree.Expression:
            own = optional(table.row) if on_miss == "omit" else table.row
            entry = tree.Lookup(table.name.value, tried, on_miss, table.entries, own)
            value = _cell(entry, column)
            if other is None or not tree.is_optional(value):
                return value
            return tree.OrElse(value, renumbered(other, value), wanted)

        if len(keys) == 1:
            only = [part.code for part in keys[0]]
            return where_present(only, lambda parts: found(tuple(map(_text, parts))), other)
        tried = [
            tuple(where_present([part.code], lambda parts: _text(*parts)) for part in key)
            for key in keys
        ]
        value = found(*tried)
        has_key = not all(any(map(tree.is_optional, key)) for key in tried)
        if has_key or tree.is_optional(value):
            return value  # what knows no key has nothing for it
        some = tree.Either(tuple(_is_there(key) for key in tried))
        nothing = tree.Constant(None, optional(value.type))
        return tree.Conditional(renumbered(some, value), value, nothing, optional(value.type))

    def _key(
        self, key: spec.LookupKey, parts: list[Typed], table: TableFacts
    ) -> tuple[Typed, ...] | None:
        """Return a key with its parts in the order of the table's columns."""
        for part, typed in zip(key.parts, parts, strict=True):
            if present(typed.type) not in _KEY_TYPES:
                wanted = "a string or an int"
                self.formulas.refuse(part.expression, typed, "a lookup key", wanted)
                return None
        for part, typed in zip(key.parts, parts, strict=True):
            column = part.column.value if part.column else next(iter(table.columns), "")
            if column in table.numbers and present(typed.type) == STRING:
                what = f"a key for `{column}`"
                self.formulas.refuse(part.expression, typed, what, "an int")
                return None
        named = {
            part.column.value: typed
            for part, typed in zip(key.parts, parts, strict=True)
            if part.column is not None
        }
        if not named and len(table.columns) < 2:
            return tuple(parts)
        if set(named) != set(table.columns):
            diagnostic = messages.wrong_key_columns(
                key.span,
                table=table.name.value,
                wanted=table.columns,
                found=tuple(named),
                form=_form(table.columns),
            )
            self.formulas.diagnostics.append(diagnostic)
            return None
        return tuple(named[column] for column in table.columns)

    def _is_inline_complete(
        self, kind: spec.Lookup, table: TableFacts, keys: tuple[tuple[Typed, ...], ...]
    ) -> bool:
        """Report what an inline table lacks of the values that its key may have."""
        if table.entries is None:
            return True
        if kind.on_miss is not None and kind.on_miss.value == "retry":
            why = "cannot be `retry`: an inline table never changes"
            diagnostic = messages.unfit_modifier(kind.on_miss, name="on_miss", why=why)
            self.formulas.diagnostics.append(diagnostic)
            return False
        known = {name for name, _ in table.entries}
        asked = keys[-1][0].tree
        if kind.on_miss or kind.otherwise or not isinstance(asked, Select):
            return True
        owner = present(keys[-1][0].parts[asked.operand].type)
        choices = (
            self.choices.get((owner.name, asked.field), ()) if isinstance(owner, Object) else ()
        )
        missing = tuple(choice for choice in choices if choice not in known)
        if missing:
            span = kind.keys[-1].span
            diagnostic = messages.values_not_in_table(
                span, table=table.name, field=asked.field, missing=missing
            )
            self.formulas.diagnostics.append(diagnostic)
            return False
        return True


def _cell(entry: tree.Expression, column: str) -> tree.Expression:
    """Return the value in a column of what a table has."""
    row = present(entry.type)
    if not isinstance(row, Object):
        return entry
    attribute = tree.attribute_names(tuple(row.fields))[column]
    return where_present(
        [entry], lambda parts: tree.Field(parts[0], column, attribute, row.fields[column])
    )


def _text(part: tree.Expression) -> tree.Expression:
    """Return a part of a key: a number is looked up as text."""
    return tree.Call("string(int)", (part,), STRING) if part.type == INT else part


def _is_there(key: tuple[tree.Expression, ...]) -> tree.Expression:
    parts = tuple(tree.IsPresent(part) for part in key if tree.is_optional(part))
    return parts[0] if len(parts) == 1 else tree.Both(parts)


def value_types(values: spec.ValueColumns | None) -> Mapping[str, Type]:
    """Return the types of a table's columns of values; of a value alone under no name."""
    if values is None or not values.is_row:
        return {"": STRING}
    return {
        column.name.value: optional(of) if column.may_be_blank else of
        for column in values.columns
        for of in (BY_NAME[column.type_name],)
    }


def cells_of_inline(table: spec.InlineTable) -> Iterator[tuple[Text, Mapping[str, ScalarNode]]]:
    """Yield the entries of an inline table: the key, the values by their columns."""
    for key, value in table.entries:
        if isinstance(value, ScalarNode):
            yield key, {"": value}
        else:
            yield key, {name.value: cell for name, cell in value}


def facts_of_inline(table: spec.InlineTable) -> TableFacts:
    """Return what rules have to know of a table that is written out."""
    entries, types = tuple(cells_of_inline(table)), value_types(table.values)
    texts = tuple(
        (key.value, tuple(cells[name].value if name in cells else "" for name in types))
        for key, cells in entries
    )
    values = {
        name: _of_cells(table.name.value, of, [row[name] for _, row in entries if name in row])
        for name, of in types.items()
    }
    return TableFacts(table.name, (), values, texts)


def _of_cells(table: str, of: Type, cells: Sequence[ScalarNode]) -> ValueFacts:
    texts = tuple(cell.value for cell in cells)
    if present(of) != STRING:
        return ValueFacts(of, texts=texts)
    lengths = [(units(cell.value), cell.span) for cell in cells]
    longest, span = max(lengths, key=lambda one: one[0], default=(0, None))
    return ValueFacts(of, longest, f"`{table}`", span, texts)


def inline_diagnostics(table: spec.InlineTable) -> Iterator[Diagnostic]:
    """Yield the entries of an inline table that are blank, or not as its columns are declared."""
    types = value_types(table.values)
    if table.values is not None and not table.values.is_row:
        yield lookups.inline_column_alone(table.values.columns[0].name, table=table.name.value)
        return
    for key, cells in cells_of_inline(table):
        if not key.value.strip():
            yield messages.blank_entry(key, table=table.name.value)
        if not set(cells) <= set(types):
            yield lookups.unfit_entry(key, table=table.name.value, why=_wrong_columns(cells, types))
            continue
        for name, of in types.items():
            yield from _cell_diagnostics(table, key, cells.get(name), name, of)


def _wrong_columns(cells: Mapping[str, ScalarNode], types: Mapping[str, Type]) -> str:
    if "" in types:
        return "has several values, and the lookup declares no columns"
    if "" in cells:
        return "has one value, and the lookup has several columns"
    unknown = next(name for name in cells if name not in types)
    return f"has the column `{unknown}`, which the lookup does not declare"


def _cell_diagnostics(
    table: spec.InlineTable, key: Text, cell: ScalarNode | None, column: str, of: Type
) -> Iterator[Diagnostic]:
    is_blank = cell is None or not cell.value.strip()
    if is_blank and isinstance(of, Optional):
        return
    if cell is None:
        why = f"has no `{column}`"
        yield lookups.unfit_entry(key, table=table.name.value, why=why)
    elif is_blank:
        yield messages.blank_entry(cell.span, table=table.name.value)
    elif not is_read(cell.value, str(present(of))):
        why = f"has no {present(of)} in `{column}`"
        yield lookups.unfit_entry(key, table=table.name.value, why=why)


def _form(columns: Sequence[str]) -> str:
    """Return how a key of these columns is written."""
    parts = ", ".join(f"{column}: …" for column in columns)
    return f"{{{parts}}}" if len(columns) > 1 else "EXPRESSION"
