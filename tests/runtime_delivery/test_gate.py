"""`--gate full`: what does not match the JSON Schema of the flow is rejected, and never sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.runtime.delivery import Gate, Mapped, deliver
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import ONLY, Document
from mapgen.runtime.testing import FlowUnderTest
from mapgen.runtime.transform import DamagedFlow, load_flow
from tests.depth import examples
from tests.runtime_delivery.flows import two_documents
from tests.runtime_delivery.orders import (
    RULES,
    PagedFeed,
    Watcher,
    nothing,
    orders,
    plan_of,
)
from tests.runtime_delivery.stand_in import standing_in

ROOT = Path(__file__).resolve().parents[2]
FLOWS = sorted(path.parent for path in (ROOT / "generated").glob("*/flow.json"))
EMAIL = {"type": "object", "properties": {"Email": {"properties": {"value": {"maxLength": 5}}}}}
SKU = {"properties": {"value": {"enum": ["AB-1"]}}}
SCHEMA = {
    "type": "object",
    "required": ["ExternalRef", "Date"],
    "properties": {
        "ExternalRef": {},
        "CustomerID": {},
        "OrderType": {},
        "BillToContact": EMAIL,
        "Details": {"items": {"properties": {"InventoryID": SKU}}},
    },
    "additionalProperties": False,
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield ledger


def gate_of(folder: Path, schema: object, plan: Any = None) -> Gate:
    (folder / "target.schema.json").write_text(json.dumps(schema))
    return Gate.load(folder, plan or plan_of(), RULES)


def test_what_does_not_match_is_rejected(ledger: Ledger, tmp_path: Path) -> None:
    """Each error has its field, keyword, source and rule; a personal value is masked."""
    mapped = Mapped(PagedFeed(1), lambda _: orders(1), nothing, gate=gate_of(tmp_path, SCHEMA))
    with standing_in() as tenant:
        summary = deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert (summary.rejected, summary.created, tenant.count("put")) == (1, 0, 0)

    [shown] = summary.shown
    found = {error.target: error for error in shown.errors}
    email, sku, missing = found["BillToContact.Email"], found["Details[1].InventoryID"], found[None]
    assert {error.code for error in shown.errors} == {"R415"}
    assert len(found) == 3
    assert (email.value, email.message[-14:]) == ("***", "`maxLength: 5`")
    assert (sku.value, sku.source_path) == ("AB-2", "order.line_items[1].sku")
    assert sku.spec == "orders.maps.yaml:33:7"
    assert '`enum: ["AB-1"]`' in sku.message
    assert "`required: Date`" in missing.message
    assert "example.org" not in str(shown)


def test_what_matches_is_sent(ledger: Ledger, tmp_path: Path) -> None:
    """The gate is no hindrance to what is right."""
    mapped = Mapped(
        PagedFeed(1), lambda _: orders(3), nothing, gate=gate_of(tmp_path, {"type": "object"})
    )
    with standing_in() as tenant:
        summary = deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())

        assert (summary.created, summary.rejected) == (3, 0)


def test_documents_of_a_record_have_their_own_schemas(tmp_path: Path) -> None:
    """One object of the file holds those of all documents; one for each row is a list there."""
    least = {"type": "object", "minProperties": 1}
    schema = {"properties": {"location": {"type": "array", "items": least}, "order": {}}}
    gate = gate_of(tmp_path, schema, two_documents())

    assert gate.errors("order", b"{}") == ()
    assert [error.code for error in gate.errors("location", b"{}")] == ["R415"]


@pytest.mark.parametrize("text", ["", "[", "[]", '{"type": "nonsense"}'])
def test_no_schema(tmp_path: Path, text: str) -> None:
    """A file that is no schema is reported before anything is sent."""
    (tmp_path / "target.schema.json").write_text(text)

    with pytest.raises(DamagedFlow, match=r"target\.schema\.json"):
        Gate.load(tmp_path, plan_of(), RULES)


@pytest.mark.parametrize("folder", FLOWS, ids=lambda folder: folder.name)
@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_made_matches_by_construction(folder: Path, data: st.DataObject) -> None:
    """Why the gate is off: no record gives a document that either validator finds error with."""
    flow = FlowUnderTest.load(folder)
    loaded = load_flow(folder, lambda _: None)
    gate = Gate.load(folder, loaded.plan, loaded.rules)
    for outcome in flow.outcomes(data.draw(flow.damaged_records())):
        if isinstance(outcome, Document):
            assert gate.errors(outcome.document, outcome.body) == ()
            assert_valid(folder, outcome)


def assert_valid(folder: Path, document: Document) -> None:
    """Hold a document to its schema by the validator that is written in Python, digit for digit."""
    schema, body = (
        json.loads(text, parse_float=Decimal)
        for text in ((folder / "target.schema.json").read_bytes(), document.body)
    )
    if document.document != ONLY:
        part = schema["properties"][document.document]
        schema = part.get("items", part)
    checker = jsonschema.FormatChecker()
    other = jsonschema.Draft202012Validator(schema, format_checker=checker)
    assert [error.message for error in other.iter_errors(body)] == []
