"""What a process of the matrix does: it delivers, and a trouble may befall it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from mapgen.agreed.plan import Retry
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.events import Unobserved
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of

STOPPED_FOR = 3.0  # longer than the settle time and the lease
# So many attempts that no machine is too slow for them.
_RETRY = Retry(attempts=100, first=0.02, ceiling=0.2)
_LIMITS = Limits(request_timeout=0.8, settle=1.6, concurrent_requests=3)


@dataclass(frozen=True)
class Task:
    """What a process delivers, and where; `mark` is the file that says that trouble struck.

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


def records(task: Task) -> Iterator[Document]:
    """Yield the orders, and set the clock when half of them are read."""
    real = time.time
    for at, order in enumerate(orders(task.count)):
        if at == task.count // 2 and task.jump and is_first(task):
            time.time = lambda: real() + task.jump
        yield order


def deliver_task(task: Task) -> None:
    """Deliver; run in a process of its own."""
    with Ledger(task.address) as ledger:
        if task.step:
            beset(task, ledger)
        environment = Environment("test", tenant_of(task.url, task.user), _LIMITS)
        plan = plan_of(batch_size=8, retry=_RETRY)
        deliver(records(task), plan, environment, ledger, RULES, Unobserved())
