"""A small interpreter of the language over plain values: what emitted code is compared with.

It knows nothing of types, narrowing or Python code; missing is None, a record is a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from mapgen.expression.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Has,
    Index,
    ListTree,
    Macro,
    MapTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
)


class Failed(Exception):
    """The record makes the expression impossible."""


def _only(condition: bool) -> None:
    if not condition:
        raise Failed


def _divide(left: Any, right: Any) -> Decimal:
    _only(right != 0)
    return Decimal(left) / Decimal(right)


def _int_div(left: int, right: int) -> int:
    _only(right != 0)
    return int(Decimal(left) / Decimal(right))


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    _only(0 <= start <= stop <= len(text))
    return text[start:stop]


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "trim": lambda text: text.strip(),
    "size": len,
    "upperAscii": lambda text: "".join(c.upper() if c.isascii() else c for c in text),
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text[: len(part)] == part,
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, separator: text.split(separator),
    "join": lambda texts, separator: separator.join(texts),
    "substring": _substring,
    "before": lambda text, part: text[: text.index(part)] if part in text else None,
    "sum": lambda numbers: sum(numbers),
    "max": lambda values: sorted(values)[-1] if values else None,
    "flatten": lambda lists: [value for values in lists for value in values],
    "reverse": lambda values: list(reversed(values)),
    "last": lambda values: values[-1] if values else None,
    "first": lambda values: values[0] if values else None,
    "distinct": lambda values: [v for at, v in enumerate(values) if v not in values[:at]],
    "unwrapOpt": lambda values: [value for value in values if value is not None],
    "round": lambda number, places: Decimal(number).quantize(
        Decimal(1).scaleb(-places), ROUND_HALF_UP
    ),
    "string": lambda value: (
        str(value).lower() if isinstance(value, bool) else f"{value:f}"
        if isinstance(value, Decimal) else str(value)
    ),
    "intDiv": _int_div,
    "nonBlank": lambda text: None if text is None or not text.strip() else text.strip(),
}  # fmt: skip


def evaluate(tree: Tree, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression. Raises Failed where a record makes it impossible."""
    match tree:
        case Constant(value=value):
            return value
        case Name(name=name):
            return names[name]
        case Select(operand=operand, field=field):
            record = evaluate(operand, names)
            return None if record is None else record.get(field)
        case Index(operand=operand, index=index, is_optional=is_optional):
            return _element(evaluate(operand, names), evaluate(index, names), is_optional)
        case Has(path=path):
            return evaluate(path, names) is not None
        case Unary(operator="!", operand=operand):
            return not evaluate(operand, names)
        case Unary(operand=operand):
            return -evaluate(operand, names)
        case Binary(operator="&&", left=left, right=right):
            return evaluate(left, names) and evaluate(right, names)
        case Binary(operator="||", left=left, right=right):
            return evaluate(left, names) or evaluate(right, names)
        case Binary(operator=operator, left=left, right=right):
            return OPERATORS[operator](evaluate(left, names), evaluate(right, names))
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return evaluate(then if evaluate(condition, names) else otherwise, names)
        case ListTree(elements=elements):
            values = [(evaluate(each.value, names), each.is_optional) for each in elements]
            return [value for value, is_optional in values if value is not None or not is_optional]
        case MapTree(entries=entries):
            return {evaluate(e.key, names): evaluate(e.value, names) for e in entries}
        case Macro():
            return _macro(tree, names)
        case Call(name="coalesce", arguments=arguments):
            found = (evaluate(argument, names) for argument in arguments)
            return next((value for value in found if value is not None), None)
        case Call(name=name, arguments=arguments):
            return FUNCTIONS[name](*(evaluate(argument, names) for argument in arguments))
        case Method(operand=operand, name="orValue" | "or", arguments=(other,)):
            value = evaluate(operand, names)
            return evaluate(other, names) if value is None else value
        case Method(operand=Name(name="optional"), name="of", arguments=(value,)):
            return evaluate(value, names)
        case Method(operand=operand, name="value"):
            value = evaluate(operand, names)
            _only(value is not None)
            return value
        case Method(operand=operand, name="hasValue"):
            return evaluate(operand, names) is not None
        case Method(operand=operand, name=name, arguments=arguments):
            receiver = evaluate(operand, names)
            if receiver is None:
                return None
            return FUNCTIONS[name](receiver, *(evaluate(each, names) for each in arguments))


def _element(rows: Any, position: Any, is_optional: bool) -> Any:
    if rows is None:
        return None
    if not 0 <= position < len(rows):
        _only(is_optional)
        return None
    return rows[position]


def _macro(tree: Macro, names: Mapping[str, Any]) -> Any:
    rows = evaluate(tree.operand, names)
    if rows is None:
        return None
    variable = tree.variables[-1].name

    def inside(part: Tree, value: Any) -> Any:
        return evaluate(part, {**names, variable: value})

    if tree.name in ("optMap", "optFlatMap"):
        return inside(tree.body, rows)
    if tree.condition is not None:
        condition = tree.condition
        rows = [row for row in rows if inside(condition, row)]
    match tree.name:
        case "all":
            return all(inside(tree.body, row) for row in rows)
        case "exists":
            return any(inside(tree.body, row) for row in rows)
        case "exists_one":
            return len([row for row in rows if inside(tree.body, row)]) == 1
        case "filter":
            return [row for row in rows if inside(tree.body, row)]
        case "map":
            return [inside(tree.body, row) for row in rows]
        case "sortBy":
            return sorted(rows, key=lambda row: inside(tree.body, row))
        case "groupBy":
            keys = [inside(tree.body, row) for row in rows]
            firsts = [key for at, key in enumerate(keys) if key not in keys[:at]]
            return [
                {
                    "key": key,
                    "rows": [row for row, own in zip(rows, keys, strict=True) if own == key],
                }
                for key in firsts
            ]
        case _:
            raise AssertionError(tree.name)
