"""What an expression may name: each name's type, and what its source is called in reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mapgen.expression.types import Type


@dataclass(frozen=True, slots=True)
class Binding:
    """One name's type, and its path in reports.

    `path` is `order` for a source, `order.line_items[]` for a row of it, `settings` for the
    settings, None for what has no place in the record (a `let`). `elements` is the path of the
    elements of a list that is no path itself. `reads` are the paths that a value is made of.
    """

    type: Type
    path: str | None = None
    elements: str | None = None
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """All names that an expression may use."""

    bindings: Mapping[str, Binding]

    def with_(self, name: str, binding: Binding) -> Scope:
        """Return this scope with one more name."""
        return Scope({**self.bindings, name: binding})
