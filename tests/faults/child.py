"""A process of its own that delivers: `child.py URL LEDGER COUNT JUMP`, its clock set amid it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Unobserved
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document
from mapgen.runtime.plan import Retry
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of


def records(count: int, jump: float) -> Iterator[Document]:
    """Yield the orders, and set the clock when half of them are read."""
    real = time.time
    for at, order in enumerate(orders(count)):
        if at == count // 2 and jump:
            time.time = lambda: real() + jump
        yield order


if __name__ == "__main__":
    url, address, count, jump = sys.argv[1:]
    plan = plan_of(batch_size=8, retry=Retry(attempts=8, first=0.02, ceiling=0.2))
    limits = Limits(request_timeout=0.8, settle=1.6, concurrent_requests=3)
    with Ledger(address) as ledger:
        environment = Environment("test", tenant_of(url), limits)
        summary = deliver(
            records(int(count), float(jump)), plan, environment, ledger, RULES, Unobserved()
        )
    sys.stdout.write(json.dumps(summary.counts()))
