"""From a checked expression to the ir: functions chosen, missing values made plain."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TypeGuard, assert_never, get_args

from msgspec.structs import replace

from mapgen.expression import Typed, tree, units
from mapgen.expression.calls import patterns_of
from mapgen.expression.patterns import python_date_pattern
from mapgen.expression.signature import build
from mapgen.expression.tree import Tree
from mapgen.expression.types import (
    DECIMAL,
    ERROR,
    INT,
    NULL,
    STRING,
    ErrorType,
    ListOf,
    MapOf,
    Object,
    Optional,
    Table,
    Type,
    optional,
    present,
)
from mapgen.ir import expression as ir

_LOOPS: dict[str, ir.LoopKind] = {
    "all": "all",
    "exists": "any",
    "exists_one": "one",
    "filter": "list",
    "map": "list",
    "sortBy": "sorted",
    "groupBy": "grouped",
    "transformList": "list",
    "transformMap": "map",
}

_OPERATORS: dict[str, ir.Operator] = {operator: operator for operator in get_args(ir.Operator)}


def lower_expression(typed: Typed, wanted: Type | None = None) -> ir.Expression:
    """Return the ir of an expression; its value is of the wanted type, where one is given.

    An int widens to the decimal that is wanted, a sure value stands for one that may be missing.
    """
    lowering = _Lowering(typed)
    lowered = lowering.lower(typed.tree)
    return lowered if wanted is None else lowering.coerce(lowered, typed.type, wanted)


class _Lowering:
    """Lowers one expression; `bound` are the macro variables around the place."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        self.numbers = itertools.count(1)
        self.bound: dict[str, ir.Local] = {}

    def type_of(self, node: Tree) -> Type:
        return self.typed.types[node]

    def local(self, hint: str, of: Type) -> ir.Local:
        return ir.Local(next(self.numbers), hint, str(of))

    def lower(self, node: Tree) -> ir.Expression:
        match node:
            case tree.Constant():
                return self.constant(node)
            case tree.Name(name=name):
                found = self.bound.get(name, ir.Variable(name, ""))
                if isinstance(found, ir.Variable):
                    return ir.Variable(name, str(self.type_of(node)))
                return ir.Local(found.number, found.hint, str(self.type_of(node)))
            case tree.Select():
                return self.select(node)
            case tree.Index():
                return self.index(node)
            case tree.Has(path=path):
                return ir.IsPresent(self.select(path))
            case tree.Call() | tree.Method():
                return self.call(node)
            case tree.Macro():
                return self.macro(node)
            case tree.Unary(operator="!", operand=operand):
                return negated(self.lower(operand))
            case tree.Unary(operand=operand):
                return _negative(self.lower(operand), str(self.type_of(node)))
            case tree.Binary():
                return self.binary(node)
            case tree.Conditional():
                return self.conditional(node)
            case tree.ListTree():
                return self.items(node)
            case tree.MapTree():
                return self.entries(node)
            case _:
                assert_never(node)

    def as_type(self, node: Tree, wanted: Type) -> ir.Expression:
        return self.coerce(self.lower(node), self.type_of(node), wanted)

    def coerce(self, lowered: ir.Expression, found: Type, wanted: Type) -> ir.Expression:
        """Widen ints to decimals wherever the wanted type has them."""
        match found, wanted:
            case (ErrorType(), _) | (_, ErrorType()):
                return lowered
            case _ if found == NULL and isinstance(wanted, Optional):
                return ir.Constant(None, str(wanted))
            case _ if str(found) == str(wanted):
                return lowered
            case Optional(inner), Optional(target):
                if inner == target:
                    return lowered
                local = self.local("value", inner)
                widened = self.coerce(local, inner, target)
                return ir.WhenPresent(lowered, local, widened, str(wanted))
            case _, Optional(target):
                return self.coerce(lowered, found, target)
            case (ListOf(), ListOf()) | (MapOf(), MapOf()) if is_bare(lowered):
                return replace(lowered, type=str(wanted))
            case ListOf(element), ListOf(target):
                if element == target or isinstance(element, ErrorType):
                    return lowered
                local = self.local("value", element)
                widened = self.coerce(local, element, target)
                if widened is local:
                    return lowered
                return ir.Loop("list", lowered, local, None, None, widened, str(wanted))
            case _ if found == INT and wanted == DECIMAL:
                if isinstance(lowered, ir.Constant):
                    return ir.Constant(str(lowered.value), "decimal")
                return ir.Widened(lowered)
            case _:
                return lowered

    def constant(self, node: tree.Constant) -> ir.Constant:
        value = node.value
        if isinstance(value, Decimal):
            return ir.Constant(format(value, "f"), "decimal")
        return ir.Constant(value, str(self.type_of(node)))

    # Paths

    def into(self, operand: Tree, hint: str) -> tuple[ir.Expression, ir.Expression, Type]:
        """Return the operand lowered, what stands for it once it is there, and its type then."""
        lowered, found = self.lower(operand), self.type_of(operand)
        if not isinstance(found, Optional):
            return lowered, lowered, found
        return lowered, self.local(hint, found.of), found.of

    def left_out(
        self, lowered: ir.Expression, inside: ir.Expression, value: ir.Expression, found: Type
    ) -> ir.Expression:
        """Return the value, left out when what it is worked out from is missing."""
        if lowered is inside:
            return value
        assert isinstance(inside, ir.Local)
        return ir.WhenPresent(lowered, inside, value, str(optional(found)))

    def select(self, node: tree.Select) -> ir.Expression:
        lowered, inside, record = self.into(node.operand, _hint(node.operand))
        found = self.type_of(node)
        match record:
            case Object(fields=fields):
                own = fields[node.field] if lowered is not inside else found
                field: ir.Expression = ir.Field(
                    inside, node.field, ir.attribute_names(tuple(fields))[node.field], str(own)
                )
            case MapOf(value=value):
                key = ir.Constant(node.field, "string")
                field = self.looked_up(inside, key, value, is_optional=isinstance(found, Optional))
            case ErrorType():
                field = ir.Constant(None, "null")  # of an element of what is empty: never reached
            case _:
                raise AssertionError(f"{record} has no fields")
        return self.left_out(lowered, inside, field, found)

    def looked_up(
        self, entries: ir.Expression, key: ir.Expression, value: Type, *, is_optional: bool
    ) -> ir.Expression:
        function = "map[?key]" if is_optional else "map[key]"
        found = optional(value) if is_optional else value
        return ir.Call(function, (entries, key), str(found))

    def table_entry(self, node: tree.Index, table: Table) -> ir.TableEntry:
        parts = [node.index]
        if isinstance(node.index, tree.ListTree) and len(table.columns) > 1:
            parts = [element.value for element in node.index.elements]
        key = (
            (
                ir.Call("string(int)", (self.lower(part),), "string")
                if self.type_of(part) == INT
                else self.lower(part)
            )
            for part in parts
        )
        return ir.TableEntry(table.name, tuple(key), table.entries)

    def index(self, node: tree.Index) -> ir.Expression:
        table = self.type_of(node.operand)
        if isinstance(table, Table):
            return self.table_entry(node, table)
        lowered, inside, rows = self.into(node.operand, _hint(node.operand))
        found, position = self.type_of(node), self.lower(node.index)
        is_soft = lowered is not inside or node.is_optional
        if isinstance(rows, MapOf):
            element = self.looked_up(inside, position, rows.value, is_optional=is_soft)
        else:
            function = "list[?index]" if is_soft else "list[index]"
            own = optional(found) if is_soft else found
            element = ir.Call(function, (inside, position), str(own))
        return self.left_out(lowered, inside, element, found)

    # Operators

    def binary(self, node: tree.Binary) -> ir.Expression:
        found = str(self.type_of(node))
        if node.operator in ("&&", "||"):
            return self.logic(node)
        if node.operator in ("==", "!="):
            return self.equality(node)
        left, right = self.lower(node.left), self.lower(node.right)
        if node.operator == "+" and self.type_of(node) == STRING:
            return concatenated((*_parts(left), *_parts(right)))
        if node.operator == "+" and isinstance(self.type_of(node), ListOf):
            both = [self.as_type(side, self.type_of(node)) for side in (node.left, node.right)]
            return ir.Call("list + list", _lists(both), found)
        if node.operator == "in" and isinstance(self.type_of(node.right), MapOf):
            return ir.Call("key in map", (left, right), "bool")
        return ir.Operation(_OPERATORS[node.operator], left, right, found)

    def equality(self, node: tree.Binary) -> ir.Expression:
        left, right = self.lower(node.left), self.lower(node.right)
        return equal(left, right, is_equal=node.operator == "==")

    def logic(self, node: tree.Binary) -> ir.Expression:
        left, right = self.lower(node.left), self.lower(node.right)
        if node.operator == "&&":
            parts = _merged((*_conjuncts(left), *_conjuncts(right)), "!=")
            return ir.Both(parts) if len(parts) > 1 else parts[0]
        parts = _merged((*_disjuncts(left), *_disjuncts(right)), "==")
        return ir.Either(parts) if len(parts) > 1 else parts[0]

    def conditional(self, node: tree.Conditional) -> ir.Expression:
        found = self.type_of(node)
        condition = self.lower(node.condition)
        then, otherwise = self.as_type(node.then, found), self.as_type(node.otherwise, found)
        if then == otherwise and not self.typed.is_fallible:
            return then
        return ir.Conditional(condition, then, otherwise, str(found))

    def items(self, node: tree.ListTree) -> ir.Expression:
        found = self.type_of(node)
        assert isinstance(found, ListOf)
        elements = (
            ir.Element(
                self.as_element(element.value, found.element, element.is_optional),
                element.is_optional,
            )
            for element in node.elements
        )
        return ir.Items(tuple(elements), str(found))

    def as_element(self, node: Tree, wanted: Type, is_left_out: bool) -> ir.Expression:
        return self.as_type(node, optional(wanted) if is_left_out else wanted)

    def entries(self, node: tree.MapTree) -> ir.Expression:
        found = self.type_of(node)
        assert isinstance(found, MapOf)
        entries = (
            ir.Entry(
                self.as_type(entry.key, found.key),
                self.as_element(entry.value, found.value, entry.is_optional),
                entry.is_optional,
            )
            for entry in node.entries
        )
        return ir.Entries(tuple(entries), str(found))

    # Calls

    def call(self, node: tree.Call | tree.Method) -> ir.Expression:
        chosen = self.typed.chosen.get(node)
        if chosen is None:
            return self.form(node)
        trees = list(node.arguments)
        lowered: ir.Expression | None = None
        inside: ir.Expression | None = None
        if isinstance(node, tree.Method) and chosen.function.signature.receiver is not None:
            trees.insert(0, node.operand)
            lowered, inside, _ = self.into(node.operand, _hint(node.operand))
        patterns = patterns_of(chosen.function, len(trees)) or ()
        arguments: list[ir.Expression] = []
        for position, (argument, pattern) in enumerate(zip(trees, patterns, strict=True)):
            wanted = build(pattern, chosen.bound)
            if position == 0 and inside is not None:
                arguments.append(self.coerce(inside, present(self.type_of(argument)), wanted))
            elif isinstance(argument, tree.Constant) and pattern.name in _TRANSLATED:
                arguments.append(_translated(argument, pattern.name))
            else:
                arguments.append(self.as_type(argument, wanted))
        function = chosen.function
        own = str(build(function.signature.result, chosen.bound))
        call: ir.Expression
        if function.name == "convertUnit":
            call = _converted(*arguments)
        else:
            call = ir.Call(function.signature.key, tuple(arguments), own)
        if lowered is None or inside is None:
            return call
        return self.left_out(lowered, inside, call, self.type_of(node))

    def form(self, node: tree.Call | tree.Method) -> ir.Expression:
        """Lower the forms that have typing rules of their own."""
        found, name = self.type_of(node), node.name
        if isinstance(node, tree.Call):
            return self.first_of(list(node.arguments), found)
        if (
            isinstance(node.operand, tree.Name)
            and node.operand.name == "optional"
            and (node.operand not in self.typed.types)
        ):
            if name == "none":
                return ir.Constant(None, "null")
            return self.as_type(node.arguments[0], found)
        if name == "hasValue":
            return ir.IsPresent(self.lower(node.operand))
        if name == "value":
            return ir.Call("optional.value()", (self.lower(node.operand),), str(found))
        return self.first_of([node.operand, node.arguments[0]], found)

    def first_of(self, trees: list[Tree], found: Type) -> ir.Expression:
        """Return the first that is there, each asked only when those before it are missing."""
        head, *rest = trees
        if not rest:
            return self.as_type(head, found)
        if self.type_of(head) in (NULL, ERROR):  # an element of what is empty is never there
            return self.first_of(rest, found)
        operand, other = self.as_type(head, optional(found)), self.first_of(rest, found)
        if not ir.is_optional(operand):
            # `optional.of(…)` says of a value that is there that it could be missing.
            return operand
        return operand if operand == other else ir.OrElse(operand, other, str(found))

    # Macros

    def macro(self, node: tree.Macro) -> ir.Expression:
        if node.name == "bind":
            operand = self.lower(node.operand)
            local, body = self.body(node, self.type_of(node.operand))
            return ir.Bound(operand, local, body, str(self.type_of(node)))
        lowered, inside, of = self.into(node.operand, _hint(node.operand))
        if _has_no_elements(of):
            # What would be done with each has no type, and is never done.
            return self.left_out(
                lowered, inside, self.over_nothing(node, inside), self.type_of(node)
            )
        if node.name in ("optMap", "optFlatMap"):
            return self.when_present(node, lowered)
        locals_ = [
            self.local(
                (
                    _element_hint(variable.name, node.operand)
                    if variable is node.variables[-1]
                    else variable.name
                ),
                self.type_of(variable),
            )
            for variable in node.variables
        ]
        outer, self.bound = self.bound, {
            **self.bound,
            **{
                variable.name: local
                for variable, local in zip(node.variables, locals_, strict=True)
            },
        }
        loop = self.loop(node, inside, locals_, present(self.type_of(node)))
        self.bound = outer
        return self.left_out(lowered, inside, loop, self.type_of(node))

    def over_nothing(self, node: tree.Macro, over: ir.Expression) -> ir.Expression:
        """Return what a macro gives of what has no elements, which is evaluated."""
        kind = _LOOPS.get(node.name)
        none = ir.Constant(None, "null") if kind is None else empty(kind, "list(unknown)")
        return none if is_bare(over) else ir.Bound(over, self.local("over", ERROR), none, none.type)

    def loop(
        self, node: tree.Macro, over: ir.Expression, locals_: list[ir.Local], found: Type
    ) -> ir.Expression:
        condition = None if node.condition is None else self.lower(node.condition)
        body = self.lower(node.body)
        element, key = locals_[-1], locals_[0] if len(locals_) == 2 else None
        if node.name == "filter":
            condition, body = body, ir.Local(element.number, element.hint, _element_type(found))
        elif (
            body == element
            and condition is None
            and key is None
            and node.name == "map"
            and isinstance(present(self.type_of(node.operand)), ListOf)
        ):
            return over
        return ir.Loop(_LOOPS[node.name], over, element, key, condition, body, str(found))

    def when_present(self, node: tree.Macro, lowered: ir.Expression) -> ir.Expression:
        local, body = self.body(node, present(self.type_of(node.operand)))
        return ir.WhenPresent(lowered, local, body, str(self.type_of(node)))

    def body(self, node: tree.Macro, of: Type) -> tuple[ir.Local, ir.Expression]:
        """Return the local of a macro with one variable, and the body, in which it is bound."""
        name = node.variables[0].name
        local = self.local(name, of)
        outer, self.bound = self.bound, {**self.bound, name: local}
        body = self.lower(node.body)
        self.bound = outer
        return local, body


