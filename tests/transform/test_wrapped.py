"""Records as the ERP answers them: unwrapped; what does not fit is reported with its place."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from mapgen.agreed.plan import Shape
from mapgen.runtime.source import Amount, patient
from mapgen.runtime.sources.entity import unwrapped
from mapgen.runtime.sources.records import JsonValue

SHAPE = Shape(
    values=("Nbr", "Qty", "Hold", "Status", "note"),
    dates=("Date",),
    linked={
        "Contact": Shape(values=("Email",)),
        "custom": Shape(linked={"Document": Shape(("UsrX",))}),
    },
    details={"Details": Shape(values=("LineNbr",), dates=("Due",))},
)


class Line(msgspec.Struct):
    LineNbr: int
    Due: str | None = None


class Contact(msgspec.Struct):
    Email: str | None = None


class Record(msgspec.Struct):
    Details: list[Line]
    Nbr: str | None = None
    Qty: Amount | None = None
    Hold: bool | None = None
    Date: str | None = None
    Contact: Contact | None = None


@pytest.mark.parametrize(
    ("answered", "plain"),
    [
        pytest.param({"Nbr": {"value": "7"}}, {"Nbr": "7"}, id="text"),
        pytest.param(
            {"Qty": {"value": Decimal("1.500000")}}, {"Qty": Decimal("1.500000")}, id="amount"
        ),
        pytest.param({"Hold": {"value": False}}, {"Hold": False}, id="a flag that is not set"),
        pytest.param({"Nbr": {"value": ""}}, {"Nbr": ""}, id="empty text is text"),
        pytest.param({"Nbr": {}}, {}, id="an empty field"),
        pytest.param({"Nbr": None, "note": None}, {}, id="null"),
        pytest.param({"Nbr": {"value": None}}, {}, id="a value that is null"),
        pytest.param({"Nbr": {"value": "7", "error": "no"}}, {"Nbr": "7"}, id="an error beside it"),
        pytest.param(
            {"id": "x", "rowNumber": 1, "_links": {}, "files": []}, {}, id="members of the ERP"
        ),
        pytest.param({"note": {"value": "ring"}}, {"note": "ring"}, id="a note"),
        pytest.param(
            {"Status": {"value": {"id": "A", "description": "Active"}}},
            {"Status": {"id": "A", "description": "Active"}},
            id="an option of contract version 5",
        ),
        pytest.param({"Date": {"value": "2026-02-03"}}, {"Date": "2026-02-03"}, id="a date"),
        pytest.param(
            {"Date": {"value": "2026-02-03T00:00:00+00:00"}}, {"Date": "2026-02-03"}, id="midnight"
        ),
        pytest.param(
            {"Date": {"value": "2026-02-03T00:00:00-08:00"}},
            {"Date": "2026-02-03"},
            id="midnight elsewhere: the date is the one written",
        ),
        pytest.param(
            {"Contact": {"Email": {"value": "a@b"}}}, {"Contact": {"Email": "a@b"}}, id="linked"
        ),
        pytest.param(
            {"Contact": {"Email": {}}}, {"Contact": {}}, id="a linked entity that is empty"
        ),
        pytest.param({"Contact": None}, {}, id="no linked entity"),
        pytest.param(
            {"custom": {"Document": {"UsrX": {"type": "CustomStringField", "value": "x"}}}},
            {"custom": {"Document": {"UsrX": "x"}}},
            id="a custom field",
        ),
        pytest.param({"custom": {}}, {"custom": {}}, id="no custom field"),
    ],
)
def test_what_it_becomes(answered: dict[str, JsonValue], plain: JsonValue) -> None:
    """Wrapped values become plain ones; what is empty or not read is left out."""
    assert unwrapped({**answered, "Details": []}, SHAPE) == {**plain, "Details": []}


@pytest.mark.parametrize(
    ("answered", "path", "words"),
    [
        pytest.param({"Nbr": "7"}, "r.Nbr", "as the ERP wraps it", id="not wrapped"),
        pytest.param({"Qty": [1]}, "r.Qty", "found a list", id="a list in its place"),
        pytest.param(
            {"Qty": {"value": "1,5"}}, "r.Qty", "a plain decimal number", id="another type"
        ),
        pytest.param(
            {"Date": {"value": "2026-02-03T08:00:00+00:00"}}, "r.Date", "found a time", id="a time"
        ),
        pytest.param({"Contact": "x"}, "r.Contact", "expected an object", id="a part that is text"),
        pytest.param(
            {"Details": [{"LineNbr": {"value": 1}}, {"LineNbr": 2}]},
            "r.Details[1].LineNbr",
            "as the ERP wraps it",
            id="not wrapped in a row",
        ),
        pytest.param({"Details": None}, "r.Details", "$expand=Details", id="details not asked for"),
        pytest.param(
            {"Details": {}}, "r.Details", "expected a list", id="details that are no list"
        ),
    ],
)
def test_what_does_not_fit(answered: dict[str, JsonValue], path: str, words: str) -> None:
    """A value that cannot be unwrapped is one error, with the place of the ERP's field."""
    plain = unwrapped({"Details": [], **answered}, SHAPE)

    _, errors = patient(plain, Record, "r")

    assert [error.path for error in errors] == [path]
    assert words in errors[0].error.message


def test_all_at_once() -> None:
    """Several broken fields are several errors."""
    plain = unwrapped({"Nbr": 1, "Hold": "no", "Date": {"value": "x"}}, SHAPE)

    _, errors = patient(plain, Record, "r")

    assert sorted(error.path for error in errors) == ["r.Details", "r.Hold", "r.Nbr"]


@pytest.mark.parametrize("value", [None, 7, "x", [1]])
def test_no_record(value: JsonValue) -> None:
    """What is no object stays as it is: it is reported as such."""
    assert unwrapped(value, SHAPE) == value
