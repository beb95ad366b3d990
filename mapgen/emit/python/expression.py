"""From the ir of an expression to Python: inline where it reads well, each name its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from msgspec import Struct

from mapgen.emit.python.expression_needs import ModuleConstant, ModuleNeeds, Namer
from mapgen.emit.python.expression_templates import Code, Level, fill, read_template
from mapgen.escaping import in_f_string, literal, python
from mapgen.ir import expression as ir
from mapgen.ir.names import python_name
from mapgen.ir.walk import nodes
from mapgen.runtime.faults import Fault
from mapgen.runtime.functions import parse_date, parse_duration, parse_timestamp

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


_Emitted = Callable[[ir.Expression], Code]


class _NameNeeded(Exception):
    """A name would have to be bound where Python allows none: what a comprehension goes over."""


_ARITHMETIC = {"+": Level.SUM, "-": Level.SUM, "*": Level.PRODUCT, "/": Level.PRODUCT}
# What Python 3.11 does not take inside the braces of an f-string in double quotes.
_NOT_IN_F_STRINGS = ('"', "\\", "{", "}", "\n", "#")
_SWAPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


# What reads a text: the value of a literal is worked out once for the module.
_READERS: Mapping[str, Callable[[str], object]] = {
    "parse_date({0})": parse_date,
    "parse_timestamp({0})": parse_timestamp,
    "parse_duration({0})": parse_duration,
}


class PythonExpressions:
    """Emits the expressions of one function.

    `names` is the Python for each name of the scope; `module` collects imports and constants;
    `locals` knows the names taken in the function.
    """

    def __init__(self, names: Mapping[str, str], module: ModuleNeeds, locals: Namer) -> None:
        self._names = names
        self._module = module
        self._namer = locals
        self._bound: dict[int, Code] = {}
        self._may_bind = True

    def value(self, expression: ir.Expression) -> str:
        """Return the Python of a value that is never missing."""
        self._reserve(expression)
        return self._value(expression).text

    def optional(self, expression: ir.Expression) -> str:
        """Return the Python of a value that may be missing: None where it is."""
        self._reserve(expression)
        return self._optional(expression).text

    def guarded(self, expression: ir.Expression) -> Guarded:
        """Return the value and what has to hold for it."""
        return self._parts(expression, self._value)

    def rows(self, expression: ir.Expression) -> Guarded:
        """Return what a comprehension goes over, and what has to hold for it."""
        return self._parts(expression, self._over)

    def _parts(self, expression: ir.Expression, sure: _Emitted) -> Guarded:
        self._reserve(expression)
        guards, value = self._guarded(expression, sure)
        return Guarded(tuple(guard.text for guard in guards), value.text)

    def _reserve(self, expression: ir.Expression) -> None:
        """Keep locals from taking the names of the functions that the expression calls."""
        self._namer.reserve(*OWN_CALLS, *called_names(expression))

    # Values

    def _value(self, node: ir.Expression) -> Code:
        match node:
            case ir.Constant():
                return self._constant(node)
            case ir.Variable(name=name):
                return Code(self._names[name], is_path=True)
            case ir.Local(number=number):
                return self._bound[number]
            case ir.Field(operand=operand, attribute=attribute):
                inner = self._value(operand)
                return Code(f"{inner.at_least(Level.ATOM)}.{attribute}", is_path=inner.is_path)
            case ir.DocumentField():
                return self._document_field(node)
            case ir.Call(function="+", arguments=lists):
                return self._one_list(lists)
            case ir.Call():
                return self._call(node)
            case ir.TableEntry():
                return self._table_entry(node)
            case ir.Operation():
                return self._operation(node)
            case ir.Negative(operand=operand):
                return Code(f"-{self._value(operand).at_least(Level.UNARY)}", Level.UNARY)
            case ir.Concatenation():
                return self._concatenation(node)
            case ir.Not(operand=operand):
                return self._not(operand)
            case ir.Both(parts=parts):
                return _joined([self._value(part) for part in parts], "and")
            case ir.Either(parts=parts):
                return self._either(parts)
            case ir.Conditional():
                return self._conditional(node, self._value)
            case ir.IsPresent(operand=operand):
                return self._is_present(operand)
            case ir.OrElse():
                return self._or_else(node)
            case ir.Widened(operand=operand):
                self._module.name("decimal", "Decimal")
                return Code(f"Decimal({self._value(operand).text})")
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

    def _document_field(self, node: ir.DocumentField) -> Code:
        """Return a member that is there; a single value stands in a wrapper."""
        inner = self._value(node.operand)
        text = f"{inner.at_least(Level.ATOM)}.{python_name(node.key)}"
        return Code(f"{text}.value" if node.is_value else text, is_path=inner.is_path)

    def _table_entry(self, node: ir.TableEntry, otherwise: ir.Expression | None = None) -> Code:
        """Return what a table has for a key; `otherwise` stands in for what it lacks."""
        keys = [self._value(part).text for part in node.key]
        given = [keys[0] if len(keys) == 1 else f"({', '.join(keys)})"]
        if otherwise is not None:
            given.append(self._value(otherwise).text)
        table = table_code(self._module, node.table, node.entries)
        return Code(f"{table}.get({', '.join(given)})")

    def _constant(self, node: ir.Constant) -> Code:
        value = node.value
        match node.type:
            case "decimal":
                return Code(self._decimal(str(value)))
            case "regex":
                return Code(self._module.pattern(str(value)))
            case "timezone":
                return Code(self._zone(str(value)))
            case _:
                if isinstance(value, str):
                    return Code(literal(value))
                is_negative = isinstance(value, int) and value < 0
                return Code(python(value), Level.UNARY if is_negative else Level.ATOM)

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

    def _decimal(self, text: str) -> str:
        self._module.name("decimal", "Decimal")
        if text == "0":
            return self._module.constant("ZERO", "Decimal(0)")
        stem = "DECIMAL_" + text.replace("-", "MINUS_").replace(".", "_")
        return self._module.constant(stem, f'Decimal("{text}")')

    def _operation(self, node: ir.Operation) -> Code:
        left, right, operator = node.left, node.right, str(node.operator)
        level = _ARITHMETIC.get(operator)
        if operator == "/" and node.type == "decimal":
            name = self._module.function("divided")
            return Code(f"{name}({self._value(left).text}, {self._value(right).text})")
        if level is not None:
            one, other = self._value(left), self._value(right)
            text = f"{one.at_least(level)} {operator} {other.at_least(Level(level + 1))}"
            return Code(text, level)
        if operator == "in":
            return self._membership(left, right, "in")
        if isinstance(left, ir.Constant) and not isinstance(right, ir.Constant):
            left, right, operator = right, left, _SWAPPED[operator]
        sides = (self._value(left).at_least(Level.SUM), self._value(right).at_least(Level.SUM))
        return Code(f" {operator} ".join(sides), Level.COMPARE)

    def _membership(self, left: ir.Expression, right: ir.Expression, operator: str) -> Code:
        rows = self._value(right).at_least(Level.SUM)
        if isinstance(right, ir.Items) and rows.startswith("["):
            comma = "," if len(right.elements) == 1 and not rows.startswith("[*") else ""
            rows = f"({rows[1:-1]}{comma})"
        return Code(f"{self._value(left).at_least(Level.SUM)} {operator} {rows}", Level.COMPARE)

    def _not(self, operand: ir.Expression) -> Code:
        match operand:
            case ir.Not(operand=inner):
                return self._value(inner)
            case ir.Operation(operator="in", left=left, right=right):
                return self._membership(left, right, "not in")
            case ir.IsPresent(operand=inner):
                opposites = [guard.opposite for guard in self._asked_for(inner)]
                return _one_or_joined(opposites, "or", "False")
            case ir.Call(python="{1} in {0}", arguments=(text, part)):
                sides = [self._value(side).at_least(Level.SUM) for side in (part, text)]
                return Code(" not in ".join(sides), Level.COMPARE)
            case _:
                return Code(f"not {self._value(operand).at_least(Level.NOT)}", Level.NOT)

    def _either(self, parts: Sequence[ir.Expression]) -> Code:
        """Join alternatives; several beginnings or endings of one text are asked in one call."""
        codes: list[Code] = []
        before: ir.Call | None = None
        texts: list[str] = []
        for part in parts:
            is_alike = (
                isinstance(part, ir.Call)
                and before is not None
                and part.python == before.python
                and part.arguments[0] == before.arguments[0]
            )
            if is_alike and isinstance(part, ir.Call):
                texts.append(self._value(part.arguments[1]).text)
                whole = read_template(part.python)
                several = Code(f"({', '.join(texts)})")
                codes[-1] = fill(whole, [self._value(part.arguments[0]), several])
                continue
            is_prefix = isinstance(part, ir.Call) and part.function in ("startsWith", "endsWith")
            before = part if isinstance(part, ir.Call) and is_prefix else None
            texts = [] if before is None else [self._value(before.arguments[1]).text]
            codes.append(self._value(part))
        return _joined(codes, "or")

    def _conditional(self, node: ir.Conditional, branch: _Emitted) -> Code:
        condition, then, otherwise = node.condition, node.then, node.otherwise
        if isinstance(condition, ir.Not):
            condition, then, otherwise = condition.operand, otherwise, then
        asked = self._value(condition).at_least(Level.OR)
        text = f"{branch(then).at_least(Level.OR)} if {asked} else {branch(otherwise).text}"
        return Code(text, Level.TERNARY)

    def _concatenation(self, node: ir.Concatenation) -> Code:
        """Return an f-string where every part can stand in one, else a sum."""
        pieces = [self._piece(part) for part in node.parts]
        has_words = any(isinstance(part, ir.Constant) for part in node.parts)
        has_numbers = any(_conversion(part) is not None for part in node.parts)
        if (has_words or has_numbers) and None not in pieces:
            inside = "".join(piece for piece in pieces if piece is not None)
            if '"' in inside and "'" not in inside:
                inside = inside.replace('\\"', '"')
                return Code(f"f'{inside}'")
            return Code(f'f"{inside}"')
        first, *rest = (self._value(part) for part in node.parts)
        texts = [first.at_least(Level.SUM), *(code.at_least(Level.PRODUCT) for code in rest)]
        return Code(" + ".join(texts), Level.SUM)

    def _piece(self, part: ir.Expression) -> str | None:
        """Return a part as it stands in an f-string in double quotes, None where it cannot."""
        if isinstance(part, ir.Constant):
            return in_f_string(str(part.value))
        conversion = _conversion(part)
        if conversion is not None and isinstance(part, ir.Call):
            part = part.arguments[0]
        code = self._value(part)
        text = code.text.replace('"', "'") if "'" not in code.text else code.text
        if ":=" in text or any(mark in text for mark in _NOT_IN_F_STRINGS):
            return None
        return f"{{{text}{conversion or ''}}}"

    def _call(self, node: ir.Call) -> Code:
        template = read_template(node.python)
        for module, name in template.standard:
            self._module.name(module, name)
        for name in template.functions:
            self._module.function(name)
        filled = fill(template, [self._argument(argument) for argument in node.arguments])
        if _is_certain(node):
            words = "_".join(str(argument.value) for argument in _constants(node.arguments))
            return Code(self._module.constant(f"{node.type}_{words}"[:40], filled.text))
        return filled

    def _argument(self, node: ir.Expression) -> Code:
        return self._optional(node) if ir.is_optional(node) else self._value(node)

    def _items(self, node: ir.Items) -> Code:
        if not node.elements and node.type == "list(unknown)":
            self._module.name("typing", "Any")
            return Code("list[Any]()")
        texts = [self._argument(element.value).text for element in node.elements]
        if not any(element.is_optional for element in node.elements):
            return Code(f"[{', '.join(texts)}]")
        name = self._module.function("present")
        if not node.type.endswith("?)"):
            return Code(f"{name}([{', '.join(texts)}])")
        unpacked = (
            f"*{name}([{text}])" if element.is_optional else text
            for element, text in zip(node.elements, texts, strict=True)
        )
        return Code(f"[{', '.join(unpacked)}]")

    def _one_list(self, lists: Sequence[ir.Expression]) -> Code:
        """Return lists put together: those written out by their elements, the others unpacked."""
        texts = []
        for rows in lists:
            code = self._value(rows)
            is_plain = isinstance(rows, ir.Items) and code.text.startswith("[")
            texts.append(code.text[1:-1] if is_plain else f"*{code.at_least(Level.SUM)}")
        return Code(f"[{', '.join(text for text in texts if text)}]")

    def _entries(self, node: ir.Entries) -> Code:
        if not node.entries and "unknown" in node.type:
            self._module.name("typing", "Any")
            return Code("dict[Any, Any]()")
        texts = []
        for entry in node.entries:
            key, value = self._value(entry.key).text, self._argument(entry.value).text
            if entry.is_optional:
                name = self._module.function("entry_if_present")
                texts.append(f"**{name}({key}, {value})")
            else:
                texts.append(f"{key}: {value}")
        return Code("{" + ", ".join(texts) + "}")

    # Missing values

    def _guarded(
        self, node: ir.Expression, sure: _Emitted | None = None
    ) -> tuple[list[_Guard], Code]:
        """Return what has to hold, and the value that is good then, emitted by `sure`."""
        if not ir.is_optional(node):
            return [], (sure or self._value)(node)
        match node:
            case ir.Constant(value=None):
                return [_Guard("False", "True")], Code("None")
            case ir.DocumentField(may_be_empty=True):
                code = self._document_field(node)
                return [_there(code.text)], code
            case ir.DocumentField():
                code = self._document_field(node)
                self._module.name("msgspec", "UNSET")
                member = code.text.removesuffix(".value") if node.is_value else code.text
                return [_there(member, "UNSET")], code
            case ir.WhenPresent(value=value):
                guards = self._bound_guards(node)
                more, code = self._guarded(value, sure)
                return guards + more, code
            case ir.Conditional(condition=condition, then=then, otherwise=otherwise) if _is_nothing(
                then
            ) or _is_nothing(otherwise):
                is_turned = _is_nothing(then)
                guards, code = self._guarded(otherwise if is_turned else then, sure)
                return [self._condition(condition, is_turned=is_turned), *guards], code
            case ir.Call(function="first" | "last" as end, arguments=(rows,)):
                code = self._argument(rows)
                if code.is_path and not rows.type.endswith("?)"):
                    position = "0" if end == "first" else "-1"
                    return [_any_in(code.text)], Code(f"{code.text}[{position}]", is_path=True)
            case _:
                pass
        code = self._optional(node)
        if _is_written_out(code):
            return [], code
        if code.is_path:
            return [_there(code.text)], code
        guard, named = self._named(code, _hint(node))
        return [guard], named

    def _condition(self, condition: ir.Expression, *, is_turned: bool) -> _Guard:
        texts = (
            self._value(condition).at_least(Level.NOT),
            self._not(condition).at_least(Level.NOT),
        )
        return _Guard(*reversed(texts)) if is_turned else _Guard(*texts)

    def _bound_guards(self, node: ir.WhenPresent) -> list[_Guard]:
        """Return what has to hold for the operand, and bind the local to it."""
        uses = _uses(node.value, node.local)
        if uses == 0:
            return self._asked_for(node.operand)
        guards, source = self._guarded(node.operand)
        if not source.is_path and uses > 1:
            guard, source = self._named(source, node.local.hint)
            guards.append(guard)
        self._bound[node.local.number] = source
        return guards

    def _named(self, code: Code, hint: str) -> tuple[_Guard, Code]:
        """Return the guard that binds a name to a value and asks for it, and the name."""
        if not self._may_bind:
            raise _NameNeeded
        name = self._namer.outermost(hint)
        return _there(f"({name} := {code.text})"), Code(name, is_path=True)

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
                case ir.Call(function="first" | "last"):
                    code = self._argument(node.arguments[0])
                    if code.is_path and not node.arguments[0].type.endswith("?)"):
                        return [_any_in(code.text)]
                case _:
                    pass
        except _NameNeeded:
            pass
        code = self._optional(node)
        return [] if _is_written_out(code) else [_there(code.at_least(Level.SUM))]

    def _optional(self, node: ir.Expression) -> Code:
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
                guards, code = self._guarded(node)
                return Code(f"{code.text} if {_all(guards)} else None", Level.TERNARY)
            case ir.Conditional():
                return self._conditional(node, self._optional)
            case _:
                return self._value(node)

    def _when_present(self, node: ir.WhenPresent) -> Code:
        try:
            guards = self._bound_guards(node)
        except _NameNeeded:
            return self._when_present_by_function(node)
        inner = self._optional(node.value)
        if not guards:
            return inner
        return Code(f"{inner.at_least(Level.OR)} if {_all(guards)} else None", Level.TERNARY)

    def _when_present_by_function(self, node: ir.WhenPresent) -> Code:
        function = self._module.function("when_present")
        source = self._optional(node.operand)
        name = self._parameter(node.local, node.value)
        value = self._optional(node.value)
        return Code(f"{function}({source.text}, lambda {name}: {value.text})")

    def _bound_value(self, node: ir.Bound, branch: _Emitted) -> Code:
        """Return a value in which a local stands for the operand: a path, or a name bound to it."""
        source = self._argument(node.operand)
        if source.is_path or isinstance(node.operand, ir.Constant):
            self._bound[node.local.number] = source
            return branch(node.value)
        if self._may_bind:
            # A pair, of which the second is the value: type checkers see through it.
            if not _uses(node.value, node.local):
                return Code(f"({source.text}, {branch(node.value).text})[1]")
            name = self._namer.outermost(node.local.hint)
            self._bound[node.local.number] = Code(name, is_path=True)
            return Code(f"({name} := {source.text}, {branch(node.value).text})[1]")
        outer, self._namer = self._namer, self._namer.inner()
        name = self._namer.name(node.local.hint)
        self._bound[node.local.number] = Code(name, is_path=True)
        value = branch(node.value)
        self._namer = outer
        return Code(f"{self._module.function('bound')}({source.text}, lambda {name}: {value.text})")

    def _parameter(self, local: ir.Local, body: ir.Expression) -> str:
        """Return the name of a lambda's parameter, bound to the local; `_` where it is not used."""
        name = self._namer.inner().name(local.hint) if _uses(body, local) else "_"
        self._bound[local.number] = Code(name, is_path=True)
        return name

    def _is_present(self, operand: ir.Expression) -> Code:
        facts = [guard.fact or guard.text for guard in self._asked_for(operand)]
        return _one_or_joined(facts, "and", "True")

    def _or_else(self, node: ir.OrElse) -> Code:
        """Return the value or else the other; `or` does where nothing present is ever empty."""
        operand, other = node.operand, node.other
        if isinstance(operand, ir.TableEntry) and _is_at_hand(other):
            return self._table_entry(operand, other)
        branch = self._optional if ir.is_optional(other) else self._value
        if (isinstance(operand, ir.Call) and operand.is_truthy) or (
            _is_empty(other) and not isinstance(operand, ir.Conditional | ir.WhenPresent)
        ):
            return _joined([self._optional(operand), branch(other)], "or")
        try:
            guards, code = self._guarded(operand)
        except _NameNeeded:
            function = self._module.function("value_or")
            source = self._optional(operand)
            return Code(f"{function}({source.text}, lambda: {branch(other).text})")
        if not guards:
            return code
        text = f"{code.at_least(Level.OR)} if {_all(guards)} else {branch(other).text}"
        return Code(text, Level.TERNARY)

    # Loops

    def _loop(self, node: ir.Loop) -> Code:
        outer = self._namer
        self._namer = outer.inner()
        try:
            return self._looped(node)
        finally:
            self._namer = outer

    def _looped(self, node: ir.Loop) -> Code:
        over, conditions, renamed = _unfolded(node)
        rows = self._over(over)
        name = self._namer.name(node.local.hint)
        for number in renamed:
            self._bound[number] = Code(name, is_path=True)
        if node.kind in ("sorted", "grouped"):
            kept = self._asked(conditions)
            text = f"({name} for {name} in {rows.at_least(Level.OR)}{kept})" if kept else rows.text
            return self._by_key(node, text, name)
        variables, source = name, rows.at_least(Level.OR)
        if node.key is not None:
            key_name = self._namer.name(node.key.hint)
            self._bound[node.key.number] = Code(key_name, is_path=True)
            if over.type.startswith("map("):
                variables, source = f"{key_name}, {name}", f"{rows.at_least(Level.ATOM)}.items()"
            else:
                variables, source = f"{key_name}, {name}", f"enumerate({rows.text})"
        return self._collected(node, f"for {variables} in {source}", conditions)

    def _by_key(self, node: ir.Loop, rows: str, name: str) -> Code:
        """Return rows sorted or grouped by a key."""
        key = self._value(node.value).text
        parameter = name if _uses(node.value, node.local) else "_"
        if node.kind == "grouped":
            function = self._module.name("mapgen.runtime.grouping", "grouped")
            return Code(f"{function}({rows}, lambda {parameter}: {key})")
        if key == name:
            return Code(f"sorted({rows})")
        return Code(f"sorted({rows}, key=lambda {parameter}: {key})")

    def _collected(self, node: ir.Loop, loop: str, conditions: Sequence[ir.Expression]) -> Code:
        asked = self._asked(conditions)
        if node.kind == "map":
            assert node.key is not None
            key = self._bound[node.key.number].text
            return Code(f"{{{key}: {self._argument(node.value).text} {loop}{asked}}}")
        code = self._argument(node.value)
        value = code.text
        match node.kind:
            case "any" | "all":
                return Code(f"{node.kind}({value} {loop}{asked})")
            case "one":
                asked += f" if {code.at_least(Level.OR)}"
                return Code(f"sum(1 {loop}{asked}) == 1", Level.COMPARE)
            case _:
                inside = f"{value} {loop}{asked}"
                return Code(f"[{inside}]", generator=inside)

    def _asked(self, conditions: Sequence[ir.Expression]) -> str:
        return "".join(f" if {self._value(part).at_least(Level.OR)}" for part in conditions)

    def _over(self, over: ir.Expression) -> Code:
        """Return what a comprehension goes over: Python binds no names there."""
        before, self._may_bind = self._may_bind, False
        try:
            return self._value(over)
        finally:
            self._may_bind = before


