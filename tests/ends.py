"""Tenants whose end nobody waits for: a sandbox that ends is patient with its callers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")
_POOL = ThreadPoolExecutor(4)
_ends: list[Future[bool | None]] = []


@contextmanager
def ended_aside(served: AbstractContextManager[T]) -> Iterator[T]:
    """Give what is served, and end it beside the next test. Raises what earlier ends did."""
    while _ends and _ends[0].done():
        _ends.pop(0).result()
    entered = served.__enter__()
    try:
        yield entered
    finally:
        _ends.append(_POOL.submit(served.__exit__, None, None, None))
