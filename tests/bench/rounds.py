"""Measuring on a machine that others use too: only ratios of what ran side by side are reported."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """A ratio, or seconds, of several rounds."""

    median: float
    lowest: float
    highest: float


def spread(values: Sequence[float]) -> Measured:
    """Return the middle and the ends of what the rounds gave."""
    return Measured(median(values), min(values), max(values))


def cpu() -> float:
    """Return the CPU seconds of this process and of all its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def took(work: Work, clock: Callable[[], float] = cpu) -> float:
    """Return how long a piece of work takes."""
    gc.collect()
    began = clock()
    work()
    return clock() - began


def ratio(
    above: Work, below: Work, rounds: int, clock: Callable[[], float] = cpu, each: float = 1
) -> Measured:
    """Return how many times as long the first takes as the second, round by round.

    Each goes first in every other round. `each` is how much more work the second has.
    """
    above(), below()  # what is made once is made
    gc.freeze()  # what is held for the measurement is no work of what is measured
    found = []
    for number in range(rounds):
        if number % 2:
            second, first = took(below, clock), took(above, clock)
        else:
            first, second = took(above, clock), took(below, clock)
        found.append(first / second * each)
    gc.unfreeze()
    return spread(found)


# As where the product is installed: modules are compiled once, not by each start.
_ENVIRONMENT = {name: of for name, of in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def process(*command: str, cwd: str | None = None, codes: tuple[int, ...] = (0,)) -> Work:
    """Return the work of a process; raises where it ends with another exit code."""

    def run() -> None:
        done = subprocess.run(command, cwd=cwd, env=_ENVIRONMENT, capture_output=True, check=False)
        if done.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()[-2000:]}")

    return run


# A child's peak counts that of the process it was forked from: so a small one is between.
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=-3, stderr=-3, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(*command: str, cwd: str | None = None) -> float:
    """Return the most memory that a process has held, in MiB."""
    between = (sys.executable, "-S", "-c", _PEAK, *command)
    done = subprocess.run(between, cwd=cwd, capture_output=True, check=True)
    return int(done.stdout) / 1024
