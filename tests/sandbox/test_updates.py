"""Updates of every entity of the contract: found by id, its rows changed, appended, deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mapgen.contract.lock import load
from mapgen.contract.model import Entity, Field

from .conftest import LOCK, Caller

CONTRACT = load(LOCK)
VALUES = {
    "string": "Z1", "single_select": "Z1", "multi_select": "Z1", "boolean": True,
    "datetime": "2026-01-31T00:00:00", "date": "2026-01-31",
    "guid": "6f4f2c3e-2f7e-4f0c-9a60-0d6f3b3f2a11",
}  # fmt: skip
KNOWN = {"CustomerID": "C000101", "Customer": "C000101", "InventoryID": "MUG", "Country": "US"}
KNOWN |= {"ShipVia": "GROUND", "TaxID": "STATE", "State": "IL", "CustomerName": "One"}


def is_free(entity: Entity, member: Field) -> bool:
    """Whether a field takes any text, and keeps it."""
    return (
        member.value_type == "string"
        and not (member.is_calculated or member.is_read_only)
        and member.name not in (*entity.keys, *KNOWN)
        and (member.max_length or 99) >= 10
        and member.name in ("Description", "ExternalRef", "Memo", "Note", "LocationName", "Subject")
    )


def body_of(entity: Entity) -> dict[str, Any]:
    """What a new record needs: its keys, what is required, what its screen insists on."""
    wanted = {n for n, m in entity.fields.items() if m.is_required or n in entity.keys}
    wanted |= {n for n in ("CustomerID", "Customer", "CustomerName") if n in entity.fields}
    values = {}
    for name in sorted(wanted):
        kind = entity.fields[name].value_type
        if kind is not None:
            values[name] = {"value": KNOWN.get(name, VALUES.get(kind, 1))}
    return values


UPDATED = [
    pytest.param(name, next(m.name for m in entity.fields.values() if is_free(entity, m)), id=name)
    for name, entity in sorted(CONTRACT.entities.items())
    if entity.is_top_level
    and entity.keys
    and any(is_free(entity, m) for m in entity.fields.values())
]


@pytest.mark.parametrize(("name", "field"), UPDATED)
def test_update_by_id(caller: Caller, name: str, field: str) -> None:
    """A record found by its id is changed and not doubled; what is not sent stays."""
    url = f"{caller.root}/{name}"
    body = body_of(CONTRACT.entities[name]) | {field: {"value": "before"}}
    made = caller.http.put(url, content=json.dumps(body))
    assert made.status_code == 200, made.text
    before = len(caller.http.get(url).json())
    record = made.json()["id"]

    change = {"id": record, field: {"value": "after"}}
    changed = caller.http.put(url, content=json.dumps(change))

    assert changed.status_code == 200, changed.text
    there = caller.http.get(f"{url}/{record}").json()
    assert there[field] == {"value": "after"}
    assert all(there[key] == made.json()[key] for key in CONTRACT.entities[name].keys)
    assert len(caller.http.get(url).json()) == before


def test_enough_entities() -> None:
    """The table above is no short one."""
    assert len(UPDATED) >= 9
    assert {"SalesOrder", "StockItem", "CustomerLocation"} <= {one.id for one in UPDATED}


def rows(caller: Caller, order: str) -> list[tuple[str, str, str]]:
    there = caller.http.get(f"{caller.root}/SalesOrder/{order}?$expand=Details").json()
    return [
        (row["InventoryID"]["value"], str(row["OrderQty"]["value"]), row["id"])
        for row in there["Details"]
    ]


def test_rows(caller: Caller) -> None:
    """A row with an id is changed or deleted; one without is appended, at every repetition."""
    url = f"{caller.root}/SalesOrder?$expand=Details"
    mug = {"InventoryID": {"value": "MUG"}, "OrderQty": {"value": 1}}
    made = caller.http.put(
        url, content=json.dumps({"CustomerID": {"value": "C000101"}, "Details": [mug]})
    )
    order = made.json()["id"]
    [(_, _, first)] = rows(caller, order)

    def put(*details: dict[str, Any]) -> list[tuple[str, str, str]]:
        body = {"id": order, "Details": list(details)}
        answer = caller.http.put(url, content=json.dumps(body))
        assert answer.status_code == 200, answer.text
        return rows(caller, order)

    assert [one[:2] for one in put({"id": first, "OrderQty": {"value": 5}})] == [("MUG", "5.0")]
    assert len(put(mug)) == 2
    assert len(put(mug)) == 3
    assert next(one[2] for one in put()) == first
    assert first not in [one[2] for one in put({"id": first, "delete": True})]
    assert len(rows(caller, order)) == 2


def test_id_of_nobody(caller: Caller) -> None:
    """An id that no record has changes nothing, and makes nothing."""
    url = f"{caller.root}/StockItem"
    before = caller.http.get(url).json()
    body = {"id": "6f4f2c3e-2f7e-4f0c-9a60-0d6f3b3f2a11", "Description": {"value": "x"}}
    answer = caller.http.put(url, content=json.dumps(body))

    assert answer.status_code == 500
    assert "NoEntitySatisfiesTheConditionException" in answer.text
    assert caller.http.get(url).json() == before
