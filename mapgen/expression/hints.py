"""What a reader would call a value: the last name in what it comes from."""

from __future__ import annotations

from mapgen.expression.tree import Call, Index, Macro, Method, Name, Select, Tree
from mapgen.ir.expression import attribute_name
from mapgen.ir.names import singular


def hint(tree: Tree) -> str:
    """Return what a reader would call the value of a part."""
    match tree:
        case Name(name=name):
            return name
        case Select(field=field):
            return attribute_name(field)
        case Macro(name="groupBy"):
            return "groups"
        case Method(operand=operand, name="first" | "last"):
            return singular(hint(operand))
        case (
            Macro(operand=operand)
            | Index(operand=operand)
            | Method(operand=operand)
            | Call(arguments=(operand, *_))
        ):
            return hint(operand)
        case _:
            return "value"


def element_hint(name: str, over: Tree) -> str:
    """Return a telling name for an element: `allocation` for `d` of `discount_allocations`."""
    found = hint(over)
    if len(name) == 1 and found != "value" and singular(found) != found:
        return singular(found).rpartition("_")[2]
    return name
