"""A right workspace of two flows, in which each kind of file that mapgen reads is used."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]

from tests.contract.invented import OVERLAY, openapi_3

SPEC = """\
maps: 1
flow: parcels
summary: Parcels become deliveries
owner: dispatch
mapping:
  source:
    name: parcel
    schema: schemas/parcel.schema.json
    key: parcel.number
    joins:
      sender: {schema: schemas/sender.schema.json, on: {id: sender_id}, takes: one,
               on_missing: omit}
      notes: {schema: schemas/note.schema.json, on: {parcel: number}, takes: many, format: csv}
  settings: {depot: string, zone: timezone}
  lookups:
    carriers: {table: lookups/carriers.csv, key: service, value: carrier}
    rounds: {table: lookups/rounds.json}
    depots:
      tenant: {entity: Depot, key: Name, value: DepotID, where: {Kind: "o'pen"}}
      sample: {North: D1}
    lists: {ledger: sheets, sample: {L1: "000007"}}
  let: {heavy: parcel.weight > 31.5}
  skip: [{when: parcel.cancelled, because: cancelled by the sender}]
  documents:
    drop:
      when: has(parcel.recipient)
      target: {contract: depot-1.200.001, entity: Drop, operation: create}
      identity: {field: Reference, value: "string(parcel.id) + '-' + settings.depot"}
      fields:
        Street: {value: parcel.?recipient.?street, too_long: reject}
    delivery:
      after: [drop]
      target: {contract: depot-1.200.001, entity: Delivery, operation: create}
      identity: {field: Reference, value: "string(parcel.id) + '-' + settings.depot"}
      fields:
        Carrier: {lookup: carriers, key: parcel.service}
        Round: {lookup: rounds, key: parcel.service, otherwise: "'R0'", because: the first round}
        DepotID: {lookup: depots, key: parcel.?depot, on_miss: omit}
        ListNbr: {lookup: lists, key: parcel.?list, on_miss: retry}
        DropID: {made: drop, field: DropID}
        Planned: date(parcel.ready_at, settings.zone)
        Weight: parcel.weight
        Fragile: heavy
        Sender: parcel.?sender.?name
        Remark: {value: parcel.?remark.trim(), too_long: truncate}
        Items:
          blocks:
            - each: parcel.items
              as: item
              fields:
                Article: {value: item.?sku.trim(), if_missing: reject}
                Quantity: {value: item.quantity, range: "> 0"}
            - each: parcel.notes
              as: note
              fields:
                Article: {const: NOTE}
                Note: note.words
      custom: {Document.UsrShelf: settings.depot}
      checks:
        - {name: declared value, that: "parcel.items.map(i, i.price).sum() == parcel.value"}
  ignore: {parcel.tags: marketing data}
  examples:
    - {name: one parcel, given: examples/parcel.json, gives: examples/parcel.documents.json}
auth:
  target: depot
  access:
    Delivery: [read, insert]
    Drop: [read, insert]
    Depot: [read]
performance:
  mode: batch
  schedule: every 5 minutes
  volume: {peak_per_minute: 20, per_day: 2000}
  alerts: {failure_rate: "> 1%"}
security:
  data: {parcel.recipient.street: personal}
  retry: {attempts: 2, first: 0.01s, ceiling: 0.02s}
  circuit_breaker: {failures: 9, within: 1m, cool_down: 0.05s}
  rollback: {undo: {action: CancelDelivery}}
"""

SHEETS = """\
maps: 1
flow: sheets
summary: Rows of a sheet become a list
owner: dispatch
mapping:
  source:
    name: sheet
    schema: schemas/row.schema.json
    key: sheet.number
    format: csv
    delimiter: ;
    group: {by: [number], as: rows}
  target: {contract: depot-1.200.001, entity: List, operation: create}
  identity: {field: Reference, value: sheet.number}
  fields:
    Rows:
      each: sheet.rows
      as: row
      fields:
        Article: {value: row.sku.trim(), if_missing: reject}
        Quantity: row.?quantity
        Note: row.?words
  examples:
    - {name: one list, given: examples/sheet.json, gives: examples/sheet.List.json}
