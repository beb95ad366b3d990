"""The flow for the runtime: its plan (`flow.json`), and where each rule stands (`map.json`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import assert_never

from msgspec import to_builtins

from mapgen.emit.json_text import json_text
from mapgen.emit.manifest import rules_of
from mapgen.emit.python.transformer import RuleLine
from mapgen.ir.flow import (
    Document,
    EntityReads,
    EntityShape,
    FileTable,
    Flow,
    Join,
    LedgerTable,
    Part,
    Rows,
    SampleEntry,
    Table,
    TenantTable,
)


def plan_file(flow: Flow) -> str:
    """Return `flow.json`: what `mapgen.runtime.plan.Plan` reads."""
    operations = flow.operations
    return json_text(
        {
            "flow": flow.name,
            "source": flow.source_name,
            "envelope": list(flow.envelope),
            "format": flow.format,
            "delimiter": flow.delimiter,
            **({} if flow.is_quoted else {"is_quoted": False}),
            **_put_together(flow),
            "lookups": {table.name: _table(table) for table in flow.tables},
            "connection": operations.connection,
            "documents": [_document(document) for document in flow.documents],
            "endpoint": flow.endpoint,
            "version": flow.endpoint_version,
            "contract_version": flow.contract_version,
            **({} if flow.reads is None else {"reads": _reads(flow.reads)}),
            "batch_size": operations.batch_size,
            "concurrency": operations.concurrency,
            "retry": {
                "attempts": operations.attempts,
                "first": operations.first_wait,
                "ceiling": operations.longest_wait,
            },
            "circuit_breaker": {
                "failures": operations.breaker_failures,
                "within": operations.breaker_within,
                "cool_down": operations.breaker_cool_down,
            },
            "dead_letter_days": operations.dead_letter_days,
            **({} if operations.verify == "warn" else {"verify": operations.verify}),
            "rules": rules_of(flow),
        }
    )


def _reads(reads: EntityReads) -> dict[str, object]:
    return {
        "endpoint": reads.endpoint,
        "version": reads.version,
        "contract_version": reads.contract_version,
        "entity": reads.entity,
        "keys": list(reads.keys),
        "query": dict(reads.query),
        "shape": _shape(reads.shape),
    }


def _shape(shape: EntityShape) -> dict[str, object]:
    found = {
        "values": list(shape.values),
        "dates": list(shape.dates),
        "linked": {name: _shape(part) for name, part in shape.linked},
        "details": {name: _shape(part) for name, part in shape.details},
    }
    return {name: members for name, members in found.items() if members}


def _put_together(flow: Flow) -> dict[str, object]:
    """Return what is put into each record, for flows that put something into them."""
    found: dict[str, object] = {}
    if flow.joins:
        found["joins"] = {join.name: _join(join) for join in flow.joins}
    if flow.group is not None:
        found["group"] = to_builtins(flow.group)
    return found


def _join(join: Join) -> dict[str, object]:
    members: dict[str, object] = to_builtins(join)
    del members["name"]
    if join.is_quoted:
        del members["is_quoted"]
    return members


def _table(table: Table) -> dict[str, object]:
    """Return what `mapgen.runtime.plan.Table` reads: the kind tells the members."""
    columns: dict[str, object] = {"key": list(table.key), "value": table.value}
    match table:
        case FileTable(path=path):
            return {"kind": "file", "path": path, **columns}
        case LedgerTable(flow=flow, document=document, sample=sample):
            own: dict[str, object] = {"flow": flow, "document": document}
            return {"kind": "ledger", **own, **columns, "sample": _sample(sample)}
        case TenantTable(entity=entity, numbers=numbers, where=where, sample=sample):
            conditions = [
                {"field": one.field, "constant": one.constant, "kind": one.kind} for one in where
            ]
            own = {"entity": entity, **columns, "numbers": list(numbers), "where": conditions}
            return {"kind": "tenant", **own, "sample": _sample(sample)}
        case _:
            assert_never(table)


def _sample(entries: Iterable[SampleEntry]) -> list[object]:
    return [{"key": list(entry.key), "value": entry.value} for entry in entries]


def _document(document: Document) -> dict[str, object]:
    return {
        "name": document.name,
        "entity": document.entity,
        "operation": document.operation,
        "identity": {"field": document.identity, "scope": dict(document.identity_scope)},
        "keys": list(document.entity_keys),
        "after": list(document.after),
        "write_once": list(_written_once(document.part)),
        "row_keys": {path: list(key) for path, key in _row_keys(document.part)},
        **({} if document.owner is None else {"owner": document.owner}),
    }


def _written_once(part: Part, prefix: str = "") -> Iterator[str]:
    """Yield the paths of what only a new document gets: `Address.City`, `custom.View.Field`."""
    for item in part.custom:
        if item.field.is_written_once:
            yield f"{prefix}custom.{item.view}.{item.name}"
    for member in (*part.members, *((part.note,) if part.note is not None else ())):
        if member.is_written_once:
            yield f"{prefix}{member.name}"
        elif isinstance(member, Rows) and not member.is_list:
            yield from _written_once(member.blocks[0].part, f"{prefix}{member.name}.")


def _row_keys(part: Part, prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the path of each list of rows that have a key, and the key."""
    for member in part.members:
        if not isinstance(member, Rows):
            continue
        if member.row_key:
            yield f"{prefix}{member.name}", member.row_key
        for block in member.blocks:
            yield from _row_keys(block.part, f"{prefix}{member.name}.")


def rule_map_file(flow: Flow, rules: Iterable[RuleLine], code: str) -> str:
    """Return `map.json`: each rule, its place in the spec as a pointer, its line in the code.

    A pointer and not a line of the spec: so a comment in the spec changes no generated byte.
    """
    lines = _lines(code)
    return json_text(
        {
            "flow": flow.name,
            "spec": flow.spec_path,
            "personal": list(flow.personal),
            "rules": [
                {
                    "target": rule.target,
                    "reads": list(rule.reads),
                    "pointer": rule.pointer,
                    "code": rule.code,
                    "line": lines.get(rule.code),
                    "is_personal": rule.is_personal,
                    **({"rows_differ": True} if rule.rows_differ else {}),
                    **({"may_come": True} if rule.may_come else {}),
                    **({} if rule.each is None else {"each": rule.each}),
                }
                for rule in rules
            ],
        }
    )


def _functions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef]:
    """Yield the functions of a module, and those inside them."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            yield statement
            yield from _functions(statement.body)


def _lines(code: str) -> dict[str, int]:
    """Return the line of each `function.local` of the module."""
    found: dict[str, int] = {}
    for function in _functions(ast.parse(code).body):
        counts = {"if": 0, "check": 0}
        for statement in function.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], lineno=line) | ast.AnnAssign(
                    target=ast.Name(id=name), lineno=line
                ):
                    found[f"{function.name}.{name}"] = line
                case ast.If(lineno=line):
                    counts["if"] += 1
                    found[f"{function.name}.if{counts['if']}"] = line
                case ast.Expr(value=ast.Call(), lineno=line):
                    counts["check"] += 1
                    found[f"{function.name}.check{counts['check']}"] = line
    return found
