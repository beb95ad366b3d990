"""The Python that expressions become: how it reads, what it gives, that tools accept it."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import black
import pytest

from mapgen.emit.python.expression import ModuleNeeds, Namer, PythonExpressions
from mapgen.ir.expression import attribute_name, is_optional
from mapgen.ir.names import singular
from mapgen.ir.types import DECIMAL, STRING, Optional
from mapgen.runtime.errors import RuleError
from tests.typed import untyped

from .language import CLASSES, SCOPE, check, emit, order, run

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = CLASSES["settings"](
    store="S1", order_zone=ZoneInfo("America/New_York"), guest="GUEST", factor=Decimal("1.1")
)


def value(words: str, **changes: Any) -> Any:
    """Return what an expression gives for an order with the given fields changed."""
    remark = changes.pop("remark", None)
    given = {"order": order(**changes), "settings": SETTINGS, "remark": remark}
    return run(words, given | {"freight": Decimal("5.00")})


def address(**changes: Any) -> Any:
    whole = {"city": "Springfield", "province_code": "IL", "zip": "62701", "odd_name": "x"}
    return CLASSES["address"](**(whole | changes))


def customer(**changes: Any) -> Any:
    return CLASSES["customer"](**({"id": 7, "email": "ada@example.com"} | changes))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("order.currency", "order.currency", id="field"),
        pytest.param("order.class", "order.class_", id="keyword"),
        pytest.param(
            "string(order.id) + '-' + settings.store",
            'f"{order.id}-{settings.store}"',
            id="f-string",
        ),
        pytest.param("order.name + order.currency", "order.name + order.currency", id="two texts"),
        pytest.param("'{' + order.name + '}\"'", "f'{{{order.name}}}\"'", id="braces and quotes"),
        pytest.param(
            "'a' + order.name.replace('_', '-')",
            "f\"a{order.name.replace('_', '-')}\"",
            id="quotes inside",
        ),
        pytest.param(
            "'a' + order.name.replace('\\'', '-')",
            '"a" + order.name.replace("\'", "-")',
            id="quotes of both kinds inside",
        ),
        pytest.param(
            "string(order.total_price) + ' USD'", 'f"{order.total_price:f} USD"', id="amount"
        ),
        pytest.param("order.po_number", "order.po_number", id="optional field"),
        pytest.param("order.?po_number.orValue('')", 'order.po_number or ""', id="empty default"),
        pytest.param(
            "order.?po_number.orValue('-')",
            'order.po_number if order.po_number is not None else "-"',
            id="default",
        ),
        pytest.param(
            "order.?discount.orValue(0)",
            "order.discount if order.discount is not None else ZERO",
            id="an amount of zero is not empty",
        ),
        pytest.param(
            "order.?customer.id",
            "order.customer.id if order.customer is not None else None",
            id="chain",
        ),
        pytest.param(
            "order.?customer.email",
            "order.customer.email if order.customer is not None else None",
            id="chain to an optional field",
        ),
        pytest.param(
            "order.?customer.email.trim()",
            "trimmed(order.customer.email) if order.customer is not None "
            "and order.customer.email is not None else None",
            id="chain to a method",
        ),
        pytest.param(
            "nonBlank(order.po_number).orValue('-')",
            'non_blank(order.po_number) or "-"',
            id="non-blank text is true",
        ),
        pytest.param(
            "order.?customer.?default_address == null",
            "order.customer is None or order.customer.default_address is None",
            id="missing",
        ),
        pytest.param(
            "has(order.customer) && order.customer.id > 5",
            "order.customer is not None and order.customer.id > 5",
            id="narrowed",
        ),
        pytest.param(
            "order.currency == 'USD' || order.currency == 'CAD'",
            'order.currency in ("USD", "CAD")',
            id="one of",
        ),
        pytest.param(
            "order.currency != 'USD' && order.currency != 'CAD'",
            'order.currency not in ("USD", "CAD")',
            id="none of",
        ),
        pytest.param("order.currency in ['USD']", 'order.currency in ("USD",)', id="in one"),
        pytest.param(
            "order.name.startsWith('a') || order.name.startsWith('b')",
            'order.name.startswith(("a", "b"))',
            id="beginnings",
        ),
        pytest.param("'USD' == order.currency", 'order.currency == "USD"', id="constant last"),
        pytest.param("10 < order.id", "order.id > 10", id="constant last, turned round"),
        pytest.param("order.test == false", "not order.test", id="bool compared"),
        pytest.param("!(order.id > 5)", "not order.id > 5", id="not a comparison"),
        pytest.param("!(order.id == 5)", "order.id != 5", id="not equal"),
        pytest.param("!order.name.contains('x')", '"x" not in order.name', id="not in"),
        pytest.param("order.id - (order.id - 1)", "order.id - (order.id - 1)", id="brackets kept"),
        pytest.param("(order.id - 1) - 1", "order.id - 1 - 1", id="brackets dropped"),
        pytest.param("-(order.total_price + 1) * 2", "-(order.total_price + 1) * 2", id="negative"),
        pytest.param(
            "(order.test ? 1 : 2) + 1", "(1 if order.test else 2) + 1", id="choice in a sum"
        ),
        pytest.param(
            "(order.name + 'x').trim()", 'trimmed(f"{order.name}x")', id="method of a text"
        ),
        pytest.param(
            "(order.name + order.name).trim()",
            "trimmed(order.name + order.name)",
            id="method of a sum",
        ),
        pytest.param(
            "(order.total_price / 3).round(2)",
            "round_half_up(divided(order.total_price, 3), 2)",
            id="division by a number",
        ),
        pytest.param(
            "(order.total_price / order.id).round(2)",
            "round_half_up(divided(order.total_price, order.id), 2)",
            id="division by what may be zero",
        ),
        pytest.param(
            "order.line_items.map(l, l.price * l.quantity).sum()",
            "total([item.price * item.quantity for item in order.line_items])",
            id="sum",
        ),
        pytest.param(
            "order.line_items.filter(l, l.quantity > 1).map(l, l.title)",
            "[item.title for item in order.line_items if item.quantity > 1]",
            id="map of a filter",
        ),
        pytest.param(
            "order.line_items.exists(l, l.tags.exists(t, t == 'gift'))",
            'any(any(tag == "gift" for tag in item.tags) for item in order.line_items)',
            id="exists in exists",
        ),
        pytest.param(
            "order.line_items.exists_one(l, l.quantity == 1)",
            "sum(1 for item in order.line_items if item.quantity == 1) == 1",
            id="exists_one",
        ),
        pytest.param(
            "order.line_items.map(l, l.?sku.trim().orValue('?'))",
            '[trimmed(item.sku) if item.sku is not None else "?" for item in order.line_items]',
            id="chain in a loop",
        ),
        pytest.param(
            "order.line_items.map(l, nonBlank(l.sku).optMap(s, s + s).orValue('?'))",
            '[sku + sku if (sku := non_blank(item.sku)) is not None else "?" '
            "for item in order.line_items]",
            id="name bound in a loop",
        ),
        pytest.param(
            "nonBlank(remark).optMap(r, r.split(',')).orValue(['x']).map(s, s.trim())",
            "[trimmed(s) for s in value_or(when_present(non_blank(remark), "
            'lambda r: r.split(",")), lambda: ["x"])]',
            id="no name where a loop begins",
        ),
        pytest.param(
            "cel.bind(n, order.name.trim(), n + '/' + n)",
            '(n := trimmed(order.name), f"{n}/{n}")[1]',
            id="bound",
        ),
        pytest.param(
            "cel.bind(n, order.name.trim(), [n, n]).map(s, s + '!')",
            '[f"{s}!" for s in bound(trimmed(order.name), lambda n: [n, n])]',
            id="bound where a loop begins",
        ),
        pytest.param(
            "cel.bind(note, order.po_number, note == null ? order.name : note)",
            "order.po_number if order.po_number is not None else order.name",
            id="a path bound",
        ),
        pytest.param(
            "order.line_items.sortBy(l, l.price).map(l, l.title)",
            "[item.title for item in sorted(order.line_items, key=lambda item: item.price)]",
            id="sorted",
        ),
        pytest.param(
            "order.line_items.groupBy(l, l.title).map(g, g.rows.map(r, r.quantity).sum())",
            "[sum(row.quantity for row in group.rows) for group in "
            "grouped(order.line_items, lambda item: item.title)]",
            id="grouped",
        ),
        pytest.param(
            "decimal(lookups.units[?order.name].orValue('1'))",
            'parse_decimal(lookups.units.get(order.name, "1"))',
            id="looked up, or else",
        ),
        pytest.param(
            "lookups.units[?string(order.id)].orValue(order.name.substring(2))",
            "unit if (unit := lookups.units.get(str(order.id))) is not None "
            "else substring(order.name, 2)",
            id="looked up, or else what may fail",
        ),
        pytest.param(
            "lookups.taxes[?[order.name, order.currency]]",
            "lookups.taxes.get((order.name, order.currency))",
            id="looked up by two columns",
        ),
        pytest.param(
            "lookups.sizes[?order.name]", "SIZES.get(order.name)", id="looked up in the module"
        ),
        pytest.param(
            "order.line_items.map(l, lookups.units[?l.title]).unwrapOpt()",
            "present(lookups.units.get(item.title) for item in order.line_items)",
            id="each looked up",
        ),
        pytest.param(
            "order.line_items.filter(l, l.quantity > 1).groupBy(l, l.title).size()",
            "len(grouped((item for item in order.line_items if item.quantity > 1), "
            "lambda item: item.title))",
            id="grouped what is left over",
        ),
        pytest.param(
            "order.line_items.transformList(i, l, string(i + 1) + l.title)",
            '[f"{i + 1}{item.title}" for i, item in enumerate(order.line_items)]',
            id="numbered",
        ),
        pytest.param("order.tags.map(t, t)", "order.tags", id="map to itself"),
        pytest.param(
            "order.tags.first().orValue('-')", 'order.tags[0] if order.tags else "-"', id="first"
        ),
        pytest.param(
            "order.tags + ['x'] + order.tags", '[*order.tags, "x", *order.tags]', id="lists"
        ),
        pytest.param(
            "[order.name, ?order.po_number].join(' ')",
            '" ".join(present([order.name, order.po_number]))',
            id="optional element",
        ),
        pytest.param(
            "order.test ? order.id : order.total_price",
            "Decimal(order.id) if order.test else order.total_price",
            id="widened",
        ),
        pytest.param(
            "order.name.matches('^#[0-9]+$')",
            "PATTERN.is_in(order.name)",
            id="pattern",
        ),
        pytest.param(
            "date(order.created_at, 'Europe/Berlin')",
            "order.created_at.astimezone(EUROPE_BERLIN).date()",
            id="zone",
        ),
        pytest.param(
            "order.line_items.map(list, list.quantity)",
            "[list_value.quantity for list_value in order.line_items]",
            id="builtin's name",
        ),
        pytest.param("order.tags.map(settings_, settings_)", "order.tags", id="near a taken name"),
    ],
)
def test_shape(words: str, expected: str) -> None:
    """Emitted code looks as if a careful colleague had written it."""
    assert emit(words) == expected


@pytest.mark.parametrize(
    ("words", "changes", "expected"),
    [
        ("order.?customer.id", {}, None),
        ("order.?customer.id", {"customer": customer()}, 7),
        ("order.?customer.email.trim().size()", {"customer": customer(email=" a ")}, 1),
        ("order.?customer.email.trim().size()", {"customer": customer(email=None)}, None),
        ("order.?customer.?default_address.city", {"customer": customer()}, None),
        (
            "order.?customer.?default_address.province_code.orValue('-')",
            {"customer": customer(default_address=address())},
            "IL",
        ),
        (
            "has(order.?customer.email) ? order.customer.email : settings.guest",
            {"customer": customer(email=None)},
            "GUEST",
        ),
        (
            "coalesce(nonBlank(order.po_number), order.?customer.email, 'z')",
            {"po_number": " "},
            "z",
        ),
        (
            "coalesce(nonBlank(order.po_number), order.?customer.email, 'z')",
            {"po_number": " ", "customer": customer()},
            "ada@example.com",
        ),
        ("order.po_number.or(remark)", {"remark": "r"}, "r"),
        ("order.po_number.or(remark).orValue('-')", {}, "-"),
        ("(order.test ? order.po_number : null).orValue('-')", {"po_number": "P"}, "-"),
        ("order.codes.first()", {"codes": [None, "A"]}, None),
        ("order.tags.first() != null", {"tags": []}, False),
        ("order.line_items.first().?sku == null", {"line_items": []}, True),
        ("order.line_items.first().?sku != null", {"line_items": []}, False),
        (
            "!(order.customer == null || order.test || order.po_number != null)",
            {"po_number": "P"},
            False,
        ),
        ("order.codes.first().orValue('-')", {"codes": [None, "A"]}, "-"),
        ("order.codes.unwrapOpt().size()", {}, 1),
        ("[order.po_number, ?remark].size()", {}, 1),
        ("order.line_items.map(l, l.tax_rate)", {}, [None, Decimal("0.08")]),
        ("order.line_items.map(l, has(l.tax_rate), l.tax_rate).sum()", {}, Decimal("0.08")),
        ("order.line_items.filter(l, l.price > 50.0).map(l, l.price).sum()", {}, Decimal(0)),
        ("order.line_items.filter(l, l.price > 50.0).map(l, l.price).max()", {}, None),
        (
            "order.attributes.?size.orValue('M') + order.attributes.?color.orValue('red')",
            {},
            "Lred",
        ),
        ("has(order.attributes.color) || 'size' in order.attributes", {}, True),
        ("date(order.created_at, settings.order_zone).day()", {}, 1),
        ("date(order.created_at, 'Europe/Berlin').day()", {}, 2),
        ("order.line_items.all(l, l.quantity > 0) && !order.test", {}, True),
        ("order.?notes.map(n, n.trim())", {"notes": [" a "]}, ["a"]),
        ("order.?notes.exists(n, n == 'x').orValue(false)", {}, False),
        ("order.id in [1001, 1002] ? 'x' : 'y'", {}, "x"),
        ("order.total_price == 42", {}, True),
        ("order.total_price / 8 * -1", {}, Decimal("-5.25")),
        ("{'a': order.id, ?'b': order.?customer.id}", {}, {"a": 1001}),
        ("order.line_items[1].title + order.line_items[?5].title.orValue('!')", {}, "Gift card!"),
        ("cel.bind(n, nonBlank(order.po_number), n == null ? 'x' : n + n)", {}, "x"),
        (
            "cel.bind(n, nonBlank(order.po_number), n.optMap(p, p + p)).orValue('x')",
            {"po_number": " P "},
            "PP",
        ),
        ("cel.bind(a, order.id + 1, cel.bind(b, a * 2, [a, b].map(n, n + a))).sum()", {}, 5010),
        ("order.line_items.map(l, cel.bind(n, l.quantity + 1, n * n))[0]", {}, 9),
        (
            "cel.bind(value, nonBlank(order.po_number), nonBlank(value).orValue('x') + 'y')",
            {"po_number": " P "},
            "Py",
        ),
        ("cel.bind(n, order.id, n > 5 ? n : order.total_price)", {}, Decimal(1001)),
        ("math.round(order.total_price / 5)", {}, Decimal(8)),
        ("math.floor(-order.total_price / 5)", {}, Decimal(-9)),
        ("[].map(x, x.trim().size())", {}, []),
        ("[].map(x, x[0] + x.orValue('a'))", {}, []),
    ],
)
def test_value(words: str, changes: dict[str, Any], expected: object) -> None:
    """Emitted code gives the value that the language promises."""
    found = value(words, **changes)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("order.line_items[5].title", "R202"),
        ("order.attributes.color", "R203"),
        ("order.po_number.value()", "R201"),
        ("(order.total_price / (order.id - 1001)).round(2)", "R210"),
        ("int(order.name)", "R207"),
        ("order.name.substring(99)", "R205"),
        ("cel.bind(text, order.name.substring(99), order.id)", "R205"),
    ],
)
def test_error(words: str, code: str) -> None:
    """What a record makes impossible is a RuleError of that record, with its code."""
    with pytest.raises(RuleError) as caught:
        value(words)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "words",
    [
        "order.test ? int(order.name) : 1",
        "order.test && int(order.name) > 1",
        "!order.test || int(order.name) > 1",
        "order.tags.first().orValue(order.name.substring(99))",
        "coalesce(nonBlank('a'), order.line_items[9].title)",
        "nonBlank('a').optMap(s, s.split(',')).orValue([order.name.substring(99)]).map(s, s)",
        "[1].filter(n, n > 1).map(n, order.line_items[9].quantity).sum()",
    ],
)
def test_lazy(words: str) -> None:
    """What is not needed is not evaluated: it cannot fail."""
    assert value(words) is not None


def test_constants_are_hoisted() -> None:
    """Patterns, amounts, zones and known instants are made once, under telling names."""
    module = ModuleNeeds()
    namer = Namer()
    python = PythonExpressions({name: name for name in SCOPE.bindings}, module, namer)
    for words in (
        "order.total_price * 1.08 - 0.5 + 1.08",
        "order.name.matches('^a$') || order.name.matches('b') || order.name.matches('^a$')",
        "date(order.created_at, 'Europe/Berlin') == date('2024-01-01')",
        "order.created_at > timestamp('2024-01-01T00:00:00Z')",
    ):
        python.value(check(words).code)
    assert list(map(str, module.constants)) == [
        'DECIMAL_1_08 = Decimal("1.08")',
        'DECIMAL_0_5 = Decimal("0.5")',
        'PATTERN = Pattern("^a$")',
        'PATTERN_2 = Pattern("b")',
        'EUROPE_BERLIN = ZoneInfo("Europe/Berlin")',
        'DATE_2024_01_01 = parse_date("2024-01-01")',
        'TIMESTAMP_2024_01_01T00_00_00Z = parse_timestamp("2024-01-01T00:00:00Z")',
    ]
    assert module.import_lines == (
        "from decimal import Decimal",
        "from zoneinfo import ZoneInfo",
        "from mapgen.runtime.functions import parse_date, parse_timestamp",
        "from mapgen.runtime.patterns import Pattern",
    )


def test_an_empty_list_beside_a_name() -> None:
    """What is nothing but empty says its type where a name is bound around it."""
    assert emit("cel.bind(v, order.tags.map(t, t + '!'), [])").endswith("list[Any]())[1]")


def test_wanted_type() -> None:
    """A value takes on the type that its place wants."""
    assert emit("order.id", wanted=DECIMAL) == "Decimal(order.id)"
    assert emit("5", wanted=DECIMAL) == "DECIMAL_5"
    assert emit("order.name", wanted=Optional(STRING)) == "order.name"
    assert emit("order.?customer.id", wanted=Optional(DECIMAL)) == (
        "Decimal(order.customer.id) if order.customer is not None else None"
    )


@pytest.mark.parametrize(
    ("words", "guards", "expected"),
    [
        ("order.po_number", ("order.po_number is not None",), "order.po_number"),
        ("order.?customer.id", ("order.customer is not None",), "order.customer.id"),
        (
            "order.?customer.email.trim()",
            ("order.customer is not None", "order.customer.email is not None"),
            "trimmed(order.customer.email)",
        ),
        (
            "nonBlank(order.po_number)",
            ("(po_number := non_blank(order.po_number)) is not None",),
            "po_number",
        ),
        (
            "order.test ? order.po_number : null",
            ("order.test", "order.po_number is not None"),
            "order.po_number",
        ),
        (
            "order.line_items.first().?sku",
            ("order.line_items", "order.line_items[0].sku is not None"),
            "order.line_items[0].sku",
        ),
        ("order.name", (), "order.name"),
    ],
)
def test_guarded(words: str, guards: tuple[str, ...], expected: str) -> None:
    """A value that may be missing comes with what has to hold for it, in order."""
    module, namer = ModuleNeeds(), Namer(tuple(SCOPE.bindings))
    python = PythonExpressions({name: name for name in SCOPE.bindings}, module, namer)
    guarded = python.guarded(check(words).code)
    assert (guarded.guards, guarded.value) == (guards, expected)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("sku", "sku"),
        ("AmazonOrderId", "amazon_order_id"),
        ("lineItems", "line_items"),
        ("IOSSNumber", "ioss_number"),
        ("odd name", "odd_name"),
        ("class", "class_"),
        ("2nd", "field_2nd"),
        ("grün", "grun"),
        ("@", "field"),
        ("True", "true"),
    ],
)
def test_attribute_name(key: str, expected: str) -> None:
    """A JSON key becomes a Python identifier."""
    assert attribute_name(key) == expected


def test_names_never_collide() -> None:
    """A namer hands out each name once, across the scopes inside, and no word of Python."""
    namer = Namer(("order",))
    inner = namer.inner()
    found = [namer.name("order"), inner.name("order"), inner.outermost("sku"), namer.name("sku")]
    assert found == ["order_2", "order_3", "sku", "sku_2"]
    assert [namer.name(word) for word in ("class", "l", "list", "Order Total")] == [
        "class_value",
        "value",
        "list_value",
        "order_total",
    ]


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("line_items", "line_item"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("companies", "company"),
        ("status", "status"),
        ("address", "address"),
        ("analysis", "analysis"),
    ],
)
def test_singular(plural: str, expected: str) -> None:
    """Elements are called after their list."""
    assert singular(plural) == expected


def cases() -> list[str]:
    """Return all expressions of this file's tables."""
    found = []
    for test in (test_shape, test_value, test_guarded, test_error, test_lazy):
        marks = getattr(test, "pytestmark", [])
        for mark in marks:
            for case in mark.args[1]:
                values = getattr(case, "values", case)
                found.append(values if isinstance(values, str) else values[0])
    return found


