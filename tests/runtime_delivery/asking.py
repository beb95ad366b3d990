"""A process of its own that asks a tenant as often as its share of the licence lets it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import Ledger

THREADS = 8


def ask(url: str, address: str, who: str, limits: Limits) -> None:
    """Ask for ever, to be killed."""
    with Ledger(address) as ledger:
        limiter = ledger.licence("DEMO", limits)

        def work(_: int) -> None:
            while True:
                with limiter.token(threading.Event()):
                    httpx2.get(f"{url}/entity/{who}", timeout=60)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
