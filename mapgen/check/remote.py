"""Checks remote lookups: what they ask the ledger or the tenant for is there to be had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, cast

from msgspec import Struct

from mapgen.agreed import plan
from mapgen.check.model import DocumentFacts, FlowFacts, TableFacts, ValueFacts
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.ir.types import Scalar, optional
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import lookups as messages
from mapgen.report.catalogue import mapping
from mapgen.runtime.lookups import is_read
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

_TEXT: tuple[ValueType, ...] = ("string", "single_select")
_WHOLE: tuple[ValueType, ...] = ("int", "short", "byte", "long")
_NESTS = 5
"""The contract version from which on `$expand` has parameters of its own."""

_COLUMN_TYPES: Mapping[ValueType | None, plan.ColumnType] = {
    **dict.fromkeys(_TEXT, "string"),
    **dict.fromkeys(_WHOLE, "int"),
    **dict.fromkeys(("decimal", "double"), "decimal"),
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamp",
}


class _Columns(Struct, frozen=True):
    """What the columns of a table are called, of its key and its values; `is_row`: of several."""

    key: tuple[str, ...]
    values: tuple[str, ...]
    is_row: bool = False

    def cells(self, entry: spec.SampleEntry) -> tuple[str, ...] | None:
        """Return the parts of an entry's key and its values, None where it has other columns.

        In a row of several values, some may be left out: they are empty.
        """
        named = {column.value: cell.value for column, cell in entry.cells if column is not None}
        if not named:
            cells = tuple(cell.value for _, cell in entry.cells)
            return cells if len(self.key) == 1 and not self.is_row else None
        known = (*self.key, *self.values)
        is_whole = named.keys() >= {*(self.key if self.is_row else known)}
        if not is_whole or not named.keys() <= {*known} or len(entry.cells) != len(named):
            return None
        return tuple(named.get(column, "") for column in known)

    def entries(self, sample: spec.Sample) -> tuple[plan.SampleEntry, ...]:
        """Return the entries of a sample that have these columns."""
        at, found = len(self.key), (self.cells(entry) for entry in sample.entries)
        return tuple(
            plan.SampleEntry(one[:at], "" if self.is_row else one[at], one[at:] * self.is_row)
            for one in found
            if one is not None
        )


# The columns of the ledger, in samples and in files that stand for it.
_LEDGER = _Columns(("identity",), ("number",))


def _of_tenant(query: spec.Query) -> _Columns:
    key = tuple(dict.fromkeys(name.value for name in query.key))
    return _Columns(key, query.values.names, query.values.is_row)


def facts_of_remote(table: spec.RemoteTable, contract: Contract | None) -> TableFacts:
    """Return what rules have to know of a table whose values are found at run time."""
    if isinstance(table, spec.LedgerTable):
        return TableFacts(table.name, (), {"": ValueFacts()})
    entity = contract.entities.get(table.query.entity.value) if contract is not None else None
    columns = tuple(dict.fromkeys(name.value for name in table.query.key))
    fields = _askable(entity, contract)
    numbers = {name for name in columns if name in fields and fields[name].value_type in _WHOLE}
    values = {"": ValueFacts()}
    if table.query.values.is_row:
        values = {
            name: ValueFacts(optional(Scalar(_COLUMN_TYPES.get(fields[name].value_type, "string"))))
            for name in table.query.values.names
            if name in fields
        }
    return TableFacts(table.name, columns, values, numbers=frozenset(numbers))


def _askable(entity: Entity | None, contract: Contract | None) -> Mapping[str, Field]:
    """Return the fields of an entity, and of the rows in it: `Details.LineNbr`."""
    if entity is None or contract is None:
        return {}
    rows = {
        f"{name}.{inner.name}": inner
        for name, field in entity.fields.items()
        if field.shape == "details" and field.entity is not None
        for inner in contract.entities[field.entity].fields.values()
    }
    return {**entity.fields, **rows}


def _list_of(names: Iterable[str]) -> str | None:
    """Return the list that fields are of, where some are of one."""
    return next((name.partition(".")[0] for name in names if "." in name), None)


def facts_of_flow(flow: spec.Spec, contract: Contract | None) -> FlowFacts:
    """Return what other flows have to know of a flow."""
    section = flow.mapping
    documents = {
        "" if document.name.value == spec.ONLY else document.name.value: _facts_of_document(
            document, contract
        )
        for document in section.documents
    }
    asks = [table.document for table in section.lookups if isinstance(table, spec.LedgerTable)]
    return FlowFacts(flow.auth.target.value, documents, tuple(asks))


def _facts_of_document(document: spec.Document, contract: Contract | None) -> DocumentFacts:
    name, identity = document.target.entity.value, document.identity.field.value
    entity = contract.entities.get(name) if contract is not None else None
    if entity is None or identity not in entity.fields:
        # Told where that flow is checked; here nothing is known against it.
        return DocumentFacts(name, has_text_identity=True, number_keys=())
    fixed = {
        rule.target.value for rule in document.part.fields if isinstance(rule.kind, spec.Const)
    }
    keys = tuple(key for key in entity.keys if key not in fixed)
    is_text = entity.fields[identity].value_type in _TEXT
    return DocumentFacts(name, is_text, keys, len(document.identity.parts) > 1)


def check_remote(
    flow: spec.Spec, contract: Contract, flows: Mapping[str, FlowFacts | None]
) -> Iterator[Diagnostic]:
    """Yield the errors of the lookups that ask the ledger or the tenant."""
    for table in flow.mapping.lookups:
        match table:
            case spec.LedgerTable():
                yield from _ledger(table, flow, flows)
                yield from _sample(table, _LEDGER)
            case spec.TenantTable():
                diagnostics = [*_tenant(table, contract), *_sample(table, _of_tenant(table.query))]
                yield from diagnostics or _cell_types(table, contract)
            case _:
                pass


def _ledger(
    table: spec.LedgerTable, flow: spec.Spec, flows: Mapping[str, FlowFacts | None]
) -> Iterator[Diagnostic]:
    name, _, document = table.document.value.partition(".")
    if name == flow.flow.value:
        return  # a circle of one: `circles` tells it
    if name not in flows:
        others = [other for other in flows if other != flow.flow.value]
        help = None if others else "this workspace has no other flow"
        span = table.document.span(0, len(name))
        yield messages.unknown_ledger_flow(span, it=name, known=sorted(others), help=help)
        return
    facts = flows[name]
    if facts is None:
        return
    if document not in facts.documents:
        yield messages.unknown_document(table.document, name, facts.documents)
        return
    made = facts.documents[document]
    unfit = _why_unfit(made, facts.connection, flow.auth.target.value)
    if unfit is not None:
        why, help = unfit
        yield messages.unfit_document(table.document, why=why, help=help)


def _why_unfit(made: DocumentFacts, there: str, here: str) -> tuple[str, str] | None:
    """Return why documents cannot be looked up, and what helps; None where they can be."""
    if there != here:
        return (
            f"they go to `{there}`, the documents of this flow to `{here}`",
            "what one tenant has, another does not know: look up in a file, or ask the tenant",
        )
    if not made.has_text_identity:
        return "their identity is no text", "give them an identity in a field that holds text"
    if made.has_joint_identity:
        return "their identity is of several fields", "look up in a file, or ask the tenant"
    if len(made.number_keys) > 1:
        keys = " and ".join(f"`{key}`" for key in made.number_keys)
        return (
            f"a `{made.entity}` has no single number, but {keys}",
            "let a constant rule of that flow fix all its keys but one",
        )
    return None


def _tenant(table: spec.TenantTable, contract: Contract) -> Iterator[Diagnostic]:
    entity = contract.top_level.get(table.query.entity.value)
    if entity is None:
        known, named = contract.top_level, table.query.entity
        yield mapping.unknown_entity(named, contract=contract.name, known=known)
        return
    seen: set[str] = set()
    fields = _askable(entity, contract)
    yield from _rows(table.query, entity)
    for name in table.query.key:
        yield from _query_field(name, entity, "a key", (*_TEXT, *_WHOLE), fields)
        if name.value in seen:
            yield messages.query_field_twice(name)
        seen.add(name.value)
    values = table.query.values
    of_values: tuple[ValueType, ...] = (*_TEXT, *_WHOLE)
    if values.is_row:
        of_values = tuple(kind for kind in _COLUMN_TYPES if kind is not None)
    for name in (column.name for column in values.columns):
        yield from _query_field(name, entity, "the value", of_values, fields)
        if name.value in seen and values.is_row:
            yield messages.query_field_twice(name)
        seen.add(name.value)
    for name, constant in table.query.where:
        kinds: tuple[ValueType, ...] = (*_TEXT, *_WHOLE, "boolean")
        diagnostics = list(_query_field(name, entity, "a condition", kinds, entity.fields))
        yield from diagnostics or _constant(constant, entity.fields[name.value])


def _rows(query: spec.Query, entity: Entity) -> Iterator[Diagnostic]:
    """Yield why rows of a record are not looked up by these fields."""
    names = (*query.key, *(column.name for column in query.values.columns))
    of = _list_of(name.value for name in names)
    for name in names:
        role = "a key" if name in query.key else "the value"
        if "." in name.value and not name.value.startswith(f"{of}."):
            why = f"its rows are not those of `{of}`"
            yield messages.unfit_query_field(name, entity=entity.name, role=role, why=why)
    if of is not None and all("." in name.value for name in query.key):
        why = "no field of the record itself is a key, by which the ERP would find it"
        yield messages.unfit_query_field(query.key[0], entity=entity.name, role="a key", why=why)
    if of is not None and query.values.is_row:
        why = "of rows, a key has one value"
        name = query.values.columns[0].name
        yield messages.unfit_query_field(name, entity=entity.name, role="the value", why=why)


def _query_field(
    name: Text,
    entity: Entity,
    role: str,
    kinds: tuple[ValueType, ...],
    fields: Mapping[str, Field],
) -> Iterator[Diagnostic]:
    field = fields.get(name.value)
    if field is None:
        askable = [name for name, one in fields.items() if one.value_type in kinds]
        yield messages.unknown_query_field(name, entity=entity.name, known=askable)
    elif field.shape != "value":
        kind = "an object" if field.shape == "linked" else "a list of rows"
        yield messages.unfit_query_field(name, entity=entity.name, role=role, why=f"it is {kind}")
    elif field.value_type not in kinds:
        why = f"its type is {field.value_type}"
        yield messages.unfit_query_field(name, entity=entity.name, role=role, why=why)
    elif field.is_calculated and role != "the value" and "." not in name.value:
        why = "the ERP calculates it, and does not search by it"
        yield messages.unfit_query_field(name, entity=entity.name, role=role, why=why)


def _constant(constant: ScalarNode, field: Field) -> Iterator[Diagnostic]:
    """Yield the error of a condition's constant that its field cannot be equal to."""
    if field.value_type == "boolean":
        wanted, is_fit = "true or false", constant.kind == "flag"
    elif field.value_type in _WHOLE:
        wanted, is_fit = "a whole number", constant.kind == "integer"
    else:
        wanted, is_fit = "text", constant.kind != "flag"
    if not is_fit:
        yield mapping.wrong_type(constant.span, field.name, wanted, constant.described)
    elif not constant.value.strip():
        yield mapping.wrong_type(constant.span, field.name, wanted, "blank")


