"""From the ir of an expression to Python: inline where it reads well, each name its own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import assert_never

from msgspec import Struct

from mapgen.emit.python.expression_functions import NEVER_EMPTY, TEMPLATES
from mapgen.emit.python.expression_needs import ModuleConstant, ModuleNeeds, Namer
from mapgen.emit.python.expression_templates import all_of, filled, is_path, names_in, parsed
from mapgen.escaping import in_f_string, literal, python
from mapgen.ir import expression as ir
from mapgen.ir.building import is_bare, typed_text
from mapgen.ir.deciding import is_read
from mapgen.ir.names import python_name, singular
from mapgen.ir.types import (
    BOOL,
    DECIMAL,
    INT,
    STRING,
    TIMEZONE,
    ListOf,
    MapOf,
    Object,
    Optional,
    Type,
    has_unknown,
    present,
)
from mapgen.ir.walk import nodes

__all__ = ["Guarded", "ModuleConstant", "ModuleNeeds", "Namer", "PythonExpressions", "called_names"]


class Guarded(Struct, frozen=True):
    """A value that may be missing: `value` is good where all `guards` hold, asked in this order."""

    guards: tuple[str, ...]
    value: str


class _Guard(Struct, frozen=True):
    """Something that has to hold, and how Python says that it does not.

    `fact` is the text as a bool, where the text itself is something that Python counts as one.
    """

    text: str
    opposite: str
    fact: str = ""


_Emitted = Callable[[ir.Expression], str]


class _NameNeeded(Exception):
    """A name would have to be bound where Python allows none: what a comprehension goes over."""


# What Python 3.11 does not take inside the braces of an f-string in double quotes.
_NOT_IN_F_STRINGS = ('"', "\\", "{", "}", "\n", "#")
_SWAPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PREFIXES = ("string.startsWith(string)", "string.endsWith(string)")
_LOOSE = (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp)
# What one element of a list is called after.
_OF_ONE = {
    "list(O).min()": "min",
    "list(O).max()": "max",
    "list(T).first()": "first",
    "list(T).last()": "last",
}
_ENDS = {"list(T).first()": "0", "list(T).last()": "-1"}


class PythonExpressions:
    """Emits the expressions of one function.

    `names` is the Python for each name of the scope; `module` collects imports and constants;
    `locals` knows the names taken in the function.
    """

    def __init__(self, names: Mapping[str, str], module: ModuleNeeds, locals: Namer) -> None:
        self._names = names
        self._module = module
        self._namer = locals
        self._bound: dict[int, str] = {}
        self._may_bind = True

    def value(self, expression: ir.Expression) -> str:
        """Return the Python of a value that is never missing."""
        self._reserve(expression)
        return self._bare(expression) or self._value(expression)

    def optional(self, expression: ir.Expression) -> str:
        """Return the Python of a value that may be missing: None where it is."""
        self._reserve(expression)
        return self._optional(expression)

    def guarded(self, expression: ir.Expression) -> Guarded:
        """Return the value and what has to hold for it."""
        return self._parts(expression, self._value)

    def rows(self, expression: ir.Expression) -> Guarded:
        """Return what a comprehension goes over, and what has to hold for it."""
        return self._parts(expression, self._over)

    def _parts(self, expression: ir.Expression, sure: _Emitted) -> Guarded:
        self._reserve(expression)
        guards, value = self._guarded(expression, sure)
        return Guarded(tuple(guard.text for guard in guards), value)

    def _reserve(self, expression: ir.Expression) -> None:
        """Keep locals from taking the names of the functions that the expression calls."""
        self._namer.reserve(*OWN_CALLS, *called_names(expression))

    def _python(self, template: str, *parts: ir.Expression | str) -> str:
        """Return a template filled with code, its names imported."""
        codes = (part if isinstance(part, str) else self._optional(part) for part in parts)
        return self._module.filled(template, *codes)

    # Values

    def _value(self, node: ir.Expression) -> str:
        match node:
            case ir.Constant():
                return self._constant(node)
            case ir.Regex(words=words):
                return self._module.pattern(words)
            case ir.DateFormat(words=words):
                return self._module.date_format(words)
            case ir.Variable(name=name):
                return self._names[name]
            case ir.Local(number=number):
                return self._bound[number]
            case ir.Field(operand=operand, attribute=attribute):
                return self._python(f"{{0}}.{attribute}", self._value(operand))
            case ir.DocumentField():
                return self._document_field(node)
            case ir.Call(function="list + list", arguments=lists):
                return self._one_list(lists)
            case ir.Call():
                return self._call(node)
            case ir.Lookup():
                return self._lookup(node)
            case ir.Operation():
                return self._operation(node)
            case ir.Negative(operand=operand):
                return self._python("-{0}", operand)
            case ir.Concatenation():
                return self._concatenation(node)
            case ir.Not(operand=operand):
                return self._not(operand)
            case ir.Both(parts=parts):
                return all_of([self._value(part) for part in parts])
            case ir.Either(parts=parts):
                return self._either(parts)
            case ir.Conditional():
                return self._conditional(node, self._value)
            case ir.IsPresent(operand=operand):
                facts = [guard.fact or guard.text for guard in self._asked_for(operand)]
                return " and ".join(facts) or "True"
            case ir.OrElse():
                return self._or_else(node)
            case ir.Attempted():
                return self._attempted(node)
            case ir.Widened(operand=operand):
                return self._python("Decimal({0})", operand)
            case ir.Items():
                return self._items(node)
            case ir.Entries():
                return self._entries(node)
            case ir.Loop():
                return self._loop(node)
            case ir.WhenPresent():
                return self._optional(node)
            case ir.Bound():
                return self._bound_value(node, self._value)
            case _:
                assert_never(node)

    def _document_field(self, node: ir.DocumentField) -> str:
        """Return a member that is there; a single value is in a wrapper."""
        text = self._python(f"{{0}}.{python_name(node.key)}", self._value(node.operand))
        if node.may_be_left_out:
            return self._python("{0} or []", text)
        return f"{text}.value" if node.is_value else text

    def _attempted(self, node: ir.Attempted) -> str:
        """Return a value whose failing steps are caught.

        It asks for itself whether its values are there: a type checker wants it so.
        """
        steps = [f"lambda: {self._bare(node.value) or self._optional(node.value)}"]
        if node.instead is not None:
            write = self._optional if ir.is_optional(node.instead) else self._value
            steps.append(f"lambda: {write(node.instead)}")
        name = "attempted" if node.instead is None else "attempted_or"
        return f"{self._module.name('mapgen.runtime.limits', name)}({', '.join(steps)})"

    def _lookup(self, node: ir.Lookup, *otherwise: str) -> str:
        """Return what a table has for a key; `otherwise` stands in for what it lacks."""
        table = self._table(node)
        keys = [self._table_key(key) for key in node.keys]
        if node.on_miss == "omit" and len(keys) == 1:
            return f"{table}.get({', '.join((*keys, *otherwise))})"
        name = {"reject": "found", "retry": "found_in_time", "omit": "first_found"}[node.on_miss]
        reported = () if node.on_miss == "omit" else (literal(node.table),)
        function = self._module.name("mapgen.runtime.limits", name)
        return f"{function}({', '.join((table, *reported, *keys))})"

    def _table(self, node: ir.Lookup) -> str:
        """Return a lookup table; one that is written out is in the module."""
        if node.entries is None:
            return f"lookups.{node.table}"
        row = present(node.type)
        pairs = (f"{literal(key)}: {self._entry(row, cells)}" for key, cells in node.entries)
        return self._module.constant(node.table, f"{{{', '.join(pairs)}}}")

    def _entry(self, row: Type, cells: Sequence[str]) -> str:
        """Return what a table that is written out has for a key: a text, or a row of values."""
        if not isinstance(row, Object):
            return literal(cells[0])
        typed = map(typed_text, cells, row.fields.values())
        return f"{self._module.classes[row.name]}({', '.join(map(self._value, typed))})"

    def _table_key(self, key: tuple[ir.Expression, ...]) -> str:
        """Return a key, None where a part of it is missing."""
        if len(key) == 1:
            return self._optional(key[0])
        found = [self._guarded(part) for part in key]
        guards = [guard for guards, _ in found for guard in guards]
        text = f"({', '.join(text for _, text in found)})"
        return self._python("{0} if {1} else None", text, _all(guards)) if guards else text

    def _constant(self, node: ir.Constant) -> str:
        value = node.value
        if node.type == DECIMAL:
            return self._module.decimal(str(value))
        return self._zone(str(value)) if node.type == TIMEZONE else python(value)

    def _zone(self, name: str) -> str:
        """Return the constant of a time zone: one of the database, or a distance from UTC."""
        if ":" not in name:
            self._module.name("zoneinfo", "ZoneInfo")
            # `datetime` has a `UTC` of its own, which functions of dates import.
            stem = "ZONE_UTC" if name.upper() == "UTC" else name
            return self._module.constant(stem, f"ZoneInfo({literal(name)})")
        self._module.name("datetime", "timedelta")
        self._module.name("datetime", "timezone")
        is_west = name.startswith("-")
        hours, minutes = map(int, name.lstrip("+-").split(":"))
        span = f"timedelta(hours={hours}, minutes={minutes})"
        stem = f"UTC_{'MINUS' if is_west else 'PLUS'}_{hours:02}_{minutes:02}"
        return self._module.constant(stem, f"timezone({'-' if is_west else ''}{span})")

    def _operation(self, node: ir.Operation) -> str:
        left, right, operator = node.left, node.right, str(node.operator)
        if node.type == DECIMAL and any(map(_has_quotient, (left, right))):
            return self._python("ratio_value({0})", self._ratio(node))
        if operator == "/" and node.type == DECIMAL:
            return self._python("divided({0}, {1})", left, right)
        if operator == "in":
            return self._membership(left, right, "in")
        is_turned = isinstance(left, ir.Constant) and not isinstance(right, ir.Constant)
        if is_turned and operator in _SWAPPED:
            left, right, operator = right, left, _SWAPPED[operator]
        return self._python(f"{{0}} {operator} {{1}}", left, right)

    def _ratio(self, node: ir.Expression) -> str:
        """Return a value that is calculated with quotients, none of which is cut off."""
        match node:
            case ir.Operation(operator="/", left=left, right=right) if _has_quotient(node):
                return self._python("over({0}, {1})", self._ratio(left), self._ratio(right))
            case ir.Operation(operator=operator, left=left, right=right) if _has_quotient(node):
                sides = self._ratio(left), self._ratio(right)
                return self._python(f"{{0}} {operator} {{1}}", *sides)
            case ir.Negative(operand=operand) if _has_quotient(node):
                return self._python("-{0}", self._ratio(operand))
            case ir.Conditional() if _has_quotient(node):
                return self._conditional(node, self._ratio)
            case _:
                return self._python("Fraction({0})", node)

    def _membership(self, left: ir.Expression, right: ir.Expression, operator: str) -> str:
        rows = self._value(right)
        if isinstance(right, ir.Items) and rows.startswith("["):
            comma = "," if len(right.elements) == 1 and not rows.startswith("[*") else ""
            rows = f"({rows[1:-1]}{comma})"
        return self._python(f"{{0}} {operator} {{1}}", left, rows)

    def _not(self, operand: ir.Expression) -> str:
        match operand:
            case ir.Not(operand=inner):
                return self._value(inner)
            case ir.Operation(operator="in", left=left, right=right):
                return self._membership(left, right, "not in")
            case ir.IsPresent(operand=inner):
                return " or ".join(guard.opposite for guard in self._asked_for(inner)) or "False"
            case ir.Call(function="string.contains(string)", arguments=(text, part)):
                return self._python("{1} not in {0}", text, part)
            case _:
                return self._python("not {0}", operand)

    def _either(self, parts: Sequence[ir.Expression]) -> str:
        """Join alternatives; several beginnings or endings of one text are asked in one call."""
        codes: list[str] = []
        for asked, alike in groupby(parts, _end_asked):
            several = list(alike)
            if asked is None or len(several) == 1:
                codes += map(self._value, several)
                continue
            ends = [self._value(one.arguments[1]) for one in several if isinstance(one, ir.Call)]
            codes.append(self._python(TEMPLATES[asked[0]], asked[1], f"({', '.join(ends)})"))
        holes = (f"({{{at}}})" if _is_all(code) else f"{{{at}}}" for at, code in enumerate(codes))
        return filled(" or ".join(holes), *codes)

    def _conditional(self, node: ir.Conditional, branch: _Emitted) -> str:
        condition, then, otherwise = node.condition, node.then, node.otherwise
        if isinstance(condition, ir.Not):
            condition, then, otherwise = condition.operand, otherwise, then
        asked = self._value(condition)
        return self._python("{0} if {1} else {2}", branch(then), asked, branch(otherwise))

    def _concatenation(self, node: ir.Concatenation) -> str:
        """Return an f-string where every part can be in one, else a sum."""
        pieces = [self._piece(part) for part in node.parts]
        has_words = any(isinstance(part, ir.Constant) for part in node.parts)
        has_numbers = any(_conversion(part) is not None for part in node.parts)
        if (has_words or has_numbers) and None not in pieces:
            inside = "".join(piece for piece in pieces if piece is not None)
            if '"' in inside and "'" not in inside:
                inside = inside.replace('\\"', '"')
                return f"f'{inside}'"
            return f'f"{inside}"'
        return self._python(" + ".join(f"{{{at}}}" for at in range(len(pieces))), *node.parts)

    def _piece(self, part: ir.Expression) -> str | None:
        """Return a part as it is in an f-string in double quotes, None where it cannot."""
        if isinstance(part, ir.Constant):
            return in_f_string(str(part.value))
        conversion = _conversion(part)
        if conversion is not None and isinstance(part, ir.Call):
            part = part.arguments[0]
        text = self._value(part)
        text = text.replace('"', "'") if "'" not in text else text
        if ":=" in text or any(mark in text for mark in _NOT_IN_F_STRINGS):
            return None
        return f"{{{text}{conversion or ''}}}"

    def _call(self, node: ir.Call) -> str:
        arguments = (self._argument(argument) for argument in node.arguments)
        text = self._python(TEMPLATES[node.function], *arguments)
        match node.arguments:
            case (ir.Constant(value=str() as words),) if is_read(node):
                return self._module.constant(f"{node.type}_{words}"[:40], text)
            case _:
                return text

    def _bare(self, node: ir.Expression) -> str | None:
        """Return what holds nothing where no type is beside it; None for any other value."""
        match node:
            case ir.Items(elements=()):
                return f"list[{self._any()}]()"
            case ir.Entries(entries=()):
                return f"dict[{self._any()}, {self._any()}]()"
            case ir.Constant(value=None):
                return f"{self._module.name('typing', 'cast')}({self._any()}, None)"
            case _:
                return None

    def _among(self, *nodes: ir.Expression) -> _Emitted:
        """Return what emits values of one type; where none of them says which, they are typed."""
        return self._argument if all(map(_holds_nothing, nodes)) else self._optional

    def _argument(self, node: ir.Expression) -> str:
        return self._bare(node) or self._optional(node)

    def _any(self) -> str:
        return self._module.name("typing", "Any")

    def _items(self, node: ir.Items) -> str:
        if not node.elements and has_unknown(node.type):
            return f"list[{self._any()}]()"
        emitted = self._among(*(element.value for element in node.elements))
        texts = [emitted(element.value) for element in node.elements]
        if not any(element.is_optional for element in node.elements):
            return f"[{', '.join(texts)}]"
        if not _has_gaps(node.type):
            return self._python("present({0})", f"[{', '.join(texts)}]")
        unpacked = (
            f"*{self._python('present([{0}])', text)}" if element.is_optional else text
            for element, text in zip(node.elements, texts, strict=True)
        )
        return f"[{', '.join(unpacked)}]"

    def _one_list(self, lists: Sequence[ir.Expression]) -> str:
        """Return lists put together: those written out by their elements, the others unpacked."""
        texts = []
        for rows in lists:
            text = self._value(rows)
            is_plain = isinstance(rows, ir.Items) and text.startswith("[")
            texts.append(text[1:-1] if is_plain else filled("[*{0}]", text)[1:-1])
        return f"[{', '.join(text for text in texts if text)}]"

    def _entries(self, node: ir.Entries) -> str:
        if not node.entries and has_unknown(node.type):
            return f"dict[{self._any()}, {self._any()}]()"
        texts = []
        emitted = self._among(*(entry.value for entry in node.entries))
        for entry in node.entries:
            key, value = self._value(entry.key), emitted(entry.value)
            if entry.is_optional:
                texts.append(f"**{self._python('entry_if_present({0}, {1})', key, value)}")
            else:
                texts.append(f"{key}: {value}")
        return "{" + ", ".join(texts) + "}"

    # Missing values

    def _guarded(
        self, node: ir.Expression, sure: _Emitted | None = None
    ) -> tuple[list[_Guard], str]:
        """Return what has to hold, and the value that is good then, emitted by `sure`."""
        if not ir.is_optional(node):
            return [], (sure or self._value)(node)
        match node:
            case ir.Constant(value=None):
                return [_Guard("False", "True")], "None"
            case ir.DocumentField(may_be_empty=True):
                text = self._document_field(node)
                return [_there(text)], text
            case ir.DocumentField():
                text = self._document_field(node)
                self._module.name("msgspec", "UNSET")
                member = text.removesuffix(".value") if node.is_value else text
                return [_there(member, "UNSET")], text
            case ir.WhenPresent(value=value):
                guards = self._bound_guards(node)
                more, text = self._guarded(value, sure)
                return guards + more, text
            case ir.Conditional(condition=condition, then=then, otherwise=otherwise) if any(
                map(ir.is_nothing, (then, otherwise))
            ):
                is_turned = ir.is_nothing(then)
                guards, text = self._guarded(otherwise if is_turned else then, sure)
                return [self._condition(condition, is_turned=is_turned), *guards], text
            case ir.Call(function=end) if end in _ENDS and (rows := self._path_of_rows(node)):
                return [_any_in(rows)], f"{rows}[{_ENDS[end]}]"
            case _:
                pass
        text = self._optional(node)
        if _is_written_out(text):
            return [], text
        if is_path(text):
            return [_there(text)], text
        guard, named = self._named(text, _hint(node))
        return [guard], named

    def _path_of_rows(self, end: ir.Call) -> str | None:
        """Return the list that one end is taken of, where it may be said twice; else None."""
        text = self._optional(end.arguments[0])
        return text if is_path(text) and not _has_gaps(end.arguments[0].type) else None

    def _condition(self, condition: ir.Expression, *, is_turned: bool) -> _Guard:
        texts = (_conjunct(self._value(condition)), _conjunct(self._not(condition)))
        return _Guard(*reversed(texts)) if is_turned else _Guard(*texts)

    def _bound_guards(self, node: ir.WhenPresent) -> list[_Guard]:
        """Return what has to hold for the operand, and bind the local to it."""
        uses = _uses(node.value, node.local)
        if uses == 0:
            return self._asked_for(node.operand)
        guards, source = self._guarded(node.operand)
        if not is_path(source) and uses > 1:
            guard, source = self._named(source, node.local.hint)
            guards.append(guard)
        self._bound[node.local.number] = source
        return guards

    def _named(self, text: str, hint: str) -> tuple[_Guard, str]:
        """Return the guard that binds a name to a value and asks for it, and the name."""
        if not self._may_bind:
            raise _NameNeeded
        name = self._namer.outermost(hint)
        return _there(f"({name} := {text})"), name

    def _asked_for(self, node: ir.Expression) -> list[_Guard]:
        """Return what has to hold for a value to be there, where the value itself is not used."""
        if not ir.is_optional(node):
            return []
        try:
            match node:
                case ir.WhenPresent(value=value, operand=operand) if not ir.is_optional(value):
                    return self._asked_for(operand)
                case ir.WhenPresent(value=value):
                    return self._bound_guards(node) + self._asked_for(value)
                case ir.Constant() | ir.Conditional() | ir.DocumentField():
                    return self._guarded(node)[0]
                case ir.Call(function=end) if end in _ENDS and (rows := self._path_of_rows(node)):
                    return [_any_in(rows)]
                case _:
                    pass
        except _NameNeeded:
            pass
        text = self._optional(node)
        return [] if _is_written_out(text) else [_there(text)]

    def _optional(self, node: ir.Expression) -> str:
        """Return a value that is None where it is missing."""
        if not ir.is_optional(node):
            return self._value(node)
        match node:
            case ir.WhenPresent():
                return self._when_present(node)
            case ir.Bound():
                return self._bound_value(node, self._optional)
            case ir.DocumentField(may_be_empty=True):
                return self._document_field(node)
            case ir.DocumentField():
                guards, text = self._guarded(node)
                return filled("{0} if {1} else None", text, _all(guards))
            case ir.Conditional():
                return self._conditional(node, self._optional)
            case _:
                return self._value(node)

    def _when_present(self, node: ir.WhenPresent) -> str:
        try:
            guards = self._bound_guards(node)
        except _NameNeeded:
            source = self._optional(node.operand)
            name = self._parameter(node.local, node.value)
            return self._python("when_present({0}, lambda {1}: {2})", source, name, node.value)
        inner = self._optional(node.value)
        return filled("{0} if {1} else None", inner, _all(guards)) if guards else inner

    def _bound_value(self, node: ir.Bound, branch: _Emitted) -> str:
        """Return a value in which a local stands for the operand: a path, or a name bound to it."""
        source = self._optional(node.operand)
        if is_path(source) or isinstance(node.operand, ir.Constant):
            self._bound[node.local.number] = source
            return branch(node.value)
        if _holds_nothing(node.value):
            branch = self._argument  # beside a name that is bound no type is seen from outside
        if self._may_bind:
            # A pair, of which the second is the value: type checkers see through it.
            if not _uses(node.value, node.local):
                return f"({source}, {branch(node.value)})[1]"
            name = self._namer.outermost(node.local.hint)
            self._bound[node.local.number] = name
            return f"({name} := {source}, {branch(node.value)})[1]"
        outer, self._namer = self._namer, self._namer.inner()
        name = self._namer.name(node.local.hint)
        self._bound[node.local.number] = name
        value = branch(node.value)
        self._namer = outer
        return self._python("bound({0}, lambda {1}: {2})", source, name, value)

    def _parameter(self, local: ir.Local, body: ir.Expression) -> str:
        """Return the name of a lambda's parameter, bound to the local; `_` where it is not used."""
        name = self._namer.inner().name(local.hint) if _uses(body, local) else "_"
        self._bound[local.number] = name
        return name

    def _or_else(self, node: ir.OrElse) -> str:
        """Return the value or else the other; `or` does where nothing present is ever empty."""
        operand, other = node.operand, node.other
        if not ir.is_optional(operand):
            # `optional.of(…)` says of a value that is there that it could be missing.
            return self._value(operand)
        if isinstance(operand, ir.Lookup) and len(operand.keys) == 1 and _is_at_hand(other):
            return self._lookup(operand, self._value(other))
        if isinstance(operand, ir.Call) and operand.type == Optional(BOOL):
            # What is behind `or` is a literal to type checkers, which want one before it, too.
            if other == ir.Constant(False, BOOL):
                return self._python("bool({0})", operand)
        elif (isinstance(operand, ir.Call) and operand.function in NEVER_EMPTY) or (
            _is_empty(other) and not isinstance(operand, ir.Conditional | ir.WhenPresent)
        ):
            return self._python("{0} or {1}", operand, other)
        try:
            guards, text = self._guarded(operand)
        except _NameNeeded:
            return self._python("value_or({0}, lambda: {1})", operand, other)
        if not guards:
            return text
        return self._python("{0} if {1} else {2}", text, _all(guards), other)

    # Loops

    def _loop(self, node: ir.Loop) -> str:
        outer = self._namer
        self._namer = outer.inner()
        try:
            return self._looped(node)
        finally:
            self._namer = outer

    def _looped(self, node: ir.Loop) -> str:
        over, conditions, renamed = _unfolded(node)
        rows = self._over(over)
        variables = name = self._namer.name(node.local.hint)
        for number in renamed:
            self._bound[number] = name
        if node.key is not None:
            key = self._namer.name(node.key.hint)
            self._bound[node.key.number] = key
            variables = f"{key}, {name}"
            is_map = isinstance(over.type, MapOf)
            rows = self._python("{0}.items()" if is_map else "enumerate({0})", rows)
        asked = [self._value(condition) for condition in conditions]
        if node.kind in ("sorted", "grouped"):
            kept = f"({_listed(name, name, rows, asked)[1:-1]})" if asked else rows
            return self._by_key(node, kept, name)
        value = self._among(node.value)(node.value)
        match node.kind:
            case "map":
                return f"{{{key}: {_listed(value, variables, rows, asked)[1:-1]}}}"
            case "one":
                return f"sum({_listed('1', variables, rows, [*asked, value])[1:-1]}) == 1"
            case "any" | "all":
                return f"{node.kind}({_listed(value, variables, rows, asked)[1:-1]})"
            case _:
                return _listed(value, variables, rows, asked)

    def _by_key(self, node: ir.Loop, rows: str, name: str) -> str:
        """Return rows sorted or grouped by a key."""
        key = self._value(node.value)
        parameter = name if _uses(node.value, node.local) else "_"
        if node.kind == "grouped":
            return self._python("grouped({0}, lambda {1}: {2})", rows, parameter, key)
        if key == name:
            return f"sorted({rows})"
        return self._python("sorted({0}, key=lambda {1}: {2})", rows, parameter, key)

    def _over(self, over: ir.Expression) -> str:
        """Return what a comprehension goes over: Python binds no names there."""
        before, self._may_bind = self._may_bind, False
        try:
            return self._bare(over) or self._value(over)
        finally:
            self._may_bind = before


