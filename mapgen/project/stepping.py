"""A flow and one record in: what its names, its lets and its rules come to, one by one.

It takes the spec as it is, generated or not, as long as what it refers to can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec import Struct

from mapgen.agreed.paths import written_name
from mapgen.agreed.plan import FileTable, Table
from mapgen.check.composing import whole_record
from mapgen.check.mapping import root_scope
from mapgen.check.remote import tables
from mapgen.disk.workspace import Workspace, from_specs
from mapgen.expression.scope import Named
from mapgen.ir import types
from mapgen.ir.expression import attribute_names
from mapgen.ir.types import ListOf, Object, Type, present
from mapgen.project.evaluation import Evaluated, evaluate
from mapgen.project.loading import Project
from mapgen.report import Diagnostic, Stopped, Text
from mapgen.runtime.lookups import read_replacement, read_table, sample_of
from mapgen.runtime.sources.records import JsonValue
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode


class Names(Struct, frozen=True):
    """What expressions may name, typed and with values."""

    kinds: Mapping[str, Type]
    values: Mapping[str, Any]
    functions: Mapping[str, Named]

    def with_(self, name: str, kind: Type, value: JsonValue) -> Names:
        """Return these names and one more."""
        kinds, values = {**self.kinds, name: kind}, {**self.values, name: value}
        return Names(kinds, values, self.functions)

    def evaluated(self, text: Text) -> Evaluated:
        """Return what an expression comes to. Raises what `evaluate` raises."""
        return evaluate(text, self.kinds, self.values, self.functions)


class Tried(Struct, frozen=True):
    """A rule and the names that it may use: those of the first row, inside rows."""

    target: str
    rule: spec.Rule
    names: Names


def names_of(
    workspace: Workspace,
    path: str,
    record: JsonValue,
    settings: Mapping[str, str],
    given: Mapping[str, Path],
) -> tuple[spec.Spec, Names]:
    """Return a spec and what its expressions may name, but for the lets.

    Args:
        workspace: of the flow.
        path: of the spec.
        record: one record, as JSON has it, or a row of text.
        settings: their values in one environment, as text.
        given: files to use for lookups instead of what the spec says.

    Raises Stopped for what the spec refers to and cannot be used, and TableError.
    """
    project = Project(workspace)
    found = project.flow(path)
    around, diagnostics = project.around(found), list[Diagnostic]()
    section = found.mapping
    schema = whole_record(section.source, around.schema, around.joined, diagnostics)
    if schema is None or around.contract is None or diagnostics:
        raise Stopped([*project.diagnostics, *diagnostics])
    typed = {one.name.value: types.BY_NAME[one.type.value] for one in section.settings}
    scope = root_scope(section, schema, typed, around.tables, around.reused)
    kinds = {name: binding.type for name, binding in scope.bindings.items()}
    entries = {
        name: _entries(workspace, name, table, given.get(name))
        for name, table in tables(section, around.contract)
    }
    name = section.source.name.value
    values = {
        name: _typed(record, schema.record) if section.source.form.kind.holds_cells else record,
        "settings": {
            one: _typed(value, typed[one]) for one, value in settings.items() if one in typed
        },
        "lookups": entries,
    }
    return found, Names(kinds, values, scope.functions)


def _entries(
    workspace: Workspace, name: str, table: Table, given: Path | None
) -> Mapping[Any, Any]:
    """Return the entries of a table: of its file, of one that is given, or the spec's samples."""
    attributes = attribute_names(tuple(column.name for column in table.columns)).values()

    def row(*cells: object) -> object:
        return SimpleNamespace(**dict(zip(attributes, cells, strict=True)))

    if isinstance(table, FileTable):
        file = given or workspace.file(from_specs(table.path), "the lookup table")
        return read_table(file, table.key, table.value, table.columns, row).values
    if given is None:
        return sample_of(name, table, row)
    return read_replacement(given, table, row).values


def _typed(value: JsonValue, kind: Type) -> JsonValue:
    """Return text as the whole number or the flag that it is to be."""
    match present(kind), value:
        case Object(fields=fields), dict():
            return {
                name: _typed(inner, fields.get(name, types.ERROR)) for name, inner in value.items()
            }
        case ListOf(element), list():
            return [_typed(row, element) for row in value]
        case types.INT, str() if value.lstrip("-").isdecimal():
            return int(value)
        case types.BOOL, str() if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case _:
            return value


