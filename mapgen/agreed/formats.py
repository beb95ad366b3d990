"""The formats of files, a row each: of those that are read, and of those that are written."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class FileFormat(Struct, frozen=True, kw_only=True):
    """What holds for files of a format.

    `reads` says in words what is read, `refuses` has the suffixes of files that are something else,
    `takes` the keys of a source that mean something here. Where it `holds_cells`, a record is a
    row, each of its members one value, and a number is text. What is no text has no encoding.
    """

    reads: str
    refuses: tuple[str, ...]
    takes: tuple[str, ...]
    holds_cells: bool = False
    is_text: bool = True


FORMATS: Mapping[str, FileFormat] = {
    "json": FileFormat(
        reads="JSON or JSON Lines (`.json`, `.jsonl`, `.ndjson`)",
        refuses=(".csv", ".tsv", ".xml", ".xlsx"),
        takes=("encoding", "envelope", "stream"),
    ),
    "csv": FileFormat(
        reads="CSV with a header line (`.csv`, `.tsv`, `.txt`)",
        refuses=(".json", ".jsonl", ".ndjson", ".xml", ".xlsx"),
        takes=(
            *("delimiter", "quoting", "encoding", "header_line", "short_rows"),
            *("decimal", "thousands", "dates", "group"),
        ),
        holds_cells=True,
    ),
    "xlsx": FileFormat(
        reads="workbooks of Excel (`.xlsx`, `.xlsm`)",
        refuses=(".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xml", ".xls", ".ods"),
        takes=("sheet", "header_line", "dates", "group"),
        holds_cells=True,
        is_text=False,
    ),
}


class WrittenFormat(Struct, frozen=True, kw_only=True):
    """What holds for files of a format that documents are written into, one a line.

    Their names end in `suffix`. Where it `holds_cells`, each member of a document is one value;
    `takes` are the keys of `send` that mean something here.
    """

    suffix: str
    holds_cells: bool = False
    takes: tuple[str, ...] = ()


WRITTEN: Mapping[str, WrittenFormat] = {
    "jsonl": WrittenFormat(suffix=".jsonl"),
    "csv": WrittenFormat(suffix=".csv", holds_cells=True, takes=("delimiter", "formulas")),
}
PACKED = ".gz"
SETTINGS = frozenset(key for one in FORMATS.values() for key in one.takes)


def unpacked(name: str) -> str:
    """Return what a file is called when it is unpacked: `orders.csv.gz` is `orders.csv`."""
    return name[: -len(PACKED)] if name.lower().endswith(PACKED) else name


def writing(key: str) -> str:
    """Return the formats that a key of written files is for, as a spec writes them."""
    return " or ".join(f"`format: {name}`" for name, one in WRITTEN.items() if key in one.takes)


def taking(key: str) -> str:
    """Return the formats that a key of a source is for, as a spec writes them."""
    return " or ".join(f"`format: {name}`" for name, one in FORMATS.items() if key in one.takes)
