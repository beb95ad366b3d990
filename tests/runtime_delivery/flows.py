"""Flows beyond one order a record: a location before its order, orders that are kept current."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from mapgen.agreed.plan import Attached, DocumentPlan, Identity, Plan, Step
from mapgen.runtime.outcome import Document, Origin, Outcome
from tests.runtime_delivery.orders import plan_of

LOCATION = DocumentPlan(
    "location",
    "CustomerLocation",
    "create",
    Identity("ExtRefNbr", {"Customer": "C0001"}),
    ("Customer", "LocationID"),
)
ORDER = DocumentPlan(
    "order",
    "SalesOrder",
    "create",
    Identity("ExternalRef", {"OrderType": "SO"}),
    ("OrderType", "OrderNbr"),
    after=("location",),
)
CURRENT = DocumentPlan(
    "document",
    "SalesOrder",
    "upsert",
    Identity("ExternalRef", {"OrderType": "SO"}),
    ("OrderType", "OrderNbr"),
    write_once=("CustomerOrder", "BillToContact.Email"),
    row_keys={"Details": ("InventoryID", "UOM")},
)


def two_documents(**changes: Any) -> Plan:
    """A location and an order of each record."""
    return plan_of(**{"flow": "both", "documents": (LOCATION, ORDER)} | changes)


def current(operation: str = "upsert", **changes: Any) -> Plan:
    """Orders that follow the state of their records."""
    fields = ("name", "entity", "operation", "identity", "keys", "after", "write_once", "row_keys")
    chosen = {name: getattr(CURRENT, name) for name in fields} | {"operation": operation}
    return plan_of(**{"flow": "current", "documents": (DocumentPlan(**chosen),)} | changes)


def both(number: int, *, place: str | None = None, name: str = "Warehouse") -> list[Outcome]:
    """A location and an order that is delivered there."""
    at = place or f"{number}-place"
    origin = Origin("orders.jsonl", number, number, str(number))
    location = {
        "Customer": {"value": "C0001"}, "LocationName": {"value": name},
        "ExtRefNbr": {"value": at}, "Status": {"value": "Active"},
    }  # fmt: skip
    order = {
        "OrderType": {"value": "SO"}, "ExternalRef": {"value": f"{number}-shop"},
        "CustomerID": {"value": "C0001"},
        "LocationID": {"value": {"made": "location", "field": "LocationID"}},
        "Details": [{"InventoryID": {"value": "AB-1"}, "OrderQty": {"value": 1.10}}],
    }  # fmt: skip
    return [
        Document(origin, "CustomerLocation", at, json.dumps(location).encode(), "location"),
        Document(
            origin, "SalesOrder", f"{number}-shop", json.dumps(order).encode(), "order",
            (("location", at),),
        ),
    ]  # fmt: skip


def boths(count: int) -> Iterator[Outcome]:
    """So many records of two documents."""
    return (outcome for number in range(1, count + 1) for outcome in both(number))


def state(number: int, words: str, rows: Sequence[tuple[str, float]] = ()) -> Document:
    """An order in a state: its description, and the quantities of its items."""
    body = {
        "OrderType": {"value": "SO"}, "ExternalRef": {"value": f"{number}-shop"},
        "CustomerID": {"value": "C0001"}, "CustomerOrder": {"value": words},
        "Description": {"value": words},
        "BillToContactOverride": {"value": True},
        "BillToContact": {
            "Email": {"value": f"{words}@example.org"}, "Attention": {"value": words},
        },
        "Details": [
            {
                "InventoryID": {"value": item}, "UOM": {"value": "EA"},
                "OrderQty": {"value": quantity},
            }
            for item, quantity in rows or (("AB-1", 1), ("AB-2", 2))
        ],
    }  # fmt: skip
    origin = Origin("orders.jsonl", number, number, str(number))
    return Document(origin, "SalesOrder", f"{number}-shop", json.dumps(body).encode())


def states(count: int, words: str) -> Iterator[Outcome]:
    """So many orders in the same state."""
    return (state(number, words) for number in range(1, count + 1))


def payments(*then: Step, operation: str = "create", **changes: Any) -> Plan:
    """Payments, and what is done with each once it is there."""
    document = DocumentPlan(
        "document",
        "Payment",
        operation,
        Identity("ExternalRef", {"Type": "Payment"}),
        ("Type", "ReferenceNbr"),
        then=then,
    )
    return plan_of(**{"flow": "payments", "documents": (document,)} | changes)


def payment(number: int, *, amount: str = "12.5", is_held: bool = False) -> Document:
    """A payment, which cannot be released while it is held."""
    body = {
        "Type": {"value": "Payment"}, "ExternalRef": {"value": f"{number}-shop"},
        "CustomerID": {"value": "C0001"}, "PaymentAmount": {"value": float(amount)},
        "Hold": {"value": is_held},
    }  # fmt: skip
    origin = Origin("payments.jsonl", number, number, str(number))
    return Document(origin, "Payment", f"{number}-shop", json.dumps(body).encode())


def paid(count: int) -> Iterator[Outcome]:
    """So many payments."""
    return (payment(number) for number in range(1, count + 1))


RELEASED = Step("ReleasePayment", {"Status": ("Open", "Closed")})
UNSEEN = Step("ReleasePayment")


RECEIPT = Step("receipt", attached=Attached(), told=("content", "file"))
PHOTO = Step("photo", attached=Attached(has_path=True, folder="photos"), told=("file", "path"))


def with_file(number: int, content: str | None = "aGVsbG8=", **said: object) -> Document:
    """A payment, and what its record says of the steps after it: a receipt, unless otherwise."""
    told = said or {"receipt file": f"{number}.pdf", "receipt content": content}
    steps = {name: {"value": value} for name, value in told.items() if value is not None}
    data = json.dumps({"number": number, "pdf": content}).encode()
    return replace(payment(number), steps=json.dumps(steps).encode(), data=data)


def twice(**changes: Any) -> Plan:
    """Payments that are made on hold, and completed by a second write."""
    identity, keys = Identity("ExternalRef", {"Type": "Payment"}), ("Type", "ReferenceNbr")
    opened = DocumentPlan("opened", "Payment", "create", identity, keys)
    finished = DocumentPlan("finished", "Payment", "update", identity, keys, after=("opened",))
    return plan_of(**{"flow": "twice", "documents": (opened, finished)} | changes)


def written_twice(count: int) -> Iterator[Outcome]:
    """So many payments, each in its two steps."""
    for number in range(1, count + 1):
        held, freed = payment(number, is_held=True), payment(number, amount="99")
        yield replace(held, document="opened")
        yield replace(freed, document="finished", needs=(("opened", freed.identity),))
