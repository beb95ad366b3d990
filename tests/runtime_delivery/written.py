"""A flow that writes files: prices, one a document, and what of them is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mapgen.agreed.plan import DocumentPlan, FileSend, Identity, Plan, Retry
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, FilePlace, FolderPlace, Limits
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document, Origin
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import Watcher
from tests.runtime_delivery.orders import plan_of as any_plan

LINES = FileSend("out", "prices-{moment}-{part}.jsonl")
CELLS = FileSend(
    "out", "prices-{moment}-{part}.csv", "csv", ("item", "amount", "text", "is_new"), ";"
)
SHORT = Limits(None, 1, 0.1, 0.2)


def plan_of(send: FileSend = LINES, operation: str = "create", **changes: Any) -> Plan:
    """A flow of prices whose pauses suit a test."""
    document = DocumentPlan("document", "Price", operation, Identity("item"), (), send=send)
    common = {"endpoint": "", "version": "", "contract_version": 0, "batch_size": 4}
    retry = Retry(attempts=3, first=0.01, ceiling=0.02)
    return any_plan(
        flow="prices", documents=(document,), target="file", retry=retry, **(common | changes)
    )


def price(number: int, amount: str = "1.50", **members: object) -> Document:
    """The price of an item."""
    name = f"I-{number}"
    text = json.dumps({"item": name} | members)[:-1]
    body = f'{text}, "amount": {amount}}}'.encode()
    return Document(Origin("p.jsonl", number, number, name), "Price", name, body)


def prices(count: int) -> Iterator[Document]:
    """So many prices."""
    return (price(number) for number in range(1, count + 1))


def environment_of(place: FilePlace | FolderPlace, limits: Limits = SHORT) -> Environment:
    """An environment in which files go to a place, and nothing settles for long."""
    return Environment("test", None, Limits(), replace(place, limits=limits))


def write_all(
    place: FilePlace | FolderPlace,
    address: str,
    outcomes: Iterable[Document],
    plan: Plan | None = None,
    observer: Observer | None = None,
) -> Summary:
    """Deliver prices into files."""
    with Ledger(address) as ledger:
        seen = observer or Watcher()
        return deliver(
            list(outcomes), plan or plan_of(), environment_of(place), ledger, Rules({}), seen
        )


def items_in(folder: Path) -> list[str]:
    """The items in all files that are published in a folder, each as often as it is there."""
    files = sorted(one for one in folder.iterdir() if one.is_file())
    lines = (line for one in files for line in one.read_bytes().splitlines())
    return [json.loads(line)["item"] for line in lines]
