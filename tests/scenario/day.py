"""A day between the shop and its ERP: what happens when, and how it is reported."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import httpx2

from tests.scenario.agenda import Agenda
from tests.scenario.books import Row
from tests.scenario.people import replay
from tests.scenario.processes import ROOT, Failed
from tests.scenario.world import FLOW, TOKEN, WRONG, World, sample_orders

_LATEST = 0.93  # of the day: when the last order comes
_RUSH = 0.02  # of the day: what would come so near to a kill comes all at once, right before it
_AT_WORK = 1.3  # seconds after which an order that has come is being delivered
_PATIENCE = 120.0  # seconds in which all has to be still


@dataclass(frozen=True)
class Form:
    """How long a day is, in hours of its clock, `speed` of which pass in one; what happens in it.

    Moments are parts of the day: from when to when the tenant is down, when the service is killed.
    """

    hours: float
    speed: float
    orders: int
    outage: tuple[float, float] | None = None
    kill: float | None = None

    @property
    def minutes(self) -> float:
        """How long the day is."""
        return self.hours * 60

    @property
    def kills(self) -> tuple[float, ...]:
        """When something is killed."""
        of_tenant = () if self.outage is None else self.outage[:1]
        return of_tenant if self.kill is None else (*of_tenant, self.kill)


LONG = Form(hours=10, speed=120, orders=190, outage=(0.3, 0.36), kill=0.65)
SHORT = Form(hours=2, speed=360, orders=40, outage=(0.3, 0.36))
TINY = Form(hours=0.25, speed=150, orders=6)


@dataclass
class Day:
    """The day of a world; `tell` takes what happens, a line at a time."""

    form: Form
    world: World
    tell: Callable[[str], None]
    agenda: Agenda = field(init=False)

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.form.speed)

    def run(self) -> list[Row]:
        """Let the day pass, and what it leaves be done; return its books."""
        form, agenda = self.form, self.agenda
        orders = sample_orders(form.orders)
        for at, body in enumerate(orders):
            self._plan_order(at, body, (at + 0.5) / len(orders) * _LATEST)
        for at in range(8, int(form.minutes * _LATEST), 25):
            agenda.at(at, self._ship)
        for at in range(60, int(form.minutes), 60):
            agenda.at(at, self._tell_how_it_is)
        if form.outage is not None:
            agenda.at(form.outage[0] * form.minutes, self._tenant_dies)
            agenda.at(form.outage[1] * form.minutes, self._tenant_comes_back)
        if form.kill is not None:
            agenda.at(form.kill * form.minutes, self._service_dies)
        agenda.at(0.5 * form.minutes, self._look_for_failures)
        agenda.at(form.minutes, partial(self._say, "the shop closes"))
        agenda.begin()
        self._say(f"the shop opens, and sends {len(orders)} orders: some late, some three times")
        agenda.run()
        return self._settled()

    def _plan_order(self, at: int, body: bytes, part: float) -> None:
        """Plan how an order is sent in a part of the day: some late, some three times."""
        minute = part * self.form.minutes
        for moment in self.form.kills:
            if abs(part - moment) < _RUSH:
                # Half of them are at work when something is killed, half have just come.
                minute = moment * self.form.minutes - at % 2 * _AT_WORK * self.form.speed / 60
        delivery = f"delivery-{at}"
        self.agenda.at(minute + 12 * (at % 5 == 4), partial(self._send, body, delivery))
        # What the operator corrects is not sent again as it was: it would be rejected again.
        if at % 7 == 3 and json.loads(body)["name"] != WRONG:
            self.agenda.at(minute + 14, partial(self._send, body, delivery))
            self.agenda.at(minute + 16, partial(self._send, body, f"{delivery}-again"))

    def _send(self, body: bytes, delivery: str) -> None:
        if not self.world.shop.send(body, delivery):
            self.agenda.soon(5, partial(self._send, body, delivery))

    def _ship(self) -> None:
        """Have the warehouse ship; its people wait where the ERP does not answer."""
        try:
            self.world.warehouse.ship(len(self.world.warehouse.shipped) % 5 + 1)
        except httpx2.HTTPError:
            self.agenda.soon(10, self._ship)

    # What goes wrong

    def _tenant_dies(self) -> None:
        count = len(self._waiting())
        self.world.processes.kill("tenant")
        self._say(f"the tenant is killed (SIGKILL), {count} on their way; the shop goes on selling")

    def _tenant_comes_back(self) -> None:
        self.world.start_tenant()
        self._say("the tenant is started again, with what it had saved")
        self._catch_up()

    def _service_dies(self) -> None:
        count = len(self._waiting())
        self.world.processes.kill("serve")
        self._say(
            f"mapgen serve is killed (SIGKILL), {count} on their way; the shop goes on selling"
        )
        self.agenda.soon(8, self._service_comes_back)

    def _service_comes_back(self) -> None:
        self.world.start_service()
        self._say("mapgen serve is started again, with the ledger that it had")
        self._catch_up()

    def _catch_up(self) -> None:
        """Watch what waits now, until all of it is in the tenant."""
        missed, began = self._waiting(), time.monotonic()

        def look() -> None:
            if missed & self._waiting():
                self._again(look)
                return
            took = time.monotonic() - began
            self._say(
                f"what waited ({len(missed)}) is in the tenant, {took:.0f} real seconds later"
            )

        look()

    # What the operator does

    def _look_for_failures(self) -> None:
        if self._state_of(WRONG) != "rejected":
            self._again(self._look_for_failures)
            return
        self._say(
            f"an order is rejected; the operator looks for why, and corrects the copy of {WRONG}"
        )
        self._command("errors", FLOW)
        order = {**self.world.shop.orders[WRONG], "po_number": "PO for the tearoom"}
        corrected = self.world.beside("corrected.json")
        (ROOT / corrected).write_text(json.dumps(order), encoding="utf-8")
        reason = "too long, agreed with the shop"
        self._command("dlq", "edit", FLOW, WRONG, "--file", corrected, "--reason", reason)
        status = replay(self.world.console, TOKEN, FLOW, WRONG)
        if status != 200:
            raise Failed(f"the console answers a replay with {status}")
        self._say("the operator signs in to the console, and presses Replay")
        self._look_whether_replayed()

    def _look_whether_replayed(self) -> None:
        if self._state_of(WRONG) == "sent":
            self._say(f"{WRONG} is in the tenant")
        else:
            self._again(self._look_whether_replayed)

    def _command(self, *words: str) -> None:
        """Run a command of the operator's, and show it with what it says."""
        command = (*words, "--state", self.world.ledger)
        self.tell(f"       $ mapgen {shlex.join(command)}")
        for line in self.world.processes.ask(*command).splitlines():
            self.tell(f"         {line}".rstrip())

    # How it is

    def _again(self, what: Callable[[], None]) -> None:
        """Have something done in half a second."""
        self.agenda.soon(self.form.speed / 120, what)

    def _state_of(self, name: str) -> str:
        """Return the state of an order in the ledger."""
        return self.world.orders_in_ledger().get(name, ("unknown", ""))[0]

    def _waiting(self) -> frozenset[str]:
        """Return the orders that are on their way, and not in the tenant yet."""
        rows = self.world.books()
        return frozenset(
            row.name
            for row in rows
            if row.what.startswith("orders") and row.lost and row.ledger != "rejected"
        )

    def _tell_how_it_is(self) -> None:
        shop = self.world.shop
        told = f"{len(shop.orders)} orders sent so far, in {shop.taken.total()} deliveries"
        if not self.world.is_tenant_up():
            self._say(f"{told}; the tenant is down")
            return
        rows = self.world.books()
        there = sum(row.found for row in rows if row.what.startswith("orders"))
        gone = sum(row.what.startswith("fulfilments") and row.agrees for row in rows)
        self._say(f"{told}; {there} in the tenant; shipments the shop knows of: {gone}")

    def _settled(self) -> list[Row]:
        """Return the books once they agree, or when there is no hope of it any more."""
        began = time.monotonic()
        rows = self.world.books()
        while not all(row.agrees for row in rows) and time.monotonic() - began < _PATIENCE:
            time.sleep(0.3)
            rows = self.world.books()
        self._say(f"{time.monotonic() - began:.0f} real seconds later all is still")
        return rows

    def _say(self, words: str) -> None:
        self.tell(f"{self.agenda.clock()}  {words}")
