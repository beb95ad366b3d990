"""Nothing in, the time that no one can set out: seconds that only ever pass."""

from __future__ import annotations

import time


def uptime() -> float:
    """Return seconds since the machine started, those that it slept or was suspended included.

    Setting the machine's clock does not move it, and all processes of the machine share it.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
