"""A process of its own that delivers orders, to be killed: `child.py URL LEDGER COUNT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Unobserved
from mapgen.runtime.ledger import Ledger
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of

if __name__ == "__main__":
    url, address, count = sys.argv[1:]
    limits = Limits(request_timeout=0.6, settle=1.1, concurrent_requests=3)
    with Ledger(address) as ledger:
        environment = Environment("test", tenant_of(url), limits)
        summary = deliver(orders(int(count)), plan_of(), environment, ledger, RULES, Unobserved())
    sys.stdout.write(json.dumps(summary.counts()))
