"""An expression that has been checked: its tree, and beside it what was found out about it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mapgen.expression.functions import Function
from mapgen.expression.lineage import Lineage
from mapgen.expression.tree import Tree
from mapgen.expression.types import Type
from mapgen.report import Span


class Chosen(Struct, frozen=True):
    """The function that a call means, and what the capitals of its signature stand for."""

    function: Function
    bound: Mapping[str, Type]


class Typed(Struct, frozen=True):
    """A checked expression.

    `types` has the type of every node, narrowed where it stands; `chosen` the function of every
    call; `chained` the nodes that are left out when what stands before them is missing.
    `lineage` says what the value comes from, and what was read. `division` is where a `/` stands
    that nothing rounds: the rule has to name `places` and `rounding`.
    """

    tree: Tree
    type: Type
    types: Mapping[Tree, Type]
    chosen: Mapping[Tree, Chosen]
    chained: frozenset[Tree]
    lineage: Lineage
    is_fallible: bool
    is_constant: bool
    division: Span | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The source paths by first use, each once, settings not among them."""
        return self.lineage.fields
