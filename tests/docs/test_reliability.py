"""docs/reliability.md: each of the failure modes names a check or a test, and those are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", PAGE, flags=re.MULTILINE)
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
CODES = sorted(set(re.findall(r"\b([EWR]\d{3})\b", PAGE)))


def test_each_failure_has_its_row() -> None:
    """There are 34, and each says what holds it."""
    assert [int(number) for number, _ in ROWS] == list(range(1, 35))
    assert all(re.search(r"E\d{3}|tests/", held) for _, held in ROWS)


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_it_is_there(path: str, name: str) -> None:
    """A test that the page names is in its file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert not name or name in found
    assert any(one.startswith("test_") for one in found)


@pytest.mark.parametrize("code", CODES)
def test_it_is_explained(code: str) -> None:
    """A code that the page names has a page of its own."""
    assert (ROOT / "docs" / "errors" / f"{code}.md").is_file()
