"""An expression's text comes in; its type, its Python and its value go out, or its messages."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from mapgen.emit.python.expression import ModuleNeeds, Namer, PythonExpressions
from mapgen.expression import Binding, Scope, Typed, at, compile_expression
from mapgen.ir.deciding import Known
from mapgen.ir.expression import Expression, is_optional
from mapgen.ir.types import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    STRING,
    TIMESTAMP,
    TIMEZONE,
    ListOf,
    MapOf,
    Object,
    Optional,
    Table,
    Type,
)
from mapgen.report import Diagnostic, Text

ADDRESS = Object(
    "address",
    {
        "city": STRING,
        "province_code": Optional(STRING),
        "zip": Optional(STRING),
        "odd name": STRING,
    },
)
CUSTOMER = Object(
    "customer",
    {"id": INT, "email": Optional(STRING), "default_address": Optional(ADDRESS)},
)
ALLOCATION = Object("allocation", {"amount": DECIMAL})
LINE = Object(
    "line_item",
    {
        "sku": Optional(STRING),
        "title": STRING,
        "quantity": INT,
        "price": DECIMAL,
        "tax_rate": Optional(DECIMAL),
        "discount_allocations": ListOf(ALLOCATION),
        "tags": ListOf(STRING),
    },
)
ORDER = Object(
    "order",
    {
        "id": INT,
        "name": STRING,
        "currency": STRING,
        "po_number": Optional(STRING),
        "test": BOOL,
        "total_price": DECIMAL,
        "discount": Optional(DECIMAL),
        "created_at": TIMESTAMP,
        "due": Optional(DATE),
        "customer": Optional(CUSTOMER),
        "shipping_address": Optional(ADDRESS),
        "line_items": ListOf(LINE),
        "tags": ListOf(STRING),
        "codes": ListOf(Optional(STRING)),
        "attributes": MapOf(STRING, STRING),
        "class": STRING,
        "notes": Optional(ListOf(STRING)),
    },
)
SETTINGS = Object(
    "settings", {"store": STRING, "order_zone": TIMEZONE, "guest": STRING, "factor": DECIMAL}
)
SCOPE = Scope(
    {
        "order": Binding(ORDER, at("order")),
        "settings": Binding(SETTINGS),
        "freight": Binding(DECIMAL),
        "remark": Binding(Optional(STRING)),
        "lookups": Binding(
            Object(
                "lookups",
                {
                    "units": Table("units", ()),
                    "taxes": Table("taxes", ("code", "place")),
                    "sizes": Table("sizes", (), (("S", "small"), ("L", "large"))),
                },
            )
        ),
    }
)
NAMES = {name: name for name in SCOPE.bindings}


def check(words: str, scope: Scope = SCOPE) -> Typed:
    """Return the checked expression; fail with its messages."""
    diagnostics: list[Diagnostic] = []
    typed = compile_expression(Text.plain(words), scope, diagnostics)
    assert typed is not None, [(diagnostic.code, diagnostic.message) for diagnostic in diagnostics]
    return typed


def messages(words: str, scope: Scope = SCOPE) -> list[str]:
    """Return what is said about an expression: `code line:column [words]: message | help`."""
    diagnostics: list[Diagnostic] = []
    typed = compile_expression(Text.plain(words), scope, diagnostics)
    assert (typed is None) == bool(diagnostics)
    shown = []
    for diagnostic in diagnostics:
        assert diagnostic.label is not None
        span = diagnostic.label.span
        place = f"{span.line}:{span.column}"
        blamed = words[span.start : span.end]
        tail = f" | {diagnostic.help}" if diagnostic.help else ""
        shown.append(f"{diagnostic.code} {place} [{blamed}]: {diagnostic.message}{tail}")
    return shown


def emit(words: str, scope: Scope = SCOPE, wanted: Type | None = None) -> str:
    """Return the Python of an expression."""
    return _emitted(words, scope, wanted)[0]


def emit_told(words: str, condition: str, *, holds: bool, scope: Scope = SCOPE) -> str:
    """Return the Python of an expression where a condition is known to hold, or not to."""
    return _python(told(words, condition, holds=holds, scope=scope), scope)[0]


def told(words: str, condition: str, *, holds: bool, scope: Scope = SCOPE) -> Expression:
    """Return the ir of an expression where a condition is known to hold, or not to."""
    known = Known().reported_by(check(condition, scope).code, holds=holds).lasting()
    return known.decided(check(words, scope).code)


def _emitted(words: str, scope: Scope, wanted: Type | None) -> tuple[str, ModuleNeeds]:
    typed = check(words, scope)
    return _python(typed.as_type(wanted or typed.type), scope)


def _python(lowered: Expression, scope: Scope) -> tuple[str, ModuleNeeds]:
    module = ModuleNeeds(tuple(scope.bindings))
    namer = Namer(tuple(scope.bindings))
    python = PythonExpressions({name: name for name in scope.bindings}, module, namer)
    text = python.optional(lowered) if is_optional(lowered) else python.value(lowered)
    return text, module


def run(words: str, values: Mapping[str, Any] | None = None, scope: Scope | None = None) -> Any:
    """Return the value of an expression by running its Python."""
    known = scope or (Scope({}) if values is None else SCOPE)
    return run_lowered(check(words, known).code, values, known)


def run_lowered(lowered: Expression, values: Mapping[str, Any] | None, scope: Scope) -> Any:
    """Return the value of the ir of an expression by running its Python."""
    text, module = _python(lowered, scope)
    namespace: dict[str, Any] = {}
    for line in (*module.import_lines, *map(str, module.constants)):
        exec(line, namespace)
    return eval(text, namespace | dict(values or {}))


def structs(*objects: Object) -> dict[str, type]:
    """Return a Struct class for each object, by its name."""
    made: dict[str, type] = {}

    def python(of: Type) -> Any:
        match of:
            case Optional(inner):
                return python(inner) | None
            case ListOf(element):
                return list[python(element)]  # type: ignore[misc]
            case MapOf(_, value):
                return dict[str, python(value)]  # type: ignore[misc]
            case Object():
                return struct(of)
            case _:
                return _PYTHON[str(of)]

    def struct(of: Object) -> type:
        if of.name not in made:
            members = []
            for key, kind in of.fields.items():
                plain = key.replace(" ", "_")
                name = f"{plain}_" if keyword.iskeyword(plain) else plain
                default = (None,) if isinstance(kind, Optional) else ()
                members.append((name, python(kind), *default))
            made[of.name] = msgspec.defstruct(of.name, members, kw_only=True)
        return made[of.name]

    for each in objects:
        struct(each)
    return made


_PYTHON: dict[str, Any] = {
    "string": str,
    "int": int,
    "decimal": Decimal,
    "bool": bool,
    "date": date,
    "timestamp": datetime,
    "timezone": Any,
}
CLASSES = structs(ORDER, SETTINGS)


def order(**changes: Any) -> Any:
    """Return an order with the given fields changed."""
    line = CLASSES["line_item"]
    allocation = CLASSES["allocation"]
    whole: dict[str, Any] = {
        "id": 1001,
        "name": "#1001",
        "currency": "USD",
        "test": False,
        "total_price": Decimal("42.00"),
        "created_at": datetime(2024, 5, 1, 23, 30, tzinfo=UTC),
        "line_items": [
            line(
                sku=" AB-1 ",
                title="Mug",
                quantity=2,
                price=Decimal("10.00"),
                discount_allocations=[allocation(amount=Decimal("1.50"))],
                tags=["gift"],
            ),
            line(
                sku=None,
                title="Gift card",
                quantity=1,
                price=Decimal("22.00"),
                tax_rate=Decimal("0.08"),
                discount_allocations=[],
                tags=[],
            ),
        ],
        "tags": ["b2b", "gift"],
        "codes": ["A", None],
        "attributes": {"size": "L"},
        "class_": "retail",
    }
    return CLASSES["order"](**(whole | changes))