def _is_certain(node: ir.Call) -> bool:
    """Tell whether a call reads a literal that can be read: the module must not fail at that."""
    match node.arguments:
        case (ir.Constant(value=str() as text),) if node.python in _READERS:
            try:
                _READERS[node.python](text)
            except Fault:
                return False
            return True
        case _:
            return False


def _constants(arguments: Sequence[ir.Expression]) -> list[ir.Constant]:
    return [argument for argument in arguments if isinstance(argument, ir.Constant)]


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
        and isinstance(over.value, ir.Local)
        and over.value.number == over.local.number
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
        case ir.Call(function="string", python="str({0})"):
            return ""
        case ir.Call(function="string", python='format({0}, "f")'):
            return ":f"
        case _:
            return None


def _joined(codes: Sequence[Code], word: str) -> Code:
    level = Level.AND if word == "and" else Level.OR
    return Code(f" {word} ".join(code.at_least(Level(level + 1)) for code in codes), level)


def _there(text: str, sentinel: str = "None") -> _Guard:
    return _Guard(f"{text} is not {sentinel}", f"{text} is {sentinel}")


def _is_written_out(code: Code) -> bool:
    """Tell whether a value is a literal: nobody has to ask whether it is there."""
    return code.text[0] in "\"'-0123456789" and code.level >= Level.UNARY


