"""Which row of the function table a call means, or what keeps it from meaning any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mapgen.expression.functions import Function
from mapgen.expression.signature import build, fits
from mapgen.ir.types import Optional, Type, present


class Chosen(Struct, frozen=True):
    """The function that a call means, and what the capitals of its signature stand for."""

    function: Function
    bound: Mapping[str, Type]


class MayBeMissing(Struct, frozen=True):
    """The operand at `position` would do if it were sure to be there."""

    position: int


class TypeMismatch(Struct, frozen=True):
    """The operand at `position` is not one of the types wanted."""

    position: int
    wanted: tuple[str, ...]


class Miscount(Struct, frozen=True):
    """No row takes so many arguments; `shown` are the signatures there are."""

    shown: tuple[str, ...]


Unfit = MayBeMissing | TypeMismatch | Miscount


def choose(rows: Sequence[Function], operands: Sequence[Type]) -> Chosen | Unfit:
    """Return the first row that the operands fit, the receiver being the first operand."""
    taken = [(row, row.signature.patterns(len(operands))) for row in rows]
    counted = [(row, patterns) for row, patterns in taken if patterns]
    for row, patterns in counted:
        bound = fits(patterns, operands)
        if bound is not None:
            return Chosen(row, bound)
    if not counted and not all(patterns == () for _, patterns in taken):
        return Miscount(tuple(row.shown for row in rows))
    sure = [present(operand) for operand in operands]
    for _, patterns in counted:
        if fits(patterns, sure) is not None:
            return MayBeMissing(_first_missing(patterns, operands))
    longer = [row for row in rows if _takes_more(row, sure)]
    if longer:
        return Miscount(tuple(row.shown for row in longer))
    return _mismatch([patterns for _, patterns in counted], sure)


def _takes_more(function: Function, operands: Sequence[Type]) -> bool:
    """Tell whether the operands are what the function wants, only not all of it."""
    patterns, count = function.signature.operands, len(operands)
    return count < len(patterns) and fits(patterns[:count], operands) is not None


def _first_missing(patterns: Sequence[Type], operands: Sequence[Type]) -> int:
    for position, (pattern, operand) in enumerate(zip(patterns, operands, strict=True)):
        if isinstance(operand, Optional) and not isinstance(pattern, Optional):
            return position
    return 0


def _mismatch(rows: Sequence[Sequence[Type]], operands: Sequence[Type]) -> TypeMismatch:
    """Blame the operand that the most willing row is the first to refuse."""
    furthest, wanted = 0, list[str]()
    for patterns in rows:
        position = next(
            at
            for at in range(len(operands))
            if fits(patterns[: at + 1], operands[: at + 1]) is None
        )
        known = fits(patterns[:position], operands[:position]) or {}
        words = str(build(patterns[position], known)).replace("unknown", str(patterns[position]))
        if position > furthest:
            furthest, wanted = position, []
        if position == furthest and words not in wanted:
            wanted.append(words)
    return TypeMismatch(furthest, tuple(wanted))
