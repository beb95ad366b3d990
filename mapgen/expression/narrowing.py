"""What a condition tells about missing values: the paths surely there where it held, or not."""

from __future__ import annotations

from msgspec import Struct

from mapgen.expression.scope import Path
from mapgen.expression.tree import Binary, Constant, Has, Method, Name, Select, Tree, Unary

NOTHING: frozenset[Path] = frozenset()


class Facts(Struct, frozen=True):
    """The paths that are present where the condition holds, and where it does not."""

    held: frozenset[Path] = NOTHING
    failed: frozenset[Path] = NOTHING


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
            return Facts(held=_along(left) | _along(right))
        case Binary(operator="==", left=left, right=right) if _has_null(left, right):
            return Facts(failed=_along(left) | _along(right))
        case Unary(operator="!", operand=operand):
            inner = facts(operand)
            return Facts(inner.failed, inner.held)
        case Binary(operator="&&", left=left, right=right):
            one, other = facts(left), facts(right)
            return Facts(one.held | other.held, one.failed & other.failed)
        case Binary(operator="||", left=left, right=right):
            one, other = facts(left), facts(right)
            return Facts(one.held & other.held, one.failed | other.failed)
        case _:
            return Facts()


def _has_null(left: Tree, right: Tree) -> bool:
    return any(isinstance(side, Constant) and side.value is None for side in (left, right))


def _along(tree: Tree) -> frozenset[Path]:
    """Return the path and all that it goes through: where `a.?b.c` is there, `a.b` is."""
    path = stable_path(tree)
    if path is None:
        return NOTHING
    return frozenset(path[:length] for length in range(1, len(path) + 1))
