"""What the language has, crossed: blocks in several documents, look-ups in conditions, groups of
groups, rows of other files, names that Python has for itself. Both ways mean the same throughout.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.cli.flows import open_flow
from mapgen.project.binding import BoundFlow
from mapgen.runtime.collecting import Collector, error_collecting_build
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Rejected, Skipped
from mapgen.runtime.source import patient
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.testing import FlowUnderTest
from mapgen.runtime.transform import bound
from tests.depth import examples
from tests.typed import untyped

ROOT = Path(__file__).resolve().parents[2]
COMBINED = Path(__file__).parent / "combined"
TEXTS = ("", "  ", "TEA", "POT", "BAD", "x", "USD", "EUR", "JPY", "DHL", "UPS", "jane@example.com")
NUMBERS = ("0", "1", "2.5", "0.01", "1.001", "-2", "x", "0.0000001", "99999999999999999999")
ORDER: dict[str, Any] = {
    "id": 1,
    "total": "100.00",
    "currency": "USD",
    "lines": [{"sku": "TEA", "quantity": 2, "price": "1"}],
    "parcels": [],
    "extras": None,
    "full_name": "TEA",
    "is_x": True,
    "email": "jane@example.com",
}


@cache
def opened(folder: Path, flow: str) -> BoundFlow:
    return open_flow(folder, flow, "local", {}, sample_of)


def outcomes(folder: Path, flow: str, record: Any) -> tuple[Any, ...]:
    raw = RawRecord(1, 1, json.dumps(record).encode())
    return opened(folder, flow).transformer.outcomes(raw, "records.json")


def errors(folder: Path, flow: str, record: Any) -> list[tuple[str, str | None, str | None]]:
    [found] = outcomes(folder, flow, record)
    assert isinstance(found, Rejected), found
    return [(error.code, error.target, error.source_path) for error in found.errors]


@cache
def complete(folder: Path, flow: str) -> tuple[Any, Collector]:
    """Return the complete way through a flow, and what it reports to."""
    loaded = opened(folder, flow).flow
    text = (folder / "generated" / flow / "transformer.py").read_text(encoding="utf-8")
    twin, collector = error_collecting_build(loaded.module, text)
    given = bound(loaded, {}, folder / "specs", sample_of)
    return twin.bind(given.settings, given.lookups), collector


def complete_errors(folder: Path, flow: str, record: Any) -> list[Any]:
    """Return all that the complete way finds in a record."""
    transform, collector = complete(folder, flow)
    loaded = opened(folder, flow).flow
    found, broken = patient(record, loaded.module.Source, loaded.plan.source)
    collector.start((error.error for error in broken), found, loaded.plan.source)
    transform(found)
    return [*broken, *collector.found]


def rows(document: Any) -> list[tuple[str, float]]:
    content = json.loads(document.body)
    return [(row["InventoryID"]["value"], row["OrderQty"]["value"]) for row in content["Details"]]


def test_generated_code_is_clean(combined: Path) -> None:
    """What is generated passes mypy --strict, ruff and black, whatever things are called."""
    folder = combined / "generated"
    config = ("--config", str(ROOT / "pyproject.toml"))
    known = ("--config", 'lint.isort.known-first-party=["mapgen"]')
    assert untyped(combined, "generated/*/*.py") == []
    for command in (
        ["ruff", "check", "--no-cache", *config, *known, str(folder)],
        ["black", "--check", "--quiet", *config, str(folder)],
    ):
        run = [sys.executable, "-m", *command]
        done = subprocess.run(run, cwd=combined, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_documents(combined: Path) -> None:
    """Blocks, look-ups in conditions and clears are at work in each document of a record."""
    tea = {"sku": "TEA", "quantity": 2, "price": "1.5"}
    parcels = [
        {"number": "A", "carrier": "?", "items": [tea]},
        {"number": "B", "carrier": "DHL", "items": [tea, tea, {**tea, "sku": "x"}]},
    ]
    record = {**ORDER, "parcels": parcels, "shipping": {"country": "US"}}

    location, order, parcel = outcomes(combined, "crossed", record)

    assert (location.document, order.document) == ("location", "order")
    assert (parcel.document, parcel.identity) == ("parcel", "1-B")
    assert parcel.needs == (("order", "1"),)
    # The table has 20 for TEA; what it has for BAD is no number.
    assert rows(order) == [("TEA", 40), ("REST", 1)]
    assert rows(parcel) == [("TEA", 4), ("x", 2), ("DHL", 1)]
    whole = json.loads(order.body)
    assert whole["ShipToAddress"] == {"AddressLine1": {"value": None}, "City": {"value": None}}
    assert whole["note"] == {"value": None}
    assert whole["custom"]["Document"]["UsrA"]["value"] is None


def test_row_that_a_condition_leaves_out(combined: Path) -> None:
    """A row that only a sum goes over is no row of the document, whatever its number there."""
    bad = {"sku": "x", "quantity": 1, "price": "?"}

    found = errors(combined, "crossed", {**ORDER, "lines": [ORDER["lines"][0], bad]})

    assert ("R102", "order: Details[].UnitPrice", "order.lines[1].price") in found


def test_rows_of_groups(combined: Path) -> None:
    """In documents of groups, an error has the number of the document and of the row in it."""
    row = {"number": "1", "account": "TEA", "sku": "TEA", "quantity": "1", "price": "1"}
    kinds = [{**row, "kind": "POT", "quantity": "200"}, {**row, "kind": "TEA", "price": "?"}]
    unknown = [{**row, "kind": "BAD", "sku": "secret"}, {**row, "kind": "secret"}]
    head = {"number": "1", "account": "TEA"}

    found = errors(combined, "grouped", {**head, "rows": kinds})
    [missed] = outcomes(combined, "grouped", {**head, "rows": unknown})

    assert found == [("R102", "fee[0]: Details[0].UnitPrice", "order.rows[1].price")]
    shown = [(error.code, error.target, error.value) for error in missed.errors]
    assert shown == [
        ("R304", "head: Details[0].InventoryID", "(masked: personal)"),
        ("R304", "fee[1]: Description", "`secret`"),
    ]


def test_documents_of_joined_rows(combined: Path) -> None:
    """A field of a joined row that never changes tells the documents of the rows apart."""
    item = {"order": "1", "no": 1, "sku": "TEA", "quantity": 2, "tags": ["POT"]}
    buyer = {"id": 1, "account": "TEA", "first_name": "TEA"}
    other = {**item, "no": 2}
    record = {"number": "1", "buyer_id": 1, "items": [item, other], "buyer": buyer}

    found = outcomes(combined, "joined", record)

    assert [one.identity for one in found] == ["1", "11", "12"]
    assert errors(combined, "joined", {**record, "items": [item, {**other, "tags": ["?"]}]}) == [
        ("R304", "item[1]: Details[0].InventoryID", "order.items[1].tags[0]")
    ]


def test_members_that_python_does_not_allow(combined: Path) -> None:
    """A list of blocks may be called `line-items`, and is reported by that name."""
    record = json.loads((COMBINED / "specs/told.json").read_text(encoding="utf-8"))

    message, each = outcomes(combined, "told", record)
    record["Details"][0]["InventoryID"] = {}

    assert json.loads(message.body)["line-items"] == [
        {"from": "A", "q": 3},
        {"from": "POT", "sub": [{"x": "POT"}], "qty": "0.0"},
        {"from": "end"},
    ]
    assert json.loads(each.body)["line-items"] == [{"from": "POT"}]
    assert errors(combined, "told", record) == [
        ("R201", "msg: line-items[0].from", "order.Details[0].InventoryID")
    ]


def test_examples_of_members_that_python_does_not_allow(combined: Path) -> None:
    """The examples of a rule are about values without wrappers, under names of any kind."""
    flow = FlowUnderTest.load(combined / "generated" / "told")
    block = "#mapping/documents/msg/fields/line-items/blocks/0"
    place = ("msg: line-items[].from", "Details")

    assert flow.field_after(*place, '{"InventoryID": {"value": " Y "}}', block) == '"Y"'
    assert flow.field_after(*place, '{"InventoryID": {}}', block) is None


def _values(schema: Any) -> st.SearchStrategy[Any]:
    """Return values that a schema allows, mostly, with texts and numbers that rules stumble on."""
    named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    [kind] = [one for one in named if one != "null"]
    found: st.SearchStrategy[Any]
    match kind:
        case "string":
            found = st.sampled_from(NUMBERS if schema.get("format") == "decimal" else TEXTS)
        case "integer":
            found = st.sampled_from([0, 1, 2, 3, -3, 10**17])
        case "boolean":
            found = st.booleans()
        case "array":
            found = st.lists(_values(schema["items"]), max_size=3)
        case _:
            members = {name: _values(inner) for name, inner in schema["properties"].items()}
            needed = {name: members.pop(name) for name in schema.get("required", ())}
            found = st.fixed_dictionaries(needed, optional=members)
    if "null" in named:
        found = st.none() | found
    damaged = st.sampled_from([None, 7, "t", [], {}, [None], True])
    return st.integers(0, 200).flatmap(lambda chance: damaged if chance == 0 else found)


SCHEMA = json.loads((COMBINED / "specs/schemas/crossed.schema.json").read_text(encoding="utf-8"))


@settings(
    max_examples=examples(80),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(record=_values(SCHEMA))
def test_both_ways_agree(combined: Path, record: Any) -> None:
    """What the fast way refuses has a located error; in what it takes, the complete finds none."""
    found = outcomes(combined, "crossed", record)

    if isinstance(found[0], Rejected):
        assert found[0].errors
        for error in found[0].errors:
            assert error.target or not isinstance(record, dict), error
            document = re.match(r"(\w+)(\[\d*\])?: ", error.target or "")
            assert document is None or document[1] in ("location", "order", "parcel")
        return
    assert all(isinstance(one, Document) for one in found) or isinstance(found[0], Skipped)
    assert complete_errors(combined, "crossed", record) == []
