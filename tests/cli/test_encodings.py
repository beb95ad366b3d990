"""`mapgen transform` over files in other encodings."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.cli.conftest import mapgen
from tests.cli.test_sheets import HEADER, ROW, sheets

__all__ = ["sheets"]


def test_a_workbook(sheets: Path) -> None:
    """A workbook where text is expected is reported, one of another format by its name."""
    (sheets / "book.csv").write_bytes(b"PK\x03\x04...")

    done = mapgen("transform", "sheet", "--input", "book.csv", cwd=sheets)
    assert "it begins like a workbook of Excel" in done.stderr
    assert "is it `format: xlsx`?" in done.stderr

    (sheets / "book.xlsx").write_bytes(b"PK\x03\x04...")
    assert "error[E508]" in mapgen("transform", "sheet", "--input", "book.xlsx", cwd=sheets).stderr


def test_packed(sheets: Path) -> None:
    """The name of a packed file tells nothing else than that of the file inside."""
    (sheets / "sheet.csv.gz").write_bytes(gzip.compress((HEADER + ROW).encode()))
    (sheets / "sheet.json.gz").write_bytes(gzip.compress(b"{}"))

    assert mapgen("transform", "sheet", "--input", "sheet.csv.gz", cwd=sheets).returncode == 0
    assert "E508" in mapgen("transform", "sheet", "--input", "sheet.json.gz", cwd=sheets).stderr


def test_another_encoding_is_named(sheets: Path) -> None:
    """A file in UTF-16 is refused as a whole, with what to write."""
    (sheets / "excel.csv").write_bytes((HEADER + ROW).encode("utf-16"))

    done = mapgen("transform", "sheet", "--input", "excel.csv", cwd=sheets)

    assert done.returncode == 1
    assert done.stderr == (
        "error[E529]: the input `excel.csv` cannot be read: it begins with the byte order mark of"
        " UTF-16, and its source says `encoding: utf-8`\n"
        "  --> excel.csv\n  help: write `encoding: utf-16` in the source\n\n"
        "1 error; `mapgen explain E529` says more\n"
    )
