"""What the tests of the transformation share: the generated flow, and its examples as records."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mapgen.runtime.testing import FlowUnderTest

GENERATED = Path(__file__).resolve().parents[2] / "generated" / "shopify_orders"


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
