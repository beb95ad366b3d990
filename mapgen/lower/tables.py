"""Declared lookups in, the tables of the ir out: what generated code finds outside itself."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.check.live import LEDGER_KEY, LEDGER_VALUE, cells_of
from mapgen.contract.model import Contract
from mapgen.ir import flow as ir
from mapgen.spec import model as spec

_KINDS: dict[str | None, ir.ConditionKind] = {
    "boolean": "flag",
    "int": "number",
    "short": "number",
    "byte": "number",
    "long": "number",
}


def tables(section: spec.MappingSection, contract: Contract) -> Iterator[ir.Table]:
    """Yield the tables of a flow; one that stands in the spec is part of the code."""
    for table in section.lookups:
        match table:
            case spec.InlineTable():
                pass
            case spec.LookupTable(name, path, _, value):
                column = value.value if value else None
                yield ir.FileTable(name.value, path.value, table.columns, column)
            case spec.LedgerTable(name, document, sample):
                flow, _, one = document.value.partition(".")
                entries = _entries(sample, (LEDGER_KEY,), LEDGER_VALUE)
                yield ir.LedgerTable(
                    name.value, flow, one or None, entries, (LEDGER_KEY,), LEDGER_VALUE
                )
            case spec.TenantTable():
                yield _tenant(table, contract)


def _tenant(table: spec.TenantTable, contract: Contract) -> ir.TenantTable:
    fields = contract.entities[table.query.entity.value].fields
    kinds = {name: _KINDS.get(field.value_type, "text") for name, field in fields.items()}
    key = tuple(name.value for name in table.query.key)
    return ir.TenantTable(
        table.name.value,
        table.query.entity.value,
        key,
        tuple(name for name in key if kinds[name] == "number"),
        table.query.value.value,
        tuple(
            ir.Equality(name.value, constant.value, kinds[name.value])
            for name, constant in table.query.where
        ),
        _entries(table.sample, key, table.query.value.value),
    )


def _entries(sample: spec.Sample, key: tuple[str, ...], value: str) -> tuple[ir.SampleEntry, ...]:
    found = [cells_of(entry, key, value) for entry in sample.entries]
    return tuple(ir.SampleEntry(cells[:-1], cells[-1]) for cells in found if cells is not None)
