"""`mapgen transform` over files in other encodings."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import mapgen
from tests.cli.test_sheets import HEADER, ROW, sheets

__all__ = ["sheets"]


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
