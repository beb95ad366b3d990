"""Types and values as JSON has them: what `eval` makes of them, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mapgen.ir.types import BOOL, DECIMAL, INT, STRING, ListOf, Object, Optional
from mapgen.project.evaluation import NotThatType, evaluate, read_type, read_types, type_of
from mapgen.report import Text

from .language import is_alike, outcome


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("int", "int"),
        ("string?", "string?"),
        ("list(decimal)", "list(decimal)"),
        ("map(string, list(int?))?", "map(string, list(int?))?"),
        (["date"], "list(date)"),
        ({"id": "int"}, "it"),
    ],
)
def test_type(words: Any, shown: str) -> None:
    """A type is read from words, an object, or a list of one type."""
    assert str(read_type(words, "it")) == shown


def test_object_types_nest() -> None:
    """Objects hold objects and lists of them; a name with `?` behind it may be missing."""
    order = read_types(
        {"order": {"id": "int", "buyer?": {"name": "string"}, "lines": [{"n": "int"}]}}
    )
    kind = order["order"]

    assert isinstance(kind, Object)
    assert kind.fields["id"] == INT
    assert isinstance(kind.fields["buyer"], Optional)
    assert str(kind.fields["buyer"]) == "order.buyer?"
    assert isinstance(kind.fields["lines"], ListOf)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("money", "`money` is not a type; types are like `string?`, `list(decimal)`"),
        ("list()", "`list()` is not a type"),
        ("list", "`list` is not a type"),
        ("int(int)", "`int(int)` is not a type"),
        ("map(string)", "`map(string)` is not a type"),
        ("map(decimal, int)", "`map(decimal, int)` is not a type"),
        ("list(int", "`list(int` is not a type"),
        ("", "`` is not a type; types are like `string?`, `list(decimal)`"),
        (5, "the type of `it` is words, an object or a list of one type"),
        ([], "the type of `it` is words, an object or a list of one type"),
        ({"a": "int", "a?": "int"}, "`it.a` is there twice, with `?` and without"),
    ],
)
def test_no_type(words: Any, said: str) -> None:
    """What is no type is refused with what a type would be."""
    with pytest.raises(NotThatType) as refused:
        read_type(words, "it")

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, BOOL),
        (7, INT),
        (Decimal("1.5"), DECIMAL),
        (None, Optional(STRING)),
        ([1, Decimal("1.5")], ListOf(DECIMAL)),
        ([1, None], ListOf(Optional(INT))),
        ([], ListOf(STRING)),
    ],
)
def test_shown_type(value: Any, kind: object) -> None:
    """A value shows its type: numbers widen, null is a value that may be missing."""
    assert type_of(value, "it") == kind


def test_shown_type_of_rows() -> None:
    """Rows that lack members of each other have optional ones."""
    kind = type_of([{"a": 1}, {"a": 2, "b": "x"}], "rows")

    assert isinstance(kind, ListOf)
    assert isinstance(kind.element, Object)
    assert kind.element.fields == {"a": INT, "b": Optional(STRING)}


def test_shown_type_of_rows_in_rows() -> None:
    """The same holds for lists inside of rows, and for rows that are null."""
    kind = type_of([None, {"c": [{"d": 1}]}, {"c": [{"e": 1}, None]}, {"c": []}], "rows")

    assert isinstance(kind, ListOf)
    assert isinstance(kind.element, Optional)
    assert isinstance(kind.element.of, Object)
    inner = kind.element.of.fields["c"]
    assert isinstance(inner, ListOf)
    assert isinstance(inner.element, Optional)
    assert isinstance(inner.element.of, Object)
    assert inner.element.of.fields == {"d": Optional(INT), "e": Optional(INT)}


def test_rows_of_no_one_type() -> None:
    """A list whose elements have no type in common has none."""
    with pytest.raises(NotThatType, match="elements of different types: int, string"):
        type_of([1, "a"], "it")


@pytest.mark.parametrize(
    ("kind", "value", "gives"),
    [
        ("int", 7, 7),
        ("decimal", "1.50", Decimal("1.50")),
        ("decimal", 2, Decimal(2)),
        ("string?", None, None),
        ("date", "2024-02-29", "2024-02-29"),
        ("timestamp", "2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00Z"),
        ("duration", Decimal("1.5"), Decimal("1.5")),
        ("map(int, string)", {"1": "a"}, {"1": "a"}),
        ("map(bool, int)", {"true": 1}, {"true": 1}),
        ({"aB": "int", "c?": ["int"]}, {"aB": 1}, {"aB": 1, "c": None}),
        ([{"n": "int"}], [{"n": 1}, {"n": 2}], [{"n": 1}, {"n": 2}]),
    ],
)
def test_value_and_back(kind: Any, value: Any, gives: Any) -> None:
    """A value comes back as it went in, instants in UTC."""
    assert is_alike(outcome("it", {"it": kind}, {"it": value}), gives)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("int", "7", "`it` is no int"),
        ("int", True, "`it` is no int"),
        ("int", None, "`it` is int and has no value"),
        ("decimal", "a lot", "`it` is no decimal"),
        ("decimal", "NaN", "`it` is no decimal"),
        ("date", "2024-02-30", "`it` is no date"),
        ("timestamp", "2024-02-29T12:00:00", "`it` is no timestamp"),
        ("list(int)", [1, "a"], "`it[1]` is no int"),
        ("list(int)", 1, "`it` is not list(int)"),
        ("map(int, string)", {"a": "b"}, "the key `a` of `it` is not int"),
        ({"a": {"b": "int"}}, {"a": {"b": "x"}}, "`it.a.b` is no int"),
        ({"a": "int"}, {}, "`it.a` is int and has no value"),
    ],
)
def test_value_that_does_not_fit(kind: Any, value: Any, said: str) -> None:
    """A value of another type is refused with its place, never shown."""
    with pytest.raises(NotThatType) as refused:
        evaluate(Text.plain("it"), read_types({"it": kind}), {"it": value})

    assert str(refused.value) == said


@pytest.mark.parametrize(
    "name", ["len", "first", "total", "Decimal", "given_0", "present", "class"]
)
def test_names_of_python(name: str) -> None:
    """A name may be one that the running code uses itself."""
    words = f"[{name}.size(), [{name}].map(row, [1.5].sum()).size(), {name}.first().orValue(0)]"

    assert outcome(words, {name: "list(int)"}, {name: [4, 5]}) == [2, 1, 4]


@pytest.mark.parametrize("name", ["total", "first", "element", "digits", "present", "Decimal"])
def test_locals_of_python(name: str) -> None:
    """A macro's variable may be called as a function is that its body calls."""
    words = (
        f"['1x'].map({name}, {name}.digits() + string([1.5].sum()) + [{name}].first().orValue('')"
        f" + [{name}][0] + [?nonBlank({name})].join())"
    )

    assert outcome(words) == ["11.51x1x1x"]