def _any_in(rows: str) -> _Guard:
    return _Guard(rows, f"not {rows}", f"bool({rows})")


def _all(guards: Sequence[_Guard]) -> str:
    return " and ".join(guard.text for guard in guards)


def _one_or_joined(texts: Sequence[str], word: str, without_any: str) -> Code:
    """Return conditions that each bind at least as closely as `not`, joined by a word."""
    if len(texts) > 1:
        return Code(f" {word} ".join(texts), Level.AND if word == "and" else Level.OR)
    return Code(texts[0], Level.NOT) if texts else Code(without_any)


def _is_nothing(node: ir.Expression) -> bool:
    return isinstance(node, ir.Constant) and node.value is None


def _is_at_hand(node: ir.Expression) -> bool:
    """Tell whether a value costs nothing, so that it may be worked out where it is not needed."""
    match node:
        case ir.Constant(value=value):
            return value is not None
        case ir.Field(operand=operand):
            return _is_at_hand(operand)
        case _:
            return isinstance(node, ir.Variable) and not ir.is_optional(node)


def table_code(module: ModuleNeeds, name: str, entries: Sequence[tuple[str, str]] | None) -> str:
    """Return the Python of a lookup table; one that is written out stands in the module."""
    if entries is None:
        return f"lookups.{name}"
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in entries)
    return module.constant(name, f"{{{pairs}}}")


