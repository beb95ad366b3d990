"""`mapgen new`: from samples to a flow, in one go; `mapgen accept`: what its examples give."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import mapgen
from tests.cli.test_init import done_in

PERSON = {
    "first_name": "Roberta",
    "last_name": "Quillfeather",
    "company": "Quill Ltd",
    "street": "9 Secret Street",
    "city": "Troy",
    "zip": "12180",
    "country_code": "US",
}
ORDER = {
    "id": 4711,
    "number": "W-4711",
    "created_at": "2026-10-01T14:00:00Z",
    "currency": "USD",
    "total": "25.00",
    "customer": {"id": 99, "email": "roberta@quill.example", "phone": "+44 20 7946 0958"},
    "note": "ring twice at Quillfeather's",
    "account": "DE89 3704 0044 0532 0130 00",
    "shipping": [PERSON],
    "billing_address": PERSON,
    "items": [{"id": 1, "sku": "CUP", "name": "Cup", "quantity": 2, "price": "12.50"}],
}
SECRETS = ("Roberta", "Quillfeather", "Secret", "quill.example", "7946", "3704", "ring twice")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new workspace, and a sample beside it."""
    mapgen("init", "shop", cwd=tmp_path)
    (tmp_path / "orders.json").write_text(json.dumps({"orders": [ORDER]}), encoding="utf-8")
    return tmp_path / "shop"


def new(shop: Path, *words: str) -> Any:
    return mapgen(
        "new", "orders", "--from", "../orders.json", "--to", "SalesOrder", *words, cwd=shop
    )


def decide(shop: Path) -> None:
    """Decide what a draft of an order leaves open."""
    spec = shop / "specs/orders.maps.yaml"
    lines = [
        "    CustomerID: {const: WEB}" if "CustomerID: {todo" in line else line
        for line in spec.read_text(encoding="utf-8").splitlines()
    ]
    spec.write_text("\n".join(lines), encoding="utf-8")
    local = shop / "specs/environments/sandbox.yaml"
    local.write_text(local.read_text("utf-8") + "  orders: {zone: America/New_York}\n", "utf-8")