def _has_no_elements(found: Type) -> bool:
    """Tell whether nothing is ever in a list or a map of a type."""
    match found:
        case ListOf(ErrorType()) | MapOf(ErrorType(), _) | MapOf(_, ErrorType()) | ErrorType():
            return True
        case _:
            return False


def empty(kind: ir.LoopKind, found: ir.TypeName) -> ir.Expression:
    """Return what a loop over nothing comes to."""
    match kind:
        case "any" | "one":
            return ir.Constant(False, "bool")
        case "all":
            return ir.Constant(True, "bool")
        case "map":
            return ir.Entries((), found)
        case "list" | "sorted" | "grouped":
            return ir.Items((), found)


def is_bare(lowered: ir.Expression) -> TypeGuard[ir.Items | ir.Entries]:
    """Tell whether this is a list or a map written out with nothing in it: it is of any type."""
    match lowered:
        case ir.Items(elements=()) | ir.Entries(entries=()):
            return True
        case _:
            return False


_TRANSLATED = ("regex", "date_pattern", "time_pattern", "zone")


def _converted(
    amount: ir.Expression, source: ir.Expression, target: ir.Expression
) -> ir.Expression:
    """Return an amount in another unit: one exact factor where there is one, else two."""
    names = [unit.value for unit in (source, target) if isinstance(unit, ir.Constant)]
    one, other = map(str, names)
    factor = units.ratio(one, other)
    if units.is_finite(factor):
        return ir.Operation("*", amount, _decimal(units.exact(factor)), "decimal")
    if units.is_finite(1 / factor):
        return ir.Operation("/", amount, _decimal(units.exact(1 / factor)), "decimal")
    times, by = (_decimal(units.UNITS[name].factor) for name in (one, other))
    return ir.Operation("/", ir.Operation("*", amount, times, "decimal"), by, "decimal")


