"""Look-ups by identity go through an index: what they cost does not grow with the tenant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import Settings
from mapgen.sandbox.filter import compile_filter
from mapgen.sandbox.records import Record, Store
from mapgen.sandbox.tenant import Tenant
from mapgen.sandbox.writing import matching

from .conftest import LOCK

CONTRACT = load(LOCK)
ORDER = CONTRACT.entities["SalesOrder"]
KEYS = {name: entity.keys for name, entity in CONTRACT.entities.items()}
FEW, MANY = 200, 4000


def filled(path: Path, count: int) -> Store:
    store = Store(KEYS, path)
    for number in range(count):
        values = {"OrderType": "SO", "OrderNbr": f"SO{number:06d}", "ExternalRef": f"{number}-shop"}
        address = Record("Address", values={"City": f"City {number}"})
        store.save(Record("SalesOrder", values=values, linked={"ShipToAddress": address}))
    return store


def steps(store: Store, words: str) -> tuple[int, list[object]]:
    """Return how many steps the database takes for a `$filter`, and what is found."""
    condition = compile_filter(words, ORDER, CONTRACT)
    tenant = Tenant(CONTRACT, Settings(), store)
    found = [one.values["OrderNbr"] for one in matching(tenant, ORDER, condition)]
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    store._database.set_progress_handler(step, 1)
    matching(tenant, ORDER, condition)
    store._database.set_progress_handler(None, 1)
    return taken, found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("ExternalRef eq '7-SHOP '", ["SO000007"], id="identity"),
        pytest.param(
            "OrderType eq 'SO' and (ExternalRef eq '7-shop' or ExternalRef eq '9-shop')",
            ["SO000007", "SO000009"],
            id="identities in a scope",
        ),
        pytest.param(
            "ExternalRef eq '7-shop' and OrderType eq 'SO'", ["SO000007"], id="scope behind"
        ),
        pytest.param("ShipToAddress/City eq 'City 5'", ["SO000005"], id="field of a part"),
        pytest.param("ExternalRef eq 'none'", [], id="nothing"),
        pytest.param(
            "ExternalRef eq '7-shop' and OrderNbr ne 'SO000007'", [], id="and a test more"
        ),
    ],
)
def test_a_look_up_costs_the_same(tmp_path: Path, words: str, found: list[object]) -> None:
    """Of a tenant twenty times as large, a look-up by what a field says takes as many steps."""
    few, many = (filled(tmp_path / f"{count}.db", count) for count in (FEW, MANY))

    assert steps(few, words) == (steps(many, words)[0], found)
    assert steps(many, "ExternalRef ge '7-'")[0] > MANY
    for store in (few, many):
        store.close()


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("ExternalRef eq '7-shop' or OrderNbr eq 'SO000008'", 2),
        ("ExternalRef eq '7-shop' or OrderNbr gt 'SO000000'", FEW - 1),
        ("ExternalRef ne '7-shop'", FEW - 1),
    ],
)
def test_what_no_index_answers(tmp_path: Path, words: str, count: int) -> None:
    """A condition that an index does not narrow is tried on every record."""
    store = filled(tmp_path / "tenant.db", FEW)

    assert len(steps(store, words)[1]) == count
    store.close()


def test_an_index_follows_what_is_written(tmp_path: Path) -> None:
    """A record is found by what it says now, and is gone when it is deleted."""
    store = filled(tmp_path / "tenant.db", 3)
    [record] = store.all(
        "SalesOrder", compile_filter("ExternalRef eq '1-shop'", ORDER, CONTRACT).among(ORDER)
    )
    record.values["ExternalRef"] = "changed"
    store.save(record)

    assert [steps(store, f"ExternalRef eq '{one}'")[1] for one in ("1-shop", "changed")] == [
        [],
        ["SO000001"],
    ]
    store.delete(record)
    assert steps(store, "ExternalRef eq 'changed'")[1] == []
    store.close()
