"""One expression and its data in, a value out: through the parser, checker and emitter of specs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_args
from zoneinfo import ZoneInfo, available_timezones

from mapgen.emit.python.expression import ModuleNeeds, Namer, PythonExpressions
from mapgen.expression import Binding, Scope, compile_expression, types
from mapgen.expression.signature import build, read_pattern
from mapgen.expression.types import Type
from mapgen.ir.expression import attribute_name, is_optional
from mapgen.lower.expression import lower_expression
from mapgen.report import Diagnostic, Stopped, Text
from mapgen.runtime.faults import uncountable
from mapgen.runtime.records import JsonValue

_TYPE_NAME = re.compile(r"\w+|[(),?]")


class NotThatType(Exception):
    """A value that is not of the type it is said to have; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A value as JSON has it, and its type as messages show it."""

    value: JsonValue
    type: str


def evaluate(
    expression: Text, kinds: Mapping[str, Type], values: Mapping[str, JsonValue]
) -> Evaluated:
    """Return the value of an expression.

    Args:
        expression: its text.
        kinds: the types of the names that it may use.
        values: their values, as JSON; a name without a value is missing.

    Raises Stopped for faults of the expression, NotThatType for values that do not fit their types,
    Fault for values that the expression cannot use.
    """
    faults: list[Diagnostic] = []
    scope = Scope({name: Binding(kind, name) for name, kind in kinds.items()})
    typed = compile_expression(expression, scope, faults)
    if typed is None:
        raise Stopped(faults)
    bindings = {
        attribute_name(name): _bound(values.get(name), kind, name) for name, kind in kinds.items()
    }
    lowered = lower_expression(typed)
    module, names = ModuleNeeds(tuple(bindings)), {name: attribute_name(name) for name in kinds}
    python = PythonExpressions(names, module, Namer(tuple(bindings)))
    code = python.optional(lowered) if is_optional(lowered) else python.value(lowered)
    return Evaluated(_plain(_run(code, module, bindings), typed.type), str(typed.type))


def _run(code: str, module: ModuleNeeds, bindings: Mapping[str, object]) -> object:
    namespace: dict[str, Any] = {}
    for line in (*module.import_lines, *map(str, module.constants)):
        exec(line, namespace)
    try:
        return eval(code, namespace | dict(bindings))
    except ArithmeticError:
        raise uncountable() from None


def read_type(words: str) -> Type:
    """Return a type by its name: `list(decimal)`, `string?`. Raises NotThatType for others."""
    known = {*get_args(types.ScalarName), "list", "map"}
    parts = _TYPE_NAME.findall(words)
    is_clean = "".join(parts) == words.replace(" ", "")
    unknown = [part for part in parts if part[0].isalpha() and part not in known]
    if not is_clean or unknown or not parts:
        raise NotThatType(f"`{words}` is not a type; types are like `string?`, `list(decimal)`")
    try:
        return build(read_pattern(words), {})
    except (AssertionError, IndexError):
        raise NotThatType(f"`{words}` is not a type") from None


def type_of(value: JsonValue, name: str) -> Type:
    """Return the type that a JSON value shows; null shows a string that is missing."""
    match value:
        case None:
            return types.optional(types.STRING)
        case bool():
            return types.BOOL
        case int():
            return types.INT
        case Decimal():
            return types.DECIMAL
        case str():
            return types.STRING
        case list():
            return types.ListOf(_element_type(value, name))
        case dict():
            return types.Object(name, {key: type_of(inner, key) for key, inner in value.items()})


def _element_type(rows: list[JsonValue], name: str) -> Type:
    element: Type = types.ERROR
    for row in rows:
        kind = type_of(row, name)
        both = _merged(element, kind)
        if both is None:
            raise NotThatType(f"the elements of `{name}` have different types: {element}, {kind}")
        element = both
    return types.STRING if isinstance(element, types.ErrorType) else element


def _merged(left: Type, right: Type) -> Type | None:
    """Return the type of rows that may lack members of each other."""
    one, other = types.present(left), types.present(right)
    if not (isinstance(one, types.Object) and isinstance(other, types.Object)):
        return types.join(left, right)
    fields: dict[str, Type] = {}
    for key in (*one.fields, *(key for key in other.fields if key not in one.fields)):
        mine, theirs = one.fields.get(key), other.fields.get(key)
        if mine is None or theirs is None:
            found = mine if mine is not None else theirs
            fields[key] = types.optional(found if found is not None else types.STRING)
        else:
            both = _merged(mine, theirs)
            if both is None:
                return None
            fields[key] = both
    return types.Object(one.name, fields)


def _bound(value: JsonValue, kind: Type, path: str) -> object:
    """Return a JSON value as the running code has it."""
    if value is None:
        if isinstance(kind, types.Optional) or kind == types.NULL:
            return None
        raise NotThatType(f"`{path}` is {kind} and has no value")
    match types.present(kind), value:
        case types.ListOf(element), list():
            return [_bound(row, element, f"{path}[{at}]") for at, row in enumerate(value)]
        case types.MapOf(_, inner), dict():
            return {key: _bound(each, inner, f"{path}.{key}") for key, each in value.items()}
        case types.Object(fields=fields), dict():
            members = {
                attribute_name(key): _bound(value.get(key), inner, f"{path}.{key}")
                for key, inner in fields.items()
            }
            return SimpleNamespace(**members)
        case types.Scalar(name), _:
            return _scalar(value, name, path)
        case _:
            raise NotThatType(f"`{path}` is not {kind}")


def _scalar(value: JsonValue, name: str, path: str) -> object:
    try:
        match name, value:
            case "bool", bool():
                return value
            case "int", int() if not isinstance(value, bool):
                return value
            case "decimal", str() | int() | Decimal() if not isinstance(value, bool):
                return Decimal(value)
            case "string", str():
                return value
            case "date", str():
                return date.fromisoformat(value)
            case "timestamp", str() if datetime.fromisoformat(value).tzinfo is not None:
                return datetime.fromisoformat(value)
            case "timezone", str() if value in available_timezones():
                return ZoneInfo(value)
            case "duration", int() | Decimal() if not isinstance(value, bool):
                return timedelta(seconds=float(value))
    except (ValueError, ArithmeticError):
        pass
    raise NotThatType(f"`{path}` is not a {name}")


def _plain(value: object, kind: Type) -> JsonValue:
    """Return a value of the running code as JSON has it."""
    if value is None:
        return None
    match types.present(kind):
        case types.ListOf(element):
            assert isinstance(value, list)
            return [_plain(row, element) for row in value]
        case types.MapOf(_, inner):
            assert isinstance(value, dict)
            return {str(key): _plain(each, inner) for key, each in value.items()}
        case types.Object(fields=fields):
            return {
                key: _plain(getattr(value, attribute_name(key)), inner)
                for key, inner in fields.items()
            }
        case _:
            return _plain_scalar(value)


def _plain_scalar(value: object) -> JsonValue:
    match value:
        case str() | bool() | int() | Decimal():
            return value
        case date():
            return value.isoformat()
        case timedelta():
            return Decimal(str(value.total_seconds()))
        case _:
            return str(value)
