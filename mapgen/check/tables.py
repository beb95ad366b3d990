"""Lookup rules: the key has the table's columns, the table what the rule needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from mapgen.check.formulas import Formulas, any_of
from mapgen.check.model import TableFacts, Value
from mapgen.expression.scope import Scope
from mapgen.expression.tree import Select
from mapgen.expression.typed import Typed
from mapgen.ir import expression as tree
from mapgen.ir.building import where_present
from mapgen.ir.rewriting import renumbered
from mapgen.ir.types import ERROR, INT, STRING, Object, optional, present
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec

_KEY_TYPES = (STRING, INT, ERROR)


class TableRules(Struct, frozen=True):
    """Checks the lookup rules of one spec.

    `choices` are the values that source fields may have, by the name of the object and its member.
    """

    formulas: Formulas
    tables: Mapping[str, TableFacts]
    choices: Mapping[tuple[str, str], tuple[str, ...]]

    def value(self, kind: spec.Lookup, scope: Scope) -> Value | None:
        """Return what a lookup rule gives, or None when it has faults."""
        keys = [
            [self.formulas.whole(part.expression, scope) for part in key.parts] for key in kind.keys
        ]
        otherwise = None
        if kind.otherwise is not None:
            otherwise = self.formulas.whole(kind.otherwise, scope)
        if kind.table.value not in self.tables:
            self.formulas.faults.append(
                messages.unknown_lookup(kind.table.span(), it=kind.table.value, known=self.tables)
            )
            self.formulas.used |= {f"lookup {table}" for table in self.tables}
            return None
        self.formulas.used.add(f"lookup {kind.table.value}")
        if any(any_of(parts) for parts in keys) or (kind.otherwise and otherwise is None):
            return None
        table = self.tables[kind.table.value]
        found = [
            self._key(key, [part for part in parts if part is not None], table)
            for key, parts in zip(kind.keys, keys, strict=True)
        ]
        known = tuple(key for key in found if key is not None)
        if len(known) < len(found) or not self._is_inline_complete(kind, table, known):
            return None
        formulas = tuple(part for key in known for part in key)
        node = self._lookup(kind, table, known, otherwise)
        formulas = formulas if otherwise is None else (*formulas, otherwise)
        return Value(node, node.type, formulas, table)

    def _lookup(
        self,
        kind: spec.Lookup,
        table: TableFacts,
        keys: tuple[tuple[Typed, ...], ...],
        otherwise: Typed | None,
    ) -> tree.Expression:
        """Return what the table has, missing where there is no key at all."""
        other = None if otherwise is None else otherwise.as_type(STRING)
        said = kind.on_miss.value if kind.on_miss else "reject"
        on_miss = cast(tree.OnMiss, said if other is None else "omit")

        def found(*tried: tuple[tree.Expression, ...]) -> tree.Expression:
            own = optional(STRING) if on_miss == "omit" else STRING
            entry = tree.Lookup(table.name.value, tried, on_miss, table.entries, own)
            return entry if other is None else tree.OrElse(entry, other, STRING)

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
        nothing = tree.Constant(None, optional(STRING))
        return tree.Conditional(renumbered(some, value), value, nothing, optional(STRING))

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
            fault = messages.wrong_key_columns(
                key.span,
                table=table.name.value,
                wanted=table.columns,
                found=tuple(named),
                form=_form(table.columns),
            )
            self.formulas.faults.append(fault)
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
            fault = messages.unfit_modifier(kind.on_miss.span(), name="on_miss", why=why)
            self.formulas.faults.append(fault)
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
            fault = messages.values_not_in_table(
                span, table=table.name, field=asked.field, missing=missing
            )
            self.formulas.faults.append(fault)
            return False
        return True


def _text(part: tree.Expression) -> tree.Expression:
    """Return a part of a key: a number is looked up as text."""
    return tree.Call("string(int)", (part,), STRING) if part.type == INT else part


def _is_there(key: tuple[tree.Expression, ...]) -> tree.Expression:
    parts = tuple(tree.IsPresent(part) for part in key if tree.is_optional(part))
    return parts[0] if len(parts) == 1 else tree.Both(parts)


def facts_of_inline(table: spec.InlineTable) -> TableFacts:
    """Return what rules have to know of a table that is written out."""
    entries = tuple((key.value, value.value) for key, value in table.entries)
    lengths = [
        (len(value.value.encode("utf-16-le")) // 2, value.span) for _, value in table.entries
    ]
    longest, span = max(lengths, key=lambda one: one[0], default=(0, None))
    return TableFacts(table.name, (), longest, f"`{table.name.value}`", entries, span)


def _form(columns: Sequence[str]) -> str:
    """Return how a key of these columns is written."""
    parts = ", ".join(f"{column}: …" for column in columns)
    return f"{{{parts}}}" if len(columns) > 1 else "EXPRESSION"
