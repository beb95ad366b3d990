"""What an expression gives: its type, what it reads, whether it can fail in a record."""

from __future__ import annotations

import pytest

from mapgen.ir.types import (
    BOOL,
    DECIMAL,
    ERROR,
    INT,
    NULL,
    STRING,
    ListOf,
    MapOf,
    Object,
    Optional,
    Type,
    is_assignable,
    join,
    optional,
)

from .language import check


@pytest.mark.parametrize(
    "line",
    """
    order.id ~ int
    order.total_price ~ decimal
    order.po_number ~ string?
    order.?po_number ~ string?
    order.?customer ~ customer?
    order.?customer.id ~ int?
    order.?customer.?id ~ int?
    order.?customer.email ~ string?
    order.?customer.?default_address.city ~ string?
    order.?customer.default_address.province_code ~ string?
    order.shipping_address ~ address?
    order.line_items ~ list(line_item)
    order.line_items[0] ~ line_item
    order.line_items[?0] ~ line_item?
    order.line_items[?0].quantity ~ int?
    order.line_items[?0].discount_allocations[0].amount ~ decimal?
    order.attributes ~ map(string, string)
    order.attributes['size'] ~ string
    order.attributes.size ~ string
    order.attributes.?size ~ string?
    order.`class` ~ string
    order.?shipping_address.`odd name` ~ string?
    settings.order_zone ~ timezone
    remark ~ string?
    1 + 2 ~ int
    1 + 2.0 ~ decimal
    order.total_price * order.id ~ decimal
    order.total_price / 3 ~ decimal
    -order.id ~ int
    'a' + 'b' ~ string
    [1, 2.5] ~ list(decimal)
    [order.po_number, 'a'] ~ list(string?)
    [order.name, ?order.po_number] ~ list(string)
    {'a': 1, 'b': 2.5} ~ map(string, decimal)
    order.created_at + duration('1h') ~ timestamp
    order.created_at - order.created_at ~ duration
    order.created_at < timestamp('2024-01-01T00:00:00Z') ~ bool
    order.test ? 1 : 2.5 ~ decimal
    order.test ? 'a' : null ~ string?
    order.test ? order.po_number : 'a' ~ string?
    order.test ? null : null ~ null
    has(order.customer) ~ bool
    has(order.?customer.email) ~ bool
    has(order.customer) ? order.customer.id : 0 ~ int
    !has(order.customer) ? 0 : order.customer.id ~ int
    has(order.?customer.email) ? order.customer.email : 'a' ~ string
    has(order.customer) && order.customer.id > 0 ~ bool
    !has(order.customer) || order.customer.id > 0 ~ bool
    order.po_number != null ? order.po_number : 'a' ~ string
    null != order.po_number ? order.po_number : 'a' ~ string
    order.po_number == null ? 'a' : order.po_number.trim() ~ string
    order.po_number == null || order.po_number.size() > 3 ~ bool
    order.?po_number.hasValue() ? order.po_number : 'a' ~ string
    remark != null && remark.size() > 1 ~ bool
    (has(order.customer) && order.test) ? order.customer.id : 0 ~ int
    order.?customer.?default_address != null ? order.customer.default_address.city : '' ~ string
    order.?po_number.trim() ~ string?
    order.?po_number.trim().upperAscii() ~ string?
    order.?po_number.trim().size() ~ int?
    order.?po_number.before('-') ~ string?
    order.?notes.map(n, n.trim()) ~ list(string)?
    order.?notes.exists(n, n == 'x') ~ bool?
    order.?notes[0] ~ string?
    order.po_number.orValue('') ~ string
    order.?discount.orValue(0) ~ decimal
    order.?customer.id.orValue(0) ~ int
    order.?customer.id.orValue(0.5) ~ decimal
    order.po_number.or(remark) ~ string?
    order.po_number.or(remark).orValue('a') ~ string
    order.po_number.optMap(p, p.size()) ~ int?
    cel.bind(p, order.po_number, p) ~ string?
    cel.bind(p, order.po_number, p == null ? 0 : p.size()) ~ int
    cel.bind(l, order.line_items, l.map(i, i.price)).sum() ~ decimal
    order.po_number.optFlatMap(p, p.before('-')) ~ string?
    order.po_number.value() ~ string
    coalesce(order.po_number, remark, order.name) ~ string
    coalesce(order.po_number, remark) ~ string?
    coalesce(order.?customer.id, 1.5) ~ decimal
    nonBlank(order.po_number) ~ string?
    nonBlank(order.name) ~ string?
    optional.of(order.id) ~ int?
    optional.none() ~ null
    order.line_items.map(l, l.price) ~ list(decimal)
    order.line_items.map(l, l.sku) ~ list(string?)
    order.line_items.map(l, l.?sku.trim()) ~ list(string?)
    order.line_items.map(l, has(l.sku), l.sku) ~ list(string)
    order.line_items.map(l, l.price * l.quantity).sum() ~ decimal
    order.line_items.map(l, l.quantity).sum() ~ int
    order.line_items.map(l, l.price).max() ~ decimal?
    order.line_items.filter(l, l.quantity > 1) ~ list(line_item)
    order.codes.filter(c, c != null) ~ list(string)
    order.codes.unwrapOpt() ~ list(string)
    order.codes.size() ~ int
    order.codes.first() ~ string?
    order.line_items.first() ~ line_item?
    order.line_items.first().?sku ~ string?
    order.line_items.first().?title.trim() ~ string?
    order.line_items.sortBy(l, l.price) ~ list(line_item)
    order.line_items.groupBy(l, l.title) ~ list(group(string, line_item))
    order.line_items.groupBy(l, l.quantity).map(g, g.key) ~ list(int)
    order.line_items.groupBy(l, l.price).map(g, g.rows.map(l, l.?sku)) ~ list(list(string?))
    order.line_items.groupBy(l, has(l.sku)).first().?key ~ bool?
    order.?notes.groupBy(n, n.size()) ~ list(group(int, string))?
    lookups.units[?order.name] ~ string?
    lookups.units[?order.id].orValue('1') ~ string
    lookups.units[?order.name].or(lookups.sizes[?order.currency]) ~ string?
    lookups.taxes[?[order.name, order.currency]].hasValue() ~ bool
    lookups.units[?order.name].trim() ~ string?
    order.line_items.map(l, lookups.units[?l.title]).unwrapOpt() ~ list(string)
    order.po_number.optFlatMap(p, lookups.units[?p]) ~ string?
    order.line_items.transformList(i, l, i) ~ list(int)
    order.line_items.all(i, l, l.quantity > i) ~ bool
    order.attributes.map(k, k) ~ list(string)
    order.attributes.exists(k, v, v == 'L') ~ bool
    order.attributes.transformMap(k, v, v.size()) ~ map(string, int)
    order.line_items.map(l, l.tags).flatten() ~ list(string)
    order.tags + ['x'] ~ list(string)
    [] ~ list(unknown)
    order.tags + [] ~ list(string)
    'gift' in order.tags ~ bool
    'size' in order.attributes ~ bool
    date(order.created_at, settings.order_zone) ~ date
    date(order.created_at, 'Europe/Berlin').month() ~ int
    order.?due.formatDate('yyyy-MM-dd') ~ string?
    order.created_at.getHours('America/New_York') ~ int
    string(order.id) ~ string
    int('12') ~ int
    5.round(2) ~ decimal
    math.greatest(order.id, 2.5) ~ decimal
    1999.minorUnits(order.currency) ~ decimal
    """.strip().splitlines(),
    ids=str.strip,
)
def test_type(line: str) -> None:
    """Every expression has one type, known before a record comes."""
    words, _, expected = line.strip().rpartition(" ~ ")
    assert str(check(words).type) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("order.name", ("order.name",), id="a field"),
        pytest.param("settings.store + order.name", ("order.name",), id="settings are not read"),
        pytest.param("freight + 1.0", (), id="a let is not read"),
        pytest.param(
            "order.name + order.currency + order.name",
            ("order.name", "order.currency"),
            id="first use, once",
        ),
        pytest.param("order.?customer.id", ("order.customer.id",), id="longest path"),
        pytest.param(
            "has(order.customer) ? order.customer.id : 0",
            ("order.customer.id",),
            id="not also what it goes through",
        ),
        pytest.param("has(order.customer)", ("order.customer",), id="asked for"),
        pytest.param(
            "order.line_items.map(l, l.sku)",
            ("order.line_items", "order.line_items[].sku"),
            id="a list and its elements' field",
        ),
        pytest.param(
            "order.line_items.filter(l, l.quantity > 0).map(l, l.sku)",
            ("order.line_items", "order.line_items[].quantity", "order.line_items[].sku"),
            id="through a filter",
        ),
        pytest.param(
            "order.line_items.sortBy(l, l.price).first().?sku",
            ("order.line_items", "order.line_items[].price", "order.line_items[].sku"),
            id="through sortBy and first",
        ),
        pytest.param(
            "order.line_items.groupBy(l, l.title).map(g, g.key + "
            "g.rows.map(r, r.sku).unwrapOpt().join())",
            ("order.line_items", "order.line_items[].title", "order.line_items[].sku"),
            id="through groups",
        ),
        pytest.param(
            "order.line_items.map(l, l.discount_allocations).flatten().map(d, d.amount).sum()",
            (
                "order.line_items",
                "order.line_items[].discount_allocations",
                "order.line_items[].discount_allocations[].amount",
            ),
            id="through flatten",
        ),
        pytest.param(
            "[order].map(o, o.name).join('')",
            ("order.name",),
            id="through a list written out",
        ),
        pytest.param(
            "order.?notes.orValue([]).map(n, n.trim()).join('')",
            ("order.notes", "order.notes[]"),
            id="through an empty list instead",
        ),
        pytest.param(
            "order.line_items[0].sku",
            ("order.line_items", "order.line_items[].sku"),
            id="by position",
        ),
        pytest.param(
            "order.tags.exists(t, t == 'x')",
            ("order.tags", "order.tags[]"),
            id="elements themselves",
        ),
        pytest.param(
            "order.line_items.map(l, l.discount_allocations.map(d, d.amount).sum()).sum()",
            (
                "order.line_items",
                "order.line_items[].discount_allocations",
                "order.line_items[].discount_allocations[].amount",
            ),
            id="nested lists",
        ),
        pytest.param("order.attributes.size", ("order.attributes",), id="a map as a whole"),
        pytest.param(
            "order.?customer.optMap(c, c.id)", ("order.customer.id",), id="through optMap"
        ),
        pytest.param(
            "cel.bind(c, order.customer, c == null ? order.id : c.id)",
            ("order.id", "order.customer.id"),
            id="through bind",
        ),
    ],
)
def test_reads(words: str, expected: tuple[str, ...]) -> None:
    """The source paths that an expression uses are known, so that none stays unexplained."""
    assert check(words).reads == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("order.name.trim()", False),
        ("order.name.substring(2)", True),
        ("int(order.name)", True),
        ("int('12')", False),
        ("order.tags[0]", True),
        ("order.tags[?0]", False),
        ("order.attributes.size", True),
        ("has(order.attributes.size)", False),
        ("(order.total_price / 2).round(2)", True),
        ("(order.total_price / order.id)", True),
        ("order.total_price / 2", False),
        ("intDiv(order.id, 2)", False),
        ("intDiv(order.id, order.id)", True),
        ("order.po_number.value()", True),
        ("date(order.created_at, 'Europe/Berlin')", False),
        ("cel.bind(n, order.name, n)", False),
        ("cel.bind(n, int(order.name), 1)", True),
    ],
)
def test_fallible(words: str, expected: bool) -> None:
    """Whether a record can make the expression fail is known beforehand."""
    assert check(words).is_fallible is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("1 + 2", True),
        ("[1, 2].map(x, x * 2).sum()", True),
        ("math.greatest(1, 2)", True),
        ("optional.of(1)", True),
        ("order.id", False),
        ("settings.store", False),
        ("[1, 2].map(x, x * order.id)", False),
        ("cel.bind(n, 2, n * n)", True),
        ("cel.bind(n, order.id, n * n)", False),
    ],
)
def test_constant(words: str, expected: bool) -> None:
    """An expression that reads nothing, not even settings, is constant."""
    assert check(words).is_constant is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("order.total_price / 3", (0, 21), id="the whole value"),
        pytest.param("order.total_price / 3 + 1.0", (0, 21), id="in a sum"),
        pytest.param("order.test ? order.total_price / 3 : 0.0", (13, 34), id="in a branch"),
        pytest.param("(order.total_price / 3).round(2)", None, id="rounded"),
        pytest.param("round(order.total_price / 3, 2)", None, id="rounded by a function"),
        pytest.param(
            "(order.total_price / 3 * 100).roundHalfEven(2)", None, id="rounded at the end"
        ),
        pytest.param("order.total_price * 3", None, id="no division"),
    ],
)
def test_bare_division(words: str, expected: tuple[int, int] | None) -> None:
    """A quotient that leaves the expression unrounded is shown to the rule around it."""
    typed = check(words)
    span = None if typed.division is None else (typed.division.start, typed.division.end)
    assert span == expected


