"""The tree of an expression as the author wrote it: every node knows from where to where it stands.

Nodes compare by identity, so that side tables (types, functions chosen) are keyed by the node
itself. Invariant: the tree is never rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from msgspec import Struct

UnaryOperator = Literal["!", "-"]
BinaryOperator = Literal[
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"
]
MacroName = Literal[
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "sortBy",
    "groupBy",
    "transformList",
    "transformMap",
    "optMap",
    "optFlatMap",
    "bind",
]


class Constant(Struct, frozen=True, eq=False):
    """A value written out, kept as it was read, without loss."""

    start: int
    end: int
    value: bool | int | Decimal | str | None


class Name(Struct, frozen=True, eq=False):
    """A name of the scope: a source, settings, a `let`, or a macro's variable."""

    start: int
    end: int
    name: str


class Select(Struct, frozen=True, eq=False):
    """`operand.field`, or `operand.?field`. `name_start` is where the field's name begins."""

    start: int
    end: int
    operand: Tree
    field: str
    is_optional: bool
    name_start: int


class Index(Struct, frozen=True, eq=False):
    """`operand[index]`, or `operand[?index]`."""

    start: int
    end: int
    operand: Tree
    index: Tree
    is_optional: bool


class Call(Struct, frozen=True, eq=False):
    """`name(arguments)`; from `name_start` to `name_end` stands the name."""

    start: int
    end: int
    name: str
    arguments: tuple[Tree, ...]
    name_start: int
    name_end: int


class Method(Struct, frozen=True, eq=False):
    """`operand.name(arguments)`."""

    start: int
    end: int
    operand: Tree
    name: str
    arguments: tuple[Tree, ...]
    name_start: int
    name_end: int


class Has(Struct, frozen=True, eq=False):
    """`has(operand.field)`: whether the field is there."""

    start: int
    end: int
    path: Select


class Macro(Struct, frozen=True, eq=False):
    """`operand.name(variables, [condition,] body)`: the body is evaluated for each element.

    `cel.bind(variable, operand, body)` is one, too: its body is evaluated once, for the operand.
    """

    start: int
    end: int
    operand: Tree
    name: MacroName
    variables: tuple[Name, ...]
    condition: Tree | None
    body: Tree
    name_start: int
    name_end: int


class Unary(Struct, frozen=True, eq=False):
    start: int
    end: int
    operator: UnaryOperator
    operand: Tree


class Binary(Struct, frozen=True, eq=False):
    """`left operator right`; `operator_start` is where the operator stands."""

    start: int
    end: int
    operator: BinaryOperator
    left: Tree
    right: Tree
    operator_start: int


class Conditional(Struct, frozen=True, eq=False):
    """`condition ? then : otherwise`."""

    start: int
    end: int
    condition: Tree
    then: Tree
    otherwise: Tree


class Element(Struct, frozen=True, eq=False):
    """One element of a list. `?element` is left out when it is missing."""

    value: Tree
    is_optional: bool


class ListTree(Struct, frozen=True, eq=False):
    """`[a, b, ?c]`."""

    start: int
    end: int
    elements: tuple[Element, ...]


class Entry(Struct, frozen=True, eq=False):
    """One entry of a map. `?key: value` is left out when the value is missing."""

    key: Tree
    value: Tree
    is_optional: bool


class MapTree(Struct, frozen=True, eq=False):
    """`{key: value}`."""

    start: int
    end: int
    entries: tuple[Entry, ...]


Tree = (
    Constant
    | Name
    | Select
    | Index
    | Call
    | Method
    | Has
    | Macro
    | Unary
    | Binary
    | Conditional
    | ListTree
    | MapTree
)


def children(tree: Tree) -> Iterator[Tree]:
    """Yield the parts of a node in the order in which they are evaluated."""
    match tree:
        case Constant() | Name():
            return
        case Select(operand=operand) | Unary(operand=operand):
            yield operand
        case Index(operand=operand, index=index):
            yield from (operand, index)
        case Call(arguments=arguments):
            yield from arguments
        case Method(operand=operand, arguments=arguments):
            yield operand
            yield from arguments
        case Has(path=path):
            yield path
        case Macro(operand=operand, condition=condition, body=body):
            yield from (operand, body) if condition is None else (operand, condition, body)
        case Binary(left=left, right=right):
            yield from (left, right)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            yield from (condition, then, otherwise)
        case ListTree(elements=elements):
            yield from (element.value for element in elements)
        case MapTree(entries=entries):
            for entry in entries:
                yield from (entry.key, entry.value)


def outline(tree: Tree) -> str:
    """Return the tree in one line, every grouping written out: `(+ a (* b 2))`."""
    match tree:
        case Constant(value=value):
            return (
                "null"
                if value is None
                else (
                    str(value).lower()
                    if isinstance(value, bool)
                    else repr(value) if isinstance(value, str) else str(value)
                )
            )
        case Name(name=name):
            return name
        case Select(operand=operand, field=field, is_optional=is_optional):
            return f"(.{'?' if is_optional else ''}{field} {outline(operand)})"
        case Index(is_optional=is_optional):
            head = "[?]" if is_optional else "[]"
        case Call(name=name):
            head = f"{name}()"
        case Method(name=name):
            head = f".{name}()"
        case Has():
            head = "has"
        case Macro(name=name, variables=variables):
            head = f"{name}:{','.join(variable.name for variable in variables)}"
        case Unary(operator=operator) | Binary(operator=operator):
            head = operator
        case Conditional():
            head = "?:"
        case ListTree(elements=elements):
            head = "list" + "?" * any(element.is_optional for element in elements)
        case MapTree(entries=entries):
            head = "map" + "?" * any(entry.is_optional for entry in entries)
    return "(" + " ".join([head, *(outline(child) for child in children(tree))]) + ")"
