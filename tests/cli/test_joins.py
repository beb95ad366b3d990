"""`mapgen transform` with records that are put together: rows of one key, and joined files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, environment, mapgen

HEADER = "Tour;Driver;City;Sequence;Weight;Remark\n"
TOUR = "T-1;7;Faro;1;12.50;\nT-1;7;Beja;2;0.50;ring\n"
DRIVERS = [{"number": 7, "name": "Ana", "rank": 2}, {"number": 8, "name": "Rui", "rank": 1}]
CALLS = "tour,caller,minutes\nT-1,Rui,3\nT-1,Eva,4\n"
SHORT = "the row has 1 cells, the header 3"
TOGETHER = ("--join", "driver=drivers.json", "--join", "calls=calls.csv")


@pytest.fixture(scope="module")
def tours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a flow that puts records together, generated."""
    folder = tmp_path_factory.mktemp("tours") / "work"
    shutil.copytree(ROOT / "tests" / "compiler" / "flows", folder)
    done = mapgen("generate", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def files(tours: Path) -> Path:
    """The workspace with sound files beside it."""
    (tours / "tours.csv").write_text(HEADER + TOUR, encoding="utf-8")
    (tours / "drivers.json").write_text(json.dumps({"drivers": DRIVERS}), encoding="utf-8")
    (tours / "calls.csv").write_text(CALLS, encoding="utf-8")
    return tours


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def errors(line: Any) -> list[tuple[str, str]]:
    return [(error["code"], error["source_path"]) for error in line["faults"]]


def test_a_record_of_three_files(files: Path) -> None:
    """Rows with one key and what other files hold of it are one record."""
    done = mapgen("transform", "tours", "--input", "tours.csv", *TOGETHER, cwd=files)

    assert done.returncode == 0, done.stderr
    [line] = lines(done.stdout)
    assert line["source"] == {"file": "tours.csv", "record": 1, "line": 2, "key": "T-1"}
    document = line["document"]
    assert [stop["City"]["value"] for stop in document["Stops"]] == ["Faro", "Beja"]
    assert document["Carrier"] == {"value": "Ana"}
    assert document["Parcels"] == {"value": 7}
    assert "Class" not in document
    assert "drivers.json: 1 record belongs to no record of the input\n" in done.stderr
    assert "calls.csv" not in done.stderr


def test_a_file_that_records_of_cells_need(files: Path) -> None:
    """A row of CSV cannot hold what is joined: without its file every record would be refused."""
    done = mapgen("transform", "tours", "--input", "tours.csv", *TOGETHER[:2], cwd=files)

    assert done.returncode == 2
    assert "the records of `tours` are CSV, joined with others: --join calls=FILE" in done.stderr
    assert lines(done.stderr) == []


def test_all_errors_of_a_record(files: Path) -> None:
    """What cannot be joined is reported with the other errors, each with rule and path."""
    text = HEADER + TOUR + "T-2;9;Faro;one;1;\nT-2;9;Beja;2;x;\nT-3;x;Faro;1;1;\nT-1;7;Moura;3;1;\n"
    (files / "tours.csv").write_text(text, encoding="utf-8")

    done = mapgen("transform", "tours", "--input", "tours.csv", *TOGETHER, cwd=files)

    assert [line["source"]["key"] for line in lines(done.stdout)] == ["T-1"]
    unknown, wordy, apart = lines(done.stderr)
    assert errors(unknown) == [
        ("R102", "tour.stops[0].Sequence"),
        ("R102", "tour.stops[1].Weight"),
        ("R105", "tour.driver"),
    ]
    assert unknown["source"] == {"file": "tours.csv", "record": 2, "line": 4, "key": "T-2"}
    driver = unknown["faults"][2]
    assert driver["message"] == "`drivers.json` has no record for its `Driver`"
    assert (driver["target"], driver["value"]) == ("Carrier", None)
    assert driver["spec"].startswith("specs/tours.maps.yaml:")
    assert errors(wordy) == [("R102", "tour.Driver")]
    assert wordy["faults"][0]["value"] == "(masked: personal)"
    assert (apart["source"]["line"], errors(apart)) == (7, [("R104", "tour.stops")])


def test_a_joined_file_with_a_broken_record(files: Path) -> None:
    """It is reported with its line and the run goes on; lists that may lack it wait."""
    (files / "calls.csv").write_text(CALLS + "T-9\n", encoding="utf-8")

    done = mapgen("transform", "tours", "--input", "tours.csv", *TOGETHER, cwd=files)

    assert done.returncode == 1
    broken, waiting = lines(done.stderr)
    assert broken["source"] == {"file": "calls.csv", "record": 3, "line": 4}
    assert broken["faults"][0]["message"] == SHORT
    assert errors(waiting) == [("R107", "tour.calls")]
    assert waiting["faults"][0]["retry"] is True


UNFIT = [
    pytest.param(
        "drivers=drivers.json", 2, "joins no `drivers`; did you mean `driver`?", id="near"
    ),
    pytest.param("x=drivers.json", 2, "its joins: `driver`, `van`, `calls`", id="unknown"),
    pytest.param("driver", 2, "is not written as NAME=FILE", id="no file"),
    pytest.param("driver=none.json", 1, "error[E101]: the joined file `none.json`", id="gone"),
    pytest.param("driver=specs", 1, "error[E102]", id="folder"),
    pytest.param("calls=drivers.json", 1, "error[E508]", id="format"),
    pytest.param("calls=tours.csv", 1, "error[E528]", id="columns"),
]


@pytest.mark.parametrize(("given", "code", "reason"), UNFIT)
def test_a_joined_file_of_no_use(files: Path, given: str, code: int, reason: str) -> None:
    """It is named with the reason, and nothing is transformed."""
    other = TOGETHER[:2] if given.startswith("calls=") else TOGETHER[2:]
    options = ("--input", "tours.csv", *other, "--join", given)
    done = mapgen("transform", "tours", *options, cwd=files)

    assert done.returncode == code
    assert reason in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("option", ["--output", "--rejects"])
def test_a_joined_file_is_not_written_over(files: Path, option: str) -> None:
    """What is still to be read is not written over."""
    before = (files / "drivers.json").read_bytes()
    options = ("--input", "tours.csv", *TOGETHER, option, "drivers.json")

    done = mapgen("transform", "tours", *options, cwd=files)

    assert done.returncode == 2
    assert f"--join and {option} name the same file, `drivers.json`" in done.stderr
    assert (files / "drivers.json").read_bytes() == before


def test_an_index_without_room(files: Path) -> None:
    """A disk that takes no index stops the run with the reason."""
    code = (
        "import sqlite3, mapgen.runtime.joins as joins\n"
        "joins._SHAPE += 'PRAGMA max_page_count = 5;'\n"
        "from mapgen.cli import main; main()"
    )
    many = "\n".join(json.dumps({**DRIVERS[0], "number": n}) for n in range(5000))
    (files / "drivers.jsonl").write_text(many, encoding="utf-8")
    options = ("--input", "tours.csv", "--join", "driver=drivers.jsonl", *TOGETHER[2:])

    done = subprocess.run(
        [sys.executable, "-c", code, "transform", "tours", *options],
        cwd=files,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "error[E510]" in done.stderr
    assert "database or disk is full (the index of a joined file" in done.stderr


def test_a_flow_that_joins_nothing(files: Path) -> None:
    """`--join` is refused where there is nothing to join."""
    done = mapgen("transform", "sheet", "--input", "-", "--join", "driver=drivers.json", cwd=files)

    assert done.returncode == 2
    assert "its joins: none" in done.stderr
