"""Flows out of the ERP: what it answers becomes what a shop takes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mapgen.contract.lock import load
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.values import ENCODER, MultiSelectValue, Option, SelectValue
from mapgen.sandbox import ShopSettings, serve, serve_shop
from tests.cli.conftest import ROOT, mapgen

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
RECORDED = SHARED / "acumatica/recorded/stockitem_get_list_top1_200.json"
FRAGMENT = SHARED / "acumatica/contracts/contract-v5-fragment.json"
PAYLOADS = SHARED / "sources/shopify"
EXAMPLES = ROOT / "specs/shopify/examples"
LOCK = ROOT / "specs/contracts/default-24.200.001.json"


def _carried(flow: str, answer: object, tmp_path: Path) -> tuple[list[Any], list[Any]]:
    """Return the documents of what the ERP answered, and the records that gave none."""
    given, out, kept = (tmp_path / name for name in ("in.json", "out.jsonl", "kept.jsonl"))
    given.write_text(json.dumps(answer), encoding="utf-8")
    files = ("--input", given, "--output", out, "--rejects", kept, "--env", "local")
    tables = _tables(tmp_path) if flow == "shopify_fulfilments" else ()
    done = mapgen("transform", flow, *files, *tables, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    read = (path.read_text(encoding="utf-8").splitlines() for path in (out, kept))
    documents, others = ([json.loads(line) for line in lines] for lines in read)
    return [line["document"] for line in documents], others


def _tables(folder: Path) -> tuple[str, ...]:
    """Return the options by which files stand for what the ERP would be asked."""
    orders, lines = folder / "orders.csv", folder / "lines.csv"
    orders.write_text(
        "OrderNbr,ExternalRef\n"
        + "".join(f"{one['OrderNbr']},{one['ExternalRef']}\n" for one in ORDERS),
        encoding="utf-8",
    )
    lines.write_text(
        "OrderNbr,Details.LineNbr,Details.ExternalRef\n"
        + "".join(
            f"{one['OrderNbr']},{row['LineNbr']},{row['ExternalRef']}\n"
            for one in ORDERS
            for row in one["Details"]
        ),
        encoding="utf-8",
    )
    return "--lookup", f"orders={orders}", "--lookup", f"lines={lines}"


def _order(number: str, shop_id: str, *lines: str) -> dict[str, Any]:
    """Return an order of the shop as the tenant has it, with the shop's ids of its lines."""
    details = [
        {"LineNbr": at, "InventoryID": "CUP", "ExternalRef": one} for at, one in enumerate(lines, 1)
    ]
    known = {"OrderType": "SO", "OrderNbr": number, "ExternalRef": f"{shop_id}-kettle-fern"}
    return {**known, "CustomerID": "C000101", "Details": details}


ORDERS = [
    _order("SO002001", "5871232800768", "15240328007680", "15240328040448", "15240328073216"),
    _order("SO002002", "5871232833536", "15240328105984"),
]


def _example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("flow", "answer", "schema"),
    [
        pytest.param(
            "shopify_fulfilments",
            ["shipment-000801.json", "shipment-000802.json"],
            "shopify-fulfilment",
            id="shipments",
        ),
        pytest.param(
            "shopify_inventory_levels",
            ["stock-cup.json", "stock-pot.json"],
            "shopify-inventory-level",
            id="stock",
        ),
    ],
)
def test_documents_are_what_the_schema_takes(
    flow: str, answer: list[str], schema: str, tmp_path: Path
) -> None:
    """A list answer gives three documents, each of them as the target's own schema wants it."""
    documents, others = _carried(flow, [_example(name) for name in answer], tmp_path)

    wanted = json.loads((ROOT / f"specs/schemas/{schema}.schema.json").read_text("utf-8"))
    assert len(documents) == 3
    assert others == []
    for document in documents:
        jsonschema.validate(document, wanted, format_checker=jsonschema.FormatChecker())


def test_a_shipment_in_the_house(tmp_path: Path) -> None:
    """A shipment that is open, or moves between warehouses, is no fulfilment."""
    shipment = _example("shipment-000801.json")
    transfer = {**shipment, "Type": {"value": "Transfer"}}

    _, others = _carried(
        "shopify_fulfilments", [{**shipment, "Status": {"value": "Open"}}, transfer], tmp_path
    )

    assert [one["outcome"] for one in others] == ["skipped", "skipped"]


def test_an_order_that_the_shop_does_not_know(tmp_path: Path) -> None:
    """What was typed into the ERP is none of the shop's: nothing is made of it."""
    shipment = _example("shipment-000801.json")
    for rows in ("Orders", "Details"):
        for row in shipment[rows]:
            row["OrderNbr"] = {"value": "SO009999"}

    documents, [skipped] = _carried("shopify_fulfilments", shipment, tmp_path)

    assert documents == []
    assert (skipped["outcome"], "none of its documents" in skipped["reason"]) == ("skipped", True)


def test_a_line_that_the_shop_does_not_know(tmp_path: Path) -> None:
    """A line that has no id of the shop waits for it, told with its place."""
    shipment = _example("shipment-000801.json")
    shipment["Details"][0]["OrderLineNbr"] = {"value": 99}

    _, [rejected] = _carried("shopify_fulfilments", shipment, tmp_path)

    assert [(one["code"], one["retry"]) for one in rejected["faults"]] == [("R304", True)]


