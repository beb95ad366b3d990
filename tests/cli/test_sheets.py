"""`mapgen transform` over CSV files and with tables of the caller's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, mapgen

HEADER = "Number;City;Service;Size;Day;Weight;Pallets;Fragile;Planned;Remark\n"
ROW = "S-1;Faro;fast;S;1;12.5;2;true;2026-03-01;\n"


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a flow that reads CSV, generated."""
    folder = tmp_path_factory.mktemp("sheets") / "work"
    shutil.copytree(ROOT / "tests" / "compiler" / "flows", folder)
    done = mapgen("generate", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.tsv", "sheet.txt", "-"])
def test_a_sheet(sheets: Path, name: str) -> None:
    """Rows become documents, from a file of any name or from standard input."""
    if name != "-":
        (sheets / name).write_text(HEADER + ROW, encoding="utf-8")

    done = mapgen("transform", "sheet", "--input", name, cwd=sheets, given=HEADER + ROW)

    assert done.returncode == 0, done.stderr
    [line] = lines(done.stdout)
    assert line["source"]["line"] == 2
    assert line["document"]["Weight"] == {"value": 12.5}
    assert line["document"]["Pallets"] == {"value": 2}
    assert line["document"]["Fragile"] == {"value": True}
    assert "Remark" not in line["document"]


def test_rejected_rows(sheets: Path) -> None:
    """All errors of a row are reported with the line it begins on; sound rows go through."""
    bad = 'S-2;Faro;slow;XL;05;much;1.5;yes;1/2/26;"two\nlines"\nS-3;Faro\n'

    done = mapgen("transform", "sheet", "--input", "-", cwd=sheets, given=HEADER + bad + ROW)

    assert done.returncode == 1
    assert [line["source"]["line"] for line in lines(done.stdout)] == [5]
    typed, short = lines(done.stderr)
    assert (typed["source"]["line"], typed["source"]["key"]) == (2, "S-2")
    assert {error["source_path"] for error in typed["faults"]} == {
        "row.Size",
        "row.Day",
        "row.Weight",
        "row.Pallets",
        "row.Fragile",
        "row.Planned",
    }
    assert short["source"]["line"] == 4
    assert short["faults"][0]["message"] == "the row has 2 cells, the header 10"


REFUSED = [
    pytest.param("sheet.json", HEADER, "E508", id="JSON"),
    pytest.param("comma.csv", HEADER.replace(";", ","), "E528", id="another delimiter"),
    pytest.param("twice.csv", HEADER.replace("Remark", "City"), "E528", id="column twice"),
]


@pytest.mark.parametrize(("name", "text", "code"), REFUSED)
def test_a_sheet_of_no_use(sheets: Path, name: str, text: str, code: str) -> None:
    """A file that can give no record at all is reported once, with a next step."""
    (sheets / name).write_text(text, encoding="utf-8")

    done = mapgen("transform", "sheet", "--input", name, cwd=sheets)

    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert "help: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("text", ["", HEADER])
def test_a_sheet_of_no_rows(sheets: Path, text: str) -> None:
    """Nothing new is the most usual day of a flow that runs by the clock, and no error."""
    (sheets / "nothing.csv").write_text(text, encoding="utf-8")

    done = mapgen("transform", "sheet", "--input", "nothing.csv", cwd=sheets)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("0 records")


def test_a_table_of_the_callers_own(sheets: Path) -> None:
    """`--lookup` takes the place of a table, as CSV or JSON, whatever the spec names."""
    (sheets / "lanes.json").write_text('[{"city": "Faro", "service": "fast", "lane": "OWN"}]')
    (sheets / "gates.csv").write_text("city,day,gate\nFaro,1,MINE\n")
    own = ("--lookup", "lanes=lanes.json", "--lookup", "gates=gates.csv")

    done = mapgen("transform", "sheet", "--input", "-", *own, cwd=sheets, given=HEADER + ROW)

    [line] = lines(done.stdout)
    assert line["document"]["Lane"] == {"value": "OWN"}
    assert line["document"]["Gate"] == {"value": "MINE"}


UNFIT = [
    pytest.param("lanes", 2, "is not written as NAME=FILE", id="no file"),
    pytest.param("=x.csv", 2, "is not written as NAME=FILE", id="no name"),
    pytest.param("lane=x.csv", 2, "did you mean `lanes`?", id="unknown"),
    pytest.param("classes=x.csv", 2, "reads no table `classes` from a file", id="inline"),
    pytest.param(
        "lanes=none.csv", 1, "the lookup `lanes` (none.csv): it does not exist", id="gone"
    ),
    pytest.param("lanes=specs", 1, "the lookup `lanes` (specs): it cannot be read", id="folder"),
]


@pytest.mark.parametrize(("given", "code", "reason"), UNFIT)
def test_a_table_of_no_use(sheets: Path, given: str, code: int, reason: str) -> None:
    """A table that cannot be used is named with the reason; nothing is transformed."""
    own = ("--lookup", given)

    done = mapgen("transform", "sheet", "--input", "-", *own, cwd=sheets, given=HEADER + ROW)

    assert done.returncode == code
    assert reason in done.stderr
    assert done.stdout == ""
