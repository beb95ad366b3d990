"""Columns of generic inquiries: what OData says of them, as a source schema."""

from __future__ import annotations

import json
import re

import pytest

from mapgen.contract.inquiry import inquiry_schema
from mapgen.contract.lock import load
from mapgen.contract.source_schema import read_source_schema
from mapgen.report import Stopped
from mapgen.sandbox.inquiry import metadata
from tests.runtime_delivery.test_against_sandbox import LOCK

XML = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="PX.Data" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="StockType"><Key><PropertyRef Name="InventoryID"/></Key>
<Property Name="InventoryID" Type="Edm.String" MaxLength="30" Nullable="false"/>
<Property Name="Qty" Type="Edm.Decimal"/><Property Name="Lines" Type="Edm.Int64"/>
<Property Name="Active" Type="Edm.Boolean" Nullable="false"/>
<Property Name="LastModified" Type="Edm.DateTimeOffset"/><Property Name="Day" Type="Edm.Date"/>
<Property Name="NoteID" Type="Edm.Guid"/></EntityType>
<EntityContainer Name="Default"><EntitySet Name="Stock-Levels" EntityType="PX.Data.StockType"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


def test_columns() -> None:
    """Each type of OData has its own; keys never change, and are always there."""
    found = inquiry_schema("gi.xml", XML.encode(), "Stock-Levels")
    assert found["required"] == ["InventoryID", "Active"]
    assert found["properties"] == {
        "InventoryID": {"type": "string", "maxLength": 30, "readOnly": True},
        "Qty": {"type": ["number", "null"]},
        "Lines": {"type": ["integer", "null"]},
        "Active": {"type": "boolean"},
        "LastModified": {"type": ["string", "null"], "format": "date-time"},
        "Day": {"type": ["string", "null"], "format": "date"},
        "NoteID": {"type": ["string", "null"]},
    }
    schema = read_source_schema("gi.json", json.dumps(found), "row")
    types = {name: str(held) for name, held in schema.record.fields.items()}
    assert types["Qty"] == "decimal?"
    assert types["LastModified"] == "timestamp?"


def test_what_the_sandbox_says() -> None:
    """Its metadata is read as that of the ERP is."""
    found = inquiry_schema("gi.xml", metadata(load(LOCK)), "StockItem")
    properties = found["properties"]
    assert isinstance(properties, dict)
    assert properties["LastModified"]["format"] == "date-time"
    assert properties["InventoryID"]["readOnly"] is True


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(XML, "E597: `gi.xml` tells of no inquiry `Stock`", id="unknown"),
        pytest.param(BOMB, "E596: `gi.xml` is no .*: it declares entities of its own", id="bomb"),
        pytest.param("<html><p>Sign in</html>", "E596: .* mismatched tag", id="a page"),
        pytest.param("{}", "E596: .* not well-formed", id="JSON"),
        pytest.param("", "E596: .* no element found", id="empty"),
        pytest.param("<a/>", "E596: .* names no EntitySet", id="another document"),
        pytest.param('<?xml version="1.0" encoding="x-9"?><a/>', "E596: ", id="encoding"),
    ],
)
def test_what_is_none(text: str, words: str) -> None:
    """What is no metadata is reported, and fetches and grows nothing."""
    with pytest.raises(Stopped) as told:
        inquiry_schema("gi.xml", text.encode(), "Stock")
    [diagnostic] = told.value.diagnostics
    assert re.match(words, f"{diagnostic.code}: {diagnostic.message}")