PERSON = Object("person", {"name": STRING})


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (INT, DECIMAL, True),
        (DECIMAL, INT, False),
        (STRING, Optional(STRING), True),
        (Optional(STRING), STRING, False),
        (NULL, Optional(STRING), True),
        (NULL, STRING, False),
        (Optional(INT), Optional(DECIMAL), True),
        (ListOf(INT), ListOf(DECIMAL), True),
        (ListOf(Optional(INT)), ListOf(INT), False),
        (MapOf(STRING, INT), MapOf(STRING, DECIMAL), True),
        (MapOf(INT, INT), MapOf(STRING, INT), False),
        (PERSON, Object("person", {}), True),
        (PERSON, Object("customer", {}), False),
        (ERROR, STRING, True),
        (STRING, ERROR, True),
        (BOOL, INT, False),
    ],
)
def test_assignable(source: Type, target: Type, expected: bool) -> None:
    """An int may stand for a decimal, a sure value for one that may be missing; nothing else."""
    assert is_assignable(source, target) is expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (INT, DECIMAL, "decimal"),
        (INT, Optional(DECIMAL), "decimal?"),
        (NULL, STRING, "string?"),
        (ListOf(INT), ListOf(DECIMAL), "list(decimal)"),
        (MapOf(STRING, INT), MapOf(STRING, DECIMAL), "map(string, decimal)"),
        (STRING, INT, "None"),
        (MapOf(STRING, INT), MapOf(INT, INT), "None"),
        (ERROR, STRING, "string"),
        (NULL, NULL, "null"),
    ],
)
def test_join(left: Type, right: Type, expected: str) -> None:
    """Two types have the narrowest one that both fit into, whichever comes first."""
    assert str(join(left, right)) == expected
    assert str(join(right, left)) == expected


def test_optional_is_flat() -> None:
    """Missing is one notion: an optional of an optional is that optional."""
    assert optional(optional(STRING)) == Optional(STRING)
