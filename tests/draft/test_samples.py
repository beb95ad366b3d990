"""Samples of records: rows of cells, what a Singer tap prints, schemas that are there already."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from mapgen.contract.source_schema import read_source_schema
from mapgen.draft.samples import Samples, read_samples
from mapgen.ir import types
from mapgen.report import Stopped

CATALOGUE = {
    "streams": [
        {
            "tap_stream_id": "orders",
            "schema": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {
                    "id": {"type": ["null", "integer"]},
                    "total": {"type": ["null", "string"], "format": "singer.decimal"},
                    "tax": {"type": ["null", "string"]},
                    "date_created": {"type": ["null", "string"], "format": "date-time"},
                },
            },
            "metadata": [{"breadcrumb": [], "metadata": {"table-key-properties": ["id"]}}],
        },
        {"tap_stream_id": "customers", "schema": {"type": "object", "properties": {}}},
    ]
}


def read(path: Path, name: str = "order") -> Samples:
    return read_samples([path], name, (name, f"{name}s"), lambda _: None)


def drafted(path: Path) -> Any:
    """Return the draft of a file's schema, which the compiler takes."""
    draft = read(path).drafted("order")
    read_source_schema("draft", json.dumps(draft), "order")
    return draft


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_rows(sign: str, tmp_path: Path) -> None:
    """What is between cells is seen in the header; a broken row is left out, and told."""
    path = tmp_path / "orders.csv"
    lines = (("order_id", "zip", "total"), ("1", "01234", "2.50"), ("2", "x"), ("3", "94599", "7"))
    path.write_text("\n".join(map(sign.join, lines)), encoding="utf-8")
    told: list[str] = []
    samples = read_samples([path], "order", (), told.append)

    assert (samples.form.format, samples.form.delimiter) == ("csv", sign)
    assert [record["order_id"] for record in samples.records] == ["1", "3"]
    assert told == [f"{path}: record 2 is left out: the row has 2 cells, the header 3"]
    members = samples.drafted("order")["properties"]
    assert isinstance(members, dict)
    assert [member["type"] for member in members.values()] == ["integer", "string", "number"]


def test_workbook(tmp_path: Path) -> None:
    """A sheet of Excel is rows of cells, too."""
    book = openpyxl.Workbook()
    for row in (("order_id", "zip", "total", "day"), (1, "01234", 2.5, date(2026, 1, 31))):
        book.active.append(row)
    path = tmp_path / "orders.xlsx"
    book.save(path)
    members = drafted(path)["properties"]

    assert read(path).form.format == "xlsx"
    assert [member["type"] for member in members.values()] == [
        "integer",
        "string",
        "number",
        "string",
    ]
    assert members["day"]["format"] == "date"


def test_catalogue(tmp_path: Path) -> None:
    """The stream of the record's name; its keys are always there, and never change."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(CATALOGUE), encoding="utf-8")
    schema = read_source_schema("draft", json.dumps(drafted(path)), "order")

    assert schema.lasting == {("order", "id")}
    assert schema.record.fields["id"] == types.INT
    assert schema.record.fields["total"] == types.optional(types.DECIMAL)
    assert schema.record.fields["tax"] == types.optional(types.STRING)


def test_messages(tmp_path: Path) -> None:
    """Schemas say which members there are, records how their texts are written."""
    path = tmp_path / "tap.jsonl"
    stream = {**CATALOGUE["streams"][0], "key_properties": ["id"], "type": "SCHEMA"}
    lines = [
        {**stream, "stream": "orders"},
        {"type": "RECORD", "stream": "orders", "record": {"id": 1, "tax": "1.50"}},
        {"type": "RECORD", "stream": "customers", "record": {"id": 1, "tax": "none"}},
        {"type": "STATE", "value": {}},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    assert drafted(path)["properties"]["tax"]["format"] == "decimal"
    assert [*read(path).records] == [{"id": 1, "tax": "1.50"}]


def test_streams_of_other_names(tmp_path: Path) -> None:
    """Of several streams one has to be named."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(CATALOGUE), encoding="utf-8")

    with pytest.raises(Stopped) as stopped:
        read(path, "product")
    (diagnostic,) = stopped.value.diagnostics
    assert diagnostic.code == "E542"
    assert "`customers`, `orders`" in str(diagnostic.help) or "`orders`" in str(diagnostic.help)


def test_a_schema(tmp_path: Path) -> None:
    """A file that is a schema is one."""
    path = tmp_path / "order.json"
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    path.write_text(json.dumps(schema), encoding="utf-8")

    assert drafted(path) == schema
    assert read(path).records == ()


@pytest.mark.parametrize(("name", "text"), [("a.json", "[]"), ("a.csv", ""), ("a.csv", "x,y\n")])
def test_no_record(name: str, text: str, tmp_path: Path) -> None:
    """Samples hold a record at least."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Stopped) as stopped:
        read(path)
    assert [diagnostic.code for diagnostic in stopped.value.diagnostics] == ["E130"]
