"""Where a quotient goes: every `/` has to end in a rounding, or be the value of the whole rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mapgen.expression.tree import Binary, Call, Conditional, Macro, Method, Tree, Unary, children
from mapgen.expression.typed import Chosen

# Where a value goes: into a rounding, out of the whole expression, or anywhere else.
Fate = Literal["rounded", "result", "used"]
_PASSED_ON = ("orValue", "or", "coalesce")


@dataclass(frozen=True, slots=True)
class Division:
    """A `/` and where its value goes."""

    tree: Binary
    fate: Fate


def divisions(
    tree: Tree, chosen: Mapping[Tree, Chosen], fate: Fate = "result"
) -> Iterator[Division]:
    """Yield every division that nothing rounds, in the order of the text."""
    if isinstance(tree, Binary) and tree.operator == "/" and fate != "rounded":
        yield Division(tree, fate)
    for child in children(tree):
        yield from divisions(child, chosen, _fate(tree, child, chosen, fate))


def _fate(tree: Tree, child: Tree, chosen: Mapping[Tree, Chosen], fate: Fate) -> Fate:
    match tree:
        case Binary(operator="+" | "-" | "*" | "/") | Unary(operator="-"):
            return fate
        case Conditional(condition=condition):
            return "used" if child is condition else fate
        case Macro(name="optMap" | "optFlatMap", body=body) if child is body:
            return fate
        case Method(name=name) | Call(name=name) if name in _PASSED_ON:
            return fate
        case Method() | Call() if tree in chosen and chosen[tree].function.rounds:
            return "rounded" if child is next(children(tree), None) else "used"
        case _:
            return "used"