def _listed(value: str, variables: str, rows: str, conditions: Sequence[str]) -> str:
    """Return a comprehension that makes a list."""
    asked = "".join(f" if {{{at}}}" for at in range(3, 3 + len(conditions)))
    return filled(f"[{{0}} for {{1}} in {{2}}{asked}]", value, variables, rows, *conditions)


def _end_asked(part: ir.Expression) -> tuple[str, ir.Expression] | None:
    """Return by which function which text is asked how it begins or ends."""
    if isinstance(part, ir.Call) and part.function in _PREFIXES:
        return part.function, part.arguments[0]
    return None


def _unfolded(node: ir.Loop) -> tuple[ir.Expression, list[ir.Expression], list[int]]:
    """Return what a loop goes over, its conditions and the locals that are its element.

    A loop over a loop that only filters is one loop with both conditions.
    """
    over, numbers = node.over, [node.local.number]
    conditions = [] if node.condition is None else [node.condition]
    while (
        isinstance(over, ir.Loop)
        and over.kind == "list"
        and over.key is None
        and ir.is_local(over.value, over.local)
        and node.key is None
    ):
        numbers.append(over.local.number)
        if over.condition is not None:
            conditions.insert(0, over.condition)
        over = over.over
    return over, conditions, numbers


def _conversion(part: ir.Expression) -> str | None:
    """Return how an f-string writes a number by itself (`:f`), None for what is no number."""
    match part:
        case ir.Call(function="string(int)"):
            return ""
        case ir.Call(function="string(decimal)"):
            return ":f"
        case _:
            return None