auth: {target: depot, access: {List: [read, insert]}}
performance: {mode: batch, volume: {peak_per_minute: 20, per_day: 2000}}
security: {data: {}, rollback: {irreversible: lists stay}}
"""

UPDATES = (
    SHEETS.replace("operation: create", "operation: update")
    .replace("insert", "update")
    .replace("      as: row\n", "      as: row\n      row_key: [Article]\n")
)
BANK = (
    UPDATES.replace("flow: sheets", "flow: bank")
    .replace("schemas/row", "schemas/entry")
    .replace(
        "delimiter: ;",
        "delimiter: ;\n    encoding: windows-1252\n    header_line: 2\n"
        '    decimal: ","\n    thousands: "."\n    dates: {day: d.M.yyyy}',
    )
    .replace("value: sheet.number}", "value: \"'B' + sheet.number\"}")
    .replace("  examples:\n    - {name: one list, given: examples/sheet.json,"
             " gives: examples/sheet.List.json}",
             "  ignore: {sheet.rows.day: printed}\n  examples:\n"
             "    - {name: one list, given: examples/bank.json, gives: examples/bank.List.json}")
)  # fmt: skip

BOOK = (
    UPDATES.replace("flow: sheets", "flow: book")
    .replace("format: csv\n    delimiter: ;", "format: xlsx\n    sheet: Rows")
    .replace("value: sheet.number}", "value: \"'X' + sheet.number\"}")
    .replace("examples/sheet.List.json", "examples/book.List.json")
)

ENVIRONMENT = """\
environment: test
connections:
  depot:
    url: {env: DEPOT_URL}
    tenant: {env: DEPOT_TENANT}
    client_id: {env: DEPOT_CLIENT_ID}
    client_secret: {env: DEPOT_CLIENT_SECRET}
    username: {env: DEPOT_USERNAME}
    password: {env: DEPOT_PASSWORD}
limits: {requests_per_minute: 60000, concurrent_requests: 3, request_timeout: 0.4s, settle: 0.5s}
settings:
  parcels: {depot: north, zone: Europe/Lisbon}
