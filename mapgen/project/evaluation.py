"""One expression and its data in, a value out: through the parser, checker and emitter of specs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import member_path
from mapgen.emit.python.expression import ModuleNeeds, Namer, PythonExpressions
from mapgen.expression import Binding, Scope, compile_expression
from mapgen.expression.scope import Named
from mapgen.expression.signature import read_pattern
from mapgen.ir import types
from mapgen.ir.expression import attribute_names, is_optional
from mapgen.ir.types import Type, present
from mapgen.report import Diagnostic, Stopped, Text
from mapgen.runtime.errors import beyond_counting
from mapgen.runtime.exact import exactly
from mapgen.runtime.functions import timestamp_text
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.zones import zone_of

_TYPE_NAME = re.compile(r"\w+|[(),?]")


class NotThatType(Exception):
    """A value that is not of the type it is said to have; the message says which and why."""


class Evaluated(Struct, frozen=True):
    """A value as JSON has it, and its type."""

    value: JsonValue
    kind: Type

    @property
    def type(self) -> str:
        """The type as messages show it."""
        return str(self.kind)


def evaluate(
    expression: Text,
    kinds: Mapping[str, Type],
    values: Mapping[str, Any],
    functions: Mapping[str, Named] = MappingProxyType({}),
) -> Evaluated:
    """Return the value of an expression.

    Args:
        expression: its text.
        kinds: the types of the names that it may use.
        values: their values, as JSON; a name without a value is missing. A table is a mapping.
        functions: the named expressions that it may call.

    Raises Stopped for errors of the expression, NotThatType for values that do not fit their types,
    RuleError for values that the expression cannot use.
    """
    diagnostics: list[Diagnostic] = []
    scope = Scope({name: Binding(kind) for name, kind in kinds.items()}, functions)
    typed = compile_expression(expression, scope, diagnostics)
    if typed is None:
        raise Stopped(replace(diagnostic, fix=None) for diagnostic in diagnostics)
    # No name of Python's or of the runtime's begins like this.
    names = {name: f"given_{number}" for number, name in enumerate(kinds)}
    bindings = {names[name]: _bound(values.get(name), kind, name) for name, kind in kinds.items()}
    if any(isinstance(kind, types.Table) for kind in _members(kinds.get("lookups"))):
        bindings["lookups"] = bindings[names["lookups"]]  # as generated code calls the tables
    lowered, module = typed.code, ModuleNeeds(tuple(bindings))
    python = PythonExpressions(names, module, Namer(tuple(bindings)))
    code = python.optional(lowered) if is_optional(lowered) else python.value(lowered)
    return Evaluated(_plain(_run(code, module, bindings), typed.type), typed.type)


def _members(kind: Type | None) -> Iterable[Type]:
    return kind.fields.values() if isinstance(kind, types.Object) else ()


def _run(code: str, module: ModuleNeeds, bindings: Mapping[str, object]) -> object:
    try:
        with exactly():
            return _evaluated(code, module, bindings)
    except ArithmeticError as error:
        raise beyond_counting(error) from None


def _evaluated(code: str, module: ModuleNeeds, bindings: Mapping[str, object]) -> object:
    namespace: dict[str, Any] = {}
    for line in (*module.import_lines, *map(str, module.constants)):
        exec(line, namespace)
    return eval(code, namespace | dict(bindings))


def read_types(names: Mapping[str, JsonValue], owner: str = "") -> dict[str, Type]:
    """Return types by name, of JSON as `read_type` takes it.

    A name with `?` behind it may be missing. Raises NotThatType for anything else.
    """
    found: dict[str, Type] = {}
    for name, words in names.items():
        plain = name.removesuffix("?")
        path = f"{owner}.{plain}" if owner else plain
        if plain in found:
            raise NotThatType(f"`{path}` is there twice, with `?` and without")
        kind = read_type(words, path)
        found[plain] = kind if plain == name else types.optional(kind)
    return found


def read_type(words: JsonValue, path: str) -> Type:
    """Return a type.

    It is `list(decimal)` or `string?` in words, an object of names and types for an object, a list
    of one type for a list. Raises NotThatType for others.
    """
    match words:
        case str():
            return _named_type(words)
        case dict():
            fields = read_types(words, path)
            return types.Object(path, fields)
        case [element]:
            return types.ListOf(read_type(element, f"{path}[]"))
        case _:
            raise NotThatType(f"the type of `{path}` is words, an object or a list of one type")


def _named_type(words: str) -> Type:
    known = {*get_args(types.ScalarName), "list", "map"}
    parts = _TYPE_NAME.findall(words)
    is_clean = "".join(parts) == words.replace(" ", "")
    unknown = [part for part in parts if part[0].isalpha() and part not in known]
    if not is_clean or unknown or not parts:
        raise NotThatType(f"`{words}` is not a type; types are like `string?`, `list(decimal)`")
    with suppress(ValueError):
        found = read_pattern(words)
        if _has_fit_keys(found):
            return found
    raise NotThatType(f"`{words}` is not a type")


def _has_fit_keys(kind: Type) -> bool:
    """Whether the maps in a type have keys that keys can be."""
    match kind:
        case types.Optional(inner) | types.ListOf(inner):
            return _has_fit_keys(inner)
        case types.MapOf(key, inner):
            return key in (types.STRING, types.INT, types.BOOL) and _has_fit_keys(inner)
        case _:
            return True


def type_of(value: JsonValue, name: str) -> Type:
    """Return the type that a JSON value shows; null shows a string that is missing.

    Raises NotThatType for lists whose elements have no type in common.
    """
    return _settled(_shown_type(value, name))


def _shown_type(value: JsonValue, name: str) -> Type:
    match value:
        case None:
            return types.NULL
        case bool():
            return types.BOOL
        case int():
            return types.INT
        case Decimal():
            return types.DECIMAL
        case str():
            return types.STRING
        case list():
            return types.ListOf(_element_type(value, f"{name}[]"))
        case dict():
            fields = {key: _shown_type(of, member_path(name, key)) for key, of in value.items()}
            return types.Object(name, fields)


def _element_type(rows: list[JsonValue], name: str) -> Type:
    element: Type = types.ERROR
    for row in rows:
        kind = _shown_type(row, name)
        both = _merged(element, kind)
        if both is None:
            shown = f"{_settled(element)}, {_settled(kind)}"
            raise NotThatType(f"`{name}` has elements of different types: {shown}")
        element = both
    return element


def _merged(left: Type, right: Type) -> Type | None:
    """Return the type of rows that may lack members of each other, None where there is none."""
    match left, right:
        case (types.Optional(), _) | (_, types.Optional()):
            inner = _merged(types.present(left), types.present(right))
            return None if inner is None else types.optional(inner)
        case types.ListOf(one), types.ListOf(other):
            element = _merged(one, other)
            return None if element is None else types.ListOf(element)
        case types.Object(name, mine), types.Object(_, theirs):
            fields: dict[str, Type] = {}
            for key in dict.fromkeys((*mine, *theirs)):
                both = _merged(mine.get(key, types.NULL), theirs.get(key, types.NULL))
                if both is None:
                    return None
                fields[key] = both
            return types.Object(name, fields)
        case _:
            return types.join(left, right)


def _settled(kind: Type) -> Type:
    """Return a type in which what was only null, or never there, is a string, maybe missing."""
    match kind:
        case types.ListOf(element):
            return types.ListOf(_settled(element))
        case types.Object(name, fields):
            return types.Object(name, {key: _settled(of) for key, of in fields.items()})
        case types.Optional(of):
            return types.optional(_settled(of))
        case types.ErrorType():
            return types.STRING
        case _:
            return types.optional(types.STRING) if kind == types.NULL else kind


def _bound(value: Any, kind: Type, path: str) -> object:
    """Return a JSON value as the running code has it."""
    if isinstance(kind, types.Table) or present(kind) == types.ERROR:
        return value  # of what has no type nothing is read
    if value is None:
        if isinstance(kind, types.Optional) or kind == types.NULL:
            return None
        raise NotThatType(f"`{path}` is {kind} and has no value")
    match types.present(kind), value:
        case types.ListOf(element), list():
            return [_bound(row, element, f"{path}[{at}]") for at, row in enumerate(value)]
        case types.MapOf(key, inner), dict():
            return {
                _key(name, key, path): _bound(each, inner, member_path(path, name))
                for name, each in value.items()
            }
        case types.Object(fields=fields), dict():
            attributes = attribute_names(tuple(fields))
            members = {
                attributes[key]: _bound(value.get(key), inner, member_path(path, key))
                for key, inner in fields.items()
            }
            return SimpleNamespace(**members)
        case types.Scalar(name), _:
            return _scalar(value, name, path)
        case _:
            raise NotThatType(f"`{path}` is not {kind}")


def _key(name: str, kind: Type, path: str) -> object:
    """Return a map's key: JSON has it as text."""
    try:
        match str(kind):
            case "int":
                return int(name)
            case "bool":
                return {"true": True, "false": False}[name]
            case _:
                return name
    except (ValueError, KeyError):
        raise NotThatType(f"the key `{name}` of `{path}` is not {kind}") from None


