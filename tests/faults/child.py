"""What a process of the matrix does: it delivers, and a trouble may befall it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event

from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.delivery.deliver import Outcomes
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Outcome
from tests.faults.ways import WAYS
from tests.runtime_delivery.orders import RULES

STOPPED_FOR = 3.0  # longer than the settle time and the lease


@dataclass(frozen=True)
class Task:
    """What a process delivers, on which way, and where.

    `mark` is the file that says that trouble struck.

    `jump`: by how much its clock is set when half of the orders are read. `step`: the method of the
    ledger at whose commit, or after which, it sends itself a `signal`.
    """

    url: str
    address: str
    count: int
    user: str
    mark: str
    jump: float = 0.0
    step: str = ""
    is_amid: bool = False
    signal: int = 0
    way: str = "file"


def is_first(task: Task) -> bool:
    """Whether no process of the scene was here before."""
    try:
        os.close(os.open(task.mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def strike(pid: int, number: int) -> None:
    """Send a process a signal; one that is stopped goes on after a while."""
    if number == signal.SIGSTOP:
        subprocess.Popen(["sh", "-c", f"sleep {STOPPED_FOR}; kill -CONT {pid}"])
    os.kill(pid, number)


def beset(task: Task, ledger: Ledger) -> None:
    """Let the first process that is at the step of the ledger strike itself, there."""
    method: Callable[..., Any] = getattr(ledger, task.step)
    inside = [False]

    def stepping(*given: Any, **named: Any) -> Any:
        inside[0] = True
        try:
            found = method(*given, **named)
        finally:
            inside[0] = False
        # A step that came to nothing is no step.
        if not task.is_amid and found != [] and is_first(task):
            strike(os.getpid(), task.signal)
        return found

    def committing(_connection: object) -> None:
        if task.is_amid and inside[0] and is_first(task):
            strike(os.getpid(), task.signal)

    setattr(ledger, task.step, stepping)
    event.listen(ledger._engine, "commit", committing)


def jumping(task: Task, outcomes: Outcomes) -> Iterator[Outcome]:
    """Yield the orders of a file, and set the clock when half of them are read."""
    assert not isinstance(outcomes, Mapped)
    real = time.time
    for at, order in enumerate(outcomes):
        if at == task.count // 2 and is_first(task):
            time.time = lambda: real() + task.jump
        yield order


def deliver_task(task: Task) -> None:
    """Deliver; run in a process of its own."""
    way = WAYS[task.way]
    with Ledger(task.address) as ledger:
        if task.step:
            beset(task, ledger)
        outcomes = way.outcomes(ledger, task.url, task.count, Path(task.mark).parent)
        if task.jump:
            outcomes = jumping(task, outcomes)
        environment = way.environment(task.url, task.user)
        deliver(outcomes, way.plan, environment, ledger, RULES, Observer())
