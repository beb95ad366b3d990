"""Recorded exchanges of a live tenant, replayed: the sandbox answers as it did.

The recordings are not part of this repository; without them these tests are skipped. They speak to
endpoint version 20.200.001, so the pinned contract is served under that version, and only members
that it knows are compared. They were signed in by cookie, which the sandbox does not know: their
requests go out with a token.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import structs

from mapgen.contract.model import Contract, Entity
from mapgen.sandbox import Settings, serve

from .conftest import ROOT, Caller, parsed, values

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
RECORDED = SHARED / "acumatica" / "recorded"
NAMES = sorted(path.name for path in RECORDED.glob("*.json") if "log" not in path.stem)
VERSION = "20.200.001"

DAY = "2023-12-14T00:00:00+00:00"
# What that tenant's own screens give new records; the sandbox is reported it as its set-up.
DEFAULTS = {
    "Customer": {
        "CurrencyID": "USD",
        "CustomerClass": "DEFAULT",
        "EnableWriteOffs": True,
        "LocationName": "Primary Location",
        "OrderPriority": 0,
        "PrintDunningLetters": True,
        "ShipVia": "TRUCK",
        "ShippingRule": "Cancel Remainder",
        "StatementCycleID": "DEFAULT",
        "StatementType": "Open Item",
        "Status": "Active",
        "Terms": "NET30",
        "WriteOffLimit": 30,
    },
    "SalesOrder": {
        "BaseCurrencyID": "USD",
        "BillToAddressValidated": True,
        "CashAccount": "11500",
        "CurrencyID": "USD",
        "CurrencyRate": 1,
        "Date": DAY,
        "EffectiveDate": DAY,
        "PaymentMethod": "CHECK",
        "Project": "X",
        "ReciprocalRate": 1,
        "RequestedOn": DAY,
        "ShipToAddressValidated": True,
        "ShipVia": "TRUCK",
    },
    "SalesOrderDetail": {
        "Account": "40000",
        "Branch": "010",
        "Commissionable": True,
        "LineType": "Goods for Inventory",
        "Operation": "Issue",
        "OvershipThreshold": 100,
        "RequestedOn": DAY,
        "SchedOrderDate": DAY,
        "ShipOn": DAY,
        "ShippingRule": "Cancel Remainder",
        "TaxCategory": "AVALARA",
        "UOM": "EA",
        "UndershipThreshold": 100,
        "WarehouseID": "DSPRINGS",
    },
    "StockItem": {
        "BaseUOM": "EA",
        "COGSAccount": "50000",
        "COGSSubaccount": "06000000",
        "InventoryAccount": "13000",
        "InventorySubaccount": "00000000",
        "ItemClass": "BATTERY",
        "ItemStatus": "Active",
        "ItemType": "Component Part",
        "LotSerialClass": "DEFAULT",
        "POAccrualAccount": "20150",
        "POAccrualSubaccount": "00000000",
        "PackagingOption": "Manual",
        "PostingClass": "JOBEQUIP",
        "PurchaseUOM": "EA",
        "SalesAccount": "40000",
        "SalesSubaccount": "06000000",
        "SalesUOM": "EA",
        "TaxCategory": "AVALARA",
        "ValuationMethod": "Average",
    },
}
NUMBERING = {"Customer": "C1165", "SalesOrder": {"SO": "S20-100149"}}
# Where the answers differ, and why; everything else is equal.
STAMPS = {"CreatedDateTime", "LastModified", "LastModifiedDateTime", "LastModifiedDate"}
IGNORED = {"id", "OrderNbr", *STAMPS}
# Old records of that tenant, and some fields of lines, hold nothing here; the sandbox holds false
# or zero. These amounts of a line follow from others, and the sandbox does not compute them.
FALSE_OR_EMPTY = {"IsTaxValid", "ShippingAddressOverride", "ShippingContactOverride"}
FALSE_OR_EMPTY |= {"AverageCost", "CalculateDiscountsOnImport"}
NOT_COMPUTED = {"OpenQty", "UnbilledAmount", "DiscountedUnitPrice"}

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no recordings in {RECORDED}")


@pytest.mark.parametrize("name", NAMES)
def test_recorded_exchange(contract: Contract, name: str) -> None:
    """Every request of a recording is answered with the same status, members and shapes."""
    interactions = parsed((RECORDED / name).read_text())["interactions"]
    at = _clock(interactions[-1])
    seed, served = _seed(interactions, contract), structs.replace(contract, version=VERSION)
    with serve(served, seed=seed, settings=Settings(now=lambda: at)) as sandbox:
        caller = Caller(sandbox)
        caller.sign_in()
        for interaction in interactions:
            request, recorded = interaction["request"], interaction["response"]
            place = f"{request['method']} {request['uri']}"
            if "/entity/auth/" in place:
                continue
            answer = _send(caller.http, request)

            assert answer.status_code == recorded["status"], place
            _compare(parsed(answer.text), recorded["body"], contract, request["uri"], place)
        caller.http.close()


def _clock(interaction: Any) -> datetime:
    return parsedate_to_datetime(interaction["recorded_at"]).astimezone(UTC)


def _seed(interactions: Any, contract: Contract) -> dict[str, Any]:
    """Return a tenant with the records that were listed, and those that others referred to."""
    seed: dict[str, Any] = {"Customer": [{"CustomerID": "C1001", "CustomerName": "A"}]}
    seed["Customer"][0] |= {"ShipVia": "TRUCK", "CurrencyID": "USD"}
    seed["StockItem"] = [{"InventoryID": "01-792584-", "Description": "A"}]
    for interaction in interactions:
        body = interaction["response"]["body"]
        if not isinstance(body, list):
            continue
        kind = interaction["request"]["uri"].split("/")[-1].split("?")[0]
        known = contract.entities[kind].fields
        seed[kind] = [
            {name: value for name, value in values(row).items() if name in known} for row in body
        ]
    seed["setup"] = {"defaults": DEFAULTS, "numbering": NUMBERING}
    if any(isinstance(each["response"]["body"], list) for each in interactions):
        del seed["setup"]["defaults"]
    return seed


def _send(http: httpx2.Client, request: Any) -> httpx2.Response:
    body = request["body"]
    text = "" if body == "" else json.dumps(body, default=str)
    content_type = request["headers"].get("Content-Type", ["application/json"])[0]
    return http.request(
        request["method"],
        request["uri"].removeprefix("PLACEHOLDER_URL"),
        content=text,
        headers={"Content-Type": content_type},
    )


def _compare(got: Any, recorded: Any, contract: Contract, uri: str, place: str) -> None:
    if isinstance(recorded, list):
        assert len(got) == len(recorded), place
        for answer, wanted in zip(got, recorded, strict=True):
            _compare(answer, wanted, contract, uri, place)
    elif isinstance(recorded, dict) and "id" in recorded:
        entity = contract.entities[uri.split("/")[-1].split("?")[0]]
        _compare_record(got, recorded, entity, contract, place)
    elif isinstance(recorded, dict):
        assert list(got) == list(recorded), place
        assert {k: v for k, v in got.items() if k != "stackTrace"} == {
            k: v for k, v in recorded.items() if k != "stackTrace"
        }
    else:
        assert got == recorded, place


def _compare_record(
    got: Any, recorded: Any, entity: Entity, contract: Contract, place: str
) -> None:
    """The members both versions know are the same, in the same order, with the same values."""
    shared = [name for name in recorded if name in got]
    unknown = [name for name in recorded if name not in got]

    assert [name for name in unknown if name in entity.fields] == [], place
    assert [name for name in got if name in recorded] == shared, place
    assert set(got) - set(recorded) <= set(entity.fields), place
    for name in shared:
        here = f"{place}: {name}"
        if isinstance(recorded[name], list):
            inner = contract.entities[entity.fields[name].entity or ""]
            for line, wanted in zip(got[name], recorded[name], strict=True):
                _compare_record(line, wanted, inner, contract, here)
        elif name in IGNORED:
            assert _shape(got[name]) == _shape(recorded[name]), here
        elif name in FALSE_OR_EMPTY:
            assert got[name] in (recorded[name], {"value": False}), here
        elif name in NOT_COMPUTED:
            assert got[name] == {"value": 0}, here
        else:
            assert got[name] == recorded[name], here


def _shape(value: Any) -> object:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    return "number" if isinstance(value, (int, Decimal)) else type(value).__name__
