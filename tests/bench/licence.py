"""Many orders under the licence of a tenant, in accelerated time and in flat memory: `make load`.

A minute of the licence passes in a part of one, for those who honour it and for who counts: ORDERS
(20,000) go out under 600 requests a minute, SPEED (15) minutes in one. Only the minutes of the
licence are shorter; requests, their answers and what waits for a thread take what they take, so
that the licence is kept in harder times than real ones. Exit code 1 where it is not kept, an order
is lost or doubled, or memory grows with the orders.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import BusinessEvent, Event, Observer
from mapgen.runtime.ledger import Ledger, licence
from mapgen.runtime.network import rate_limit
from mapgen.runtime.outcome import Document
from tests.runtime_delivery.orders import RULES, order, plan_of
from tests.runtime_delivery.processes import PROCESSES
from tests.runtime_delivery.stand_in import Asked, standing_in, tenant_of

PER_MINUTE = 600
_LOOKS = 20
_GROWTH = 16.0
"""MiB that a process may have more at the end than after a tenth of the orders."""
_PAGE = 4096 / 2**20


@dataclass(frozen=True)
class Kept:
    """What came of it: orders there, lost and doubled, requests in all, and in the busiest minute.

    `took` are the minutes of the licence that it took, `sizes` the memory of the process that
    delivers, in MiB, after each twentieth of the orders.
    """

    there: int
    lost: int
    doubled: int
    requests: int
    busiest: int
    took: float
    sizes: tuple[float, ...]

    @property
    def grown(self) -> float:
        """How much memory grew after the first tenth."""
        return max(self.sizes[2:], default=0.0) - self.sizes[1] if len(self.sizes) > 2 else 0.0

    @property
    def is_right(self) -> bool:
        """Whether all orders are there once, within the licence and in flat memory."""
        is_kept = self.busiest <= PER_MINUTE and self.grown <= _GROWTH
        return is_kept and not (self.lost or self.doubled)


class _Sizes(Observer):
    """Notes the memory of the process after each twentieth of the documents."""

    def __init__(self, count: int) -> None:
        self._each = max(1, count // _LOOKS)
        self._seen = 0
        self.found: list[float] = []

    def on_event(self, event: Event) -> None:
        """Count a document."""
        if isinstance(event, BusinessEvent):
            self._seen += 1
            if self._seen % self._each == 0:
                pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
                self.found.append(int(pages) * _PAGE)


def _send(results: Connection, url: str, address: str, count: int, speed: float) -> None:
    """Deliver so many orders, minutes of the licence being so much shorter."""
    rate_limit.MINUTE = licence.MINUTE = 60.0 / speed
    sizes = _Sizes(count)
    environment = Environment("load", tenant_of(url), Limits(PER_MINUTE, 4, 60.0, 90.0))
    with Ledger(address) as ledger:
        deliver(_orders(count), plan_of(batch_size=100), environment, ledger, RULES, sizes)
    results.send(sizes.found)


def _orders(count: int) -> Iterator[Document]:
    return (order(number) for number in range(1, count + 1))


def under_a_licence(count: int, speed: float) -> Kept:
    """Deliver so many orders in a process of its own, and count at the tenant."""
    moments: list[float] = []

    def note(_asked: Asked) -> None:
        moments.append(time.monotonic())

    ours, theirs = PROCESSES.Pipe()
    with TemporaryDirectory() as folder, standing_in(script=note) as tenant:
        address = f"sqlite:///{folder}/ledger.db"
        child = PROCESSES.Process(target=_send, args=(theirs, tenant.url, address, count, speed))
        child.start()
        theirs.close()
        sizes = ours.recv()
        child.join()
        found = tenant.identities
    wanted = {f"{number}-shop" for number in range(1, count + 1)}
    minute = 60.0 / speed
    return Kept(
        len(found),
        len(wanted - set(found)),
        len(found) - len(set(found)),
        len(moments),
        _busiest(sorted(moments), minute),
        (max(moments) - min(moments)) / minute,
        tuple(sizes),
    )


def _busiest(moments: list[float], minute: float) -> int:
    """Return how many requests came within the busiest minute, wherever it begins."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - minute:
            first += 1
        most = max(most, last - first + 1)
    return most


def main() -> int:
    """Print what came of it; return 1 where something is not right."""
    count = int(os.environ.get("ORDERS", "20000"))
    speed = float(os.environ.get("SPEED", "15"))
    kept = under_a_licence(count, speed)
    sizes = ", ".join(f"{size:.0f}" for size in kept.sizes)
    sys.stdout.write(
        f"{count} orders under a licence of {PER_MINUTE} requests a minute, {speed:g} minutes in"
        f" one: {kept.there} there, {kept.lost} lost, {kept.doubled} doubled; {kept.requests}"
        f" requests, {kept.busiest} in the busiest minute, in {kept.took:.1f} minutes of the"
        f" licence; memory {sizes} MiB, {kept.grown:.1f} more after a tenth of them:"
        f" {'right' if kept.is_right else 'NOT RIGHT'}\n"
    )
    return 0 if kept.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
