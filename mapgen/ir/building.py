"""Nodes of the ir put together: what is plain from the parts is made plain at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import count
from typing import TypeGuard

from msgspec.structs import replace

from mapgen.ir import expression as ir
from mapgen.ir.rewriting import renumbered
from mapgen.ir.types import (
    BOOL,
    DECIMAL,
    INT,
    NULL,
    STRING,
    ErrorType,
    ListOf,
    MapOf,
    Optional,
    Type,
    optional,
    present,
)
from mapgen.ir.walk import nodes


def bound_in(code: ir.Expression) -> frozenset[int]:
    """Return the numbers of the locals that a part binds itself."""
    binding = (one for one in nodes(code) if isinstance(one, ir.WhenPresent | ir.Bound | ir.Loop))
    bound = (local for one in binding for local in (one.local, getattr(one, "key", None)))
    return frozenset(local.number for local in bound if local is not None)


def is_constant(code: ir.Expression) -> bool:
    """Tell whether a part reads nothing: neither names nor tables, nor locals from outside."""
    bound = bound_in(code)
    return not any(
        isinstance(one, ir.Variable | ir.Lookup)
        or (isinstance(one, ir.Local) and one.number not in bound)
        for one in nodes(code)
    )


def coerced(
    code: ir.Expression, found: Type, wanted: Type, numbers: Iterator[int]
) -> ir.Expression:
    """Return a value of a type as one of another: ints widen to decimals wherever it has them."""
    match found, wanted:
        case (ErrorType(), _) | (_, ErrorType()):
            return code
        case _ if found == NULL and isinstance(wanted, Optional):
            return ir.Constant(None, wanted)
        case _ if found == wanted:
            return code
        case Optional(inner), Optional(target):
            local = ir.Local(next(numbers), "value", inner)
            return ir.WhenPresent(code, local, coerced(local, inner, target, numbers), wanted)
        case _, Optional(target):
            return coerced(code, found, target, numbers)
        case (ListOf(), ListOf()) | (MapOf(), MapOf()) if is_bare(code):
            return replace(code, type=wanted)
        case ListOf(element), ListOf(target):
            local = ir.Local(next(numbers), "value", element)
            widened = coerced(local, element, target, numbers)
            if widened is local:
                return code
            return ir.Loop("list", code, local, None, None, widened, wanted)
        case _ if found == INT and wanted == DECIMAL:
            if isinstance(code, ir.Constant):
                return ir.Constant(str(code.value), DECIMAL)
            return ir.Widened(code)
        case _:
            return code


def demanded(code: ir.Expression) -> ir.Expression:
    """Return a value that has to be there: a lookup that misses says itself which key of which.

    What may be missing for another reason still may.
    """
    match code:
        case ir.Lookup(on_miss="omit"):
            return replace(code, on_miss="reject", type=present(code.type))
        case ir.WhenPresent(operand=operand, local=local, value=value, type=kind):
            sure, inner = demanded(operand), demanded(value)
            if ir.is_optional(sure):
                return ir.WhenPresent(sure, local, inner, kind)
            if isinstance(inner, ir.Field) and inner.operand == local:
                return replace(inner, operand=sure)
            return ir.Bound(sure, local, inner, inner.type)
        case ir.OrElse(operand=operand, other=other):
            last = demanded(other)
            return ir.OrElse(operand, last, last.type)
        case ir.Call(function="nonBlank(string?)", arguments=(ir.Lookup() as found,)):
            # No value of a table is blank, but it may have blanks around it.
            return ir.Call("string.trim()", (demanded(found),), STRING)
        case _:
            return code


def typed_text(text: str, of: Type) -> ir.Expression:
    """Return the constant that a text spells, of a type that columns of tables have."""
    kind = present(of)
    if isinstance(of, Optional) and not text.strip():
        return ir.Constant(None, of)
    match str(kind):
        case "int":
            return ir.Constant(int(text), INT)
        case "bool":
            return ir.Constant(text in ("true", "True", "TRUE", "t", "1"), BOOL)
        case "decimal":
            return ir.Constant(text, DECIMAL)
        case "date" | "timestamp":
            return ir.Call(f"{kind}({kind}_text)", (ir.Constant(text, STRING),), kind)
        case _:
            return ir.Constant(text, STRING)


def where_present(
    parts: Iterable[ir.Expression],
    make: Callable[[tuple[ir.Expression, ...]], ir.Expression],
    beside: object = (),
) -> ir.Expression:
    """Return what is made of values once they are there; missing where one of them is.

    `beside` is what it is made of, too: no local of it has the number of another.
    """
    apart: list[ir.Expression] = []
    for part in parts:
        apart.append(renumbered(part, (beside, *apart)))
    used = (one.number for one in nodes((beside, *apart)) if isinstance(one, ir.Local))
    numbers = count(1 + max(used, default=0))
    bound = {
        at: ir.Local(next(numbers), "key", present(part.type))
        for at, part in enumerate(apart)
        if ir.is_optional(part)
    }
    made = make(tuple(bound.get(at, part) for at, part in enumerate(apart)))
    for at, local in reversed(bound.items()):
        made = ir.WhenPresent(apart[at], local, made, optional(made.type))
    return made


def is_bare(code: ir.Expression) -> TypeGuard[ir.Items | ir.Entries]:
    """Tell whether this is a list or a map written out with nothing in it: it is of any type."""
    match code:
        case ir.Items(elements=()) | ir.Entries(entries=()):
            return True
        case _:
            return False


def empty(kind: ir.LoopKind, found: Type) -> ir.Expression:
    """Return what a loop over nothing comes to."""
    match kind:
        case "any" | "one":
            return ir.Constant(False, BOOL)
        case "all":
            return ir.Constant(True, BOOL)
        case "map":
            return ir.Entries((), found)
        case "list" | "sorted" | "grouped":
            return ir.Items((), found)


def negative(operand: ir.Expression, found: Type) -> ir.Expression:
    """Return a number with the opposite sign; of a constant or a negative one, without a minus."""
    match operand:
        case ir.Negative(operand=inner):
            return inner
        case ir.Constant(value=int() as number):
            return ir.Constant(-number, found)
        case ir.Constant(value=str() as text):
            return decimal(-Decimal(text))
        case _:
            return ir.Negative(operand, found)


def negated(condition: ir.Expression) -> ir.Expression:
    """Return the opposite of a condition."""
    match condition:
        case ir.Not(operand=operand):
            return operand
        case ir.Operation(operator="==", left=left, right=right):
            return ir.Operation("!=", left, right, BOOL)
        case ir.Operation(operator="!=", left=left, right=right):
            return ir.Operation("==", left, right, BOOL)
        case ir.Constant(value=bool() as value):
            return ir.Constant(not value, BOOL)
        case _:
            return ir.Not(condition)


def concatenated(*texts: ir.Expression) -> ir.Expression:
    """Return strings put together, neighbouring constants being one."""
    joined: list[ir.Expression] = []
    for text in texts:
        for part in text.parts if isinstance(text, ir.Concatenation) else (text,):
            before = joined[-1] if joined else None
            if isinstance(part, ir.Constant) and isinstance(before, ir.Constant):
                joined[-1] = ir.Constant(f"{before.value}{part.value}", STRING)
            else:
                joined.append(part)
    return joined[0] if len(joined) == 1 else ir.Concatenation(tuple(joined))


def equality(left: ir.Expression, right: ir.Expression, *, is_equal: bool) -> ir.Expression:
    """Return whether two values are equal, or differ."""
    for this, that in ((left, right), (right, left)):
        if isinstance(that, ir.Constant) and that.value is None:
            present = ir.IsPresent(this)
            return negated(present) if is_equal else present
    for this, that in ((left, right), (right, left)):
        if isinstance(that, ir.Constant) and that.type == BOOL:
            return this if that.value is is_equal else negated(this)
    match left, right:
        case ir.Constant(value=one, type=kind), ir.Constant(
            value=other
        ) if kind == right.type and kind in (INT, STRING):
            return ir.Constant((one == other) is is_equal, BOOL)
    return ir.Operation("==" if is_equal else "!=", left, right, BOOL)


def all_of(*conditions: ir.Expression) -> ir.Expression:
    """Return whether all conditions hold."""
    parts = _merged(ir.Both, conditions, "!=")
    return ir.Both(parts) if len(parts) > 1 else parts[0]


def any_of(*conditions: ir.Expression) -> ir.Expression:
    """Return whether one of the conditions holds."""
    parts = _merged(ir.Either, conditions, "==")
    return ir.Either(parts) if len(parts) > 1 else parts[0]


def _merged(
    kind: type[ir.Both | ir.Either], conditions: tuple[ir.Expression, ...], operator: ir.Operator
) -> tuple[ir.Expression, ...]:
    """Merge neighbours that compare a value with constants: `x == a || x == b` is `x in [a, b]`."""
    merged: list[ir.Expression] = []
    for condition in conditions:
        for part in condition.parts if isinstance(condition, kind) else (condition,):
            before = _membership(merged[-1], operator) if merged else None
            this = _membership(part, operator)
            if before is not None and this is not None and before[0] == this[0]:
                items = ir.Items((*before[1], *this[1]), ListOf(this[0].type))
                found = ir.Operation("in", this[0], items, BOOL)
                merged[-1] = found if operator == "==" else ir.Not(found)
            else:
                merged.append(part)
    return tuple(merged)


def _membership(
    part: ir.Expression, operator: ir.Operator
) -> tuple[ir.Expression, tuple[ir.Element, ...]] | None:
    """Return the value and the constants that a comparison compares it with."""
    if operator == "!=" and isinstance(part, ir.Not):
        part = part.operand
    match part:
        case ir.Operation(operator=found, left=left, right=ir.Constant() as constant) if (
            found == operator
        ):
            return left, (ir.Element(constant),)
        case ir.Operation(operator="in", left=left, right=ir.Items(elements=elements)) if all(
            isinstance(element.value, ir.Constant) for element in elements
        ):
            return left, elements
        case _:
            return None


def one_list(left: ir.Expression, right: ir.Expression) -> ir.Call:
    """Return lists put together, those of a sum on the left among them."""
    is_sum = isinstance(left, ir.Call) and left.function == "list + list"
    lists = left.arguments if is_sum and isinstance(left, ir.Call) else (left,)
    return ir.Call("list + list", (*lists, right), right.type)


def decimal(number: Decimal) -> ir.Constant:
    """Return an amount that is written out."""
    return ir.Constant(format(number, "f"), DECIMAL)