def _there(text: str, sentinel: str = "None") -> _Guard:
    return _Guard(filled(f"{{0}} is not {sentinel}", text), filled(f"{{0}} is {sentinel}", text))


def _is_written_out(text: str) -> bool:
    """Tell whether a value is a literal: nobody has to ask whether it is there."""
    return text[0] in "\"'-0123456789" and not isinstance(parsed(text), _LOOSE)


def _any_in(rows: str) -> _Guard:
    return _Guard(rows, f"not {rows}", f"bool({rows})")


def _all(guards: Sequence[_Guard]) -> str:
    return " and ".join(guard.text for guard in guards)


def _is_all(text: str) -> bool:
    """Tell whether code is conditions that all have to hold: in brackets it reads as one."""
    tree = parsed(text)
    return isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)


def _conjunct(text: str) -> str:
    """Return a condition as it can be among others."""
    return filled("{0} and _", text).removesuffix(" and _")


def _has_gaps(rows: Type) -> bool:
    """Tell whether elements of a list may be missing."""
    return isinstance(rows, ListOf) and isinstance(rows.element, Optional)


def _is_at_hand(node: ir.Expression) -> bool:
    """Tell whether a value costs nothing, so that it may be evaluated where it is not needed."""
    match node:
        case ir.Constant(value=value):
            return value is not None
        case ir.Field(operand=operand):
            return _is_at_hand(operand)
        case _:
            return isinstance(node, ir.Variable) and not ir.is_optional(node)


