"""What a condition tells of plain paths where it held, or not: what is there, and which values."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mapgen.expression.scope import Path, Values
from mapgen.expression.tree import (
    Binary,
    Constant,
    Has,
    ListTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
)

NOTHING: frozenset[Path] = frozenset()


class Known(Struct, frozen=True):
    """The paths that are present, and the values that may be at some."""

    present: frozenset[Path] = NOTHING
    values: Mapping[Path, Values] = {}

    def both(self, other: Known) -> Known:
        """Return what is known where this and the other hold."""
        return Known(self.present | other.present, met(self.values, other.values))

    def either(self, other: Known) -> Known:
        """Return what is known where this or the other holds."""
        shared = {
            path: one.or_else(other.values[path])
            for path, one in self.values.items()
            if path in other.values
        }
        return Known(self.present & other.present, shared)


class Facts(Struct, frozen=True):
    """What is known where the condition holds, and where it does not."""

    held: Known = Known()
    failed: Known = Known()


def met(one: Mapping[Path, Values], other: Mapping[Path, Values]) -> Mapping[Path, Values]:
    """Return the values that may be at paths of which both are known."""
    together = {path: known.also(one[path]) for path, known in other.items() if path in one}
    return {**one, **other, **together}


def stable_path(tree: Tree) -> Path | None:
    """Return the names along a plain path (`order.customer.id`), None for anything else.

    Only such a path gives the same value each time, so that only it can be narrowed.
    """
    match tree:
        case Name(name=name):
            return (name,)
        case Select(operand=operand, field=field):
            before = stable_path(operand)
            return None if before is None else (*before, field)
        case _:
            return None


def facts(condition: Tree) -> Facts:
    """Return what a condition tells."""
    match condition:
        case Has(path=path) | Method(operand=path, name="hasValue", arguments=()):
            return Facts(held=_along(path))
        case Binary(operator="!=", left=left, right=right) if _has_null(left, right):
            return Facts(held=_along(left).both(_along(right)))
        case Binary(operator="==", left=left, right=right) if _has_null(left, right):
            return Facts(failed=_along(left).both(_along(right)))
        case Binary(operator="==" | "in", left=left, right=right):
            return _of_values(left, right)
        case Binary(operator="!=", left=left, right=right):
            equal = _of_values(left, right)
            return Facts(equal.failed, equal.held)
        case Unary(operator="!", operand=operand):
            inner = facts(operand)
            return Facts(inner.failed, inner.held)
        case Binary(operator="&&", left=left, right=right):
            one, other = facts(left), facts(right)
            return Facts(one.held.both(other.held), one.failed.either(other.failed))
        case Binary(operator="||", left=left, right=right):
            one, other = facts(left), facts(right)
            return Facts(one.held.either(other.held), one.failed.both(other.failed))
        case _:
            return Facts()


def _has_null(left: Tree, right: Tree) -> bool:
    return any(isinstance(side, Constant) and side.value is None for side in (left, right))


def _along(tree: Tree) -> Known:
    """Return the path and all that it goes through: where `a.?b.c` is there, `a.b` is."""
    path = stable_path(tree)
    if path is None:
        return Known()
    return Known(frozenset(path[:length] for length in range(1, len(path) + 1)))


def _of_values(left: Tree, right: Tree) -> Facts:
    """Return what a comparison of a path with constants tells: `kind == 'card'`."""
    if isinstance(left, Constant):
        left, right = right, left
    match right:
        case Constant(value=str() | int() as value):
            named = frozenset([str(value)])
        case ListTree(elements=elements):
            constants = [one.value for one in elements if isinstance(one.value, Constant)]
            if len(constants) < len(elements):
                return Facts()
            named = frozenset(str(one.value) for one in constants)
        case _:
            return Facts()
    match left:
        case Method(operand=inner, name="orValue", arguments=(Constant(value=default),)):
            left = inner if str(default) not in named else right
    path = stable_path(left)
    if path is None:
        return Facts()
    return Facts(Known(values={path: Values(named)}), Known(values={path: Values(named, True)}))
