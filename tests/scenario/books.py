"""The books of a day: what the shop, the ledger and the tenant say, row by row."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

_LOOKUPS = Path(__file__).resolve().parents[2] / "specs" / "lookups"
_HEAD = (
    "the books",
    "rows",
    "sent",
    "ledger",
    "lost",
    "doubled",
    "at the shop",
    "in the tenant",
    "agree",
)
_WIDTHS = (26, 6, 7, 8, 6, 9, 14, 15, 7)
_ZERO = Decimal(0)
Records = Sequence[Mapping[str, Any]]
States = Mapping[str, tuple[str, str]]
"""What the ledger says by the identity of a document or the key of a record: state and number."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An order, a fulfilment, or the stock of an article: here, there, and in the ledger.

    `sent` is how often it was delivered to the service, `wanted` how many of it the target should
    have (none of an order that the spec skips), `found` how many it has. Amounts are money, or
    pieces.
    """

    what: str
    name: str
    ledger: str
    found: int
    at_shop: Decimal
    at_tenant: Decimal
    wanted: int = 1
    sent: int = 1
    has_number: bool = True

    @property
    def lost(self) -> int:
        return max(0, self.wanted - self.found)

    @property
    def doubled(self) -> int:
        return max(0, self.found - self.wanted)

    @property
    def is_known(self) -> bool:
        """Whether the ledger says what it should."""
        return self.ledger == ("sent" if self.wanted else "skipped") and self.has_number

    @property
    def agrees(self) -> bool:
        """Whether shop, ledger and tenant say the same."""
        is_there = self.found == self.wanted and self.is_known
        return is_there and (not self.wanted or self.at_shop == self.at_tenant)


def states(ledger: Path, flow: str, *, by: str = "identity") -> States:
    """Return what the ledger of a service says of the documents of a flow."""
    words = f"SELECT {by}, state, number FROM mapgen_records WHERE flow LIKE ? || '%'"
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=30) as database:
        found = database.execute(words, (flow,)).fetchall()
    return {str(key): (str(state), str(number)) for key, state, number in found}


def order_rows(
    orders: Mapping[str, Mapping[str, Any]],
    taken: Mapping[str, int],
    ledger: States,
    there: Records,
) -> Iterator[Row]:
    """Yield a row for each order of the shop, and one for each that only the tenant has."""
    by_reference: dict[str, list[Mapping[str, Any]]] = {}
    for one in there:
        reference = str(one.get("ExternalRef", "")).partition("-")[0]
        by_reference.setdefault(reference, []).append(one)
    for name, order in orders.items():
        found = by_reference.pop(str(order["id"]), [])
        state, number = ledger.get(name, ("unknown", ""))
        wanted = _is_wanted(order)
        yield Row(
            what=f"orders in {order['currency']}" if wanted else "orders to skip",
            name=name,
            sent=taken.get(name, 0),
            ledger=state,
            wanted=int(wanted),
            found=len(found),
            at_shop=Decimal(order["total_price"]) if wanted else _ZERO,
            at_tenant=_money(found),
            has_number=not wanted or [one["OrderNbr"] for one in found] == [number],
        )
    for reference, found in by_reference.items():
        yield Row(
            what="orders of nobody", name=reference or "?", sent=0, ledger="unknown", wanted=0,
            found=len(found), at_shop=_ZERO, at_tenant=_money(found),
        )  # fmt: skip


def _is_wanted(order: Mapping[str, Any]) -> bool:
    is_gone = order["cancelled_at"] is not None or order["financial_status"] == "voided"
    return not (order["test"] or is_gone)


def _money(found: Records) -> Decimal:
    return sum((Decimal(one["OrderTotal"]) for one in found), _ZERO)


def fulfilment_rows(shipments: Records, ledger: States, there: Records) -> Iterator[Row]:
    """Yield a row for each shipment that has left the house, and the pieces in it."""
    by_name: dict[str, list[Decimal]] = {}
    for one in there:
        pieces = sum((Decimal(line["quantity"]) for line in one["line_items"]), _ZERO)
        by_name.setdefault(one["name"], []).append(pieces)
    for shipment in shipments:
        (order,) = shipment["Orders"]
        name = f"{shipment['ShipmentNbr']}-{order['OrderNbr']}"
        found = by_name.pop(name, [])
        shipped = sum((Decimal(line["ShippedQty"]) for line in shipment["Details"]), _ZERO)
        yield Row(
            what="fulfilments, in pieces", name=name, ledger=ledger.get(name, ("unknown", ""))[0],
            found=len(found), at_shop=sum(found, _ZERO), at_tenant=shipped,
        )  # fmt: skip
    for name, found in by_name.items():
        yield Row(
            what="fulfilments of nobody", name=name, sent=0, ledger="unknown", wanted=0,
            found=len(found), at_shop=sum(found, _ZERO), at_tenant=_ZERO,
        )  # fmt: skip


def stock_rows(articles: Records, ledger: States, levels: Records) -> Iterator[Row]:
    """Yield a row for each article in each warehouse: the pieces there, and what the shop shows."""
    inventory_items = _table("shopify_inventory_items.csv")
    locations = _table("shopify_locations.csv")
    shown = {(str(one["inventory_item_id"]), str(one["location_id"])): one for one in levels}
    for article in articles:
        for place in article.get("WarehouseDetails", ()):
            sku, warehouse = str(article["InventoryID"]), str(place["WarehouseID"])
            level = shown.get((inventory_items[sku], locations[warehouse]))
            name = f"{sku}/{warehouse}"
            yield Row(
                what="stock, in pieces", name=name, ledger=ledger.get(name, ("unknown", ""))[0],
                found=int(level is not None), at_tenant=Decimal(place["QtyOnHand"]),
                at_shop=_ZERO if level is None else Decimal(level["available"]),
            )  # fmt: skip


def _table(name: str) -> Mapping[str, str]:
    with (_LOOKUPS / name).open(encoding="utf-8", newline="") as lines:
        return {row[0]: row[1] for row in csv.reader(lines)}


def table_of(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the books as people read them: a line for all rows that are of one thing."""
    yield _line(_HEAD)
    for what in dict.fromkeys(row.what for row in rows):
        of = [row for row in rows if row.what == what]
        numbers = (
            len(of),
            sum(row.sent for row in of),
            sum(row.is_known for row in of),
            sum(row.lost for row in of),
            sum(row.doubled for row in of),
            f"{sum((row.at_shop for row in of), _ZERO).normalize():,f}",
            f"{sum((row.at_tenant for row in of), _ZERO).normalize():,f}",
            sum(row.agrees for row in of),
        )
        yield _line((what, *numbers))


def _line(cells: Iterable[object]) -> str:
    what, *others = cells
    first, *widths = _WIDTHS
    numbers = (f"{cell!s:>{width}}" for cell, width in zip(others, widths, strict=True))
    return f"{what!s:<{first}}{''.join(numbers)}"


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the books as CSV, a line for each row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(
            ["what", "name", "sent", "ledger", "wanted", "found", "lost", "doubled", "at the shop",
             "in the tenant", "agrees"]
        )  # fmt: skip
        for row in rows:
            lines.writerow(
                [row.what, row.name, row.sent, row.ledger, row.wanted, row.found, row.lost,
                 row.doubled, row.at_shop, row.at_tenant, "yes" if row.agrees else "NO"]
            )  # fmt: skip
