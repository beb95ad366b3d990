"""Which operators work on which types, and what they give."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.expression.tree import BinaryOperator
from mapgen.expression.types import (
    NUMBERS,
    ORDERED,
    ErrorType,
    ListOf,
    MapOf,
    Scalar,
    ScalarName,
    Type,
    is_assignable,
    join,
)

# What an operator gives for two types, and the Python it becomes unless that is the operator.
Arithmetic = Mapping[tuple[BinaryOperator, ScalarName, ScalarName], tuple[ScalarName, str | None]]
ARITHMETIC: Arithmetic = {
    ("+", "int", "int"): ("int", None),
    ("-", "int", "int"): ("int", None),
    ("*", "int", "int"): ("int", None),
    ("+", "decimal", "decimal"): ("decimal", None),
    ("-", "decimal", "decimal"): ("decimal", None),
    ("*", "decimal", "decimal"): ("decimal", None),
    ("/", "decimal", "decimal"): ("decimal", None),
    ("+", "string", "string"): ("string", None),
    ("+", "timestamp", "duration"): ("timestamp", None),
    ("+", "duration", "timestamp"): ("timestamp", None),
    ("+", "duration", "duration"): ("duration", None),
    ("-", "timestamp", "timestamp"): ("duration", None),
    ("-", "timestamp", "duration"): ("timestamp", None),
    ("-", "duration", "duration"): ("duration", None),
}


def binary_type(
    operator: BinaryOperator, left: Type, right: Type, arithmetic: Arithmetic
) -> Type | None:
    """Return what an operator gives for two types, neither optional; None where it does not work.

    Equality and logic are not here: they have messages of their own.
    """
    if isinstance(left, ErrorType) or isinstance(right, ErrorType):
        return ErrorType() if operator in ("+", "-", "*", "/", "%") else Scalar("bool")
    match operator:
        case "<" | "<=" | ">" | ">=":
            return Scalar("bool") if _are_ordered(left, right, arithmetic) else None
        case "in":
            return Scalar("bool") if _is_in(left, right, arithmetic) else None
        case _:
            return _arithmetic(operator, left, right, arithmetic)


def are_comparable(left: Type, right: Type, arithmetic: Arithmetic) -> bool:
    """Tell whether two values can be equal; CEL's numbers can, whatever their types are."""
    if join(left, right) is not None:
        return True
    match left, right:
        case ListOf(one), ListOf(other):
            return are_comparable(one, other, arithmetic)
        case MapOf(key, one), MapOf(other_key, other):
            return key == other_key and are_comparable(one, other, arithmetic)
        case _:
            return _has_doubles(arithmetic) and left in NUMBERS and right in NUMBERS


def _has_doubles(arithmetic: Arithmetic) -> bool:
    return ("+", "double", "double") in arithmetic


def _are_ordered(left: Type, right: Type, arithmetic: Arithmetic) -> bool:
    both = join(left, right)
    if both is None:
        return left in NUMBERS and are_comparable(left, right, arithmetic)
    return both in ORDERED


def _is_in(left: Type, right: Type, arithmetic: Arithmetic) -> bool:
    match right:
        case ListOf(element):
            is_alike = is_assignable(left, element) or is_assignable(element, left)
            return is_alike or are_comparable(left, element, arithmetic)
        case MapOf(key, _):
            return is_assignable(left, key)
        case _:
            return False


def _arithmetic(
    operator: BinaryOperator, left: Type, right: Type, arithmetic: Arithmetic
) -> Type | None:
    match left, right:
        case Scalar(one), Scalar(other):
            found = arithmetic.get((operator, one, other))
            if found is None and {one, other} == {"int", "decimal"}:
                found = arithmetic.get((operator, "decimal", "decimal"))
            return None if found is None else Scalar(found[0])
        case ListOf(), ListOf() if operator == "+":
            return join(left, right)
        case _:
            return None
