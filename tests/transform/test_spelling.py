"""Numbers and dates as banks write them."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import CircuitBreaker, Form, Group, Plan, Retry
from mapgen.runtime.errors import RuleError, SourceError
from mapgen.runtime.exact import exactly
from mapgen.runtime.source import Amount, ErrorValue
from mapgen.runtime.sources.kinds import source_of
from mapgen.runtime.sources.spelling import Spelling

GERMAN = Form("csv", delimiter=";", decimal=",", thousands=".", dates={"booked": "dd.MM.yyyy"})


def number(cell: str, decimal: str | None, thousands: str | None) -> str | None:
    read = Spelling(Form("csv", decimal=decimal, thousands=thousands)).of("a", Amount)
    assert read is not None
    try:
        return read(cell)
    except RuleError:
        return None


@pytest.mark.parametrize(
    ("cell", "decimal", "thousands", "found"),
    [
        ("12,50", ",", None, "12.50"),
        ("12", ",", None, "12"),
        (",50", ",", None, "0.50"),
        ("12,", ",", None, None),
        ("12.50", ",", None, None),
        ("1.234.567,89", ",", ".", "1234567.89"),
        ("1234567,89", ",", ".", "1234567.89"),
        ("1.234", ",", ".", "1234"),
        ("12.50", ",", ".", None),
        ("1.2345,00", ",", ".", None),
        ("1.234,5.6", ",", ".", None),
        ("1,234.50", None, ",", "1234.50"),
        ("1 234,50", ",", " ", "1234.50"),
        ("1\u00a0234,50", ",", " ", "1234.50"),
        ("1\u202f234,50 ", ",", " ", "1234.50"),
        ("1'234.50", None, "'", "1234.50"),
        ("1\u2019234.50", None, "'", "1234.50"),
        ("-12,50", ",", None, "-12.50"),
        ("12,50-", ",", None, "-12.50"),
        ("\u221212,50", ",", None, "-12.50"),
        ("+12,50", ",", None, "12.50"),
        ("12,50+", ",", None, "12.50"),
        ("(12,50)", ",", None, "-12.50"),
        ("-12,50-", ",", None, None),
        ("-(12,50)", ",", None, None),
        ("(-12,50)", ",", None, None),
        ("12,50 EUR", ",", None, None),
        ("1e5", ",", None, None),
        ("\u0661", ",", None, None),
        ("", ",", None, None),
        ("-", ",", None, None),
    ],
)
def test_numbers(cell: str, decimal: str | None, thousands: str | None, found: str | None) -> None:
    """What is written in the way that is said is a number, and nothing else is."""
    assert number(cell, decimal, thousands) == found


@given(
    st.decimals(-(10**9), 10**9, places=2), st.sampled_from([(",", "."), (".", ","), (",", " ")])
)
def test_any_number(value: Decimal, signs: tuple[str, str]) -> None:
    """A number that is written with separators comes back as it was."""
    decimal, thousands = signs
    text = f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)

    assert number(text, decimal, thousands) == f"{value:.2f}"


class Row(msgspec.Struct):
    no: str
    amount: Amount
    booked: date | None = None
    count: int | None = None


class Statement(msgspec.Struct):
    no: str
    lines: list[Row]


def plan(form: Form, group: Group | None = None) -> Plan:
    return Plan(
        flow="bank",
        source="row",
        form=form,
        group=group,
        documents=(),
        endpoint="",
        version="",
        contract_version=4,
        batch_size=1,
        concurrency=1,
        retry=Retry(1, 1, 1),
        circuit_breaker=CircuitBreaker(1, 1, 1),
        dead_letter_days=1,
    )


TEXT = """\
no;amount;booked;count
B1;1.234,50-;31.01.2026;1.000
B2;12.50;31.02.2026;
;;;
B3;7;;3
;;;;
"""


def read(text: str, form: Form, kind: Any = Row, group: Group | None = None) -> list[Any]:
    """Return the records of a file, each with its line, read in both ways."""
    source = source_of(plan(form, group), kind)
    found = []
    with exactly():
        for raw in source.records(io.BytesIO(text.encode()), "a.csv"):
            fast, (slow, errors) = source.read(raw), source.doubted(raw)
            assert fast == (None if errors else slow)
            found.append((raw.line, errors or slow))
    return found


def test_rows() -> None:
    """Cells become what they say, whichever way they are read, or say why they do not."""
    first, second, third = read(TEXT, GERMAN)

    assert first == (2, Row("B1", Decimal("-1234.50"), date(2026, 1, 31), 1000))
    assert third == (5, Row("B3", Decimal(7), None, 3))
    errors: tuple[SourceError, ...] = second[1]
    assert [(one.path, one.error.code, one.error.message) for one in errors] == [
        ("row.amount", "R102", "expected a number like `1.234,50`, found text"),
        ("row.booked", "R102", "the text does not match the date format `dd.MM.yyyy`"),
    ]


def test_grouped_rows() -> None:
    """Rows of a group are read in the same way."""
    [(_, found)] = read(TEXT.replace("B2;12.50;31.02.2026", "B1;2,5;1.2.2026")
                        .replace("B3", "B1"), replace_dates("d.M.yyyy"), Statement,
                        Group(("no",), "lines"))  # fmt: skip

    assert [one.amount for one in found.lines] == [Decimal("-1234.50"), Decimal("2.5"), Decimal(7)]
    assert found.lines[1].booked == date(2026, 2, 1)


def replace_dates(words: str) -> Form:
    return msgspec.structs.replace(GERMAN, dates={"booked": words})


def test_header_line() -> None:
    """Lines before the header are skipped, and counted."""
    form = msgspec.structs.replace(GERMAN, header_line=4)

    found = read('Bank "X;\nIBAN;DE00\n\n' + TEXT, form)

    assert [line for line, _ in found] == [5, 6, 8]
    assert read("Bank\n", form) == []


def test_a_value_of_an_error() -> None:
    """A cell that is refused stands for its error, and is shown."""
    source = source_of(plan(GERMAN), Row)
    [raw] = source.records(io.BytesIO(b"no;amount\nB1;x\n"), "a.csv")

    record, [error] = source.doubted(raw)

    assert isinstance(record.amount, ErrorValue)
    assert error.error.value == "x"
