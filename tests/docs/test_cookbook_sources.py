"""The cookbook's recipes for records of more than one thing: they give what the page says."""

from __future__ import annotations

import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from tests.cli.conftest import ROOT, mapgen
from tests.docs.walking import File, steps, take

PAGE = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
CONTRACT = "specs/contracts/default-24.200.001.json"
FLOW = "recipe"

SPEC = """\
maps: 1
flow: recipe
summary: A recipe
owner: nobody
mapping:
  target: {{contract: default-24.200.001, entity: SalesOrder, operation: create}}
  identity: {{field: ExternalRef, value: order.number}}
  examples: [{{name: one, given: given.json, gives: given.json}}]
{recipe}
auth:
  target: acumatica
  access: {{SalesOrder: [read, insert]}}
performance:
  mode: queued
  volume: {{peak_per_minute: 1, per_day: 1}}
security:
  data: {{}}
  rollback: {{irreversible: a recipe}}
"""

RECIPES = [
    pytest.param(
        "Records of two resources",
        "--input orders.jsonl --join lines=lines.jsonl --join buyer=buyers.json",
        id="two resources",
    ),
    pytest.param("Flat files", "--input orders.csv", id="flat files"),
    pytest.param("Envelopes: webhooks, GraphQL, taps", "--input wrapped.jsonl", id="envelopes"),
    pytest.param("Bulk operations of Shopify", "--input bulk.jsonl", id="bulk"),
    pytest.param("Files of banks and offices", "--input office.csv", id="office"),
    pytest.param(
        "Values that differ from record to record", "--input loose.jsonl", id="values that differ"
    ),
    pytest.param("JSON in a text", "--input queued.jsonl", id="JSON in a text"),
]


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)^## ", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _fence(section: str, kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _plain(document: Any) -> Any:
    if isinstance(document, list):
        return [_plain(row) for row in document]
    if not isinstance(document, dict):
        return document
    if "value" in document:
        return document["value"]
    return {name: _plain(member) for name, member in document.items()}


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    """A workspace with the files of the page, without any flow."""
    for step in steps(PAGE):
        if isinstance(step, File):
            take(step, tmp_path)
    (tmp_path / "specs/contracts").mkdir()
    shutil.copy(ROOT / CONTRACT, tmp_path / CONTRACT)
    shutil.copytree(ROOT / "specs/connections", tmp_path / "specs/connections")
    (tmp_path / "specs/given.json").write_text("{}", encoding="utf-8")
    local = (ROOT / "specs/environments/local.yaml").read_text("utf-8").partition("settings:")[0]
    (tmp_path / "specs/environments").mkdir()
    (tmp_path / "specs/environments/local.yaml").write_text(f"{local}settings: {{}}\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(("title", "options"), RECIPES)
def test_recipe(title: str, options: str, kitchen: Path) -> None:
    """Each record becomes what the page says: a document, an error, or a reason to skip it."""
    section = _section(title)
    spec = SPEC.format(recipe=indent(_fence(section, "yaml"), "  "))
    (kitchen / "specs/recipe.maps.yaml").write_text(spec, encoding="utf-8")
    done = mapgen("generate", cwd=kitchen)
    assert done.returncode == 0, done.stderr

    encoding = re.search(r"encoding: (\S+)", spec)
    if encoding is not None:  # the page is in UTF-8
        path = kitchen / options.split()[1]
        path.write_bytes(path.read_text(encoding="utf-8").encode(encoding[1]))

    done = mapgen("transform", FLOW, *options.split(), cwd=kitchen)

    lines = [json.loads(x, parse_float=Decimal) for x in done.stdout.splitlines()]
    refused = [json.loads(x) for x in done.stderr.splitlines() if x.startswith("{")]
    found = {line["source"]["record"]: _plain(line["document"]) for line in lines}
    for line in refused:
        codes = " ".join(diagnostic["code"] for diagnostic in line.get("faults", ()))
        found[line["source"]["record"]] = codes or line["reason"]
    assert [found[number] for number in sorted(found)] == json.loads(_fence(section, "json"))


def test_the_command_of_the_page() -> None:
    """The page names the command that is run here."""
    assert f"`mapgen transform FLOW {RECIPES[0].values[1]}`" in " ".join(PAGE.split())
