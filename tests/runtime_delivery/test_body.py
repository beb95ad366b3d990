"""The body of an update: rows matched with the ERP's, whatever way the two sides write values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Identity
from mapgen.runtime.targets.bodies import UnknownKey, filled, of_an_update
from mapgen.runtime.tenant.body import (
    UnclearRows,
    row_lists,
    with_ids,
)


def plan(*names: str, write_once: tuple[str, ...] = ()) -> DocumentPlan:
    return DocumentPlan(
        "document", "Order", "upsert", Identity("Ref"), ("Nbr",), (), write_once, {"Rows": names}
    )  # fmt: skip


def value(given: object) -> dict[str, object]:
    return {} if given is None else {"value": given}


SAME = [
    pytest.param(1, 1.0, id="whole number, decimal"),
    pytest.param("2.00", 2, id="number as text"),
    pytest.param(0.10, 0.100000, id="scale of the column"),
    pytest.param("AB-1", "ab-1   ", id="case and padding"),
    pytest.param("2026-01-31", "2026-01-31T00:00:00+03:00", id="day, midnight somewhere"),
    pytest.param("2026-01-31T10:00:00Z", "2026-01-31T13:00:00.00+03:00", id="one instant"),
    pytest.param(True, True, id="boolean"),
    pytest.param("A", {"id": "A", "description": "Active"}, id="drop-down of contract 5"),
]
OTHER = [
    pytest.param(1, 2, id="numbers"),
    pytest.param("010", "10", id="digits of a text field"),
    pytest.param("2026-01-31", "2026-02-01T00:00:00+00:00", id="days"),
    pytest.param("AB-1", "AB-10", id="texts"),
    pytest.param("AB-1", None, id="empty in the ERP"),
]


def matched(given: object, there: object) -> dict[str, Any]:
    body = json.dumps({"Rows": [{"Key": value(given), "Qty": {"value": 1}}]}).encode()
    existing = {"Rows": [{"id": "r1", "Key": value(there)}]}
    part = of_an_update(body, plan("Key"))
    sent: dict[str, Any] = json.loads(with_ids(part, "d1", existing, plan("Key")))
    assert sent["id"] == "d1"
    [row] = sent["Rows"]
    return dict(row)


@pytest.mark.parametrize(("given", "there"), SAME)
def test_same_row(given: object, there: object) -> None:
    """A row is recognised although the ERP writes its key otherwise."""
    assert matched(given, there)["id"] == "r1"


@pytest.mark.parametrize(("given", "there"), OTHER)
def test_another_row(given: object, there: object) -> None:
    """Another key is another row, which gets no id and is appended."""
    assert "id" not in matched(given, there)


def test_rows_within_rows() -> None:
    """Rows of rows are matched within their own row."""
    keys = {"Rows": ("Key",), "Rows.Lots": ("Lot",)}
    document = DocumentPlan("d", "Order", "upsert", Identity("Ref"), ("Nbr",), (), (), keys)
    rows = [{"Key": value(k), "Lots": [{"Lot": value("L")}]} for k in ("A", "B")]
    part = of_an_update(json.dumps({"Rows": rows}).encode(), document)
    there = {"Rows": [{"id": "b", "Key": value("B"), "Lots": [{"id": "b1", "Lot": value("L")}]}]}

    assert row_lists(part, document) == ["Rows", "Rows.Lots"]
    sent = json.loads(with_ids(part, "d1", there, document))

    assert "id" not in sent["Rows"][0]
    assert "id" not in sent["Rows"][0]["Lots"][0]
    assert (sent["Rows"][1]["id"], sent["Rows"][1]["Lots"][0]["id"]) == ("b", "b1")


def test_rows_that_the_erp_does_not_show() -> None:
    """Where the answer has no list, nobody knows whether rows are there: nothing is appended."""
    part = of_an_update(b'{"Rows": [{"Key": {"value": 1}}]}', plan("Key"))
    with pytest.raises(UnclearRows, match="does not show"):
        with_ids(part, "d1", {}, plan("Key"))


def test_written_once() -> None:
    """Fields, parts and whole lists of rows are left out; what is left empty goes with them."""
    body = {
        "Rows": [{"Key": value(1)}], "Address": {"City": value("Ulm")}, "note": value("hello"),
        "custom": {"Document": {"UsrShop": {"type": "CustomStringField", "value": "web"}}},
        "Contact": {"Email": value("a@example.org"), "Phone": value("1")},
    }  # fmt: skip
    once = ("Rows", "Address.City", "note", "custom.Document.UsrShop", "Contact.Email", "Other")
    part = of_an_update(json.dumps(body).encode(), plan("Key", write_once=once))

    assert part == {"Contact": {"Phone": {"value": "1"}}}
    assert row_lists(part, plan("Key")) == []


def test_digits() -> None:
    """No digit is lost or made up on the way."""
    body = b'{"A":{"value":0.10},"B":{"value":12345678901234567890.123456789}}'
    document = plan("Key")
    sent = with_ids(of_an_update(body, document), "d1", {}, document)

    assert sent == b'{"id":"d1",' + body[1:]


def test_keys_of_another_document() -> None:
    """A reference gives way to the key as text, and the digits beside it stay."""
    body = b'{"A":{"value":{"made":"place","field":"LocationID"}},"B":{"value":1.50}}'

    assert (
        filled(body, {"place": {"LocationID": "L2"}}) == b'{"A":{"value":"L2"},"B":{"value":1.50}}'
    )
    with pytest.raises(UnknownKey, match="`LocationID` of the document `place`"):
        filled(body, {"place": {"Customer": "C1"}})


@pytest.mark.parametrize(
    ("way", "gone"),
    [("delete", {"delete": True}), ("zero Quantity", {"Quantity": {"value": 0}})],
)
def test_removed_rows(way: str, gone: dict[str, Any]) -> None:
    """Rows of the ERP that the body lacks go, or count nothing; without a key they stay."""
    document = replace(plan("Key"), removed_rows={"Rows": way})
    rows = [{"id": "r1", "Key": value("A")}, {"id": "r2", "Key": value("B")}, {"id": "r3"}]

    some = json.loads(with_ids({"Rows": [{"Key": value("a")}]}, "d1", {"Rows": rows}, document))
    none = json.loads(with_ids({"Rows": []}, "d1", {"Rows": rows}, document))

    assert row_lists({"Rows": []}, document) == ["Rows"]
    assert some["Rows"] == [{"Key": value("a"), "id": "r1"}, {"id": "r2"} | gone]
    assert none["Rows"] == [{"id": "r1"} | gone, {"id": "r2"} | gone]


def test_written_once_by_any_name() -> None:
    """A member with a dot in its name is left out of an update, and no member of an object."""
    body = b'{"a.b":1,"a":{"b":2,"c.d":3}}'
    assert of_an_update(body, plan(write_once=("`a.b`", "a.`c.d`"))) == {"a": {"b": 2}}
    assert of_an_update(body, plan(write_once=("a.b",))) == {"a.b": 1, "a": {"c.d": 3}}
