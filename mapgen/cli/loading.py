"""What commands load before they begin: it is needed to the end, so that no garbage is in it."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

atexit.register(gc.disable)  # what is there where the process ends is not looked through


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage inside; what is there at its end, however it ends, is never looked at."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