def lets_of(
    section: spec.MappingSection, names: Names
) -> Iterator[tuple[spec.Let, Evaluated, Names]]:
    """Yield each let with its value, and the names that there are behind it."""
    for let in section.lets:
        found = names.evaluated(let.expression)
        names = names.with_(let.name.value, found.kind, found.value)
        yield let, found, names


def rules_of(section: spec.MappingSection, names: Names) -> Iterator[Tried]:
    """Yield the rules for single values of all documents."""
    for document in section.documents:
        yield from _rules(document.block, "", names)


def _rules(block: spec.Block, prefix: str, names: Names) -> Iterator[Tried]:
    inner = _inside(block, names)
    for rule in block.part.fields if inner is not None else ():
        assert inner is not None
        target = f"{prefix}{written_name(rule.target.value)}"
        if isinstance(rule.kind, spec.RowsKind):
            for each in rule.kind.blocks:
                yield from _rules(each, f"{target}.", inner)
        else:
            yield Tried(target, rule, inner)


def _inside(block: spec.Block, names: Names) -> Names | None:
    """Return the names inside a block, with its object or first row; None where there is none."""
    if block.source is None or block.alias is None:
        return _with_arguments(block, names)
    inner: Names | None = names
    for one in block.lists:
        inner = inner and _first_row(inner, (one.name or block.alias).value, one.source)
    return inner and _with_arguments(block, inner)


def _first_row(names: Names, name: str, source: Text) -> Names | None:
    """Return the names with an object, or the first row of a list; None: there is none."""
    found = names.evaluated(source)
    kind, value = present(found.kind), found.value
    if isinstance(kind, ListOf):
        kind, value = kind.element, value[0] if isinstance(value, list) and value else None
    return None if value is None else names.with_(name, present(kind), value)


def _with_arguments(block: spec.Block, names: Names) -> Names:
    """Return the names inside a part that is used by its name: those of its arguments, too."""
    used, inner = block.part.used, names
    known = None if block.alias is None else block.alias.value
    for one in used.arguments if used is not None else ():
        if one.expression is not None and one.name.value != known:
            found = names.evaluated(one.expression)
            inner = inner.with_(one.name.value, found.kind, found.value)
    return inner


def found_in(names: Names, lookup: spec.Lookup) -> str | None:
    """Return what a lookup's table has for the first key that it knows, as text.

    Raises what `evaluate` raises.
    """
    known = names.kinds["lookups"]
    assert isinstance(known, Object)
    table = known.fields.get(lookup.table.value)
    if not isinstance(table, types.Table):
        return None
    entries: Mapping[Any, Any] = names.values["lookups"].get(table.name, {})
    if table.entries is not None:
        entries = {key: cells[0] for key, cells in table.entries}
    for key in lookup.keys:
        parts = [names.evaluated(part.expression).value for part in key.parts]
        found = entries.get(parts[0] if len(parts) == 1 else tuple(parts))
        if found is not None:
            cells = getattr(found, "__dict__", {})
            wanted = cells if lookup.column is None else cells.get(lookup.column.value)
            return str(wanted if cells else found)
    return None


def steps_of(tried: Tried) -> Iterator[tuple[str, Text | ScalarNode | spec.Lookup]]:
    """Yield the expressions of a rule by the key that they are under, constants, lookups."""
    match tried.rule.kind:
        case spec.Const(value):
            yield "const", value
        case spec.Value(expression):
            yield "value", expression
        case spec.FirstOf(entries):
            yield from (("first_of", one) for one in entries)
        case spec.Lookup(keys=keys, otherwise=otherwise) as lookup:
            yield from (("key", part.expression) for key in keys for part in key.parts)
            yield "lookup", lookup
            if otherwise is not None:
                yield "otherwise", otherwise
        case spec.Cases(cases, otherwise):
            for case in cases:
                yield "when", case.when
                yield "then", case.then
            yield "else", otherwise
    if_missing = tried.rule.modifiers.if_missing
    if if_missing is not None and if_missing.value != "reject":
        yield "if_missing", if_missing
