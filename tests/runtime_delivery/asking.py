"""A process of its own that asks a tenant as often as its share of the licence lets it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2

from mapgen.runtime.environment import Limits
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.network.transport import RateLimitedTransport

THREADS = 8
_LONGEST = 300.0
_EACH_ITS_OWN = httpx2.Limits(max_connections=THREADS, max_keepalive_connections=0)


def ask(url: str, address: str, who: str, limits: Limits) -> None:
    """Ask for ever, to be killed."""
    with Ledger(address) as ledger:
        transport = RateLimitedTransport(
            ledger.licence("DEMO", limits),
            places=THREADS,
            connections=_EACH_ITS_OWN,
            longest=_LONGEST,
            stop=threading.Event(),
        )

        def work(_: int) -> None:
            while True:
                # One that was stopped with a token in hand, and wakes too late, sends nothing.
                with suppress(httpx2.ConnectTimeout):
                    client.get(f"{url}/entity/{who}")

        with (
            httpx2.Client(transport=transport, timeout=_LONGEST) as client,
            ThreadPoolExecutor(THREADS) as pool,
        ):
            list(pool.map(work, range(THREADS)))
