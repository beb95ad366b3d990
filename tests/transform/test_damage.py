"""Damaged orders: every error is found once and placed, nothing else is, nothing personal shows."""

from __future__ import annotations

import copy
import gc
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.runtime.lines import document_line, reject_line
from mapgen.runtime.outcome import Document, ErrorReport, Outcome, Rejected, Skipped
from mapgen.runtime.source import ErrorValue, patient, strict
from mapgen.runtime.sources.records import RawRecord, decode
from mapgen.runtime.testing import FlowUnderTest
from mapgen.runtime.values import ENCODER
from tests.depth import examples

Place = tuple[str | int, ...]
Damage = tuple[Place, Any]


def text(record: Any) -> str:
    return ENCODER.encode(record).decode()


def line_of(outcome: Outcome) -> str:
    match outcome:
        case Document():
            return document_line(outcome).decode()
        case _:
            return reject_line(outcome).decode()


def damaged(record: Any, *damages: Damage) -> Any:
    changed = copy.deepcopy(record)
    for place, value in damages:
        holder = changed
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
    return changed


def errors_of(flow: FlowUnderTest, record: Any) -> tuple[ErrorReport, ...]:
    outcome = flow.outcome(text(record))
    assert isinstance(outcome, Rejected), outcome
    return outcome.errors


# Damages with the one error that each is: code, target, source path.
ROWS = (0, 1, 2)
PLANTED: dict[Place, tuple[Any, tuple[str, str | None, str]]] = {
    ("created_at",): ("2026-01-31T09:30:00", ("R102", "Date", "order.created_at")),
    ("currency",): ("DOLLARS", ("R301", "CurrencyID", "order.currency")),
    ("po_number",): ("P" * 41, ("R301", "CustomerOrder", "order.po_number")),
    ("customer", "id"): (
        "no number",
        ("R102", "CustomerID", "order.customer.id"),
    ),
    ("billing_address", "city"): (
        "c" * 51,
        ("R301", "BillToAddress.City", "order.billing_address.city"),
    ),
    ("shipping_address", "address1"): (
        "\N{TEACUP WITHOUT HANDLE}\N{DECIDUOUS TREE}" * 20,
        ("R301", "ShipToAddress.AddressLine1", "order.shipping_address.address1"),
    ),
    ("shipping_address", "zip"): (
        [10001],
        ("R102", "ShipToAddress.PostalCode", "order.shipping_address.zip"),
    ),
    ("tax_lines", 1, "title"): (
        "A tax of nowhere",
        ("R304", "TaxDetails[1].TaxID", "order.tax_lines[1].title"),
    ),
}
for row in ROWS:
    line = f"order.line_items[{row}]"
    PLANTED[("line_items", row, "sku")] = (
        " ",
        ("R201", f"Details[{row}].InventoryID", f"{line}.sku"),
    )
    PLANTED[("line_items", row, "quantity")] = (
        0,
        ("R303", f"Details[{row}].OrderQty", f"{line}.quantity"),
    )
    PLANTED[("line_items", row, "price")] = (
        "1,50",
        ("R102", f"Details[{row}].UnitPrice", f"{line}.price"),
    )
    PLANTED[("line_items", row, "name")] = (
        None,
        ("R102", f"Details[{row}].LineDescription", f"{line}.name"),
    )


@settings(max_examples=examples(80), deadline=None)
@given(places=st.sets(st.sampled_from(sorted(PLANTED, key=str)), min_size=1))
def test_planted_errors(flow: FlowUnderTest, order: Any, places: set[Place]) -> None:
    """Of all errors planted in a record each is found, where it is, once; and no other."""
    record = damaged(order, *((place, PLANTED[place][0]) for place in places))

    errors = errors_of(flow, record)

    assert sorted(map(told, errors)) == sorted(PLANTED[place][1] for place in places)
    assert all(error.spec for error in errors)


def told(error: ErrorReport) -> tuple[str, str | None, str | None]:
    # A lookup has several keys; the last one is the title alone.
    return error.code, error.target, (error.source_path or "").split(", ")[-1]


PRICES = {place for place in PLANTED if place[-1] in ("price", "quantity")}


@settings(max_examples=examples(40), deadline=None)
@given(places=st.sets(st.sampled_from(sorted(PRICES, key=str)), min_size=1))
def test_no_total_of_broken_amounts(flow: FlowUnderTest, order: Any, places: set[Place]) -> None:
    """A total that cannot be reckoned is no error of its own."""
    record = damaged(order, *((place, PLANTED[place][0]) for place in places))

    assert len(errors_of(flow, record)) == len(places)


DAMAGES: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", " ", "x" * 300, "1,5", "NaN", 0, -1, 10**30, Decimal("1e400"), True, [], {}]
)


def places_of(value: Any, above: Place = ()) -> Iterator[Place]:
    names: Any = value if isinstance(value, dict) else range(len(value))
    for name in names:
        yield (*above, name)
        if isinstance(value[name], dict | list):
            yield from places_of(value[name], (*above, name))


