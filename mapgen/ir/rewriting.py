"""Changes of ir expressions as a whole: other variables, other numbers, document fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.ir import expression as ir
from mapgen.ir.types import Kind, ListOf, Object, Type, present
from mapgen.ir.walk import nodes

Node = TypeVar("Node")


def rewritten(node: Node, change: Callable[[object], object]) -> Node:
    """Return a node with `change` applied to every node inside it, the innermost first."""
    if isinstance(node, tuple):
        return cast(Node, tuple(rewritten(part, change) for part in node))
    if not isinstance(node, Struct) or isinstance(node, Kind):
        return node
    members = {name: rewritten(getattr(node, name), change) for name in node.__struct_fields__}
    return cast(Node, change(replace(node, **members)))


def variables(node: object) -> tuple[str, ...]:
    """Return the names of the scope that an expression uses, each once, in order of use."""
    found = (part.name for part in nodes(node) if isinstance(part, ir.Variable))
    return tuple(dict.fromkeys(found))


def renumbered(expression: ir.Expression, after: object) -> ir.Expression:
    """Return the expression with its locals numbered behind those of `after`."""
    highest = max((part.number for part in nodes(after) if isinstance(part, ir.Local)), default=0)

    def change(node: object) -> object:
        return replace(node, number=node.number + highest) if isinstance(node, ir.Local) else node

    return rewritten(expression, change)


def expanded(expression: ir.Expression, named: Mapping[str, ir.Expression]) -> ir.Expression:
    """Return an expression with what some names stand for in their place."""
    whole: list[object] = [expression]

    def change(node: object) -> object:
        if not isinstance(node, ir.Variable) or node.name not in named:
            return node
        inner = {name: code for name, code in named.items() if name != node.name}
        value = renumbered(expanded(named[node.name], inner), tuple(whole))
        whole.append(value)
        return value

    return rewritten(expression, change)


def canonical(expression: ir.Expression) -> ir.Expression:
    """Return the expression with its locals numbered by first use, none with a hint."""
    locals_ = (one.number for one in nodes(expression) if isinstance(one, ir.Local))
    numbers = {number: at for at, number in enumerate(dict.fromkeys(locals_), start=1)}

    def change(node: object) -> object:
        if not isinstance(node, ir.Local):
            return node
        return replace(node, number=numbers[node.number], hint="")

    return rewritten(expression, change)


def over_document(
    expression: ir.Expression,
    emptied: frozenset[tuple[str, str]] = frozenset(),
    left_out: frozenset[tuple[str, str]] = frozenset(),
    *,
    wraps_values: bool = True,
) -> ir.Expression:
    """Return the expression with fields of the document told apart from those of the record.

    `emptied` are those that may be sent empty: the type that they belong to, the name. `left_out`
    are the lists that are not there where they have no rows.
    """

    def change(node: object) -> object:
        match node:
            case ir.Field(operand=operand, key=key, type=kind) if _is_document(operand.type):
                member = (str(present(operand.type)), key)
                is_value = wraps_values and not _is_document(kind)
                is_empty, is_out = member in emptied, member in left_out
                return ir.DocumentField(operand, key, is_value, kind, is_empty, is_out)
            case _:
                return node

    return rewritten(expression, change)


def _is_document(kind: Type) -> bool:
    """Tell whether a value is a part of a document under construction, or a list of them."""
    found = present(kind)
    if isinstance(found, ListOf):
        return _is_document(found.element)
    return isinstance(found, Object) and found.name.startswith("document ")