def test_delivered_to_the_shop(tmp_path: Path) -> None:
    """Fulfilments are made once, whoever runs them again; stock is set where it differs.

    Which orders of the shop they are of is asked of the ERP.
    """
    given = (("shopify_fulfilments", "shipment-000802"), ("shopify_inventory_levels", "stock-cup"))
    seed = {"Customer": [{"CustomerID": "C000101", "CustomerName": "Ada"}], "SalesOrder": ORDERS}
    with (
        serve_shop(ShopSettings(has_unique_names=False)) as shop,
        serve(load(LOCK), seed=seed) as erp,
    ):
        variables = {**shop.environment, **erp.environment}
        for again in range(2):
            for flow, name in given:
                source, state = EXAMPLES / f"{name}.json", f"sqlite:///{tmp_path}/{again}.db"
                arguments = ("run", flow, "--input", source, "--env", "local", "--state", state)
                done = mapgen(*arguments, cwd=ROOT, **variables)
                assert done.returncode == 0, done.stderr

        assert sorted(one["name"] for one in shop.shop.fulfilments) == [
            "000802-SO002001",
            "000802-SO002002",
        ]
        assert [one["available"] for one in shop.shop.levels.values()] == [8, 0]
        assert shop.shop.changes == 2


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"no recorded answers in {RECORDED.parent}")
def test_a_recorded_answer(tmp_path: Path) -> None:
    """A real answer is read as it came; details that were not asked for are reported at once."""
    [item] = next(
        step["response"]["body"]
        for step in json.loads(RECORDED.read_text("utf-8"))["interactions"]
        if isinstance(step["response"]["body"], list)
    )
    asked = {"UOMConversions": [], "WarehouseDetails": [{"WarehouseID": {"value": "MAIN"}}]}
    for_the_shop = {**item, "ExportToExternal": {"value": True}}

    _, others = _carried(
        "shopify_inventory_levels", [item, for_the_shop, {**for_the_shop, **asked}], tmp_path
    )

    assert [one["outcome"] for one in others] == ["skipped", "rejected", "rejected"]
    assert {error["source_path"] for error in others[1]["faults"]} == {
        "article.UOMConversions",
        "article.WarehouseDetails",
    }
    assert [error["code"] for error in others[2]["faults"]] == ["R304"]


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason=f"no real payloads in {PAYLOADS}")
@pytest.mark.parametrize(
    ("flow", "example", "payload", "wrapper", "own"),
    [
        pytest.param(
            "shopify_fulfilments",
            "shipment-000801.json",
            "fulfillment.json",
            "fulfillment",
            {"name", "location_id", "notify_customer"},
            id="a fulfilment",
        ),
        pytest.param(
            "shopify_inventory_levels",
            "stock-pot.json",
            "inventory_level.json",
            "inventory_level",
            {"reference"},
            id="a level",
        ),
    ],
)
def test_members_of_real_payloads(
    flow: str, example: str, payload: str, wrapper: str, own: set[str], tmp_path: Path
) -> None:
    """The members of a document are those of the shop's payload, but for what makes one."""
    [document], _ = _carried(flow, _example(example), tmp_path)
    known = json.loads((PAYLOADS / payload).read_text("utf-8"))[wrapper]

    assert set(document) - set(known) == own
    for row in document.get("line_items", ()):
        assert set(row) <= set(known["line_items"][0])


@pytest.mark.skipif(not FRAGMENT.is_file(), reason=f"no contract of version 5 in {FRAGMENT.parent}")
@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param(SelectValue(Option("AC")), "StringSingleSelectValue", id="an option"),
        pytest.param(
            MultiSelectValue([Option("AC"), Option("B")]), "StringMultiSelectValue", id="options"
        ),
        pytest.param(MultiSelectValue([]), "StringMultiSelectValue", id="no option"),
    ],
)
def test_options_of_contract_version_5(value: object, name: str) -> None:
    """What is sent for a drop-down is what the contract describes."""
    document = json.loads(FRAGMENT.read_text("utf-8").replace('"nullable": true', '"x": 1'))
    schema = {**document, "$ref": f"#/components/schemas/{name}"}

    jsonschema.validate(json.loads(ENCODER.encode(value)), schema)


def test_days_that_a_target_lists() -> None:
    """A member may be called as the class of its value is: what the schema lists is apart."""
    spec, schema = (
        "shopify/inventory_levels.maps.yaml",
        "schemas/shopify-inventory-level.schema.json",
    )
    rules = (ROOT / "specs" / spec).read_text(encoding="utf-8")
    members = json.loads((ROOT / "specs" / schema).read_text(encoding="utf-8"))
    members["properties"]["date"] = {"type": "string", "format": "date", "enum": ["2026-01-31"]}
    changed = rules.replace(
        "        updated_at: article.?LastModified\n",
        "        updated_at: article.?LastModified\n        date: \"date('2026-01-31')\"\n",
    )
    drafts = {f"specs/{spec}": changed, f"specs/{schema}": json.dumps(members)}

    files = generate(Workspace(ROOT, drafts), [f"specs/{spec}"])

    code = files["generated/shopify_inventory_levels/transformer.py"]
    assert "DATE_2026_01_31_2 = date(2026, 1, 31)" in code
    assert "date = one_of(DATE_2026_01_31, DATE_2026_01_31_2)" in code