def _holds_nothing(node: ir.Expression) -> bool:
    """Tell whether a value is written out without anything that has a type."""
    return is_bare(node) or ir.is_nothing(node)


def _is_empty(node: ir.Expression) -> bool:
    """Tell whether a default is what Python counts as false, so that `or` may put it in."""
    if isinstance(node, ir.Constant):
        return node.type in (STRING, INT, BOOL) and not node.value
    return is_bare(node)


def _uses(node: ir.Expression, local: ir.Local) -> int:
    """Count how often a local is evaluated; inside a loop is more than once."""
    loops = (one for one in nodes(node) if isinstance(one, ir.Loop))
    return sum(ir.is_local(one, local) for one in nodes(node)) + any(
        ir.is_local(one, local) for loop in loops for one in nodes(loop)
    )


def _has_quotient(node: ir.Expression) -> bool:
    """Tell whether a value is a quotient, or calculated with one."""
    match node:
        case ir.Operation(operator="/", type=kind):
            return kind == DECIMAL
        case ir.Operation(operator="+" | "-" | "*", left=left, right=right):
            return _has_quotient(left) or _has_quotient(right)
        case ir.Negative(operand=operand):
            return _has_quotient(operand)
        case ir.Conditional(then=then, otherwise=otherwise, type=kind) if kind == DECIMAL:
            return _has_quotient(then) or _has_quotient(otherwise)
        case _:
            return False


