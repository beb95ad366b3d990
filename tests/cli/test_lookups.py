"""Lookups that ask a person's data: the key goes to the tenant, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapgen.contract.lock import load
from mapgen.sandbox import serve
from tests.cli.conftest import ROOT, mapgen

LOCK = ROOT / "specs/contracts/default-24.200.001.json"
SPEC = """\
maps: 1
flow: mail_orders
summary: Orders of people who are known by their address
owner: order-to-cash
mapping:
  source: {name: order, schema: schemas/mail.schema.json, key: order.id}
  target: {contract: default-24.200.001, entity: SalesOrder, operation: create}
  lookups:
    customers:
      tenant: {entity: Customer, key: Email, value: CustomerID}
      sample: {jane@example.com: C0001}
  identity: {field: ExternalRef, value: string(order.id)}
  fields:
    OrderType: {const: SO}
    CustomerID: {lookup: customers, key: [order.email, order.?second]}
  examples: [{name: one, given: mail/one.json, gives: mail/one.SalesOrder.json}]
auth:
  target: acumatica
  access: {SalesOrder: [read, insert], Customer: [read]}
performance:
  mode: queued
  volume: {peak_per_minute: 10, per_day: 100}
security:
  data: {order.email: personal, order.second: personal}
  rollback: {irreversible: a test}
"""
SCHEMA = {
    "type": "object",
    "required": ["id", "email"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "email": {"type": "string"},
        "second": {"type": ["string", "null"]},
    },
}
SEED = {
    "Customer": [
        {"CustomerID": "C0001", "CustomerName": "Jane", "Email": "jane@example.com"},
        {"CustomerID": "C0002", "CustomerName": "Twin", "Email": "secret-twin@example.com"},
        {"CustomerID": "C0003", "CustomerName": "Twin", "Email": "secret-twin@example.com"},
    ]
}
RECORDS = [
    {"id": 1, "email": "jane@example.com"},
    {"id": 2, "email": "secret-nobody@example.com", "second": "secret-o'neill@example.com"},
    {"id": 3, "email": "secret-twin@example.com"},
    {"id": 4, "email": f"secret-{'x' * 2000}@example.com"},
]


@pytest.fixture
def mail(workspace: Path) -> Path:
    """A workspace with the flow, generated, and its records."""
    specs = workspace / "specs"
    (specs / "mail").mkdir()
    (specs / "mail" / "orders.maps.yaml").write_text(SPEC)
    (specs / "schemas" / "mail.schema.json").write_text(json.dumps(SCHEMA))
    (specs / "mail" / "one.json").write_text(json.dumps(RECORDS[0]))
    gives = {"ExternalRef": "1", "OrderType": "SO", "CustomerID": "C0001"}
    wrapped = {name: {"value": value} for name, value in gives.items()}
    (specs / "mail" / "one.SalesOrder.json").write_text(json.dumps(wrapped))
    (workspace / "records.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    done = mapgen("generate", "mail_orders", cwd=workspace)
    assert done.returncode == 0, done.stderr
    return workspace


def test_personal_keys_in_a_run(mail: Path) -> None:
    """Known or not, one or several: no key is reported, logged, or kept in the ledger."""
    words = ("--input", "records.jsonl", "--env", "local", "--json", "--log", "events.jsonl")
    with serve(load(LOCK), seed=SEED) as tenant:
        done = mapgen("run", "mail_orders", *words, cwd=mail, **tenant.environment)
        [order] = tenant.records("SalesOrder")

    counts = json.loads(done.stdout)
    assert (counts["created"], counts["rejected"]) == (1, 3)
    assert order["CustomerID"] == "C0001"
    assert "R252 a lookup that is ambiguous: CustomerID" in done.stderr
    assert "R251 the ERP gives a lookup no value: CustomerID" in done.stderr
    assert "R304 a key that the lookup does not know: CustomerID" in done.stderr
    kept = [path.read_bytes() for path in (mail / ".mapgen").iterdir()]
    kept += [(mail / "events.jsonl").read_bytes(), (done.stdout + done.stderr).encode()]
    assert len(kept) > 2
    for said in kept:
        assert b"secret-" not in said
        assert b"jane@" not in said


def test_personal_keys_in_rejects(mail: Path) -> None:
    """A miss says how many keys were tried, and shows none of them."""
    words = ("--input", "records.jsonl", "--env", "local", "--sample-lookups")
    done = mapgen("transform", "mail_orders", *words, cwd=mail)

    kept = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    errors = [error for line in kept for error in line["faults"]]
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert errors[0]["message"] == "the lookup `customers` does not know any of the 2 keys"
    assert errors[0]["source_path"] == "order.email, order.second"
    assert {error["value"] for error in errors} == {"(masked: personal)"}
    assert "secret-" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("t.csv", "CustomerID,Email\nC7,jane@example.com\n", id="CSV"),
        pytest.param("t.json", ' \n{"jane@example.com": "C7"}', id="JSON object"),
        pytest.param(
            "t.json", '[{"Email": "jane@example.com", "CustomerID": "C7"}]', id="JSON list"
        ),
    ],
)
def test_a_file_in_the_place_of_the_tenant(mail: Path, name: str, text: str) -> None:
    """It has the columns that the spec names, or is a JSON object."""
    (mail / name).write_text(text)
    words = ("--input", "specs/mail/one.json", "--env", "local", "--lookup", f"customers={name}")
    done = mapgen("transform", "mail_orders", *words, cwd=mail)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["document"]["CustomerID"] == {"value": "C7"}


@pytest.mark.parametrize(
    ("table", "code", "message"),
    [
        pytest.param(
            None, 1, "E567]: the lookup `customers` of `mail_orders` asks the tenant", id="no file"
        ),
        pytest.param("customers=none.csv", 1, "(none.csv): it does not exist", id="missing file"),
        pytest.param("customers=records.jsonl", 1, "it has no column `Email`", id="no such column"),
        pytest.param("customer=t.csv", 2, "did you mean `customers`?", id="near name"),
    ],
)
def test_nobody_to_ask(mail: Path, table: str | None, code: int, message: str) -> None:
    """Without a network a lookup needs a file or the samples, and says so."""
    words = () if table is None else ("--lookup", table)
    options = ("--input", "specs/mail/one.json", "--env", "local")
    done = mapgen("transform", "mail_orders", *options, *words, cwd=mail)

    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""
