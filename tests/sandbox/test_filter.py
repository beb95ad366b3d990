"""`$filter`: what is found, and what cannot be asked."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.contract.lock import load
from mapgen.sandbox.errors import Refused
from mapgen.sandbox.filter import compile_filter
from mapgen.sandbox.records import Record

LOCK = Path(__file__).resolve().parents[2] / "specs" / "contracts" / "default-24.200.001.json"
CONTRACT = load(LOCK)
ORDER = CONTRACT.entities["SalesOrder"]

RECORD = Record(
    "SalesOrder",
    id="7adbf4e5-4e48-ea11-817f-eb1af000b4cf",
    values={
        "OrderType": "SO",
        "OrderNbr": "SO000123",
        "ExternalRef": "it's 1001",
        "Hold": False,
        "OrderTotal": Decimal("20.50"),
        "Date": "2024-03-09T00:00:00+00:00",
        "NoteID": "7adbf4e5-4e48-ea11-817f-eb1af000b4cf",
    },
    linked={"ShipToAddress": Record("Address", values={"City": "Lyon"})},
)


def finds(words: str) -> bool:
    return compile_filter(words, ORDER, CONTRACT).test(RECORD)


def refusal(words: str) -> str:
    with pytest.raises(Refused) as refused:
        compile_filter(words, ORDER, CONTRACT)
    body: Any = refused.value.body
    assert refused.value.status == 500
    return str(body["exceptionMessage"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("OrderNbr eq 'SO000123'", True),
        ("OrderNbr eq 'so000123 '", True),
        ("OrderNbr ne 'SO000123'", False),
        ("OrderNbr gt 'SO000122' and OrderNbr le 'SO000123'", True),
        ("ExternalRef eq 'it''s 1001'", True),
        ("Hold eq false", True),
        ("OrderTotal eq 20.5M", True),
        ("OrderTotal gt 20.49 and OrderTotal lt 21", True),
        ("OrderTotal ge -1", True),
        ("Date eq datetimeoffset'2024-03-09T00:00:00+00:00'", True),
        ("Date eq datetimeoffset'2024-03-09T01:00:00+01:00'", True),
        ("Date ge date'2024-03-10'", False),
        ("Date lt datetime'2024-03-09T00:00:00.001'", True),
        ("ShipToAddress/City eq 'Lyon'", True),
        ("BillToAddress/City eq 'Lyon'", False),
        ("Description ne 'x'", False),
        ("OrderType eq 'SO' and (OrderNbr eq 'a' or OrderNbr eq 'SO000123')", True),
        ("OrderType eq 'QT' or OrderType eq 'SO' and Hold eq true", False),
        ("((OrderType eq 'SO') and ((Hold eq false)))", True),
    ],
)
def test_condition(words: str, found: bool) -> None:
    """A condition holds, or does not, as it does in the ERP's database."""
    assert finds(words) is found


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Hold eq 'false'", "'Edm.Boolean' and 'Edm.String'"),
        ("OrderTotal eq '20.5'", "'Edm.Decimal' and 'Edm.String'"),
        ("OrderNbr eq 1", "operator kind 'Equal'"),
        ("Date gt '2024-03-09'", "'Edm.DateTimeOffset' and 'Edm.String'"),
        ("OrderNumber eq 'x'", "Could not find a property named 'OrderNumber'"),
        ("ShipToAddress/Town eq 'x'", "'Town' on type 'Address'"),
        ("Details/InventoryID eq 'x'", "detail entity 'Details' is not supported"),
        ("Details eq 'x'", "has no value to compare"),
        ("OrderNbr/City eq 'x'", "has no members"),
        ("OrderNbr", "must evaluate to a single boolean value"),
        ("OrderNbr eq", "'the end' was not expected"),
        ("OrderNbr eq 'x", "Syntax error"),
        ("OrderNbr eq 'x' Hold", "'Hold' was not expected"),
        ("(Hold eq true", "'the end' was not expected"),
        ("Date eq datetimeoffset'soon'", "Unrecognized"),
        ("not (Hold eq true)", "Could not find a property named 'not'"),
        ("startswith(OrderNbr, 'SO')", "Could not find a property named 'startswith'"),
        ("OrderNbr eq ExternalRef", "'ExternalRef' was not expected"),
        ("OrderTotal add 1 eq 2", "must evaluate to a single boolean value"),
        ("(" * 500 + "Hold", "nested too deeply"),
    ],
)
def test_refused_condition(words: str, part: str) -> None:
    """What cannot be read or compared is an exception of the server, a 500."""
    assert part in refusal(words)


@given(st.text(max_size=40))
def test_any_text(words: str) -> None:
    """Any text is a condition or is refused; nothing else happens."""
    with suppress(Refused):
        assert compile_filter(words, ORDER, CONTRACT).test(RECORD) in (True, False)


@given(st.text(max_size=30))
def test_any_literal(value: str) -> None:
    """A text with doubled quotes finds itself."""
    record = Record("SalesOrder", values={"ExternalRef": value})
    quoted = value.replace("'", "''")

    assert compile_filter(f"ExternalRef eq '{quoted}'", ORDER, CONTRACT).test(record)


def test_many_alternatives() -> None:
    """A condition is as long as its address may be; each of its alternatives is in the index."""
    words = " or ".join(f"ExternalRef eq '{at}'" for at in range(3000))
    condition = compile_filter(words, ORDER, CONTRACT)

    assert not condition.test(RECORD)
    assert condition.test(Record("SalesOrder", values={"ExternalRef": "2999"}))
    [among] = condition.indexed
    assert len(among.values) == 3000


def test_dates_are_instants() -> None:
    """Dates compare as instants, whatever their offset."""
    record = Record("SalesOrder", values={"Date": datetime(2024, 3, 9, tzinfo=UTC).isoformat()})
    test = compile_filter("Date eq datetimeoffset'2024-03-08T19:00:00-05:00'", ORDER, CONTRACT)

    assert test.test(record)