@st.composite
def damaged_orders(draw: st.DrawFn, order: Any) -> Any:
    places = sorted(places_of(order), key=str)
    record = copy.deepcopy(order)
    for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
        value = draw(DAMAGES)
        try:
            record = damaged(record, (place, value))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took the place away
    return record


@settings(max_examples=examples(80), deadline=None)
@given(data=st.data())
def test_both_ways_agree(flow: FlowUnderTest, order: Any, data: st.DataObject) -> None:
    """The fast way fails exactly where the complete way finds an error or a skip."""
    record = data.draw(damaged_orders(order))
    transformer = flow.transformer
    fast = flow.outcome(text(record))

    try:
        value = decode(RawRecord(1, 1, text(record).encode()))
        source, found = patient(value, transformer._module.Source, "order")
        (complete,) = transformer._refused(fast.origin, source, found)
    except AssertionError:
        complete = None  # nothing was found

    match fast:
        case Document():
            assert complete is None
        case _:
            assert complete == fast


@settings(max_examples=examples(80), deadline=None)
@given(data=st.data())
def test_nothing_is_told_twice(flow: FlowUnderTest, order: Any, data: st.DataObject) -> None:
    """However a record is damaged, no error is there twice in its rejection."""
    outcome = flow.outcome(text(data.draw(damaged_orders(order))))

    if isinstance(outcome, Rejected):
        told = [(one.code, one.target, one.source_path, one.message) for one in outcome.errors]
        assert len(told) == len(set(told))


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=60)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["2026-01-31T09:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
    | st.sampled_from(["1.50", "-0.00", "1" * 40, "voided", "kettle"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@settings(max_examples=examples(100), deadline=None)
@given(data=st.data())
def test_anything_in_place_of_anything(
    flow: FlowUnderTest, order: Any, data: st.DataObject
) -> None:
    """A record with any JSON in any place gives a sound document or a line that can be written."""
    places = sorted(places_of(order), key=str)
    record = damaged(order, (data.draw(st.sampled_from(places)), data.draw(ANY_JSON)))

    outcome = flow.outcome(text(record))

    assert json.loads(line_of(outcome))["source"]["record"] == 1
    flow.check_outcome(text(record))


@settings(max_examples=examples(100), deadline=None)
@given(record=ANY_JSON)
def test_any_json_is_no_order(flow: FlowUnderTest, record: Any) -> None:
    """JSON that is no order is rejected with a reason."""
    outcome = flow.outcome(text(record))

    assert isinstance(outcome, Rejected)
    assert all(error.code in ("R101", "R102", "R103") for error in outcome.errors)
    assert json.loads(line_of(outcome))["faults"]


MARK = "Zaphod Quillfeather"


def marked(record: Any, paths: tuple[str, ...]) -> Any:
    """Return the record with a mark in all that is personal."""
    changed = copy.deepcopy(record)
    for path in paths:
        _mark(changed, path.replace("[]", "").split(".")[1:])
    return changed


def _mark(holder: Any, names: list[str]) -> None:
    if isinstance(holder, list):
        for element in holder:
            _mark(element, names)
    elif isinstance(holder, dict):
        if len(names) == 1:
            holder[names[0]] = f"{MARK} <{names[0]}>"
        else:
            _mark(holder.get(names[0]), names[1:])


# How a value that is personal may be wrong: of another type, too long, in the wrong kind of place.
SPOILED: list[Callable[[str], Any]] = [
    lambda mark: mark,
    lambda mark: mark * 20,
    lambda mark: [mark],
    lambda mark: {mark: mark},
    lambda mark: [{"name": mark}],
    lambda mark: f"\t{mark}\n",
]


@settings(max_examples=examples(80), deadline=None)
@given(data=st.data())
def test_personal_values_are_masked(
    flow: FlowUnderTest, order: Any, personal: tuple[str, ...], data: st.DataObject
) -> None:
    """No report of a record shows anything personal in it, whatever is wrong with the record."""
    record = data.draw(damaged_orders(marked(order, personal)))
    around = {path.rpartition(".")[0] for path in personal} - {"order"}
    for path in data.draw(st.lists(st.sampled_from(sorted({*personal, *around})), max_size=3)):
        names = path.replace("[]", "").split(".")[1:]
        holder = record
        for name in names[:-1]:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder[names[-1]] = data.draw(st.sampled_from(SPOILED))(MARK)

    outcome = flow.outcome(text(record))

    if not isinstance(outcome, Document):
        assert MARK not in line_of(outcome)
        assert MARK not in str(outcome)


def test_value_is_shortened(flow: FlowUnderTest, order: Any) -> None:
    """A report shows no more than the beginning of a long value."""
    record = damaged(order, (("po_number",), "P" * 5000), (("name",), "#" * 5000))

    outcome = flow.outcome(text(record))

    assert isinstance(outcome, Rejected)
    [error] = outcome.errors
    assert error.value == "P" * 119 + "…"
    assert outcome.origin.key == "#" * 119 + "…"


@pytest.mark.parametrize("value", ["2026-13-01", "", False, 0, {}, []])
def test_broken_condition_of_a_skip(flow: FlowUnderTest, order: Any, value: Any) -> None:
    """A record is not skipped for a value that cannot be read, only for one that says so."""
    [error] = errors_of(flow, damaged(order, (("cancelled_at",), value)))

    assert (error.code, error.source_path) == ("R102", "order.cancelled_at")


def test_skip_of_a_damaged_record(flow: FlowUnderTest, order: Any) -> None:
    """A record that the spec leaves out needs no repair."""
    record = damaged(order, (("test",), True), (("line_items", 0, "price"), "1,50"))

    outcome = flow.outcome(text(record))

    assert outcome == Skipped(outcome.origin, "test order")


def test_key_that_cannot_be_read(flow: FlowUnderTest, order: Any) -> None:
    """A record whose key is broken is reported by its number and line."""
    outcome = flow.outcome(text(damaged(order, (("name",), 5))))

    assert outcome.origin.key is None
    assert json.loads(line_of(outcome))["source"] == {"file": "example", "record": 1, "line": 1}


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("0001-01-01T00:00:00+14:00", "R218", "the date lies beyond the calendar"),
        ("9999-12-31T23:59:59-12:00", "R218", "the date lies beyond the calendar"),
        ("0000-01-01T00:00:00Z", "R102", "found text"),
        ("2026-01-31T09:30:60Z", "R102", "found text"),
        ("2026-01-31T09:30:00", "R102", "found text"),
        ("2026-02-29T09:30:00Z", "R102", "found text"),
        ("2026-01-31", "R102", "found text"),
        ("", "R102", "found blank text"),
        (1769851800, "R102", "found a whole number"),
    ],
)
def test_instant(flow: FlowUnderTest, order: Any, value: Any, code: str, message: str) -> None:
    """An instant that has no date is an error at each date that would need it."""
    errors = errors_of(flow, damaged(order, (("created_at",), value)))

    assert {error.code for error in errors} == {code}
    assert all(message in error.message for error in errors)
    assert {error.target for error in errors} <= {"Date", "RequestedOn"}


def test_instant_with_a_space(flow: FlowUnderTest, order: Any) -> None:
    """RFC 3339 lets a space stand for the T."""
    document = flow.document(text(damaged(order, (("created_at",), "2026-01-31 03:30:00Z"))))

    assert document["Date"] == {"value": "2026-01-30"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1,50", "text"),
        ("1.234,50", "text"),
        (" 1.50", "text"),
        ("1e3", "text"),
        ("NaN", "text"),
        ("١.٥", "text"),
        ("", "blank text"),
        (True, "true or false"),
        (10**30, "a number with too many digits"),
        (Decimal("1e400"), "a number with too many digits"),
        (Decimal("0." + "3" * 29), "a number with too many digits"),
    ],
)
def test_no_amount(flow: FlowUnderTest, order: Any, value: Any, found: str) -> None:
    """An amount is a plain decimal number of 28 digits at most; nothing else is guessed at."""
    [error] = errors_of(flow, damaged(order, (("tax_lines", 0, "price"), value)))

    assert error.message == f"expected a plain decimal number like `12.50`, found {found}"
    assert error.source_path == "order.tax_lines[0].price"


