"""A small interpreter of the language over plain values: what emitted code is compared with.

It knows nothing of types, narrowing or Python code; missing is None, a record is a dict. What a
function gives that it does not know itself, somebody else is asked: `calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from mapgen.expression.signature import NAMESPACES
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

# White space as Unicode has it, and what has no width.
BLANKS = "".join(chr(at) for at in range(0x3001) if chr(at).isspace())
BLANKS += "\u180e\u200b\u200e\u200f\u2060\ufeff"


class Failed(Exception):
    """The record makes the expression impossible."""


# What gives the value of a call of a function, or None where the interpreter is to do so itself.
Calls = Callable[[Tree, Mapping[str, Any], list[Any]], tuple[Any] | None]


def _only(condition: bool) -> None:
    if not condition:
        raise Failed


def _divide(left: Any, right: Any) -> Fraction:
    _only(right != 0)
    return Fraction(left) / Fraction(right)


def _calculated(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return an operator that also takes a quotient beside a number."""

    def apply(left: Any, right: Any) -> Any:
        if isinstance(left, Fraction) or isinstance(right, Fraction):
            return operator(Fraction(left), Fraction(right))
        return operator(left, right)

    return apply


def _round(number: Any, places: int) -> Decimal:
    if isinstance(number, Fraction):
        number = Context(prec=200).divide(Decimal(number.numerator), Decimal(number.denominator))
    rounded = Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return rounded or abs(rounded)  # a zero has no sign


def _int_div(left: int, right: int) -> int:
    _only(right != 0)
    return int(Decimal(left) / Decimal(right))


def _substring(text: Any, start: int, end: int | None = None) -> Any:
    stop = len(text) if end is None else end
    _only(0 <= start <= stop <= len(text))
    return text[start:stop]


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _calculated(lambda left, right: left + right),
    "-": _calculated(lambda left, right: left - right),
    "*": _calculated(lambda left, right: left * right),
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
    "trim": lambda text: text.strip(BLANKS),
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
    "sort": sorted,
    "slice": lambda values, start, end: _substring(values, start, end),
    "min": lambda values: sorted(values)[0] if values else None,
    "max": lambda values: sorted(values)[-1] if values else None,
    "flatten": lambda lists: [value for values in lists for value in values],
    "reverse": lambda values: list(reversed(values)),
    "last": lambda values: values[-1] if values else None,
    "first": lambda values: values[0] if values else None,
    "distinct": lambda values: [v for at, v in enumerate(values) if v not in values[:at]],
    "unwrapOpt": lambda values: [value for value in values if value is not None],
    "round": _round,
    "string": lambda value: (
        str(value).lower() if isinstance(value, bool) else f"{value:zf}"
        if isinstance(value, Decimal) else str(value)
    ),
    "intDiv": _int_div,
    "optional.ofNonZeroValue": lambda value: value or None,
    "nonBlank": lambda text: None if text is None or not text.strip(BLANKS) else text.strip(BLANKS),
}  # fmt: skip


def evaluate(tree: Tree, names: Mapping[str, Any], calls: Calls | None = None) -> Any:
    """Return the value of an expression. Raises Failed where a record makes it impossible."""
    return _Interpreter(calls or (lambda tree, names, values: None)).value(tree, names)