def _is_empty(node: ir.Expression) -> bool:
    """Tell whether a default is what Python counts as false, so that `or` may put it in."""
    match node:
        case ir.Constant(value=value, type="string" | "int" | "bool"):
            return not value
        case ir.Items(elements=()) | ir.Entries(entries=()):
            return True
        case _:
            return False


def _uses(node: object, local: ir.Local) -> int:
    """Count how often a local is worked out; inside a loop is more than once."""
    if isinstance(node, ir.Local):
        return int(node.number == local.number)
    if isinstance(node, tuple):
        return sum(_uses(part, local) for part in node)
    if not isinstance(node, Struct):
        return 0
    count = sum(_uses(getattr(node, name), local) for name in node.__struct_fields__)
    return 2 * count if isinstance(node, ir.Loop) else count


def used_names(node: object) -> set[str]:
    """Return the names of the scope that an expression uses: the record, settings, lets."""
    return {one.name for one in nodes(node) if isinstance(one, ir.Variable)}


# The functions that stand for no function of the language.
OWN_CALLS = (
    "bound",
    "divided",
    "entry_if_present",
    "grouped",
    "present",
    "value_or",
    "when_present",
)


def called_names(node: object) -> set[str]:
    """Return the names that the templates in an expression, or in anything with some, call."""
    names: set[str] = set()
    for words in {one.python for one in nodes(node) if isinstance(one, ir.Call)}:
        template = read_template(words)
        names.update(template.functions, (name for _, name in template.standard))
    return names


def _hint(node: ir.Expression) -> str:
    """Return a telling name for a value: the field that it comes from."""
    match node:
        case ir.Field(key=key):
            return key
        case ir.Variable(name=name):
            return name
        case ir.Local(hint=hint):
            return hint
        case ir.TableEntry(table=table):
            return table.removesuffix("s")
        case ir.Call(function="min" | "max" | "first" | "last" as kind, arguments=(rows,)):
            of = rows.value if isinstance(rows, ir.Loop) else rows
            return f"{kind}_{_hint(of).removesuffix('s')}"
        case ir.Call(function="[]", arguments=(_, ir.Constant(value=str() as key))):
            return key
        case ir.Call(function="[]", arguments=(rows, *_)):
            return _hint(rows).removesuffix("s")
        case (
            ir.Call(arguments=(first, *_))
            | ir.OrElse(operand=first)
            | ir.WhenPresent(operand=first)
            | ir.Conditional(then=first)
            | ir.Loop(over=first)
        ):
            return _hint(first)
        case _:
            return "value"
