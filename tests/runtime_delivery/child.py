"""A process of its own that delivers, to be killed.

`child.py URL LEDGER COUNT SETTLE [FLOW [WORDS]]`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Unobserved
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.plan import Retry
from tests.runtime_delivery.flows import boths, current, states, two_documents
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of

if __name__ == "__main__":
    url, address, count, settle, *others = sys.argv[1:]
    flow, words = [*others, *("orders", "new")[len(others) :]]
    # So many attempts that no machine is too slow for them.
    retry = Retry(attempts=100, first=0.02, ceiling=0.1)
    plan, outcomes = {
        "orders": (plan_of(retry=retry), orders(int(count))),
        "both": (two_documents(retry=retry), boths(int(count))),
        "current": (current(retry=retry), states(int(count), words)),
    }[flow]
    limits = Limits(request_timeout=float(settle) / 2, settle=float(settle), concurrent_requests=3)
    with Ledger(address) as ledger:
        environment = Environment("test", tenant_of(url), limits)
        summary = deliver(outcomes, plan, environment, ledger, RULES, Unobserved())
    sys.stdout.write(json.dumps(summary.counts()))
