"""Which operators work on which types, and what they give."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.expression.tree import BinaryOperator
from mapgen.ir.types import (
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

# What an operator gives for two types.
ARITHMETIC: Mapping[tuple[BinaryOperator, ScalarName, ScalarName], ScalarName] = {
    ("+", "int", "int"): "int",
    ("-", "int", "int"): "int",
    ("*", "int", "int"): "int",
    ("+", "decimal", "decimal"): "decimal",
    ("-", "decimal", "decimal"): "decimal",
    ("*", "decimal", "decimal"): "decimal",
    ("/", "decimal", "decimal"): "decimal",
    ("+", "string", "string"): "string",
    ("+", "timestamp", "duration"): "timestamp",
    ("+", "duration", "timestamp"): "timestamp",
    ("+", "duration", "duration"): "duration",
    ("-", "timestamp", "timestamp"): "duration",
    ("-", "timestamp", "duration"): "timestamp",
    ("-", "duration", "duration"): "duration",
}


def binary_type(operator: BinaryOperator, left: Type, right: Type) -> Type | None:
    """Return what an operator gives for two types, neither optional; None where it does not work.

    Equality and logic are not here: they have messages of their own.
    """
    if isinstance(left, ErrorType) or isinstance(right, ErrorType):
        return ErrorType() if operator in ("+", "-", "*", "/", "%") else Scalar("bool")
    match operator:
        case "<" | "<=" | ">" | ">=":
            return Scalar("bool") if _are_ordered(left, right) else None
        case "in":
            return Scalar("bool") if _is_in(left, right) else None
        case _:
            return _arithmetic(operator, left, right)


def are_comparable(left: Type, right: Type) -> bool:
    """Tell whether two values can be equal."""
    return join(left, right) is not None


def _are_ordered(left: Type, right: Type) -> bool:
    return join(left, right) in ORDERED


def _is_in(left: Type, right: Type) -> bool:
    match right:
        case ListOf(element):
            return are_comparable(left, element)
        case MapOf(key, _):
            return is_assignable(left, key)
        case _:
            return False


def _arithmetic(operator: BinaryOperator, left: Type, right: Type) -> Type | None:
    match left, right:
        case Scalar(one), Scalar(other):
            found = ARITHMETIC.get((operator, one, other))
            if found is None and {one, other} == {"int", "decimal"}:
                found = ARITHMETIC.get((operator, "decimal", "decimal"))
            return None if found is None else Scalar(found)
        case ListOf(), ListOf() if operator == "+":
            return join(left, right)
        case _:
            return None