def _sample(table: spec.RemoteTable, columns: _Columns) -> Iterator[Diagnostic]:
    """Yield the errors of the entries that examples and tests use."""
    sample, name = table.sample, table.name.value
    key = len(columns.key)
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    if not sample.entries:
        why, help = "has no entry: no example could use it", "add an entry, like `KEY: VALUE`"
        yield messages.unfit_sample(sample.span, table=name, why=why, help=help)
    for entry in sample.entries:
        cells = columns.cells(entry)
        if cells is None:
            known = (*columns.key, *columns.values)
            why = f"has an entry without exactly {len(known)} columns"
            help = f"write a list of `{{{', '.join(f'{column}: …' for column in known)}}}`"
            if columns.is_row:
                why = "has an entry with other columns than the key and values"
            elif key == 1:
                help += ", or `KEY: VALUE`"
            yield messages.unfit_sample(entry.span, table=name, why=why, help=help)
        elif blank := [cell for _, cell in entry.cells if not cell.value.strip()]:
            yield mapping.blank_entry(blank[0], table=name)
        elif seen.setdefault(cells[:key], cells[key:]) != cells[key:]:
            why, help = "gives one key two values", "remove one of the entries"
            yield messages.unfit_sample(entry.span, table=name, why=why, help=help)


def _cell_types(table: spec.TenantTable, contract: Contract) -> Iterator[Diagnostic]:
    """Yield the cells of a sample that are not of the type of their field."""
    columns = {column.name: column.type for column in _columns(table.query, contract)}
    for entry in table.sample.entries:
        for name, cell in entry.cells:
            of = columns.get(name.value, "string") if name is not None else "string"
            if not is_read(cell.value, of):
                why = f"has no {of} in `{name.value if name else ''}`"
                help = "write it as the ERP sends it: 12.50, true, 2026-01-31"
                yield messages.unfit_sample(cell, table=table.name.value, why=why, help=help)