def _decimal(number: Decimal) -> ir.Constant:
    return ir.Constant(format(number, "f"), "decimal")


def _translated(node: tree.Constant, kind: str) -> ir.Constant:
    """Return a literal argument in the words of the running code."""
    words = str(node.value)
    if kind == "regex":
        return ir.Constant(words, "regex")
    if kind == "zone":
        return ir.Constant(words, "timezone")
    return ir.Constant(python_date_pattern(words), "string")


def _element_type(found: Type) -> str:
    return str(found.element) if isinstance(found, ListOf) else str(found)


def _hint(node: Tree) -> str:
    """Return what a reader would call the value of a part: the last name in it."""
    match node:
        case tree.Name(name=name):
            return name
        case tree.Select(field=field):
            return ir.attribute_name(field)
        case tree.Macro(name="groupBy"):
            return "groups"
        case tree.Macro(operand=operand) | tree.Index(operand=operand):
            return _hint(operand)
        case tree.Method(operand=operand, name="first" | "last"):
            return singular(_hint(operand))
        case tree.Method(operand=operand):
            return _hint(operand)
        case tree.Call(arguments=(first, *_)):
            return _hint(first)
        case _:
            return "value"


def _element_hint(name: str, over: Tree) -> str:
    """Return a telling name for an element: `allocation` for `d` of `discount_allocations`."""
    hint = _hint(over)
    if len(name) == 1 and hint != "value" and singular(hint) != hint:
        return singular(hint).rpartition("_")[2]
    return name


