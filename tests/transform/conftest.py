"""What the tests of the transformation share: the generated flow, and its examples as records."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.testing import FlowUnderTest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated" / "shopify_orders"
COMBINED = Path(__file__).parent / "combined"


@pytest.fixture(scope="session")
def flow() -> FlowUnderTest:
    return FlowUnderTest.load(GENERATED)


@pytest.fixture(scope="session")
def order(flow: FlowUnderTest) -> Any:
    """An order of three lines, a discount, two taxes and both addresses."""
    [given] = [one.given for one in flow.examples if one.name.startswith("three lines")]
    return json.loads(given, parse_float=Decimal)


@pytest.fixture(scope="session")
def personal() -> tuple[str, ...]:
    """The paths of what is personal in an order."""
    rule_map = json.loads((GENERATED / "map.json").read_text(encoding="utf-8"))
    return tuple(rule_map["personal"])


@pytest.fixture(scope="session")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with flows that cross what the language has, generated."""
    folder = tmp_path_factory.mktemp("combined")
    shutil.copytree(COMBINED, folder, dirs_exist_ok=True)
    for shared in ("connections", "contracts"):
        shutil.copytree(ROOT / "specs" / shared, folder / "specs" / shared)
    connection = (folder / "specs/connections/acumatica.yaml").read_text("utf-8")
    for own in ("grouped_tenant", "joined_tenant"):
        text = connection.replace("connection: acumatica", f"connection: {own}")
        (folder / "specs/connections" / f"{own}.yaml").write_text(text, "utf-8")
    place = Workspace(folder)
    for name, text in generate(place, place.spec_paths()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