def requests_a_document(
    section: spec.MappingSection, in_expressions: Collection[tuple[str, str]]
) -> int:
    """Return how many requests the lookups in the tenant cost a document when no answer is known.

    `in_expressions` are the lookups inside expressions: the table, and the words of the key.

    A key that several rules ask with is asked once; so is, here, one in the rows of a list, since
    nobody knows at compile time how many different keys the rows will have.
    """
    tables = {one.name.value for one in section.lookups if isinstance(one, spec.TenantTable)}
    asked = {
        (one.table.value, ", ".join(part.expression.value for part in key.parts))
        for rule in section.rules
        for one in rule.lookups
        if one.table.value in tables
        for key in one.keys
    }
    return len(asked | {(table, key) for table, key in in_expressions if table in tables})


def circles(flows: Mapping[str, FlowFacts | None], looked_at: Iterable[str]) -> list[Diagnostic]:
    """Return one error for each circle of flows that look up each other's documents.

    Args:
        flows: what is known of all flows.
        looked_at: those whose errors are reported.
    """
    diagnostics: list[Diagnostic] = []
    reported: set[str] = set()
    for start in sorted(looked_at):
        found = None if start in reported else _way(start, start, flows)
        if found is not None:
            reported |= {flow for flow, _ in found}
            diagnostics.append(
                messages.ledger_circle([flow for flow, _ in found], [ask for _, ask in found])
            )
    return diagnostics