def singular(plural: str) -> str:
    """Return the English singular of a field's name: `addresses` -> `address`."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")) and len(plural) > 2:
        return plural[:-1]
    return plural


def _negative(operand: ir.Expression, found: str) -> ir.Expression:
    """Return a number with the opposite sign; of a constant or a negative one, without a minus."""
    match operand:
        case ir.Negative(operand=inner):
            return inner
        case ir.Constant(value=int() as number):
            return ir.Constant(-number, found)
        case ir.Constant(value=str() as text):
            return ir.Constant(format(-Decimal(text), "f"), found)
        case _:
            return ir.Negative(operand, found)


def negated(condition: ir.Expression) -> ir.Expression:
    """Return the opposite of a condition."""
    match condition:
        case ir.Not(operand=operand):
            return operand
        case ir.Operation(operator="==", left=left, right=right):
            return ir.Operation("!=", left, right, "bool")
        case ir.Operation(operator="!=", left=left, right=right):
            return ir.Operation("==", left, right, "bool")
        case ir.Constant(value=bool() as value):
            return ir.Constant(not value, "bool")
        case _:
            return ir.Not(condition)


def equal(left: ir.Expression, right: ir.Expression, *, is_equal: bool) -> ir.Expression:
    """Return whether two values are equal, or differ."""
    for this, that in ((left, right), (right, left)):
        if isinstance(that, ir.Constant) and that.value is None:
            present_ = ir.IsPresent(this)
            return negated(present_) if is_equal else present_
    for this, that in ((left, right), (right, left)):
        if isinstance(that, ir.Constant) and that.type == "bool":
            return this if that.value is is_equal else negated(this)
    match left, right:
        case ir.Constant(value=one, type="int" | "string"), ir.Constant(value=other) if (
            left.type == right.type
        ):
            return ir.Constant((one == other) is is_equal, "bool")
    return ir.Operation("==" if is_equal else "!=", left, right, "bool")


def _parts(lowered: ir.Expression) -> tuple[ir.Expression, ...]:
    return lowered.parts if isinstance(lowered, ir.Concatenation) else (lowered,)


def concatenated(parts: tuple[ir.Expression, ...]) -> ir.Expression:
    """Return strings put together, neighbouring constants being one."""
    joined: list[ir.Expression] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(part, ir.Constant) and isinstance(before, ir.Constant):
            joined[-1] = ir.Constant(f"{before.value}{part.value}", "string")
        else:
            joined.append(part)
    return joined[0] if len(joined) == 1 else ir.Concatenation(tuple(joined))


def _lists(sides: list[ir.Expression]) -> tuple[ir.Expression, ...]:
    """Return the lists put together, those of a sum on the left among them."""
    left, right = sides
    if isinstance(left, ir.Call) and left.function == "list + list":
        return (*left.arguments, right)
    return (left, right)


def _conjuncts(lowered: ir.Expression) -> tuple[ir.Expression, ...]:
    return lowered.parts if isinstance(lowered, ir.Both) else (lowered,)


def _disjuncts(lowered: ir.Expression) -> tuple[ir.Expression, ...]:
    return lowered.parts if isinstance(lowered, ir.Either) else (lowered,)


def _merged(parts: tuple[ir.Expression, ...], operator: ir.Operator) -> tuple[ir.Expression, ...]:
    """Merge neighbours that compare a value with constants: `x == a || x == b` is `x in [a, b]`."""
    merged: list[ir.Expression] = []
    for part in parts:
        before = _membership(merged[-1], operator) if merged else None
        this = _membership(part, operator)
        if before is not None and this is not None and before[0] == this[0]:
            items = ir.Items((*before[1], *this[1]), f"list({this[0].type})")
            found = ir.Operation("in", this[0], items, "bool")
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