def test_numbers_too_large() -> None:
    """Numbers beyond all bounds are an error of the values, not of the product."""
    assert outcome("a * a * a", {"a": "decimal"}, {"a": "9E+999990"}) == "R308"


def test_a_day_beyond_the_calendar() -> None:
    """At the ends of the calendar an instant may be no day of a zone."""
    kinds, zone = {"at": "timestamp"}, "'Pacific/Kiritimati'"
    assert outcome(f"date(at, {zone})", kinds, {"at": "9999-12-31T23:30:00Z"}) == "R218"
    assert outcome(f"date(at, {zone})", kinds, {"at": "9999-12-31T09:30:00Z"}) == "9999-12-31"


def test_whole_number_beyond_64_bits() -> None:
    """Whole numbers have no end, from the bindings on."""
    assert outcome("a", {"a": "int"}, {"a": 2**63}) == 2**63


def test_fields_whose_names_are_alike_in_python_are_told_apart() -> None:
    """`id` beside `_id`, names in another script, and names that Python keeps for itself."""
    record = {"id": 1, "_id": 2, "ID": 3, "注文": 4, "товар": 5, "שם": 6, "اسم": 7, "class": 8}
    kind = {"it": type_of(dict(record), "it")}

    for name, value in record.items():
        found = evaluate(Text.plain(f"it.`{name}`"), kind, {"it": dict(record)})
        assert found.value == value
