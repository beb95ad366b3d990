"""What rules make, as expressions over it see it: its type, where it comes from, its members."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mapgen.check.blocks import row_type
from mapgen.expression.scope import Origins, either
from mapgen.ir import expression as tree
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.rewriting import over_document


def document_type(part: ir.Part) -> types.Object:
    """Return the type of the document that the rules make, for the checks over it."""
    fields: dict[str, types.Type] = {}
    for member in part.members:
        match member:
            case ir.Field(value=ir.Made()):
                continue  # nobody knows it before the other document is in the ERP
            case ir.Field():
                kind = member.of
            case ir.Rows(blocks=blocks):
                row = row_type([document_type(block.part) for block in blocks])
                kind = types.ListOf(row) if member.is_list else row
        # A list that is left out has no rows: nobody has to ask whether it is there.
        is_sure = member.is_always_set or isinstance(kind, types.ListOf)
        fields[member.name] = kind if is_sure else types.optional(kind)
    return types.Object(f"document {part.entity}", fields)


def document_origins(part: ir.Part) -> Origins:
    """Return where the document that the rules make comes from, field by field."""
    members: dict[str, Origins] = {}
    for member in part.members:
        if isinstance(member, ir.Field):
            members[member.name] = Origins(made_of=member.reads)
            continue
        row = either(*(document_origins(block.part) for block in member.blocks))
        decided = Origins(decided_by=member.reads)
        members[member.name] = (
            replace(decided, element=row)
            if member.is_list
            else replace(decided, members=row.members)
        )
    return Origins(members=members)


def over_parts(
    expression: tree.Expression, parts: Iterable[ir.Part], *, wraps_values: bool
) -> tree.Expression:
    """Return an expression with the members of what rules have made told apart from a record's."""
    inside = [
        (one, member) for part in parts for one in ir.parts_of(part) for member in one.members
    ]
    emptied = frozenset(
        (f"document {one.entity}", member.name)
        for one, member in inside
        if isinstance(member, ir.Field) and member.clears
    )
    left_out = frozenset(
        (f"document {one.entity}", member.name)
        for one, member in inside
        if isinstance(member, ir.Rows) and member.is_list and not member.is_always_set
    )
    return over_document(expression, emptied, left_out, wraps_values=wraps_values)
