"""`mapgen contract show`: what there is to know of an entity before a rule is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mapgen.contract.lock import load
from mapgen.contract.model import Action, Contract, Entity, Field
from mapgen.contract.showing import HEADINGS, show_entity
from tests.cli.conftest import mapgen

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = load(ROOT / "specs" / "contracts" / "default-24.200.001.json")


def invented(**fields: Field) -> Contract:
    entity = Entity(
        "Parcel",
        fields,
        keys=("Kind", "Nbr"),
        actions={"Void": Action("Void", {"When": "date"})},
        is_top_level=True,
        is_auto_numbered=True,
        identities=("Ref",),
    )
    return Contract("Depot", "1", 4, {"Parcel": entity, "Box": Entity("Box", {})})


@pytest.mark.parametrize(
    ("field", "holds", "notes"),
    [
        pytest.param(Field("A", "value", "string", max_length=40), "string(40)", (), id="length"),
        pytest.param(
            Field("A", "value", "decimal", places=6), "decimal, 6 places", (), id="places"
        ),
        pytest.param(Field("A", "linked", entity="Box"), "one Box", (), id="a linked entity"),
        pytest.param(Field("A", "details", entity="Box"), "rows of Box", (), id="details"),
        pytest.param(
            Field("A", "value", "int", is_required=True, is_key=True),
            "int",
            ("required", "key"),
            id="flags",
        ),
        pytest.param(
            Field("A", "value", "int", is_calculated=True),
            "int",
            ("calculated: what is sent is ignored",),
            id="calculated",
        ),
        pytest.param(
            Field("A", "value", "int", is_read_only=True),
            "int",
            ("read-only: what is sent is ignored",),
            id="read-only",
        ),
        pytest.param(Field("Nbr", "value", "int"), "int", ("numbered by the ERP",), id="number"),
        pytest.param(Field("Ref", "value", "int"), "int", ("identity",), id="identity"),
        pytest.param(
            Field("A", "linked", entity="Box", companion="AOverride"),
            "one Box",
            ("needs AOverride: true",),
            id="companion",
        ),
        pytest.param(
            Field("A", "linked", entity="Box", part_companions=(("B", "BOverride"),)),
            "one Box",
            ("B in it needs BOverride: true",),
            id="companion of a part",
        ),
        pytest.param(
            Field("A", "value", "int", label="Order Nbr."),
            "int",
            ("label: Order Nbr.",),
            id="label",
        ),
        pytest.param(
            Field("ShipVia", "value", "int", label="Ship Via"), "int", (), id="label says the same"
        ),
    ],
)
def test_field(field: Field, holds: str, notes: tuple[str, ...]) -> None:
    """A field's line says what it holds and what has to be known to write it."""
    (line,) = show_entity(invented(**{field.name: field}), "Parcel", with_parts=False).fields

    assert (line.name, line.holds, line.notes) == (field.name, holds, notes)


def test_facts_and_actions() -> None:
    """Keys, identities and actions with their parameters are reported."""
    shown = show_entity(invented(), "Parcel", with_parts=False)

    assert shown.facts == (
        "keys: Kind, Nbr (the last is numbered by the ERP)",
        "may carry the identity: Ref",
    )
    assert shown.actions == ("Void(When: date)",)


@pytest.mark.parametrize("entity", sorted(CONTRACT.entities))
def test_every_entity(entity: str) -> None:
    """Every field of every entity of the pinned contract has its line; parts end somewhere."""
    shown = show_entity(CONTRACT, entity, with_parts=True)

    assert [line.name for line in shown.fields] == list(CONTRACT.entities[entity].fields)


def test_command() -> None:
    """The table names each field once; `--all` adds the parts, by the path of their rules."""
    short = mapgen("contract", "show", "SalesOrder", cwd=ROOT)
    whole = mapgen("contract", "show", "SalesOrder", "--all", cwd=ROOT)

    assert (short.returncode, short.stderr) == (0, "")
    assert short.stdout.startswith("SalesOrder of default-24.200.001\n")
    assert re.search(r"^  CustomerID +string +required", short.stdout, re.MULTILINE)
    assert "\n    CancelSalesOrder()\n" in short.stdout
    assert whole.stdout.startswith(short.stdout)
    assert re.search(r"^SalesOrder\.Details: SalesOrderDetail$", whole.stdout, re.MULTILINE)


def test_all_entities() -> None:
    """Without an entity there is a line for each: those with a URL of their own come first."""
    done = mapgen("contract", "show", cwd=ROOT)
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "Default/24.200.001, contract version 4"
    assert lines[1].split() == [*HEADINGS]
    assert len(lines) == len(CONTRACT.entities) + 2
    top = [line.split()[0] for line in lines[2:]][: len(CONTRACT.top_level)]
    assert top == sorted(CONTRACT.top_level)
    order = next(line for line in lines if line.startswith("  SalesOrder "))
    assert re.search(r"OrderType, OrderNbr \(numbered\) +ExternalRef, CustomerOrder +69 ", order)


def test_as_json() -> None:
    """`--json` gives a program the same, of all entities and of one."""
    lines = json.loads(mapgen("contract", "show", "--json", cwd=ROOT).stdout)
    order = next(line for line in lines if line["name"] == "SalesOrder")
    shown = json.loads(mapgen("contract", "show", "SalesOrder", "--json", cwd=ROOT).stdout)

    assert len(lines) == len(CONTRACT.entities)
    assert order["keys"] == ["OrderType", "OrderNbr"]
    assert (order["numbered_by_erp"], order["top_level"]) == (True, True)
    assert order["identities"] == ["ExternalRef", "CustomerOrder"]
    assert [field["name"] for field in shown["fields"]] == list(
        CONTRACT.entities["SalesOrder"].fields
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ("SalesOrdr",), 1, "did you mean `SalesOrder`?", id="an entity that is near another"
        ),
        pytest.param(("Nothing",), 1, "error[E404]", id="an entity like no other"),
        pytest.param(
            ("SalesOrder", "--contract", "default-24.200.010"),
            2,
            "did you mean `default-24.200.001`?",
            id="a contract that is not pinned",
        ),
    ],
)
def test_unknown(arguments: tuple[str, ...], code: int, message: str) -> None:
    """What is not there is reported with what is near."""
    done = mapgen("contract", "show", *arguments, cwd=ROOT)

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_several_contracts(tmp_path: Path) -> None:
    """Of several contracts one has to be chosen."""
    contracts = tmp_path / "specs" / "contracts"
    contracts.mkdir(parents=True)
    for name in ("one-1", "two-2"):
        (contracts / f"{name}.json").touch()

    done = mapgen("contract", "show", "SalesOrder", cwd=tmp_path)

    assert done.returncode == 2
    assert "pinned are `one-1`, `two-2`" in done.stderr
