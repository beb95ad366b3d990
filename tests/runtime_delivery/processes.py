"""Processes of their own that deliver, and many scenes of them at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from tests.runtime_delivery.child import deliver_flow

LONGEST = 300.0
AT_ONCE = 4
SHORT = 2.0  # what a killed process had in hand is waited for
LONG = 180.0  # nothing has to settle on any machine: all answers come
# They are forked by one that has read all the code: nothing else is ready so soon.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.child", "tests.runtime_delivery.child"])


@dataclass(frozen=True, slots=True)
class Child:
    """A process that delivers; what it counted comes at its end."""

    process: ForkServerProcess
    counts: Connection

    @property
    def is_running(self) -> bool:
        return self.process.is_alive()

    def finish(self) -> dict[str, int]:
        """Wait for its end; return what it counted."""
        self.process.join(LONGEST)
        assert self.process.exitcode == 0
        counts: dict[str, int] = self.counts.recv()
        return counts

    def kill(self) -> int | None:
        """Kill it with SIGKILL; return its exit code."""
        self.process.kill()
        return self.end()

    def end(self) -> int | None:
        """Wait for its end; return its exit code."""
        self.process.join(LONGEST)
        return self.process.exitcode


def start(url: str, address: str, count: int = 60, *flow: str, settle: float = SHORT) -> Child:
    """Start a process that delivers so many records of a flow, to a tenant."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(
        target=deliver_flow, args=(theirs, url, address, count, settle, *flow), daemon=True
    )
    process.start()
    theirs.close()
    return Child(process, ours)


def at_once(scenes: Mapping[str, Callable[[], None]]) -> None:
    """Play scenes, which wait most of their time, beside each other; none of them may fail."""
    errors = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, playing in {name: pool.submit(scene) for name, scene in scenes.items()}.items():
            if error := playing.exception():
                error.add_note(f"at: {name}")
                errors.append(error)
    if errors:
        raise BaseExceptionGroup("scenes that failed", errors)
