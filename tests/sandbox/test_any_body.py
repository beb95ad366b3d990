"""Whatever is sent, the tenant answers as an API does, never with a failure of its own."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.contract.lock import load
from tests.depth import examples

from .conftest import LOCK, Caller, parsed

CONTRACT = load(LOCK)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
# Values that fit the field most of the time, so that bodies get past the reader.
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["MUG", "LAMP", "C000101", "STATE", "Gross", ""]) | st.text(),
    "decimal": st.decimals(-(10**18), 10**18).map(str) | st.sampled_from(["0", "1e18", "-0.01"]),
    "boolean": st.booleans(),
    "datetime": st.datetimes().map(lambda moment: moment.isoformat()),
    "guid": st.uuids().map(str),
}
TELLING = ["CustomerID", "Details", "TaxDetails", "IsTaxValid", "ShippingSettings", "Totals"]
TELLING += ["InventoryID", "OrderQty", "UnitPrice", "DiscountPercent", "ManualDiscount"]


def bodies(name: str, depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    members: dict[str, st.SearchStrategy[Any]] = {}
    for field in CONTRACT.entities[name].fields.values():
        if field.shape == "value":
            fits = FITTING.get(str(field.value_type), st.integers(-10, 10))
            value = st.one_of(*[fits] * 20, anything)
            members[field.name] = st.fixed_dictionaries({"value": value})
        elif depth and field.entity is not None:
            inner = bodies(field.entity, depth - 1)
            members[field.name] = inner if field.shape == "linked" else st.lists(inner, max_size=2)
    telling = [name for name in TELLING if name in members]
    names = st.sampled_from([*telling * 5, *sorted(members)])
    chosen = st.lists(names, max_size=8, unique=True)
    return chosen.flatmap(lambda picked: st.fixed_dictionaries({n: members[n] for n in picked}))


lenient = settings(
    max_examples=examples(80), deadline=None, suppress_health_check=list(HealthCheck)
)


@lenient
@given(body=bodies("SalesOrder"))
def test_any_order(caller: Caller, body: dict[str, Any]) -> None:
    """An order with known names and any values is saved, or refused in the API's words."""
    body = {"CustomerID": {"value": "C000101"}} | body
    got = caller.http.put(f"{caller.root}/SalesOrder?$expand=Details", content=json.dumps(body))

    assert got.status_code in (200, 400, 422), got.text
    answer = parsed(got.text)
    if got.status_code == 200:
        assert caller.call("GET", f"SalesOrder/{answer['id']}")[0] == 200
    else:
        assert answer.get("modelState") or answer.get("error")


@lenient
@given(body=anything)
def test_any_json(caller: Caller, body: Any) -> None:
    """Any JSON for any entity is an answer in JSON."""
    for entity in ("Customer", "StockItem", "Payment"):
        got = caller.http.put(f"{caller.root}/{entity}", content=json.dumps(body))

        assert got.status_code in (200, 400, 422), got.text
        assert isinstance(parsed(got.text), dict)
