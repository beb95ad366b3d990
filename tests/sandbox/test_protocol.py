"""The rules of the entity API, one by one, over real sockets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from mapgen.sandbox import Settings

from .conftest import SEED, Caller, values, wrapped

ITEM = {"InventoryID": "CUP", "Description": "Cup"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("PUT", "SalesOrder", b"", 400, id="empty body"),
        pytest.param("PUT", "SalesOrder", b"{", 400, id="no JSON"),
        pytest.param("PUT", "SalesOrder", b"[]", 400, id="no object"),
        pytest.param("PUT", "SalesOrder", b'{"CustomerID": "C"}', 400, id="not wrapped"),
        pytest.param("PUT", "SalesOrder", b'{"ControlTotal": {"value": NaN}}', 400, id="NaN"),
        pytest.param("PUT", "SalesOrder", b'{"ControlTotal": {"value": "x"}}', 400, id="no number"),
        pytest.param("PUT", "SalesOrder", b'{"Hold": {"value": 1}}', 400, id="no boolean"),
        pytest.param("PUT", "Customer", b'{"TaxZone": {"value": "a\\u0000"}}', 400, id="NUL"),
        pytest.param("PUT", "Customer", b'{"TaxZone": {"value": "\\ud800"}}', 400, id="surrogate"),
        pytest.param("PUT", "SalesOrder", b'{"Date": {"value": "soon"}}', 400, id="no date"),
        pytest.param("PUT", "SalesOrder", b'{"Details": {}}', 400, id="details no list"),
        pytest.param("PUT", "SalesOrder", b'{"Details": [1]}', 400, id="line no object"),
        pytest.param("PUT", "SalesOrder", b'{"id": "7"}', 400, id="id no guid"),
        pytest.param("PUT", "SalesOrder", b"\xff", 400, id="no UTF-8"),
        pytest.param("PUT", "SalesOrder", b"[" * 100_000, 400, id="deep nesting"),
        pytest.param("PUT", "SalesOrder/SO/1", b"{}", 405, id="PUT with keys in the path"),
        pytest.param("POST", "SalesOrder", b"{}", 406, id="POST on an entity"),
        pytest.param("PATCH", "SalesOrder", b"{}", 405, id="PATCH before 25.200.001"),
        pytest.param("POST", "SalesOrder/CancelSalesOrder", b"{}", 400, id="action of nothing"),
        pytest.param("GET", "Nothing", None, 404, id="unknown entity"),
        pytest.param("GET", "SalesOrderDetail", None, 404, id="detail entity"),
        pytest.param("GET", "SalesOrder?$top=x", None, 400, id="top no number"),
        pytest.param("GET", "SalesOrder/SO/NONE", None, 500, id="missing by keys"),
        pytest.param("GET", "SalesOrder/SO", None, 500, id="too few keys"),
        pytest.param("GET", f"SalesOrder/{uuid4()}", None, 500, id="missing by id"),
        pytest.param("DELETE", "SalesOrder/SO/NONE", None, 500, id="delete missing"),
        pytest.param("GET", "SalesOrder?$filter=Nope eq 1", None, 500, id="filter unknown field"),
    ],
)
def test_refusal(caller: Caller, method: str, path: str, body: bytes | None, status: int) -> None:
    """Each misuse has the status the ERP answers with, and a JSON body."""
    got, answer = caller.call(method, path, body)

    assert got == status
    assert isinstance(answer, dict)
    assert answer["message"]


def test_missing_record(caller: Caller) -> None:
    """A missing record is an exception with a type of its own, not a 404."""
    _, answer = caller.call("GET", "SalesOrder/SO/NONE")

    assert answer["exceptionType"] == "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"


@pytest.mark.parametrize("place", ["Default/99.200.001/SalesOrder", "Other/24.200.001/SalesOrder"])
def test_wrong_endpoint(caller: Caller, place: str) -> None:
    """Another endpoint or version is a 404."""
    assert caller.http.get(f"/entity/{place}").status_code == 404


def test_members(caller: Caller) -> None:
    """A record has its system members, then all fields in contract order; empty is `{}`."""
    answer = caller.put("StockItem", ITEM)
    fields = caller.sandbox.tenant.contract.entities["StockItem"].fields

    shown = [name for name, field in fields.items() if field.shape == "value"]
    assert list(answer) == ["id", "rowNumber", "note", *shown, "custom"]
    assert (answer["note"], answer["custom"], answer["ABCCode"]) == ({"value": ""}, {}, {})


def test_upsert_by_key(caller: Caller) -> None:
    """Where keys are typed in, a PUT with the key updates; case and padding do not matter."""
    first = caller.put("StockItem", ITEM)
    second = caller.put("StockItem", {"InventoryID": "cup ", "Description": "Big cup"})

    assert second["id"] == first["id"]
    assert values(caller.get("StockItem/CUP"))["Description"] == "Big cup"


def test_upsert_by_id_and_filter(caller: Caller) -> None:
    """An id in the body or a `$filter` finds the record too; an id of nothing is a 500."""
    made = caller.put("Customer", {"CustomerName": "Tea House"})
    caller.put("Customer", {"id": made["id"], "CustomerClass": "SHOP"})
    caller.put("Customer", {"TaxZone": "Z"}, **{"$filter": "CustomerName eq 'Tea House'"})
    got = values(caller.get(f"Customer/{made['id']}"))

    assert (got["CustomerClass"], got["TaxZone"], got["CustomerID"]) == ("SHOP", "Z", "C000001")
    assert caller.call("PUT", "Customer", {"id": str(uuid4())})[0] == 500


def test_key_missing(caller: Caller) -> None:
    """Without its typed-in key a record is answered with `<NEW>` and 200, and not stored."""
    answer = caller.put("StockItem", {})

    assert (answer["InventoryID"], answer["note"]) == ({"value": "<NEW>"}, None)
    assert "<NEW>" not in [item["InventoryID"] for item in caller.sandbox.records("StockItem")]


def test_clearing(caller: Caller) -> None:
    """null as the value clears; `{}` and a null member change nothing."""
    caller.put("StockItem", ITEM | {"ItemClass": "A", "TaxCategory": "B", "PriceClass": "C"})
    body = {"ItemClass": {"value": None}, "TaxCategory": {}, "PriceClass": None}
    _, answer = caller.call("PUT", "StockItem", {"InventoryID": {"value": "CUP"}} | body)

    assert [values(answer)[name] for name in body] == [None, "B", "C"]


def test_expand_and_select(caller: Caller) -> None:
    """Nested parts come only where asked for, at any depth; select leaves the system members."""
    plain = caller.get("Customer/C000101")
    deep = caller.get("Customer/C000101", expand="MainContact,MainContact/Address")
    narrow = caller.get(
        "Customer/C000101", expand="MainContact", select="CustomerID,MainContact/Email"
    )

    assert "MainContact" not in plain
    assert deep["MainContact"]["Address"]["City"] == {"value": "Springfield"}
    assert list(narrow) == [
        "id",
        "rowNumber",
        "note",
        "CustomerID",
        "MainContact",
        "custom",
        "_links",
    ]
    assert list(narrow["MainContact"]) == ["id", "rowNumber", "note", "Email", "custom"]


def test_unknown_names_in_queries(caller: Caller) -> None:
    """An unknown name in `$expand` or `$select` shows nothing."""
    answer = caller.get("Customer/C000101", expand="none,Nope", select="CustomerID,Nope")

    assert list(answer) == ["id", "rowNumber", "note", "CustomerID", "custom", "_links"]


def test_paging(caller: Caller) -> None:
    """Skip comes before top; the rows of the page count from one; the order is that of the keys."""
    for number in range(5, 0, -1):
        caller.put("StockItem", {"InventoryID": f"P{number}"})
    page = caller.get("StockItem", filter="InventoryID ge 'P'", skip="1", top="2")

    assert [row["InventoryID"]["value"] for row in page] == ["P2", "P3"]
    assert [row["rowNumber"] for row in page] == [1, 2]
    assert caller.get("StockItem", filter="InventoryID eq 'none'") == []


def test_custom_fields(start: Any) -> None:
    """Fields beyond the contract are kept if the tenant has them, and shown if asked for."""
    setup = {"custom_fields": {"SalesOrder": {"Document.UsrShopStore": "CustomStringField"}}}
    caller = start(seed=SEED | {"setup": setup})
    custom = {
        "Document": {
            "UsrShopStore": {"type": "CustomStringField", "value": "north"},
            "UsrNope": {"type": "CustomStringField", "value": "x"},
        }
    }
    body = {"CustomerID": {"value": "C000101"}, "custom": custom}
    assert caller.call("PUT", "SalesOrder", body)[1]["custom"] == {}
    got = caller.get("SalesOrder/SO/SO000001", custom="Document.UsrShopStore,Document.UsrNope")

    assert got["custom"]["Document"]["UsrShopStore"] == {
        "type": "CustomStringField",
        "value": "north",
    }
    assert "value" not in got["custom"]["Document"]["UsrNope"]


def test_notes(caller: Caller) -> None:
    """A note is kept and comes with every answer; a line without one has null."""
    line = {"InventoryID": "MUG", "OrderQty": 1}
    body = wrapped({"CustomerID": "C000101", "note": "ring twice", "Details": [line]})
    _, answer = caller.call("PUT", "SalesOrder?$expand=Details", body)

    assert (answer["note"], answer["Details"][0]["note"]) == ({"value": "ring twice"}, None)


def test_exact_numbers_in_and_out(caller: Caller) -> None:
    """A number with many digits is not bent by a binary float."""
    line = {"InventoryID": "MUG", "OrderQty": "0.1", "UnitPrice": "12345678901234.123456"}
    raw = json.dumps(wrapped({"CustomerID": "C000101", "Details": [line]}))
    raw = raw.replace('"12345678901234.123456"', "12345678901234.123456")
    _, answer = caller.call("PUT", "SalesOrder?$expand=Details", raw.encode())

    got = values(answer)["Details"][0]
    assert got["UnitPrice"] == Decimal("12345678901234.123456")
    assert got["ExtendedPrice"] == Decimal("1234567890123.41")


def test_locations(caller: Caller) -> None:
    """A document cannot be numbered without its other keys, which have to exist."""
    assert caller.put("CustomerLocation", {"Customer": "GUEST"})["LocationID"]["value"] == "L00001"
    for customer in ({}, {"Customer": {"value": "NOBODY"}}):
        status, answer = caller.call("PUT", "CustomerLocation", customer)
        assert (status, "error" in answer["Customer"]) == (422, True)


def test_settings_of_latency(start: Any) -> None:
    """A tenant may be slow: the answer is the same."""
    caller = start(settings=Settings(latency=0.01))

    assert caller.call("GET", "Customer/GUEST")[0] == 200


def test_keys_in_the_path(caller: Caller) -> None:
    """Keys are between slashes or bars, in the order of the form."""
    caller.put("SalesOrder", {"CustomerID": "C000101"})

    for keys in ("SO/SO000001", "SO|SO000001", "so/so000001"):
        assert caller.get(f"SalesOrder/{keys}")["OrderNbr"] == {"value": "SO000001"}


def test_reference_that_was_deleted(caller: Caller) -> None:
    """What was seeded and deleted is not there to refer to; what was added is."""
    caller.put("Customer", {"CustomerName": "Tea House"})
    assert caller.call("DELETE", "Customer/GUEST")[0] == 204
    body = {"CustomerID": {"value": "GUEST"}}

    assert caller.call("PUT", "SalesOrder", body)[0] == 422
    assert caller.put("SalesOrder", {"CustomerID": "C000001"})["OrderNbr"]["value"] == "SO000001"


def test_files(caller: Caller) -> None:
    """A file is put by the link of a record or behind its keys, and listed where asked for."""
    link = caller.get("Customer/C000101")["_links"]["files:put"]
    path = link.rpartition("/Default/")[2].partition("/")[2]
    headers = {"PX-CbFileComment": "as scanned"}
    named = path.replace("{filename}", "a%20b.pdf")
    assert caller.call("PUT", named, b"one", headers=headers)[0] == 204
    assert caller.call("PUT", "Customer/C000101/files/c.pdf", b"two")[0] == 204
    assert caller.call("PUT", "Customer/C000101/files/c.pdf", b"newer")[0] == 204

    found = caller.get("Customer/C000101", expand="files")["files"]
    assert [(one["filename"], one["comment"]) for one in found] == [
        ("Customers (C000101)\\a b.pdf", "as scanned"),
        ("Customers (C000101)\\c.pdf", ""),
    ]
    assert "files" not in caller.get("Customer/C000101")
    assert caller.call("PUT", "Customer/NONE/files/c.pdf", b"two")[0] == 500
    assert caller.call("PUT", path.replace("{filename}", "x" * 250), b"one")[0] == 500
