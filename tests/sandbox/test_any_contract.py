"""A contract that the sandbox has never seen is served as well: its entities, keys and actions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mapgen.contract.model import Action, Contract, Entity, Field
from mapgen.sandbox import serve

from .conftest import Caller

FIELDS = {
    "Depot": Field("Depot", "value", "string", max_length=10, is_key=True),
    "Number": Field("Number", "value", "string", is_key=True),
    "Reference": Field("Reference", "value", "string", max_length=20),
    "Kind": Field("Kind", "value", "single_select"),
    "Marks": Field("Marks", "value", "multi_select"),
    "Day": Field("Day", "value", "date"),
    "Weight": Field("Weight", "value", "decimal", places=3),
    "Warehouse": Field("Warehouse", "value", "string"),
    "Place": Field("Place", "linked", entity="Place", companion="OtherPlace"),
    "OtherPlace": Field("OtherPlace", "value", "boolean"),
    "Parcels": Field("Parcels", "details", entity="Parcel"),
}
CONTRACT = Contract(
    "Depot",
    "26.200.001",
    5,
    {
        "Delivery": Entity(
            "Delivery",
            FIELDS,
            keys=("Depot", "Number"),
            actions={"CancelDelivery": Action("CancelDelivery", {})},
            is_top_level=True,
            is_auto_numbered=True,
            identities=("Reference",),
        ),
        "Place": Entity("Place", {"Town": Field("Town", "value", "string")}),
        "Parcel": Entity(
            "Parcel",
            {
                "Code": Field("Code", "value", "string", is_key=True),
                "Pieces": Field("Pieces", "value", "int", is_required=True),
            },
            keys=("Code",),
        ),
    },
)
SEED = {
    "Warehouse": [{"WarehouseID": "MAIN"}],
    "Delivery": [
        {
            "Depot": "NORTH",
            "Number": "N1",
            "Reference": "old",
            "archived": True,
            "Day": "2026-01-31",
        }
    ],
    "setup": {"numbering": {"Delivery": {"NORTH": "N0001"}}},
}
BODY = {
    "Depot": {"value": "NORTH"},
    "Reference": {"value": "7-shop"},
    "Kind": {"value": {"id": "AC"}},
    "Marks": {"value": [{"id": "A"}, {"id": "B"}]},
    "Day": {"value": "2026-02-28"},
    "Weight": {"value": 1.25},
    "Warehouse": {"value": "MAIN"},
    "OtherPlace": {"value": True},
    "Place": {"Town": {"value": "Lyon"}},
    "Parcels": [{"Code": {"value": "P1"}, "Pieces": {"value": 1}}],
    "note": {"value": "ring twice"},
    "custom": {"Document": {"UsrFragile": {"type": "CustomBooleanField", "value": True}}},
}


@pytest.fixture
def caller() -> Iterator[Caller]:
    with serve(CONTRACT, seed=SEED) as sandbox:
        caller = Caller(sandbox)
        caller.sign_in()
        yield caller
        caller.http.close()


def test_a_document_goes_in_and_comes_out(caller: Caller) -> None:
    """Fields come back in the shapes of contract version 5; the number is the tenant's."""
    status, made = caller.call("PUT", "Delivery?$expand=Place,Parcels", BODY)
    shown = caller.get(f"Delivery/{made['id']}", select="*,Document.UsrFragile")

    assert status == 200
    assert (made["Number"], made["note"]) == ({"value": "N0001"}, {"value": "ring twice"})
    assert made["Kind"] == {"value": {"id": "AC", "description": "AC"}}
    assert [one["id"] for one in made["Marks"]["value"]] == ["A", "B"]
    assert made["Day"] == {"value": "2026-02-28"}
    assert made["Place"]["Town"] == {"value": "Lyon"}
    assert [row["Pieces"] for row in made["Parcels"]] == [{"value": 1}]
    assert shown["custom"]["Document"]["UsrFragile"]["value"] is True
    assert "Parcels" not in shown


def test_rows_by_key(caller: Caller) -> None:
    """A row with the key of another one changes it; without the override flag a part stays."""
    made = caller.call("PUT", "Delivery", BODY)[1]
    parcels = [
        {"Code": {"value": "p1"}, "Pieces": {"value": 2}},
        {"Code": {"value": "P2"}, "Pieces": {"value": 3}},
    ]
    change = {"id": made["id"], "Parcels": parcels, "OtherPlace": {"value": False}}
    change["Place"] = {"Town": {"value": "Nice"}}
    _, changed = caller.call("PUT", "Delivery?$expand=Place,Parcels", change)

    assert [row["Pieces"]["value"] for row in changed["Parcels"]] == [2, 3]
    assert changed["Place"]["Town"] == {"value": "Lyon"}


def test_what_is_refused(caller: Caller) -> None:
    """An unknown warehouse, a long text and a row without a field it needs are a 422 together."""
    parcel = {"Code": {"value": "P1"}, "Pieces": {}}
    sent = {"Warehouse": {"value": "X"}, "Reference": {"value": "x" * 21}, "Parcels": [parcel]}
    status, answer = caller.call("PUT", "Delivery", BODY | sent)

    assert status == 422
    assert all("error" in answer[name] for name in ("Warehouse", "Reference"))
    assert "cannot be empty" in answer["Parcels"][0]["Pieces"]["error"]
    assert len(caller.sandbox.records("Delivery")) == 1


def test_undo(caller: Caller) -> None:
    """The action that a spec names as its undo is there, and one that nobody has is not."""
    caller.call("PUT", "Delivery", BODY)
    body = {"entity": {"Depot": {"value": "NORTH"}, "Number": {"value": "N0001"}}}

    assert caller.call("POST", "Delivery/CancelDelivery", body) == (204, "")
    assert caller.call("POST", "Delivery/CancelAll", body)[0] == 404
    body["entity"]["Number"]["value"] = "N9"
    assert caller.call("POST", "Delivery/CancelDelivery", body)[0] == 500


def test_archived_documents(caller: Caller) -> None:
    """They come only where they are asked for, in lists and by their keys."""
    show = {"PX-ApiArchive": "SHOW"}
    path = "Delivery?$filter=Reference eq 'old'"

    assert caller.call("GET", path) == (200, [])
    assert [one["Number"]["value"] for one in caller.call("GET", path, headers=show)[1]] == ["N1"]
    assert caller.call("GET", "Delivery/NORTH/N1")[0] == 500
    assert caller.call("GET", "Delivery/NORTH/N1", headers=show)[0] == 200