@dataclass(frozen=True)
class _Interpreter:
    """Evaluates trees; `calls` knows functions that it does not."""

    calls: Calls

    def value(self, tree: Tree, names: Mapping[str, Any]) -> Any:
        match tree:
            case Constant(value=value):
                return value
            case Name(name=name):
                return names[name]
            case Select(operand=operand, field=field, is_optional=is_optional):
                record = self.value(operand, names)
                if isinstance(record, Entries) and not is_optional and record is not None:
                    _only(record.get(field) is not None)
                return None if record is None else record.get(field)
            case Index(operand=operand, index=index, is_optional=is_optional):
                return _element(self.value(operand, names), self.value(index, names), is_optional)
            case Has(path=path):
                record = self.value(path.operand, names)
                return record is not None and record.get(path.field) is not None
            case Unary(operator="!", operand=operand):
                return not self.value(operand, names)
            case Unary(operand=operand):
                return -self.value(operand, names)
            case Binary(operator="&&", left=left, right=right):
                return self.value(left, names) and self.value(right, names)
            case Binary(operator="||", left=left, right=right):
                return self.value(left, names) or self.value(right, names)
            case Binary(operator=operator, left=left, right=right):
                return OPERATORS[operator](self.value(left, names), self.value(right, names))
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return self.value(then if self.value(condition, names) else otherwise, names)
            case ListTree(elements=elements):
                values = [(self.value(each.value, names), each.is_optional) for each in elements]
                return [
                    value for value, is_optional in values if value is not None or not is_optional
                ]
            case MapTree():
                return self.map(tree, names)
            case Macro():
                return self.macro(tree, names)
            case Call(name="coalesce", arguments=arguments):
                found = (self.value(argument, names) for argument in arguments)
                return next((value for value in found if value is not None), None)
            case Call(name=name, arguments=arguments):
                return self.function(tree, name, arguments, names)
            case Method(operand=operand, name="orValue" | "or", arguments=(other,)):
                value = self.value(operand, names)
                return self.value(other, names) if value is None else value
            case Method(operand=Name(name="optional"), name="of", arguments=(value,)):
                return self.value(value, names)
            case Method(operand=Name(name="optional"), name="none"):
                return None
            case Method(operand=operand, name="value"):
                value = self.value(operand, names)
                _only(value is not None)
                return value
            case Method(operand=operand, name="hasValue"):
                return self.value(operand, names) is not None
            case Method(operand=Name(name=space), name=name, arguments=arguments) if (
                space in NAMESPACES and space not in names
            ):
                return self.function(tree, f"{space}.{name}", arguments, names)
            case Method(operand=operand, name=name, arguments=arguments):
                return self.function(tree, name, (operand, *arguments), names, is_method=True)

    def function(
        self,
        tree: Tree,
        name: str,
        operands: tuple[Tree, ...],
        names: Mapping[str, Any],
        *,
        is_method: bool = False,
    ) -> Any:
        values = []
        for operand in operands:
            values.append(self.value(operand, names))
            if is_method and values[0] is None:
                return None
        found = self.calls(tree, names, values)
        return FUNCTIONS[name](*values) if found is None else found[0]

    def map(self, tree: MapTree, names: Mapping[str, Any]) -> dict[Any, Any]:
        found = Entries()
        for entry in tree.entries:
            key, value = self.value(entry.key, names), self.value(entry.value, names)
            if value is not None or not entry.is_optional:
                found[key] = value
        return found

    def macro(self, tree: Macro, names: Mapping[str, Any]) -> Any:
        operand = self.value(tree.operand, names)
        variables = [variable.name for variable in tree.variables]
        if tree.name == "bind":
            return self.value(tree.body, {**names, variables[0]: operand})
        if operand is None:
            return None
        if tree.name in ("optMap", "optFlatMap"):
            return self.value(tree.body, {**names, variables[0]: operand})
        pairs = operand.items() if isinstance(operand, Entries) else enumerate(operand)
        # Of a map the key, of a list the element; with two variables both, position or key first.
        elements = list(operand)

        def inside(part: Tree, number: int) -> Any:
            key, value = known[number]
            bound = (key, value) if len(variables) > 1 else (elements[number],)
            return self.value(part, {**names, **dict(zip(variables, bound, strict=True))})

        known = list(pairs)
        rows = list(range(len(known)))
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
                return [elements[row] for row in rows if inside(tree.body, row)]
            case "map" | "transformList":
                return [inside(tree.body, row) for row in rows]
            case "transformMap":
                return Entries((known[row][0], inside(tree.body, row)) for row in rows)
            case "sortBy":
                return [
                    elements[row] for row in sorted(rows, key=lambda row: inside(tree.body, row))
                ]
            case "groupBy":
                keys = [inside(tree.body, row) for row in rows]
                firsts = [key for at, key in enumerate(keys) if key not in keys[:at]]
                return [
                    {
                        "key": key,
                        "rows": [elements[row] for row in rows if keys[row] == key],
                    }
                    for key in firsts
                ]
            case _:
                raise AssertionError(tree.name)


class Entries(dict[Any, Any]):
    """A map that an expression makes, or a lookup table: no record."""


def _element(rows: Any, position: Any, is_optional: bool) -> Any:
    if rows is None:
        return None
    if isinstance(rows, Entries):
        found = rows.get(tuple(position) if isinstance(position, list) else position)
        _only(is_optional or found is not None)
        return found
    if not 0 <= position < len(rows):
        _only(is_optional)
        return None
    return rows[position]
