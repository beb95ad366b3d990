"""One field of a document in, the statements that give it its value out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from inspect import isfunction

from msgspec import Struct
from msgspec import field as struct_field
from msgspec.structs import replace

from mapgen.emit.python.choice import binds_names, chosen, operand
from mapgen.emit.python.expression import Guarded, ModuleNeeds, Namer, PythonExpressions
from mapgen.emit.python.types import CUSTOM_WRAPPERS, WRAPPERS
from mapgen.escaping import literal
from mapgen.ir import flow as ir
from mapgen.ir.expression import Expression
from mapgen.ir.names import local_name
from mapgen.runtime import limits

LIMITS = limits.__name__
VALUES = "mapgen.runtime.values"
# What emitted code may call: no local hides one of them.
LIMIT_FUNCTIONS = tuple(name for name, one in vars(limits).items() if isfunction(one))

_COMPARISONS: dict[ir.Comparison, str] = {
    "<": "below",
    "<=": "at_most",
    ">": "above",
    ">=": "at_least",
}


class Statement(Struct, frozen=True):
    """`local = code`, below the comment; `local` None: the code is alone."""

    code: str
    local: str | None
    comment: str | None = None
    field: ir.Field | None = None

    @property
    def text(self) -> str:
        return self.code if self.local is None else f"{self.local} = {self.code}"


class FieldEmitter(Struct):
    """Emits the fields of one function."""

    module: ModuleNeeds
    namer: Namer
    names: dict[str, str]
    wraps_values: bool = True
    # Which local holds what has been evaluated already, by the code of it.
    known: dict[str, str] = struct_field(default_factory=dict)

    def expressions(self) -> PythonExpressions:
        """Return an emitter of expressions over the names in force."""
        return PythonExpressions(self.names, self.module, self.namer)

    def call(self, function: str, *arguments: object) -> str:
        """Return the Python of a call of a limit."""
        return f"{self.module.name(LIMITS, function)}({', '.join(map(str, arguments))})"

    def wrap(self, wrapper: str, *arguments: str) -> str:
        """Return the Python of a value of a document."""
        return f"{self.module.name(VALUES, wrapper)}({', '.join(arguments)})"

    def _each(self, field: ir.Field, value: str, make: Callable[[str], str]) -> str:
        """Return the Python of what is made of a value, or of each element of a list."""
        if not field.is_list:
            return make(value)
        element = self.namer.inner().name("element")
        made = make(element)
        return value if made == element else f"[{made} for {element} in {operand(value)}]"

    def field(self, field: ir.Field, *, is_custom: bool = False) -> tuple[list[Statement], str]:
        """Return the statements of a field and the Python of its wrapped value."""
        if isinstance(field.value, ir.Made):
            return self._made(field, field.value)
        if isinstance(field.value, ir.Fixed) and field.omit_if is None:
            return [], self._named_constant(field, field.value.text, is_custom=is_custom)
        local = self.namer.name(local_name(field.name))
        if field.omit_if is not None or field.limits.warned is not None:
            return self._looked_at(field, local, is_custom=is_custom), local
        before, guarded = self._ahead(field, self._value(field))
        limited = self._limited(field, guarded.value)
        code = self._wrapped(field, limited, is_custom=is_custom)
        if field.clears:
            emptied = self._emptied(field, is_custom=is_custom)
            code = chosen(code, guarded.guards, emptied)
        else:
            code = self.or_unset(code, guarded.guards)
        if "(" in limited and (first := self.known.setdefault(code, local)) != local:
            code = first
        target = None if before else field.target
        return [*before, Statement(code, local, target, field)], local

    def _ahead(self, field: ir.Field, guarded: Guarded) -> tuple[list[Statement], Guarded]:
        """Return the statement of a list that binds names, and what stands for it.

        Its elements are gone through, and Python binds no names in what a comprehension goes over.
        """
        if not field.is_list or not binds_names(guarded.value):
            return [], guarded
        name = self.namer.name(f"{local_name(field.name)}_found")
        code = chosen(guarded.value, guarded.guards, "None")
        guards = (f"{name} is not None",) if guarded.guards else ()
        return [Statement(code, name, field.target, field)], Guarded(guards, name)

    def _emptied(self, field: ir.Field, *, is_custom: bool) -> str:
        """Return the Python of what empties a field; one outside the contract says its type."""
        if not is_custom:
            return self.module.name(VALUES, "CLEARED")
        code = self.wrap("ClearedField", f'"{CUSTOM_WRAPPERS[field.kind]}"')
        return self.module.constant(f"CLEARED_{field.kind}", code)

    def _made(self, field: ir.Field, made: ir.Made) -> tuple[list[Statement], str]:
        """Return the statement of a key that another document gets."""
        inner = self.wrap("Made", literal(made.document), literal(made.field))
        code = self.wrap("MadeValue", inner)
        if made.present is not None:
            unset = self.module.name("msgspec", "UNSET")
            is_there = f"{self.names[made.present.name]} is not {unset}"
            if field.on_missing == "reject":
                code = self.call("required", f"{code} if {is_there} else None")
            elif made.otherwise is None:
                code = f"{code} if {is_there} else {unset}"
            else:
                other = self.expressions().value(made.otherwise)
                code = f"{code} if {is_there} else {self.wrap('StringValue', other)}"
        local = self.namer.name(local_name(field.name))
        return [Statement(code, local, field.target, field)], local

    def sent_with(self, field: ir.Field, guards: Iterable[str]) -> tuple[Statement, str]:
        """Return the statement of a constant that is sent when one of several guards holds."""
        assert isinstance(field.value, ir.Fixed)
        value = self._named_constant(field, field.value.text, is_custom=False)
        code = self.or_unset(value, (" or ".join(guards),))
        local = self.namer.name(local_name(field.name))
        return Statement(code, local, field.target, field), local

    def or_unset(self, code: str, guards: tuple[str, ...]) -> str:
        """Return the code, left out of the document where a guard does not hold."""
        if not guards:
            return code
        return chosen(code, guards, self.module.name("msgspec", "UNSET"))

    def _named_constant(self, field: ir.Field, text: str, *, is_custom: bool) -> str:
        code = self._constant(text, field.kind)
        # A number is named by its digits already, and a flag alone needs no name.
        if not self.wraps_values and field.kind in ("boolean", "int", "decimal"):
            return code
        if self.wraps_values:
            code = self._wrapped(field, code, is_custom=is_custom)
        return self.module.constant(_constant_name(field), code)

    def _wrapped(self, field: ir.Field, value: str, *, is_custom: bool = False) -> str:
        """Return the Python of a value as the document holds it."""
        if not self.wraps_values:
            is_text = field.kind == "decimal_text"
            return self._each(field, value, partial(self.call, "as_text")) if is_text else value
        if is_custom:
            return self.wrap(CUSTOM_WRAPPERS[field.kind], value)
        if field.kind != "select":
            return self.wrap(WRAPPERS[field.kind], value)
        options = self._each(field, value, partial(self.wrap, "Option"))
        return self.wrap("MultiSelectValue" if field.is_list else "SelectValue", options)

    def _looked_at(self, field: ir.Field, local: str, *, is_custom: bool) -> list[Statement]:
        """Return the statements of a field whose value is known by a name before it is sent."""
        plain = self.namer.name(f"{local_name(field.name)}_value")
        before, guarded = self._ahead(field, self._value(field))
        code = self._limited(field, guarded.value)
        code = chosen(code, guarded.guards, "None")
        may_be_missing = bool(guarded.guards)
        sent = self._wrapped(field, plain, is_custom=is_custom)
        if field.omit_if is not None:
            inner = replace(self, names={**self.names, "value": plain})
            omitted = inner.expressions().value(field.omit_if)
            if may_be_missing:
                omitted = f"{plain} is None or ({omitted})"
            unset = self.module.name("msgspec", "UNSET")
            sent = f"{unset} if {operand(omitted)} else {sent}"
        elif field.clears:
            emptied = self._emptied(field, is_custom=is_custom)
            sent = chosen(sent, (f"{plain} is not None",), emptied)
        elif may_be_missing:
            sent = self.or_unset(sent, (f"{plain} is not None",))
        return [
            *before,
            Statement(code, plain, None if before else field.target, field),
            *self._warnings(field, plain, may_be_missing=may_be_missing),
            Statement(sent, local, None, field),
        ]

    def _warnings(
        self, field: ir.Field, plain: str, *, may_be_missing: bool
    ) -> Iterator[Statement]:
        """Yield the statements that tell of a value outside its bounds."""
        warned = field.limits.warned
        if warned is None:
            return
        value = self.namer.inner().name("value") if may_be_missing else plain
        within = self._within(field, value, warned.range, warned.asked)
        if may_be_missing:
            within = self.call("where_there", plain, f"lambda {value}: {within}")
        yield Statement(within, None, None, field)

    def _value(self, field: ir.Field) -> Guarded:
        """Return the value, guarded only where a missing one leaves the field out."""
        if isinstance(field.value, ir.Fixed):
            return Guarded((), self._constant(field.value.text, field.kind))
        assert not isinstance(field.value, ir.Made)
        expression = field.value
        match field.on_missing:
            case "never":
                return Guarded((), self.expressions().value(expression))
            case "omit":
                return self.expressions().guarded(expression)
            case "reject":
                return Guarded((), self.call("required", self.expressions().optional(expression)))

    def _limited(self, field: ir.Field, value: str) -> str:
        found = self._each(field, value, partial(self._limited_one, field))
        least = field.limits.least if field.is_list else 0
        return self.call("rows", found, least) if least else found

    def _limited_one(self, field: ir.Field, value: str) -> str:
        limits = field.limits
        if limits.max_length is not None:
            name = "truncated" if limits.truncates else "text"
            value = self.call(name, value, limits.max_length)
        if limits.form is not None:
            value = self.call(limits.form, value)
        if limits.pattern is not None:
            value = self.call("matching", value, self.module.pattern(limits.pattern))
        if limits.choices:
            choices = (self._choice(text, field.kind) for text in limits.choices)
            value = self.call("one_of", value, *choices)
        rounding = limits.rounding
        if limits.currency is not None:
            places = self.module.function("currency_places")
            of_currency = f"{places}({self.expressions().value(limits.currency)})"
            value, rounding = self._with_places(value, of_currency, rounding), None
        if limits.places is not None:
            value = self._with_places(value, str(limits.places), rounding)
        value = self._within(field, value, limits.range, limits.asked)
        return value if limits.whole is None else self.call("whole", value, *limits.whole)

    def _within(
        self,
        field: ir.Field,
        value: str,
        bounds: Iterable[tuple[ir.Comparison, str]],
        of_record: Iterable[tuple[ir.Comparison, Expression, str]],
    ) -> str:
        """Return the Python of a number that honours its bounds."""
        for sign, bound in bounds:
            limit = bound if field.kind == "int" else self.module.decimal(bound)
            value = self.call(_COMPARISONS[sign], value, limit)
        for sign, asked, words in of_record:
            limit = self.expressions().value(asked)
            value = self.call(_COMPARISONS[sign], value, limit, literal(words))
        return value

    def _with_places(self, value: str, places: str, rounding: ir.Rounding | None) -> str:
        if rounding is None:
            return self.call("with_places", value, places)
        return self.call("rounded", value, places, f'"{rounding}"')

    def _choice(self, text: str, kind: ir.ValueKind) -> str:
        """Return a value that a field takes; a local may be called as the class of days is."""
        code = self._constant(text, kind)
        return self.module.constant(f"DATE_{text}", code) if kind == "date" else code

    def _constant(self, text: str, kind: ir.ValueKind) -> str:
        match kind:
            case "decimal":
                return self.module.decimal(text)
            case "int":
                return str(int(text))
            case "boolean":
                return str(text.lower() == "true")
            case "date" | "datetime":
                self.module.name("datetime", "date")
                day = date.fromisoformat(text)
                return f"date({day.year}, {day.month}, {day.day})"
            case "string" | "select" | "decimal_text":
                return literal(text)


def _constant_name(field: ir.Field) -> str:
    assert isinstance(field.value, ir.Fixed)
    return field.value.text.upper() if field.kind == "boolean" else local_name(field.name)
