"""Where a quotient goes: every `/` has to end in a rounding, or be the value of the whole rule.

A change of units whose factor has no last digit is a quotient, too.
"""

from __future__ import annotations

from typing import Literal

from mapgen.expression.functions import FUNCTIONS
from mapgen.expression.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Macro,
    Method,
    Name,
    Tree,
    Unary,
    children,
)
from mapgen.expression.units import UNITS, is_finite, ratio

# Where a value goes: into a rounding, out of the whole expression, or anywhere else.
Fate = Literal["rounded", "result", "used"]
_PASSED_ON = ("orValue", "or", "coalesce")
_ROUNDING = frozenset(row.name.rpartition(".")[2] for row in FUNCTIONS if row.rounds)


def divides(tree: Tree) -> bool:
    """Tell whether a node is a quotient."""
    match tree:
        case Binary(operator=operator):
            return operator == "/"
        case Call(name="convertUnit", arguments=(*_, source, target)):
            return _is_endless(source, target)
        case Method(name="convertUnit", arguments=(source, target)):
            return _is_endless(source, target)
        case _:
            return False


def _is_endless(source: Tree, target: Tree) -> bool:
    """Whether the factor between two units, where they are written out, has no last digit."""
    match source, target:
        case Constant(value=str(one)), Constant(value=str(other)):
            return one in UNITS and other in UNITS and not is_finite(ratio(one, other))
        case _:
            return False


def fate_in(tree: Tree | None, child: Tree, fate: Fate) -> Fate:
    """Return where the value of a part goes by that of the whole."""
    match tree:
        case None:
            return fate
        case Binary(operator="+" | "-" | "*" | "/") | Unary(operator="-"):
            return fate
        case Conditional(condition=condition):
            return "used" if child is condition else fate
        case Macro(name="optMap" | "optFlatMap" | "bind", body=body) if child is body:
            return fate
        case Method(name=name) | Call(name=name) if name in _PASSED_ON:
            return fate
        case Method(name="convertUnit") | Call(name="convertUnit"):
            return fate if child is next(children(tree), None) else "used"
        case Method(operand=Name(name="math"), name=name, arguments=(first, *_)) | Call(
            name=name, arguments=(first, *_)
        ) if (name in _ROUNDING):
            return "rounded" if child is first else "used"
        case Method(operand=operand, name=name) if name in _ROUNDING:
            return "rounded" if child is operand else "used"
        case _:
            return "used"
