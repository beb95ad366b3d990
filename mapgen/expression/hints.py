"""What a reader would call a value: the last name in what it comes from."""

from __future__ import annotations

from mapgen.expression.tree import Call, Index, Macro, Method, Name, Select, Tree
from mapgen.ir.expression import attribute_name


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


def singular(plural: str) -> str:
    """Return the English singular of a field's name: `addresses` -> `address`."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")) and len(plural) > 2:
        return plural[:-1]
    return plural
