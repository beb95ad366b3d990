"""`mapgen schema flow`: the editors' schema of one flow knows its entities and its lookups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from mapgen.cli.schema import editor_path
from mapgen.disk.workspace import Workspace
from mapgen.project.completion import flow_schema
from mapgen.project.loading import Project
from tests.cli.conftest import ROOT, mapgen

WORKSPACE = Workspace(ROOT)
SPECS = WORKSPACE.spec_paths()
ORDERS = "specs/shopify/orders.maps.yaml"


def schema_of(path: str) -> Any:
    project = Project(WORKSPACE)
    return flow_schema(project.flow(path), project.target)


def spec_of(path: str) -> Any:
    """Return a spec as an editor has it."""
    text = (ROOT / path).read_text(encoding="utf-8").replace("    on: {", '    "on": {')
    return json.loads(json.dumps(yaml.safe_load(text.replace(" on: ", ' "on": ')), default=str))


def behind(schema: Any, found: Any) -> Any:
    name = found["$ref"].removeprefix("#/$defs/").replace("%20", " ")
    inner = schema["$defs"][name]
    return inner if "properties" in inner else behind(schema, inner)


@pytest.fixture(scope="module")
def orders() -> Any:
    return schema_of(ORDERS)


@pytest.mark.parametrize("path", SPECS)
def test_specs_fit(path: str) -> None:
    """Each spec that is right fits the schema of its flow, of one document or of several."""
    schema = schema_of(path)
    assert jsonschema_rs.meta.is_valid(schema)
    errors = [
        str(one.message) for one in jsonschema_rs.validator_for(schema).iter_errors(spec_of(path))
    ]
    assert errors == []


def test_fields_say_what_they_hold(orders: Any) -> None:
    """The fields of the entity that may be written, each with type, length and flags."""
    name = "SalesOrder of default-24.200.001"
    fields = orders["$defs"][name]["properties"]

    assert "string(40)" in fields["CustomerOrder"]["description"]
    assert "OrderTotal" not in fields
    assert len(fields) > 50


@pytest.mark.parametrize(
    ("where", "rule"),
    [
        pytest.param(("CustomerOrdr",), "order.name", id="no such field"),
        pytest.param(("OrderTotal",), "order.total_price", id="a computed field"),
        pytest.param(
            ("Details", "fields", "InventoryIDs"), "line.sku", id="no such field of a row"
        ),
        pytest.param(("ShippingSettings", "fields", "Zip"), "order.zip", id="no field of a part"),
        pytest.param(("Details",), {"object": "order.x", "as": "x", "fields": {}}, id="no rows"),
        pytest.param(("CustomerOrder",), {"each": "order.x", "as": "x", "fields": {}}, id="rows"),
        pytest.param(("CustomerOrder",), {"lookup": "custmers", "key": "order.id"}, id="no lookup"),
    ],
)
def test_what_does_not_fit(where: tuple[str, ...], rule: object, orders: Any) -> None:
    """A field or a lookup that is not there is marked, and a rule of another shape."""
    spec = spec_of(ORDERS)
    holder = spec["mapping"]["fields"]
    for name in where[:-1]:
        holder = holder[name]
    holder[where[-1]] = rule

    assert not jsonschema_rs.validator_for(orders).is_valid(spec)


def test_written_again(tmp_path: Path) -> None:
    """`new` and `init` write it where the spec names it; it is written anew without `--force`."""
    mapgen("init", cwd=tmp_path)
    path = tmp_path / editor_path("customers")
    before = path.read_text(encoding="utf-8")
    spec = (tmp_path / "specs/customers.maps.yaml").read_text(encoding="utf-8")
    assert "# yaml-language-server: $schema=editor/customers.schema.json\n" in spec
    path.write_text(before.replace("string(50)", "string(5)"), encoding="utf-8")
    done = mapgen("schema", "flow", "customers", "--output", path, cwd=tmp_path)
    assert done.returncode == 0
    assert path.read_text(encoding="utf-8") == before

    assert mapgen("schema", "flow", "customer", cwd=tmp_path).returncode == 1