"""

CONNECTION = "connection: depot\nkind: acumatica\ngrant: password\n"


def _text(length: int | None = None, **facts: object) -> dict[str, object]:
    return {"type": "string", **({} if length is None else {"max_length": length}), **facts}


LOCK: dict[str, Any] = {
    "lock": 2,
    "made_with": "mapgen contract import depot.json",
    "sha256": {},
    "endpoint": "Depot",
    "version": "1.200.001",
    "contract_version": 4,
    "entities": {
        "Delivery": {
            "top_level": True,
            "auto_numbered": True,
            "keys": ["DeliveryNbr"],
            "identities": ["Reference"],
            "fields": {
                "DeliveryNbr": _text(15, key=True),
                "Reference": _text(40),
                "Carrier": _text(10, required=True),
                "Round": _text(10),
                "DepotID": _text(10),
                "ListNbr": _text(15),
                "DropID": _text(),
                "Planned": {"type": "date"},
                "Weight": {"type": "decimal", "places": 3},
                "Fragile": {"type": "boolean"},
                "Sender": _text(),
                "Remark": _text(20),
                "Items": {"details": "DeliveryItem"},
            },
            "actions": {"CancelDelivery": {}, "PrintLabel": {"Copies": "int"}},
        },
        "Drop": {
            "top_level": True,
            "auto_numbered": True,
            "keys": ["DropID"],
            "identities": ["Reference"],
            "fields": {
                "DropID": _text(15, key=True),
                "Reference": _text(40),
                "Street": _text(30),
            },
        },
        "List": {
            "top_level": True,
            "auto_numbered": True,
            "keys": ["ListNbr"],
            "identities": ["Reference"],
            "fields": {
                "ListNbr": _text(15, key=True),
                "Reference": _text(40),
                "Rows": {"details": "DeliveryItem"},
            },
        },
        "DeliveryItem": {
            "fields": {
                "Article": _text(12, required=True),
                "Quantity": {"type": "decimal", "places": 2},
                "Note": _text(),
            }
        },
        "Depot": {
            "top_level": True,
            "keys": ["DepotID"],
            "fields": {"DepotID": _text(10, key=True), "Name": _text(), "Kind": _text()},
        },
    },
}

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
MAYBE = {"type": ["string", "null"]}


def _schema(required: str, properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": dict(properties)}


PARCEL_SCHEMA = _schema(
    "id number service ready_at weight value cancelled items tags sender_id",
    {
        "id": WHOLE | {"readOnly": True},
        "number": TEXT,
        "service": TEXT,
        "sender_id": TEXT,
        "depot": MAYBE,
        "list": MAYBE,
        "ready_at": TEXT | {"format": "date-time"},
        "weight": {"type": "number"},
        "value": TEXT | {"format": "decimal"},
        "cancelled": {"type": "boolean"},
        "remark": MAYBE,
        "recipient": _schema("street", {"street": TEXT}),
        "items": {
            "type": "array",
            "items": _schema(
                "quantity price",
                {"sku": MAYBE, "quantity": WHOLE, "price": TEXT | {"format": "decimal"}},
            ),
        },
        "tags": TEXT,
    },
)
SENDER_SCHEMA = _schema("id name", {"id": TEXT, "name": TEXT | {"maxLength": 30}})
NOTE_SCHEMA = _schema("parcel words", {"parcel": TEXT, "words": TEXT})
ROW_SCHEMA = _schema(
    "number sku",
    {"number": TEXT | {"readOnly": True}, "sku": TEXT, "quantity": WHOLE, "words": TEXT},
)
ENTRY_SCHEMA = ROW_SCHEMA | {
    "properties": ROW_SCHEMA["properties"] | {"day": TEXT | {"format": "date"}}
}


def parcel(number: int) -> dict[str, Any]:
    """Return a record of the flow `parcels`, as its input has it: without what is joined."""
    return {
        "id": number,
        "number": f"P-{number}",
        "service": "express",
        "sender_id": "S1",
        "depot": "North",
        "list": None,
        "ready_at": "2026-01-31T22:30:00Z",
        "weight": 2.5,
        "value": "7.50",
        "cancelled": False,
        "remark": " ring twice ",
        "recipient": {"street": "Quay 1"},
        "items": [
            {"sku": "A-1", "quantity": 2, "price": "5.00"},
            {"sku": "B-2", "quantity": 1, "price": "2.50"},
        ],
        "tags": "spring",
    }


JOINED = {"sender": {"id": "S1", "name": "Mill"}, "notes": [{"parcel": "P-1", "words": "fragile"}]}


def wrapped(value: Any) -> Any:
    """Return a document as the ERP takes it."""
    if isinstance(value, dict):
        return {name: wrapped(inner) for name, inner in value.items()}
    return [wrapped(row) for row in value] if isinstance(value, list) else {"value": value}


DELIVERY = wrapped(
    {
        "Reference": "1-north",
        "Carrier": "FAST",
        "Round": "R7",
        "DepotID": "D1",
        "Planned": "2026-01-31",
        "Weight": 2.5,
        "Fragile": False,
        "Sender": "Mill",
        "Remark": "ring twice",
        "Items": [
            {"Article": "A-1", "Quantity": 2},
            {"Article": "B-2", "Quantity": 1},
            {"Article": "NOTE", "Note": "fragile"},
        ],
    }
) | {"custom": {"Document": {"UsrShelf": {"type": "CustomStringField", "value": "north"}}}}
DELIVERY["DropID"] = {"value": {"made": "drop", "field": "DropID"}}
DROP = wrapped({"Reference": "1-north", "Street": "Quay 1"})
ROW = {"number": "L1", "sku": "A-1", "quantity": "2", "words": "one"}
LIST = wrapped({"Reference": "L1", "Rows": [{"Article": "A-1", "Quantity": 2, "Note": "one"}]})

METADATA = {
    "Order": {
        "fields": {
            "OrderType": {"type": "StringValue", "sql": "char(2)"},
            "OrderNbr": {"type": "StringValue", "sql": "nvarchar(15)", "label": "Order Nbr."},
            "Total": {"type": "StringValue", "sql": "nvarchar(9)"},
        }
    }
}
EXPRESSIONS = """\
{"expr": "a + 1", "types": {"a": "int"}, "bindings": {"a": 1}}
{"expr": "text.trim() + '!'", "types": {"text": "string"}, "bindings": {"text": " b "}}
{"expr": "rows.map(r, r * 2.5).sum()", "types": {"rows": "list(int)"}, "bindings": {"rows": [1]}}
"""
SEED = {
    "Depot": [{"DepotID": "D1", "Name": "North", "Kind": "o'pen"}],
    "Delivery": [
        {
            "DeliveryNbr": "000001",
            "Reference": "9-north",
            "Carrier": "FAST",
            "Weight": 1.5,
            "Planned": "2026-01-31",
            "Items": [{"Article": "A-1", "Quantity": 2}],
        }
    ],
    "setup": {
        "defaults": {"Delivery": {"Carrier": "SLOW"}},
        "custom_fields": {"Delivery": {"Document.UsrShelf": "CustomStringField"}},
        "numbering": {"Delivery": "000010", "Drop": "D-001"},
    },
}

FILES: Mapping[str, str] = {
    "specs/parcels.maps.yaml": SPEC,
    "specs/sheets.maps.yaml": SHEETS,
    "specs/bank.maps.yaml": BANK,
    "specs/book.maps.yaml": BOOK,
    "specs/environments/test.yaml": ENVIRONMENT,
    "specs/connections/depot.yaml": CONNECTION,
    "specs/contracts/depot-1.200.001.json": json.dumps(LOCK, indent=1),
    "specs/schemas/parcel.schema.json": json.dumps(PARCEL_SCHEMA),
    "specs/schemas/sender.schema.json": json.dumps(SENDER_SCHEMA),
    "specs/schemas/note.schema.json": json.dumps(NOTE_SCHEMA),
    "specs/schemas/row.schema.json": json.dumps(ROW_SCHEMA),
    "specs/schemas/entry.schema.json": json.dumps(ENTRY_SCHEMA),
    "specs/lookups/carriers.csv": "service,carrier\nstandard,SLOW\nexpress,FAST\n",
    "specs/lookups/rounds.json": '{"express": "R7", "standard": 8}',
    "specs/examples/parcel.json": json.dumps(parcel(1) | JOINED),
    "specs/examples/parcel.documents.json": json.dumps({"drop": DROP, "delivery": DELIVERY}),
    "specs/examples/sheet.json": json.dumps({"number": "L1", "rows": [ROW]}),
    "specs/examples/sheet.List.json": json.dumps(LIST),
    "specs/examples/bank.json": json.dumps({"number": "L1", "rows": [ROW | {"day": "1.2.2026"}]}),
    "specs/examples/bank.List.json": json.dumps(LIST | {"Reference": {"value": "BL1"}}),
    "specs/examples/book.List.json": json.dumps(LIST | {"Reference": {"value": "XL1"}}),
    "input/bank.csv": "Bank;Köln\nnumber;sku;quantity;words;day\n"
    "L1;A-1;1.002;Öl;1.2.2026\nL1;B-2;2;two;\n;;;;\n",
    "input/book.xlsx": "number;sku;quantity;words\nL1;A-1;2;one\nL2;C-3;1;\n",
    "input/packed.jsonl.gz": "".join(json.dumps(parcel(at)) + "\n" for at in (1, 2, 3)),
    "input/parcels.jsonl": "".join(json.dumps(parcel(at)) + "\n" for at in (1, 2, 3)),
    "input/parcels.json": json.dumps([parcel(at) for at in (1, 2, 3)]),
    "input/senders.jsonl": '{"id": "S1", "name": "Mill"}\n{"id": "S2", "name": "Farm"}\n',
    "input/notes.csv": "parcel,words\nP-1,fragile\nP-1,heavy\nP-3,late\n",
    "input/sheet.csv": "number;sku;quantity;words\nL1;A-1;2;one\nL1;B-2;;two\nL2;C-3;1;\n",
    "input/depots.csv": "Name,DepotID\nNorth,D1\nSouth,D2\n",
    "input/lists.json": '{"L1": "000007"}',
    "input/openapi.json": json.dumps(openapi_3()),
    "input/keys.json": '{"Order": ["OrderNbr", "OrderType"], "Gone": ["Id"]}',
    "input/metadata.json": json.dumps(METADATA),
    "input/overlay.yaml": OVERLAY,
    "input/expressions.jsonl": EXPRESSIONS,
    "input/data.json": '{"a": [1, 2.50], "b": {"c": null, "d": true}}',
    "input/seed.json": json.dumps(SEED),
    "input/failures.txt": "# of the tenant\ndrop@PUT:Delivery:3\nslow=0.1@GET:*:every 10\n",
}


_STRANGE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def workbook(text: str) -> bytes:
    """Return a workbook of rows; whole numbers are numbers there."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Rows"
    for line in _STRANGE.sub("", text).split("\n"):
        cells = [cell[:32_000] for cell in line.split(";")][:200]
        sheet.append([int(cell) if re.fullmatch(r"\d{1,18}", cell) else cell for cell in cells])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


PACKED: Mapping[str, Callable[[str], bytes]] = {
    "input/bank.csv": lambda text: text.encode("cp1252", "replace"),
    "input/book.xlsx": workbook,
    "input/packed.jsonl.gz": lambda text: gzip.compress(text.encode(), mtime=0),
}
"""How files are written that are no UTF-8."""


def write(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = PACKED.get(name, str.encode)
        path.write_bytes(packed(content) if isinstance(content, str) else content)
