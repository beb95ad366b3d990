"""A process of its own that delivers, to be killed: `child.py URL LEDGER COUNT [FLOW [WORDS]]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Unobserved
from mapgen.runtime.ledger import Ledger
from tests.runtime_delivery.flows import boths, current, states, two_documents
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of

if __name__ == "__main__":
    url, address, count, flow, words = [*sys.argv[1:], *("orders", "new")[len(sys.argv) - 4 :]]
    plan, outcomes = {
        "orders": (plan_of(), orders(int(count))),
        "both": (two_documents(), boths(int(count))),
        "current": (current(), states(int(count), words)),
    }[flow]
    limits = Limits(request_timeout=0.6, settle=1.1, concurrent_requests=3)
    with Ledger(address) as ledger:
        environment = Environment("test", tenant_of(url), limits)
        summary = deliver(outcomes, plan, environment, ledger, RULES, Unobserved())
    sys.stdout.write(json.dumps(summary.counts()))
