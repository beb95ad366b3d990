"""A file that is one record: all of its rows make one document, or none does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import mapgen

CASES = Path(__file__).resolve().parents[1] / "cases"
SPEC = "specs/deliveries.maps.yaml"


@pytest.fixture(name="workspace", scope="module")
def _workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace whose flow takes each file for one parcel."""
    root = tmp_path_factory.mktemp("whole")
    for case in ("_base", "group-by-an-unknown-column"):
        shutil.copytree(CASES / case / "specs", root / "specs", dirs_exist_ok=True)
    text = (root / SPEC).read_text("utf-8")
    number = "parcel.rows.first().?number.orValue('none')"
    for old, new in (
        ("key: parcel.number", f'key: "{number}"'),
        ("value: parcel.number", 'value: "parcel.rows[0].number"'),
        ("group: {by: [nubmer], as: rows}", "group: {as: rows}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (root / SPEC).write_text(text, encoding="utf-8")
    done = mapgen("generate", cwd=root)
    assert done.returncode == 0, done.stderr
    return root


def _transformed(workspace: Path, *lines: str) -> tuple[list[object], list[str]]:
    """Return what becomes of a file: the articles of each document, the codes of what is wrong."""
    text = "\n".join(("number,sku,quantity", *lines)) + "\n"
    (workspace / "sheet.csv").write_text(text, encoding="utf-8")
    done = mapgen("transform", "deliveries", "--input", "sheet.csv", cwd=workspace)
    documents = [json.loads(line)["document"] for line in done.stdout.splitlines()]
    refused = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    articles: list[object] = [
        [row["Article"]["value"] for row in document["Items"]] for document in documents
    ]
    return articles, [error["code"] for one in refused for error in one["faults"]]


def test_one_document_a_file(workspace: Path) -> None:
    """Rows of any order are the rows of one document."""
    lines = ("7,CUP,2", "8,POT,1", "7,TEA,3")

    assert _transformed(workspace, *lines) == ([["CUP", "POT", "TEA"]], [])
    assert _transformed(workspace) == ([], [])
    overview = (workspace / "generated/deliveries/DELIVERIES.md").read_text("utf-8")
    assert "| rows | of one file: `parcel.rows` |" in overview


def test_one_wrong_row(workspace: Path) -> None:
    """A row that is wrong, or cannot be read, is a file that makes no document."""
    assert _transformed(workspace, "7,CUP,2", "8,POT,0") == ([], ["R303"])
    assert _transformed(workspace, "7,CUP,2", "8,POT,two") == ([], ["R102"])
    assert _transformed(workspace, "7,CUP,2", "8") == ([], ["R101", "R101"])
