"""A supplier's price list: what its lines change of the items, and what they leave alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, mapgen

LIST = ROOT / "specs/price_list/samples/autumn.csv"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each line of the list comes to, by its item: a document, or why there is none."""
    folder = tmp_path_factory.mktemp("list")
    documents, rejects = folder / "documents.jsonl", folder / "rejects.jsonl"
    files = ("--input", LIST, "--output", documents, "--rejects", rejects)
    done = mapgen("transform", "price_list_items", *files, "--env", "local", cwd=ROOT)
    assert done.returncode == 1, done.stderr
    found = [
        json.loads(line, parse_float=Decimal)
        for path in (documents, rejects)
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return {one["source"].get("key", f"line {one['source']['line']}"): one for one in found}


def _written(line: Any) -> dict[str, Any]:
    return {
        name: member["value"] if isinstance(member, dict) else member
        for name, member in line["document"].items()
    }


def test_a_full_line(lines: dict[str, Any]) -> None:
    """Prices with decimal commas, grams, codes: each in the form that the item has."""
    assert _written(lines["CUP-01"]) == {
        "InventoryID": "CUP-01",
        "DefaultPrice": Decimal("24.90"),
        "MSRP": Decimal("29.90"),
        "DimensionWeight": Decimal("0.350"),
        "TariffCode": "69120023",
        "CrossReferences": [
            {"AlternateType": {"value": "Barcode"}, "AlternateID": {"value": "4006381333931"}}
        ],
        "CountryOfOrigin": "DE",
    }


def test_a_sparse_line(lines: dict[str, Any]) -> None:
    """A line that says nothing changes nothing but what is emptied by name."""
    assert _written(lines["POT-12"]) == {
        "InventoryID": "POT-12",
        "MSRP": None,
        "CountryOfOrigin": None,
    }


@pytest.mark.parametrize(
    ("item", "price", "recommended"),
    [
        pytest.param("POT-11", "1249.50", "1400.00", id="cents, rounded where the rule says so"),
        pytest.param("TRAY-03", "12000", "13500", id="no cents"),
        pytest.param("LAMP-08", "8.125", "9.500", id="thousandths"),
        pytest.param("CUP-02", "19.90", None, id="a recommendation that was withdrawn"),
    ],
)
def test_prices(lines: dict[str, Any], item: str, price: str, recommended: str | None) -> None:
    """A price has the places of its currency."""
    written = _written(lines[item])

    assert str(written["DefaultPrice"]) == price
    assert written["MSRP"] == (None if recommended is None else Decimal(recommended))


@pytest.mark.parametrize(
    ("item", "weight"),
    [
        pytest.param("TRAY-03", Decimal("0.900"), id="a number"),
        pytest.param("LAMP-08", None, id="words"),
        pytest.param("POT-11", None, id="a decimal comma, which grams are not written with"),
    ],
)
def test_weights(lines: dict[str, Any], item: str, weight: Decimal | None) -> None:
    """What is no weight leaves the item's weight alone, and the line goes on."""
    assert _written(lines[item]).get("DimensionWeight") == weight


def test_left_out(lines: dict[str, Any]) -> None:
    """An article that goes out of the range is no mistake, and no document."""
    assert lines["LAMP-07"]["outcome"] == "skipped"


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        pytest.param("CORD-01", [("R302", "DefaultPrice")], id="half a cent"),
        pytest.param("CORD-02", [("R212", "DefaultPrice")], id="an unknown currency"),
        pytest.param("CORD-03", [("R208", "DefaultPrice")], id="words for a price"),
        pytest.param(
            "CORD-04",
            [("R303", "DefaultPrice"), ("R312", "CrossReferences")],
            id="a negative price, and one barcode twice",
        ),
    ],
)
def test_rejected(lines: dict[str, Any], item: str, errors: list[tuple[str, str]]) -> None:
    """A line with mistakes is rejected with all of them, and no other line is."""
    assert [(one["code"], one["target"]) for one in lines[item]["faults"]] == errors


def test_a_short_line(lines: dict[str, Any]) -> None:
    """A line with too few cells is rejected by its number."""
    assert lines["line 13"]["outcome"] == "rejected"
    assert len(lines) == len(Path(LIST).read_text(encoding="utf-8").splitlines()) - 1