def _way(
    start: str, end: str, flows: Mapping[str, FlowFacts | None]
) -> Sequence[tuple[str, Text]] | None:
    """Return the shortest way from a flow to another, each step with the lookup that makes it."""
    ways: list[list[tuple[str, Text]]] = [[(start, ask)] for ask in _asks(start, flows)]
    seen = {start}
    for way in ways:
        flow = way[-1][1].value.partition(".")[0]
        if flow == end:
            return way
        if flow not in seen:
            seen.add(flow)
            ways.extend([*way, (flow, ask)] for ask in _asks(flow, flows))
    return None


def _asks(flow: str, flows: Mapping[str, FlowFacts | None]) -> tuple[Text, ...]:
    facts = flows.get(flow)
    return facts.asks if facts is not None else ()


def tables(section: spec.MappingSection, contract: Contract) -> Iterator[tuple[str, plan.Table]]:
    """Yield the tables of a flow by name; one that is in the spec is part of the code."""
    for table in section.lookups:
        match table:
            case spec.InlineTable():
                pass
            case spec.LookupTable():
                yield table.name.value, file_table(table)
            case spec.LedgerTable(name=name, document=document, sample=sample):
                flow, _, one = document.value.partition(".")
                entries, (value,) = _LEDGER.entries(sample), _LEDGER.values
                yield name.value, plan.LedgerTable(flow, one or None, _LEDGER.key, value, entries)
            case spec.TenantTable():
                yield table.name.value, _tenant_table(table, contract)


def file_table(table: spec.LookupTable) -> plan.FileTable:
    """Return how a table in a file is read."""
    path, values = table.table.value, table.values
    if values is None:
        return plan.FileTable(path, table.columns)
    if not values.is_row:
        return plan.FileTable(path, table.columns, values.names[0])
    columns = tuple(
        plan.Column(column.name.value, cast(plan.ColumnType, column.type_name), column.may_be_blank)
        for column in values.columns
    )
    return plan.FileTable(path, table.columns, None, columns)


def _columns(query: spec.Query, contract: Contract) -> tuple[plan.Column, ...]:
    """Return the columns of several values; the ERP may have none of them."""
    if not query.values.is_row:
        return ()
    fields = contract.entities[query.entity.value].fields
    return tuple(
        plan.Column(name, _COLUMN_TYPES.get(fields[name].value_type, "string"), may_be_missing=True)
        for name in query.values.names
    )


def _tenant_table(table: spec.TenantTable, contract: Contract) -> plan.TenantTable:
    query = table.query
    fields = _askable(contract.entities[query.entity.value], contract)
    key, values = tuple(name.value for name in query.key), query.values
    return plan.TenantTable(
        entity=query.entity.value,
        key=key,
        value=None if values.is_row else values.names[0],
        numbers=tuple(name for name in key if fields[name].value_type in _WHOLE),
        where=tuple(
            plan.Condition(name.value, constant.value, _condition_kind(fields[name.value]))
            for name, constant in query.where
        ),
        sample=_of_tenant(query).entries(table.sample),
        columns=_columns(query, contract),
        rows=_list_of((*key, *values.names)),
        nests=contract.contract_version >= _NESTS and _list_of((*key, *values.names)) is not None,
    )


def _condition_kind(field: Field) -> Literal["text", "number", "flag"]:
    if field.value_type == "boolean":
        return "flag"
    return "number" if field.value_type in _WHOLE else "text"