@pytest.mark.parametrize(
    ("given_as", "written"),
    [
        ("0.1", "0.1"),
        ('"0.10"', "0.10"),
        ("1e3", "1000"),
        ("-0", "0"),
        ('"-0.00"', "0.00"),
        ("1234567890123456789.012345678", "1234567890123456789.012345678"),
        ('"1234567890123456789.012345678"', "1234567890123456789.012345678"),
    ],
)
def test_exact_amount(flow: FlowUnderTest, order: Any, given_as: str, written: str) -> None:
    """An amount is sent with exactly the digits it came with."""
    record = text(damaged(order, (("tax_lines",), [{"title": "x", "price": 12321, "rate": 0}])))
    record = record.replace("12321", given_as)

    value: Any = decode(RawRecord(1, 1, record.encode()))

    typed: Any = strict(value, flow.transformer._module.Source)

    assert ENCODER.encode(typed.tax_lines[0].price).decode() == written


def test_nothing_is_left_of_rejected_records(flow: FlowUnderTest, order: Any) -> None:
    """What a rejection holds is given back: the next ones take the same room."""
    address = order["shipping_address"] | {"name": 5, "company": None}
    record = damaged(order, (("shipping_address",), address))
    alive = []
    gc.freeze()  # what other tests hold is not looked through
    for _ in range(3):
        for _ in range(20):
            assert isinstance(flow.outcome(text(record)), Rejected)
        gc.collect()
        alive.append(sum(type(one) is ErrorValue for one in gc.get_objects()))
    gc.unfreeze()

    assert alive[0] == alive[1] == alive[2]
