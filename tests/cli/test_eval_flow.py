"""`mapgen eval --flow`: a flow's names, lets and rules on one record."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, mapgen

CUSTOMER = "specs/shopify/examples/customer-2002.json"
ORDER = "specs/shopify/examples/order-1001.json"
CUSTOMERS = ("eval", "--flow", "shopify_customers", "--record", CUSTOMER)
ORDERS = ("eval", "--flow", "shopify_orders", "--record", ORDER)


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        pytest.param("customer.id", "7402609065984", "int", id="the record"),
        pytest.param("settings.store", '"kettle-fern"', "string", id="a setting"),
        pytest.param("tags.size()", "2", "int", id="a let"),
        pytest.param("lookups.tax_zones[?'CA']", '"CANADA"', "string?", id="a lookup"),
    ],
)
def test_names(expression: str, value: str, kind: str) -> None:
    """What a rule may name, an expression may: typed as the flow's schema says."""
    done = mapgen(*CUSTOMERS, expression, cwd=ROOT)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{value}\n", f"type: {kind}\n")


def test_all() -> None:
    """Without an expression all lets and rules are shown, each step with its value."""
    done = mapgen(*CUSTOMERS, cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('let tags = ["wholesale","tea club"]\n')
    assert "TaxZone\n" in done.stdout
    assert '  lookup tax_zones = "CANADA"\n' in done.stdout
    assert "  const Active\n" in done.stdout


def test_one_rule() -> None:
    """A rule by its target, inside rows by the first of them; samples stand for a remote lookup."""
    done = mapgen(*ORDERS, "--rule", "Details.UnitPrice", cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "Details.UnitPrice\n  value line.price = 79.00\n")

    done = mapgen(*ORDERS, "--rule", "Details.UnitPric", cwd=ROOT)
    assert done.returncode == 2
    assert "did you mean `Details.UnitPrice`" in done.stderr


def test_what_is_shown_is_what_is_delivered(tmp_path: Path) -> None:
    """A rule of one step has in the document the value that is shown."""
    fixtures = sorted((ROOT / "generated/shopify_customers/fixtures").glob("*.json"))
    seen = 0
    for path in fixtures:
        fixture = json.loads(path.read_text(encoding="utf-8"))
        if "gives" not in fixture:
            continue
        record = tmp_path / "record.json"
        record.write_text(json.dumps(fixture["given"]), encoding="utf-8")
        done = mapgen(*CUSTOMERS[:3], "--record", record, cwd=ROOT)
        shown = dict(re.findall(r"^(\w+)\n  value .* = (.*)\n(?!  )", done.stdout, re.MULTILINE))
        assert len(shown) > 5
        for target, value in shown.items():
            given = fixture["gives"].get(target, {}).get("value")
            assert json.loads(value) == given, (path.name, target)
            seen += given is not None
    assert seen > 10


def test_a_record_of_another_kind(tmp_path: Path) -> None:
    """A record that is not what the flow reads is reported."""
    (tmp_path / "other.json").write_text('{"id": "x"}', encoding="utf-8")
    record = str(tmp_path / "other.json")
    done = mapgen("eval", "--flow", "shopify_customers", "--record", record, "1", cwd=ROOT)

    assert done.returncode == 1
    assert "the record is not what the flow reads: `customer.id` is no int" in done.stderr


def test_records_of_the_erp() -> None:
    """What the ERP answers is no JSON as sources send it; that is reported."""
    record = "specs/shopify/examples/shipment-000801.json"
    done = mapgen("eval", "--flow", "shopify_fulfilments", "--record", record, cwd=ROOT)

    assert done.returncode == 2
    assert "records of the ERP" in done.stderr


def test_parts(tmp_path: Path) -> None:
    """Inside a part that is used by its name, parameters have the values of their arguments."""
    for base in ("_base", "_parts"):
        shutil.copytree(
            ROOT / "tests/cases" / base / "specs", tmp_path / "specs", dirs_exist_ok=True
        )
    words = ("eval", "--flow", "deliveries", "--record", "specs/examples/parcel.json")
    done = mapgen(*words, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "let heavy = true\n" in done.stdout
    assert 'Address.Street\n  value spot.street = "Mill Lane 4"\n' in done.stdout
    assert "Items.Quantity\n  value row.quantity = 2\n" in done.stdout


def test_a_step_that_fails(tmp_path: Path) -> None:
    """A step without a value says why; the others are shown all the same."""
    mapgen("init", cwd=tmp_path)
    spec = tmp_path / "specs/customers.maps.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("    Email: customer.?email.trim()", "    Email: customer.emil"))
    words = ("eval", "--flow", "customers", "--record", "specs/samples/customers.jsonl")
    done = mapgen(*words, cwd=tmp_path)

    assert done.returncode == 1
    assert "  value customer.emil = E301: `customer` has no field `emil`" in done.stdout
    assert '  lookup tax_zones = "USA"' in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--flow", "shopify_orders", "1"), id="no record"),
        pytest.param(("--record", ORDER, "1"), id="no flow"),
        pytest.param((*ORDERS[1:], "--data", ORDER), id="other data"),
    ],
)
def test_what_goes_together(words: tuple[str, ...]) -> None:
    """A flow and a record go together, and with no other data."""
    assert mapgen("eval", *words, cwd=ROOT).returncode == 2