STUB = '''"""A module of emitted expressions, for the tools to read."""

from __future__ import annotations

{imports}

from .classes import Lookups, Order, Settings

{constants}
'''
TYPES = {
    "string": "str",
    "int": "int",
    "decimal": "Decimal",
    "bool": "bool",
    "date": "date",
    "timestamp": "datetime",
    "duration": "timedelta",
    "list": "list",
    "map": "dict",
}


def annotation(of: str) -> str:
    """Return the Python annotation for a type's words."""
    if of.endswith("?"):
        return f"{annotation(of[:-1])} | None"
    if of.startswith("list("):
        return f"list[{annotation(of[5:-1])}]"
    if of.startswith("map("):
        key, value = of[4:-1].split(", ", 1)
        return f"dict[{annotation(key)}, {annotation(value)}]"
    return TYPES.get(of, "object")


def module_of(expressions: list[str]) -> str:
    """Return a module with one function for each expression."""
    needs = ModuleNeeds(tuple(SCOPE.bindings))
    needs.name("decimal", "Decimal")
    for name in ("date", "datetime", "timedelta"):
        needs.name("datetime", name)
    functions = []
    for number, words in enumerate(expressions):
        lowered = check(words).code
        python = PythonExpressions(
            {name: name for name in SCOPE.bindings}, needs, Namer(tuple(SCOPE.bindings))
        )
        text = python.optional(lowered) if is_optional(lowered) else python.value(lowered)
        functions.append(
            f"def value_{number}(\n    order: Order, settings: Settings, freight: Decimal, "
            f"remark: str | None, lookups: Lookups\n) -> {annotation(str(lowered.type))}:\n"
            f"    return {text}\n"
        )
    constants = "\n".join(map(str, needs.constants))
    imports = "\n".join(needs.import_lines)
    whole = STUB.format(imports=imports, constants=constants) + "\n\n" + "\n\n".join(functions)
    return black.format_str(whole, mode=black.Mode(line_length=100))