def test_from_a_sample_to_documents(shop: Path) -> None:
    """What a person has to decide is listed, an error each; then all is there, tests included."""
    done = new(shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("to decide: ") == 2
    checked = mapgen("check", "orders", cwd=shop)
    assert sorted(line[6:10] for line in checked.stderr.splitlines() if line[:6] == "error[") == [
        "E425",
        "E514",
    ]

    decide(shop)
    assert mapgen("check", "orders", cwd=shop).stdout == "1 flow checked: all fine\n"
    assert mapgen("accept", "orders", cwd=shop).returncode == 0
    assert mapgen("generate", "--check", "orders", cwd=shop).returncode == 0
    document = json.loads((shop / "specs/examples/orders.SalesOrder.json").read_text("utf-8"))
    assert document["ExternalRef"] == {"value": "4711"}
    assert document["BillToContact"]["Email"] == {"value": "ada@example.com"}
    assert document["Details"][0]["InventoryID"] == {"value": "CUP"}
    assert document["ShipToAddress"]["PostalCode"] == {"value": "12180"}
    tested = done_in(shop, sys.executable, "-m", "pytest", "-q", "generated/orders")
    assert tested.returncode == 0, tested.stdout
    done = mapgen("transform", "orders", "--input", "../orders.json", cwd=shop)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_beside_a_flow_that_is_not_decided(shop: Path) -> None:
    """That nobody knows yet whether it makes the same documents has no place in the new spec."""
    for flow, sample in (("first", {"id": 1}), ("second", {"id": 1, "customer_name": "Ada"})):
        (shop / f"{flow}.json").write_text(json.dumps(sample), "utf-8")
        done = mapgen("new", flow, "--from", f"{flow}.json", "--to", "Customer", cwd=shop)
    assert "to decide: whether `specs/first.maps.yaml` makes the same" in done.stdout


def test_an_example_that_gives_no_document(shop: Path) -> None:
    """`accept` names the errors with their rules, and what a run would join to the record."""
    new(shop)
    decide(shop)
    spec = shop / "specs/orders.maps.yaml"
    joins = "joins: {extra: {schema: schemas/orders.schema.json, on: {id: id}, takes: many}}"
    text = spec.read_text("utf-8").replace(", key: ", f", {joins}, key: ", 1)
    text = text.replace("  ignore:", "  ignore:\n    order.extra: for the test", 1)
    spec.write_text(text, "utf-8")
    example = shop / "specs/examples/orders.json"
    record = json.loads(example.read_text("utf-8"))
    del record["id"]
    example.write_text(json.dumps(record), "utf-8")
    done = mapgen("accept", "orders", cwd=shop)

    assert done.returncode == 1, done.stderr
    assert "`the first one` gives no document: R103 ExternalRef: `id` is missing (" in done.stderr
    assert "has no `extra`: examples hold what is joined, a list here" in done.stderr
    assert "Rejected(" not in done.stderr


def test_nothing_personal_is_written(shop: Path) -> None:
    """No value of the sample that looks personal is in any file."""
    new(shop)

    for path in (shop / "specs").rglob("orders*"):
        text = path.read_text(encoding="utf-8")
        assert not [secret for secret in SECRETS if secret in text], path


def test_nothing_is_proposed_that_is_not_there(shop: Path) -> None:
    """Fields of the ERP that are computed, read-only or numbered have no rule, nor have flags."""
    new(shop)
    text = (shop / "specs/orders.maps.yaml").read_text(encoding="utf-8")

    assert not [name for name in ("OrderNbr:", "OrderTotal:", "Override:") if name in text]
    assert "order.?customer" not in text  # it is always there


def test_twice(shop: Path) -> None:
    """A spec of the author's is not written over, and nothing else is then."""
    new(shop)
    decide(shop)
    example = shop / "specs/examples/orders.json"
    example.unlink()
    done = new(shop)

    assert done.returncode == 1
    assert "error[E533]: `specs/orders.maps.yaml`" in done.stderr
    assert not example.exists()
    assert new(shop, "--force").returncode == 0


def test_nothing_to_decide(shop: Path) -> None:
    """Where all is known the document of the example is written at once."""
    (shop.parent / "items.csv").write_text("sku;name\n007;Cup\n008;Pot\n", encoding="utf-8")
    done = mapgen("new", "items", "--from", "../items.csv", "--to", "StockItem", cwd=shop)

    assert (done.returncode, done.stderr) == (0, "")
    assert "to decide" not in done.stdout
    document = json.loads((shop / "specs/examples/items.StockItem.json").read_text("utf-8"))
    assert document["InventoryID"] == {"value": "007"}
    assert 'format: csv, delimiter: ";"' in (shop / "specs/items.maps.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(("--to", "SalesOrdr"), 1, "`SalesOrder`", id="a near entity"),
        pytest.param(("--to", "SalesOrder", "--from", "none.json"), 1, "none.json", id="no file"),
        pytest.param(("--to", "SalesOrder", "--contract", "x"), 2, "default-24", id="no contract"),
    ],
)
def test_what_cannot_be_started(words: tuple[str, ...], code: int, said: str, shop: Path) -> None:
    """What is missing is reported, and no file is written."""
    before = sorted(shop.rglob("*"))
    done = mapgen("new", "orders", "--from", "../orders.json", *words, cwd=shop)

    assert done.returncode == code
    assert said in done.stderr
    assert sorted(shop.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("../../../evil", "--name", "order"), id="flow"),
        pytest.param(("orders", "--name", "../x y"), id="record"),
    ],
)
def test_names_lead_nowhere(words: tuple[str, ...], shop: Path) -> None:
    """A name is a name: it leads to no file outside the workspace, whatever else is given."""
    before = sorted(shop.parent.parent.rglob("*"))
    given = (*words, "--from", "../orders.json", "--to", "SalesOrder")
    done = mapgen("new", *given, cwd=shop)

    assert done.returncode == 2
    assert "takes a name in small letters" in done.stderr
    assert sorted(shop.parent.parent.rglob("*")) == before


def test_accept_keeps_what_is_said(shop: Path) -> None:
    """Another document than an example says is told; `--force` writes it. A reject is told."""
    path = shop / "specs/examples/customer-1.Customer.json"
    right = path.read_text(encoding="utf-8")
    assert mapgen("accept", "customers", cwd=shop).returncode == 0
    path.write_text(right.replace("USA", "EU"), encoding="utf-8")
    done = mapgen("accept", "customers", cwd=shop)
    assert done.returncode == 1
    assert "`a private buyer` gives another document" in done.stderr

    assert mapgen("accept", "customers", "--force", cwd=shop).returncode == 0
    assert path.read_text(encoding="utf-8") == right

    given = shop / "specs/examples/customer-1.json"
    given.write_text('{"id": 1, "created_at": "2026-10-01T09:00:00Z"}', encoding="utf-8")
    done = mapgen("accept", "customers", cwd=shop)
    assert done.returncode == 1
    assert "`a private buyer` gives no document" in done.stderr


def test_accept_of_no_flow(shop: Path) -> None:
    """A flow that is not there is reported, with a near name."""
    done = mapgen("accept", "customer", cwd=shop)

    assert done.returncode == 1
    assert "did you mean `customers`" in done.stderr
