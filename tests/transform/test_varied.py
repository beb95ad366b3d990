"""Values that records write in more than one way: of one type by every way into a flow."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from mapgen.agreed.plan import Form
from mapgen.runtime.constraints import Constraints, are_told, keeps
from mapgen.runtime.source import DOUBTS, Amount, Whole, decoder_of, patient
from mapgen.runtime.sources.cells import Row, typed_cells
from mapgen.runtime.sources.columns import CsvReader
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.sources.spelling import Spelling
from mapgen.runtime.sources.typed import TypedReader
from mapgen.runtime.varied import Nothing, Varied


class Line(msgspec.Struct, kw_only=True):
    sku: Varied[str, Nothing()]
    price: Amount


class Box(msgspec.Struct, kw_only=True):
    width: Whole | None = None


class Order(msgspec.Struct, kw_only=True):
    text: Varied[str, Nothing("N/A", "0")] | None = None
    count: Varied[Whole, Nothing("-")] | None = None
    flag: Varied[bool, Nothing()] | None = None
    due: Varied[date, Nothing("0000-00-00")] | None = None
    total: Varied[Amount, Nothing("-")] | None = None
    lines: Varied[list[Line], Nothing()] | None = None
    box: Box | None = None
    boxes: dict[str, Box] | None = None
    short: Annotated[Varied[str, Nothing("none at all")], Constraints(longest=3)] | None = None


ERROR = object()


def by_each_way(record: dict[str, Any]) -> Any:
    """Return what a record becomes by the patient way, having compared it with the fast ones."""
    data = json.dumps(record).encode()
    value = msgspec.json.Decoder(float_hook=Decimal).decode(data)
    found, errors = patient(value, Order, "order")
    reader, raw = TypedReader(Order), RawRecord(1, 1, data)
    try:
        fast = decoder_of(Order).decode(data)
    except DOUBTS:
        fast = None
    if fast is not None and keeps(value, Order):
        assert not errors
        assert fast == found
    read = reader.read(raw)
    assert read is None or read == found
    if read is None and (doubted := reader.errors(raw, "order")) is not None:
        assert sorted(one.path for one in doubted[1]) == sorted(one.path for one in errors)
    return ERROR if errors else found


LINE = {"sku": "A", "price": 1.5}


@pytest.mark.parametrize(
    ("member", "value", "expected"),
    [
        ("text", "a", "a"),
        ("text", 12, "12"),
        ("text", 12.50, "12.5"),
        ("text", 1e3, "1000.0"),
        ("text", "N/A", None),
        ("text", 0, None),
        ("text", True, ERROR),
        ("text", ["a"], ERROR),
        ("text", {}, ERROR),
        ("count", 3, 3),
        ("count", "03", 3),
        ("count", "3.0", 3),
        ("count", "3.5", ERROR),
        ("count", "-", None),
        ("count", "", ERROR),
        ("count", 10**30, ERROR),
        ("flag", "TRUE", True),
        ("flag", 0, False),
        ("flag", "1", True),
        ("flag", "yes", ERROR),
        ("due", "2026-01-02", date(2026, 1, 2)),
        ("due", "0000-00-00", None),
        ("due", "2026", ERROR),
        ("total", "12.50", Decimal("12.50")),
        ("total", "-", None),
        ("total", 0.1, Decimal("0.1")),
        ("lines", LINE, [Line(sku="A", price=Decimal("1.5"))]),
        ("lines", [LINE, LINE], [Line(sku="A", price=Decimal("1.5"))] * 2),
        ("lines", [], []),
        ("lines", {"sku": "A"}, ERROR),
        ("lines", {**LINE, "price": "x"}, ERROR),
        ("lines", "A", ERROR),
        ("lines", [None], ERROR),
        ("box", [], None),
        ("box", {}, Box()),
        ("box", [{}], ERROR),
        ("boxes", [], {}),
        ("boxes", {"a": {"width": 1}, "b": {}}, {"a": Box(width=1), "b": Box()}),
        ("boxes", {"a": {"width": "x"}}, ERROR),
        ("short", "abcd", ERROR),
        ("short", "none at all", None),
        ("short", 12345, "12345"),
    ],
)
def test_each_way_agrees(member: str, value: object, expected: object) -> None:
    """What a record writes is of the type that the source says, or the record is rejected."""
    found = by_each_way({member: value})

    assert found is ERROR if expected is ERROR else getattr(found, member) == expected


def test_text_of_a_number_is_not_held_to_what_is_said_of_text() -> None:
    """A struct does not tell whether a text was one: its JSON is looked at."""
    assert not are_told(Order)


class Cells(msgspec.Struct):
    id: Whole
    text: Varied[str, Nothing("N/A")] | None = None
    count: Varied[Whole, Nothing("-")] | None = None
    flag: Varied[bool, Nothing()] | None = None


def test_cells_as_banks_write_them() -> None:
    """The words for nothing are looked for before a number is read."""

    class Amounts(msgspec.Struct):
        total: Varied[Amount, Nothing("-")] | None = None

    form = Form(format="csv", decimal=",", thousands=".")
    reader = CsvReader(Amounts, Spelling(form))

    cells = ["1.234,50", "-", "1.5"]
    read = [reader.read(Row(1, 2, ("total",), [cell])) for cell in cells]
    assert read == [Amounts(Decimal("1234.50")), Amounts(), None]
    typed = [typed_cells({"total": cell}, Amounts, Spelling(form)) for cell in cells[:2]]
    assert typed == [{"total": "1234.50"}, {"total": "-"}]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "N/A", "-", ""], Cells(id=1)),
        (["1", "007", "7", "1"], Cells(id=1, text="007", count=7, flag=True)),
        (["1", "a", "x", ""], None),
    ],
)
def test_cells(cells: list[str], expected: Cells | None) -> None:
    """Rows of cells have the same types."""
    row = Row(1, 2, ("id", "text", "count", "flag"), cells)

    assert CsvReader(Cells, Spelling(Form())).read(row) == expected