CLASSES_STUB = '''"""The classes that the expressions read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec


class Address(msgspec.Struct):
    city: str
    province_code: str | None
    zip: str | None
    odd_name: str


class Customer(msgspec.Struct):
    id: int
    email: str | None
    default_address: Address | None


class Allocation(msgspec.Struct):
    amount: Decimal


class LineItem(msgspec.Struct):
    sku: str | None
    title: str
    quantity: int
    price: Decimal
    tax_rate: Decimal | None
    discount_allocations: list[Allocation]
    tags: list[str]


class Order(msgspec.Struct):
    id: int
    name: str
    currency: str
    po_number: str | None
    test: bool
    total_price: Decimal
    discount: Decimal | None
    created_at: datetime
    due: date | None
    customer: Customer | None
    shipping_address: Address | None
    line_items: list[LineItem]
    tags: list[str]
    codes: list[str | None]
    attributes: dict[str, str]
    class_: str
    notes: list[str] | None


class Settings(msgspec.Struct):
    store: str
    order_zone: ZoneInfo
    guest: str
    factor: Decimal


class Lookups(msgspec.Struct):
    units: Mapping[str, str]
    taxes: Mapping[tuple[str, str], str]
'''


def test_tools_accept(tmp_path: Path) -> None:
    """Emitted code passes mypy --strict, ruff with the project's rules, and black."""
    from mapgen.expression.functions import FORMS, FUNCTIONS

    examples = [
        words
        for row in (*FUNCTIONS, *FORMS)
        for example in row.examples
        for words in (example.expression, example.gives)
        if words not in ("null", "[]")
    ]
    package = tmp_path / "emitted"
    package.mkdir()
    (package / "__init__.py").write_text('"""Emitted."""\n', encoding="utf-8")
    (package / "classes.py").write_text(CLASSES_STUB, encoding="utf-8")
    (package / "expressions.py").write_text(module_of(cases()), encoding="utf-8")
    (package / "examples.py").write_text(module_of(examples), encoding="utf-8")
    config = ROOT / "pyproject.toml"
    assert untyped(tmp_path, "emitted/*.py") == []
    ruff = ("ruff", "check", "--no-cache", "--config", str(config))
    done = subprocess.run(
        [sys.executable, "-m", *ruff, "--ignore", "I001,F401,ARG001,SIM905", "emitted"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_map_is_gone_over_by_its_keys() -> None:
    """What gives each element as it is gives the keys of a map: a list, as CEL has it."""
    assert value("order.attributes.map(k, k)", attributes={"gift": "no", "b": "1"}) == ["gift", "b"]
    assert value("order.attributes.map(k, k)[?1]", attributes={"gift": "no"}) is None
