"""An expression that has been checked: its tree, and beside it what was found out about it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from msgspec import Struct

from mapgen.expression.functions import Function
from mapgen.expression.lineage import Lineage
from mapgen.expression.tree import Tree
from mapgen.ir.building import coerced, is_constant
from mapgen.ir.expression import Expression, Local, can_fail
from mapgen.ir.types import Type
from mapgen.ir.walk import nodes
from mapgen.report import Span


class Part(Struct, frozen=True):
    """What was found out about a node: its type, narrowed where it is, and its ir.

    `is_chained`: what follows may be left out with it. `function` is what a call means.
    """

    type: Type
    code: Expression
    is_chained: bool = False
    function: Function | None = None


class Typed(Struct, frozen=True):
    """A checked expression.

    `code` is what it is in the ir, `parts` what was found out about each of its nodes. `lineage`
    says what the value comes from, and what was read. `division` is where a `/` is that
    nothing rounds: the rule has to name `places` and `rounding`.
    """

    tree: Tree
    type: Type
    code: Expression
    parts: Mapping[Tree, Part]
    lineage: Lineage
    division: Span | None = None

    def as_type(self, wanted: Type) -> Expression:
        """Return the ir of a value of the wanted type: an int widens to the decimal wanted."""
        numbers = (one.number for one in nodes(self.code) if isinstance(one, Local))
        return coerced(self.code, self.type, wanted, count(1 + max(numbers, default=0)))

    @property
    def is_fallible(self) -> bool:
        """Whether it can fail in a record."""
        return can_fail(self.code)

    @property
    def is_constant(self) -> bool:
        """Whether it reads nothing."""
        return is_constant(self.code)

    @property
    def reads(self) -> tuple[str, ...]:
        """The source paths by first use, each once, settings not among them."""
        return self.lineage.fields
