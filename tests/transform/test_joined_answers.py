"""Joins with what the ERP answers, and by keys that are looked up: as a nested loop finds them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from mapgen.cli.flows import open_flow
from mapgen.project.binding import BoundFlow
from mapgen.runtime.joins import JoinedFile, Joins
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Rejected
from mapgen.runtime.sources.records import RawRecord, read_records
from tests.depth import examples

Rows = list[dict[str, Any]]
CODES = some.sampled_from(["A", "b", "20", "6", ""])
PACKS = {"TEA": "20", "POT": "6", "BAD": "x"}


@cache
def _opened(folder: Path, flow: str) -> BoundFlow:
    return open_flow(folder, flow, "local", {}, sample_of)


def _become(folder: Path, flow: str, records: Rows, files: Mapping[str, Rows]) -> Iterator[Any]:
    """Yield the document of each record, or the codes and paths of its errors."""
    bound = _opened(folder, flow)
    joined = {
        name: JoinedFile(f"{name}.json", read_records(_stream(rows), f"{name}.json", ()))
        for name, rows in files.items()
    }
    with Joins(bound.flow.plan, joined, bound.transformer.join_keys) as joins:
        assert list(joins.read()) == []
        for number, record in enumerate(records, start=1):
            raw = joins.joined(RawRecord(number, number, json.dumps(record).encode()))
            [found] = bound.transformer.outcomes(raw, "records.json")
            match found:
                case Document(body=body):
                    yield json.loads(body)
                case Rejected(errors=errors):
                    yield [(one.code, one.source_path, one.retry) for one in errors]


def _stream(rows: Rows) -> io.BytesIO:
    return io.BytesIO(json.dumps(rows).encode())


def _answer(**values: Any) -> dict[str, Any]:
    """Return a record as the ERP answers it; a value that is empty is `{}`."""
    return {
        name: value if isinstance(value, list) else {"value": value} if value != "" else {}
        for name, value in values.items()
    }


SHIPMENTS = some.lists(some.tuples(CODES, some.sampled_from(["TEA", "POT", "CUP", ""])), max_size=4)
CUSTOMERS = some.lists(CODES.filter(bool), max_size=4, unique=True)
LABELS = some.lists(some.integers(0, 4), max_size=6)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SHIPMENTS, CUSTOMERS, LABELS, some.sets(CODES))
def test_answers_are_joined(
    combined: Path,
    shipments: list[tuple[str, str]],
    customers: list[str],
    labels: list[int],
    carriers: set[str],
) -> None:
    """Labels by the key, customers by a field that may be empty, carriers by a key looked up."""
    records = [
        _answer(ShipmentNbr=str(at), CustomerID=customer, ShipVia=via, Details=[])
        for at, (customer, via) in enumerate(shipments)
    ]
    files = {
        "labels": [{"shipment": str(of), "track": f"T{n}"} for n, of in enumerate(labels)],
        "customer": [_answer(CustomerID=one, CustomerName=f"named {one}") for one in customers],
        "carrier": [{"code": code, "title": f"title {code}"} for code in sorted(carriers)],
    }

    found = list(_become(combined, "answered", records, files))

    for at, (customer, via) in enumerate(shipments):
        if customer not in customers:
            assert found[at] == [("R105", "shipment.customer", True)]
            continue
        assert found[at]["customer"] == f"named {customer}"
        assert found[at]["labels"] == [f"T{n}" for n, of in enumerate(labels) if of == at]
        code = PACKS.get(via)
        assert found[at].get("carrier") == (f"title {code}" if code in carriers else None)


def test_the_orders_of_the_erp(combined: Path) -> None:
    """Records of a file get what the ERP has of them; an order without a reference is of none."""
    known = [
        _answer(OrderType="SO", OrderNbr=nbr, ExternalRef=ref, Details=[_answer(InventoryID="TEA")])
        for nbr, ref in (("1", "N-1"), ("2", ""), ("3", "N-1"))
    ]
    records = [{"number": "N-1", "buyer_id": 1}, {"number": "N-2", "buyer_id": 1}]

    one, none = _become(combined, "asked", records, {"known": known})

    assert one == {"number": "N-1", "labels": ["1", "3"], "lines": [{"sku": "TEA"}] * 2}
    assert none == {"number": "N-2", "labels": [], "lines": []}


BROKEN = [
    pytest.param(
        _answer(ShipmentNbr="1", CustomerID=5, Details=[]),
        [("R102", "shipment.CustomerID", False)],
        id="a number where the key is text",
    ),
    pytest.param(
        {"ShipmentNbr": "1", "CustomerID": {"value": "A"}, "Details": []},
        [("R102", "shipment.ShipmentNbr", False)],
        id="a key that is not wrapped",
    ),
    pytest.param(
        _answer(ShipmentNbr="1", CustomerID="A", ShipVia=7, Details=[]),
        [("R102", "shipment.ShipVia", False)],
        id="what is looked up",
    ),
]


@pytest.mark.parametrize(("record", "expected"), BROKEN)
def test_a_key_that_cannot_be_read(combined: Path, record: Any, expected: Any) -> None:
    """It is reported once, where it is."""
    files: dict[str, Rows] = {"labels": [], "customer": [_answer(CustomerID="A", CustomerName="A")]}

    assert list(_become(combined, "answered", [record], {**files, "carrier": []})) == [expected]


def test_what_is_asked_of_the_erp(combined: Path) -> None:
    """Of each entity its keys and what rules read; what a file holds is not asked for."""
    plan = _opened(combined, "answered").flow.plan
    customer = plan.joins["customer"].reads

    assert plan.reads is not None
    assert customer is not None
    assert plan.reads.query == {
        "$select": "ShipmentNbr,CustomerID,ShipVia,Details/InventoryID",
        "$expand": "Details",
    }
    assert customer.query == {"$select": "CustomerID,CustomerName"}
    assert plan.access == {"Customer": ("read",), "Shipment": ("read",)}
