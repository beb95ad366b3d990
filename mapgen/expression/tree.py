"""The tree of an expression as the author wrote it: every node knows from where to where it is.

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


class Node(Struct, frozen=True, eq=False):
    """What is from `start` up to but not including `end`."""

    start: int
    end: int


class Constant(Node, frozen=True, eq=False):
    """A value written out, kept as it was read, without loss."""

    value: bool | int | Decimal | str | None


class Name(Node, frozen=True, eq=False):
    """A name of the scope: a source, settings, a `let`, or a macro's variable."""

    name: str


class Select(Node, frozen=True, eq=False):
    """`operand.field`, or `operand.?field`. `name_start` is where the field's name begins."""

    operand: Tree
    field: str
    is_optional: bool
    name_start: int


class Index(Node, frozen=True, eq=False):
    """`operand[index]`, or `operand[?index]`."""

    operand: Tree
    index: Tree
    is_optional: bool


class Call(Node, frozen=True, eq=False):
    """`name(arguments)`; from `name_start` to `name_end` is the name."""

    name: str
    arguments: tuple[Tree, ...]
    name_start: int
    name_end: int


class Method(Node, frozen=True, eq=False):
    """`operand.name(arguments)`."""

    operand: Tree
    name: str
    arguments: tuple[Tree, ...]
    name_start: int
    name_end: int


class Has(Node, frozen=True, eq=False):
    """`has(operand.field)`: whether the field is there."""

    path: Select


class Macro(Node, frozen=True, eq=False):
    """`operand.name(variables, [condition,] body)`: the body is evaluated for each element.

    `cel.bind(variable, operand, body)` is one, too: its body is evaluated once, for the operand.
    """

    operand: Tree
    name: MacroName
    variables: tuple[Name, ...]
    condition: Tree | None
    body: Tree
    name_start: int
    name_end: int


class Unary(Node, frozen=True, eq=False):
    operator: UnaryOperator
    operand: Tree


class Binary(Node, frozen=True, eq=False):
    """`left operator right`; `operator_start` is where the operator is."""

    operator: BinaryOperator
    left: Tree
    right: Tree
    operator_start: int


class Conditional(Node, frozen=True, eq=False):
    """`condition ? then : otherwise`."""

    condition: Tree
    then: Tree
    otherwise: Tree


class Element(Struct, frozen=True, eq=False):
    """One element of a list. `?element` is left out when it is missing."""

    value: Tree
    is_optional: bool


class ListTree(Node, frozen=True, eq=False):
    """`[a, b, ?c]`."""

    elements: tuple[Element, ...]


class Entry(Struct, frozen=True, eq=False):
    """One entry of a map. `?key: value` is left out when the value is missing."""

    key: Tree
    value: Tree
    is_optional: bool


class MapTree(Node, frozen=True, eq=False):
    """`{key: value}`."""

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
    for name in tree.__struct_fields__:
        if name != "variables":
            yield from _trees(getattr(tree, name))


def _trees(part: object) -> Iterator[Tree]:
    match part:
        case Node():
            yield part  # type: ignore[misc]  # every node is one of a tree
        case Element(value=value):
            yield value
        case Entry(key=key, value=value):
            yield from (key, value)
        case tuple():
            for one in part:
                yield from _trees(one)
