"""Flows of several records and documents, whose names and texts are given: for hostile ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Given = Mapping[str, str]
_TEXT = {"type": "string"}


class Flow(NamedTuple):
    """What a flow is made of: its mapping, its schemas by name, a record and what it becomes."""

    mapping: Callable[[Given], dict[str, Any]]
    schemas: Callable[[Given], dict[str, dict[str, Any]]]
    example: Callable[[Given], tuple[dict[str, Any], dict[str, Any]]]
    entities: tuple[str, ...]


def member(first: str, *names: str) -> str:
    """Return the expression for a member by its names."""
    return ".".join([first, *(f"`{name}`" for name in names)])


def quoted(text: str) -> str:
    """Return a text as an expression."""
    return json.dumps(text, ensure_ascii=False)


def wrapped(value: Any) -> Any:
    """Return a document as the ERP takes it."""
    if isinstance(value, dict):
        return {name: wrapped(inner) for name, inner in value.items()}
    return [wrapped(row) for row in value] if isinstance(value, list) else {"value": value}


def _object(required: tuple[str, ...], *others: str) -> dict[str, Any]:
    properties = dict.fromkeys((*required, *others), _TEXT)
    return {"type": "object", "required": list(required), "properties": properties}


def _documents(of: Given) -> dict[str, Any]:
    """Return a mapping to two documents, of a record with one joined and with rows of a sheet."""
    record, item = of["source"], of["item"]
    contract = {"contract": "depot-1.200.001", "operation": "create"}
    number, setting = member(record, of["number"]), of["setting"]
    identity = {"field": "Reference", "value": f"{number} + '-' + settings.{setting}"}
    joined = {"on": {of["part"]: of["number"]}}
    return {
        "source": {
            "name": record,
            "schema": "schemas/record.schema.json",
            "key": number,
            "joins": {
                of["joined"]: joined
                | {"schema": "schemas/one.schema.json", "takes": "one", "on_missing": "omit"},
                of["rows"]: joined
                | {"schema": "schemas/row.schema.json", "takes": "many", "format": "csv"},
            },
        },
        "lookups": {of["table"]: {"inline": {of["entry"]: "S1", "b": "S2"}}},
        "let": {of["local"]: f"{member(record, of['remark'])} + {quoted(of['word'])}"},
        "skip": [{"when": f"{number} == {quoted(of['skipped'])}", "because": of["because"]}],
        "documents": {
            of["document"]: {
                "target": contract | {"entity": "Drop"},
                "identity": identity,
                "fields": {
                    "Street": {
                        "value": f"{record}.?`{of['joined']}`.?`{of['street']}`",
                        "too_long": "reject",
                        "because": of["reason"],
                    }
                },
            },
            of["other"]: {
                "after": [of["document"]],
                "when": f"{number} != {quoted(of['city'])}",
                "target": contract | {"entity": "Delivery"},
                "identity": identity,
                "fields": {
                    "Carrier": {"lookup": of["table"], "key": member(record, of["remark"])},
                    "DropID": {"made": of["document"], "field": "DropID"},
                    "Remark": {"value": of["local"], "too_long": "truncate"},
                    "Items": {
                        "each": member(record, of["rows"]),
                        "as": item,
                        "fields": {
                            "Article": {"value": member(item, of["sku"]), "too_long": "reject"},
                            "Note": f"{of['local']} + {quoted(of['constant'])}",
                        },
                    },
                },
                "custom": {"Document.UsrShelf": f"{quoted(of['constant'])} + {of['local']}"},
                "checks": [{"name": of["check"], "that": f"{number} != {quoted(of['flag'])}"}],
            },
        },
    }


def _schemas_of_documents(of: Given) -> dict[str, dict[str, Any]]:
    record = _object((of["number"], of["remark"]))
    record["properties"][of["number"]] = _TEXT | {"readOnly": True}
    return {
        "record": record,
        "one": _object((of["part"],), of["street"]),
        "row": _object((of["part"], of["sku"])),
    }


def _example_of_documents(of: Given) -> tuple[dict[str, Any], dict[str, Any]]:
    record = {
        of["number"]: "7",
        of["remark"]: "b",
        of["joined"]: {of["part"]: "7", of["street"]: "Quay"},
        of["rows"]: [{of["part"]: "7", of["sku"]: "A"}, {of["part"]: "7", of["sku"]: "B"}],
    }
    note = "b" + of["word"] + of["constant"]
    document = wrapped(
        {
            "Reference": "7-north",
            "Carrier": "S1" if of["entry"] == "b" else "S2",
            "Remark": ("b" + of["word"])[:20],
            "Items": [{"Article": "A", "Note": note}, {"Article": "B", "Note": note}],
        }
    )
    project = {"type": "CustomStringField", "value": of["constant"] + "b" + of["word"]}
    return record, {
        of["document"]: wrapped({"Reference": "7-north", "Street": "Quay"}),
        of["other"]: document
        | {
            "DropID": {"value": {"made": of["document"], "field": "DropID"}},
            "custom": {"Document": {"UsrShelf": project}},
        },
    }


def _sheet(of: Given) -> dict[str, Any]:
    """Return a mapping of the rows of a sheet that have one key."""
    record, item, number = of["source"], of["item"], member(of["source"], of["number"])
    return {
        "source": {
            "name": record,
            "schema": "schemas/row.schema.json",
            "key": number,
            "format": "csv",
            "delimiter": ";",
            "group": {"by": [of["number"]], "as": of["rows"]},
        },
        "target": {"contract": "depot-1.200.001", "entity": "Delivery", "operation": "create"},
        "lookups": {of["table"]: {"inline": {of["entry"]: "S1", "7": "S2"}}},
        "let": {of["local"]: f"{number} + {quoted(of['word'])}"},
        "skip": [{"when": f"{number} == {quoted(of['skipped'])}", "because": of["because"]}],
        "identity": {"field": "Reference", "value": f"{number} + settings.{of['setting']}"},
        "fields": {
            "Carrier": {"lookup": of["table"], "key": number, "because": of["reason"]},
            "Items": {
                "each": member(record, of["rows"]),
                "as": item,
                "fields": {
                    "Article": {"value": member(item, of["sku"]), "too_long": "reject"},
                    "Note": f"{of['local']} + {item}.?`{of['remark']}`.orValue('-')",
                },
            },
        },
        "checks": [{"name": of["check"], "that": f"{number} != {quoted(of['constant'])}"}],
    }


def _schemas_of_sheet(of: Given) -> dict[str, dict[str, Any]]:
    row = _object((of["number"], of["sku"]), of["remark"])
    row["properties"][of["number"]] = _TEXT | {"readOnly": True}
    return {"row": row}


def _example_of_sheet(of: Given) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = [
        {of["number"]: "7", of["sku"]: "A", of["remark"]: "b"},
        {of["number"]: "7", of["sku"]: "B"},
    ]
    items = [
        {"Article": "A", "Note": f"7{of['word']}b"},
        {"Article": "B", "Note": f"7{of['word']}-"},
    ]
    carrier = "S1" if of["entry"] == "7" else "S2"
    document = {"Reference": "7north", "Carrier": carrier, "Items": items}
    return {of["number"]: "7", of["rows"]: rows}, wrapped(document)


FLOWS: Mapping[str, Flow] = {
    "documents": Flow(
        _documents, _schemas_of_documents, _example_of_documents, ("Delivery", "Drop")
    ),
    "sheet": Flow(_sheet, _schemas_of_sheet, _example_of_sheet, ("Delivery",)),
}