# The functions that stand for no function of the language.
OWN_CALLS = (
    "bound",
    "divided",
    "entry_if_present",
    "grouped",
    "over",
    "present",
    "ratio_value",
    "value_or",
    "when_present",
)


def called_names(node: object) -> set[str]:
    """Return the names that the templates in an expression, or in anything with some, call."""
    called = {one.function for one in nodes(node) if isinstance(one, ir.Call)}
    return {name for one in called for name in names_in(TEMPLATES.get(one, "_"))}


def _hint(node: ir.Expression) -> str:
    """Return a telling name for a value: the field that it comes from."""
    match node:
        case ir.Field(key=key):
            return key
        case ir.Variable(name=name):
            return name
        case ir.Local(hint=hint):
            return hint
        case ir.Lookup(table=table):
            return singular(table)
        case ir.Call(function=function, arguments=(rows,)) if function in _OF_ONE:
            of = rows.value if isinstance(rows, ir.Loop) else rows
            return f"{_OF_ONE[function]}_{singular(_hint(of))}"
        case ir.Call(
            function="map[key]" | "map[?key]", arguments=(_, ir.Constant(value=str() as key))
        ):
            return key
        case ir.Call(function=function, arguments=(rows, *_)) if "[" in function:
            return singular(_hint(rows))
        case (
            ir.Call(arguments=(first, *_))
            | ir.OrElse(operand=first)
            | ir.WhenPresent(operand=first)
            | ir.Conditional(then=first)
            | ir.Loop(over=first)
            | ir.Attempted(value=first)
        ):
            return _hint(first)
        case _:
            return "value"
