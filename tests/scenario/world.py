"""The tenant, the shop and the service as a user starts them, and what each of them holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from specs.shopify.samples.make_orders import DOUBLE_MEMBER, PLANTED, REDELIVERED
from tests.scenario.books import Row, States, fulfilment_rows, order_rows, states, stock_rows
from tests.scenario.people import Shop, Warehouse
from tests.scenario.processes import HTTP, ROOT, SAMPLES, Processes, announced, answers, free_port

TOKEN = "kettle-and-fern"
"""By which one may sign in to the console of a rehearsal on this machine."""
FLOW = "shopify_orders"
WRONG = "#1222"
"""The order whose purchase order number is too long for the ERP."""
_CONSOLE_PORT = 8300
_YESTERDAY = (
    ("SO002001", 1, "POT-IRN-08"),
    ("SO002001", 2, "TEA-ASM-100"),
    ("SO002002", 1, "POT-IRN-08"),
)
"""What the warehouse ships in parts: two orders of yesterday, and then those of today."""
_STORE = "kettle-fern"


def sample_orders(most: int) -> list[bytes]:
    """Return so many orders of the sample shop, as it sends them; WRONG is amid them.

    Others that the sample has for being rejected are left out: here each row has to agree.
    """
    broken = {
        number
        for row in PLANTED
        if row.outcome not in ("created", "skipped")
        for number in (*row.numbers, DOUBLE_MEMBER, *REDELIVERED)
    }
    lines = (SAMPLES / "orders.jsonl").read_bytes().splitlines()
    named = {str(json.loads(line)["name"]): line for line in lines}
    good = [line for name, line in named.items() if int(name[1:]) not in broken][: most - 1]
    return [*good[: most // 2], named[WRONG], *good[most // 2 :]]


@dataclass
class World:
    """What runs, in a folder of its own."""

    folder: Path
    speed: float
    processes: Processes = field(init=False)
    shop: Shop = field(init=False)
    warehouse: Warehouse = field(init=False)
    _tenant_port: int = field(init=False)
    _port: int = field(init=False)

    def __post_init__(self) -> None:
        self.processes = Processes(self.folder, {"MAPGEN_CONSOLE_TOKEN": TOKEN})
        self._port = free_port(_CONSOLE_PORT)
        # To a ledger, a tenant at another port is another one: an earlier world keeps its own.
        self._tenant_port = free_port()
        if (earlier := self.folder / "tenant.json").exists():
            self._tenant_port = int(announced(earlier)["ACUMATICA_URL"].rpartition(":")[2])

    @property
    def console(self) -> str:
        """Where the pages of the service are."""
        return f"http://127.0.0.1:{self._port}/console/"

    @property
    def ledger(self) -> str:
        """The address of the ledger, from the workspace."""
        return f"sqlite:///{self.beside('ledger.db')}"

    def beside(self, name: str) -> str:
        """Return the path of a file of this world: from the workspace, where it is in it."""
        path = self.folder / name
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    def open(self) -> None:
        """Start the tenant, the shop and the service."""
        self._write_seed()
        self.start_tenant()
        self._start_sandbox("shop", "--shop")
        variables = self.processes.variables
        # The shop comes with a tenant of its own, of which nobody makes use.
        variables |= {**self._announced("shop"), **self._announced("tenant")}
        self.shop = Shop(f"http://127.0.0.1:{self._port}", variables["SHOP_WEBHOOK_SECRET"])
        self.warehouse = Warehouse(variables, _YESTERDAY)
        self.start_service()

    def start_tenant(self) -> None:
        """Start the tenant, with what it had saved."""
        seed, state = self.folder / "seed.json", self.folder / "tenant.db"
        port = str(self._tenant_port)
        self._start_sandbox("tenant", "--seed", seed, "--state", state, "--port", port)

    def _start_sandbox(self, name: str, *options: str | Path) -> None:
        ready = self.folder / f"{name}.json"
        ready.unlink(missing_ok=True)
        self.processes.start(name, "sandbox", *options, "--ready-file", ready, until=ready.exists)

    def _announced(self, name: str) -> Mapping[str, str]:
        return announced(self.folder / f"{name}.json")

    def start_service(self) -> None:
        """Start `mapgen serve`, with the ledger that it had."""
        ready = f"http://127.0.0.1:{self._port}/ready"
        self.processes.start(
            "serve", "serve", "--env", "local", "--state", self.ledger,
            "--port", str(self._port), "--speed", str(self.speed),
            "--log", self.folder / "events.jsonl", until=lambda: answers(ready),
        )  # fmt: skip

    def is_tenant_up(self) -> bool:
        """Whether the tenant answers."""
        return answers(f"http://127.0.0.1:{self._tenant_port}/sandbox")

    def books(self) -> list[Row]:
        """Return what shop, ledger and tenant say now, row by row."""
        ledger = self.folder / "ledger.db"
        yesterday = {number for number, _, _ in _YESTERDAY}
        orders = [one for one in self._tenant("SalesOrder") if one["OrderNbr"] not in yesterday]
        shipments = [one for one in self._tenant("Shipment") if one["Status"] == "Confirmed"]
        sent, levels = (
            states(ledger, "shopify_fulfilments"),
            states(ledger, "shopify_inventory_levels"),
        )
        return [
            *order_rows(self.shop.orders, self.shop.taken, self.orders_in_ledger(), orders),
            *fulfilment_rows(shipments, sent, self._shop("fulfillments")),
            *stock_rows(self._tenant("StockItem"), levels, self._shop("inventory_levels")),
        ]

    def orders_in_ledger(self) -> States:
        """Return what the ledger says of orders, by the names that the shop calls them."""
        return states(self.folder / "ledger.db", FLOW, by="source")

    def _tenant(self, entity: str) -> Any:
        return _got(f"{self.processes.variables['ACUMATICA_URL']}/sandbox/records/{entity}")

    def _shop(self, what: str) -> Any:
        return _got(f"{self.processes.variables['SHOP_URL']}/sandbox/{what}")

    def _write_seed(self) -> None:
        """Write what the tenant has in the morning: master data, stock, orders of yesterday."""
        seed = json.loads((SAMPLES / "tenant.json").read_text(encoding="utf-8"))
        lines: dict[str, list[dict[str, object]]] = {}
        for number, line, article in _YESTERDAY:
            known = {"LineNbr": line, "InventoryID": article, "ExternalRef": f"15240328{line:05}"}
            lines.setdefault(number, []).append(known)
        seed["SalesOrder"] = [
            {
                "OrderType": "SO", "OrderNbr": number, "CustomerID": "C000101",
                "ExternalRef": f"58712328{at:05}-{_STORE}", "Details": found,
            }
            for at, (number, found) in enumerate(lines.items())
        ]  # fmt: skip
        (self.folder / "seed.json").write_text(json.dumps(seed), encoding="utf-8")


def _got(url: str) -> Any:
    return json.loads(HTTP.get(url).raise_for_status().content, parse_float=Decimal)