def _scalar(value: JsonValue, name: str, path: str) -> object:
    with suppress(ValueError, ArithmeticError):
        match name, value:
            case "bool", bool():
                return value
            case "int", int() if not isinstance(value, bool):
                return value
            case "decimal", str() | int() | Decimal() if not isinstance(value, bool):
                number = Decimal(value)
                if number.is_finite():
                    return number
            case "string", str():
                return value
            case "date", str():
                return date.fromisoformat(value)
            case "timestamp", str() if datetime.fromisoformat(value).tzinfo is not None:
                return datetime.fromisoformat(value)
            case "timezone", str():
                return zone_of(value)
            case "duration", int() | Decimal() if not isinstance(value, bool):
                return timedelta(seconds=float(value))
    raise NotThatType(f"`{path}` is no {name}")


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
            return {_key_text(key): _plain(each, inner) for key, each in value.items()}
        case types.Object(fields=fields):
            attributes = attribute_names(tuple(fields))
            return {
                key: _plain(getattr(value, attributes[key]), inner) for key, inner in fields.items()
            }
        case _:
            return _plain_scalar(value)


def _key_text(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _plain_scalar(value: object) -> JsonValue:
    match value:
        case str() | bool() | int() | Decimal():
            return value
        case datetime():
            return timestamp_text(value)
        case date():
            return value.isoformat()
        case timedelta():
            return Decimal(value // timedelta(microseconds=1)).scaleb(-6).normalize()
        case _:
            return str(value)
