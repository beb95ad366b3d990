"""Signals that end a run are deferred while the database is in the middle of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Keep a signal's exception until the block is done; a second signal is heard at once.

    An exception that comes amid the opening of a transaction leaves it open, and the ledger locked
    for everybody, for as long as somebody holds on to the exception.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept: list[int] = []
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def keep(number: int, frame: FrameType | None) -> None:
        if kept:
            handlers[number](number, frame)
        kept.append(number)

    for ending in _ENDING:
        before = signal.getsignal(ending)
        if callable(before):
            handlers[ending] = before
            signal.signal(ending, keep)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in kept:
            handlers[number](number, None)
