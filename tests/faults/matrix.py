"""Troubles in, a table of what was sent, is there, is lost and is doubled out.

`python -m tests.faults.matrix` tries every trouble with both databases, with one process and with
three. Each trouble meets real processes over a real socket; what a process leaves, a last run
finishes. A cell is right where the trouble did strike, and each order is in the tenant once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.faults.child import Task, deliver_task, strike
from tests.faults.ways import WAYS, Place
from tests.runtime_delivery.processes import AT_ONCE, LONGEST, PROCESSES
from tests.runtime_delivery.servers import empty_database, postgresql_server
from tests.runtime_delivery.stand_in import (
    Answer,
    Asked,
    Drip,
    Drop,
    Kind,
    Late,
    Misdeed,
    StandIn,
)

COUNT = 20
_PX = "PX.Data.PXException"
_SQL = "System.Data.SqlClient.SqlException"
_OTHER = {"OrderNbr": {"value": "SO000099"}, "ExternalRef": {"value": "somebody-else"}}


def _thrown(words: str, kind: str = _PX, *, status: int = 500) -> Answer:
    return Answer(status, {"message": "no", "exceptionMessage": words, "exceptionType": kind})


def _page(words: str, status: int, *headers: tuple[str, str]) -> Answer:
    return Answer(status, f"<html>{words}</html>", "text/html", headers)


ANSWERS = {
    "deadlock": _thrown("Transaction was deadlocked", _SQL),
    "lost race": _thrown("Another process has added the 'SOOrder' record."),
    "lost race in French": _thrown("Un autre processus", "PX.Data.PXLockViolationException"),
    "long operation": _thrown("A long operation is running for this screen."),
    "409 long operation": Answer(409, {"message": "A long operation is running"}),
    "timeout expired": _thrown("Timeout expired.", _SQL),
    "database down in German": _thrown("Netzwerkfehler", _SQL),
    "out of memory": _thrown("no memory", "System.OutOfMemoryException"),
    "failed to commit": _thrown("The system failed to commit the record."),
    "not logged in": _thrown("You are not logged in.", "PX.Data.PXNotLoggedInException"),
    "unknown words in Polish": _thrown("Nie udało się"),
    "429": Answer(429, {"message": "Too many"}),
    "503 page": _page("Service Unavailable", 503),
    "502 page": _page("Bad Gateway", 502),
    "200 page": _page("Sign in", 200),
    "200 and nothing": Answer(200),
    "200 and another document": Answer(200, _OTHER),
    "204": Answer(204),
    "sent to the sign-in": _page("moved", 302, ("Location", "/Frames/Login.aspx")),
    "sent to an error page": _page("moved", 302, ("Location", "/ui/error")),
    "not UTF-8": Answer(200, b'{"OrderNbr":{"value":"\xff"}}'),
    "no gzip": Answer(200, b"{}", headers=(("Content-Encoding", "gzip"),)),
}

# Answers that leave a document where a person decides, if it is not saved: the ERP says no.
_FINAL = {"200 and another document"}


@dataclass
class Scene:
    """A trouble at work: the tenant that it befalls, the processes, and how often it struck."""

    place: Place
    mark: Path
    children: list[ForkServerProcess] = field(default_factory=list)
    befallen: set[str | None] = field(default_factory=set)

    @property
    def tenant(self) -> StandIn:
        """The stand-in that documents of a file reach."""
        assert self.place.stand_in
        return self.place.stand_in

    def once(self, asked: Asked) -> bool:
        """Whether this is the first time for every third order."""
        number = int((asked.identity or "0").partition("-")[0])
        if asked.kind != "put" or number % 3 or asked.identity in self.befallen:
            return False
        self.befallen.add(asked.identity)
        return True

    def strike(self, asked: Asked, number: signal.Signals) -> None:
        """Send the process that asks a signal."""
        self.mark.touch()
        pid = self.children[int(asked.user)].pid
        assert pid is not None
        strike(pid, number)


Befall = Callable[[Scene, Asked], Misdeed]


def _nothing(scene: Scene, asked: Asked) -> Misdeed:
    return None


@dataclass(frozen=True)
class Trouble:
    """What befalls the tenant, by what it is asked, and what the processes, by their task."""

    befall: Befall = _nothing
    task: dict[str, Any] = field(default_factory=dict)


def _each(misdeed: Misdeed) -> Befall:
    return lambda scene, asked: misdeed if scene.once(asked) else None


def _storm(scene: Scene, asked: Asked) -> Misdeed:
    return Answer(429, {"message": "Too many"}) if 4 <= len(scene.tenant.asked) <= 10 else None


def _restart(scene: Scene, asked: Asked) -> Misdeed:
    """Cut connections, then say so in HTML, and know no session from before."""
    at = len(scene.tenant.asked)
    if 8 <= at <= 14:
        scene.tenant.tokens.clear()
        return Drop(is_done=False) if at <= 11 else ANSWERS["503 page"]
    return None


def _expiry(scene: Scene, asked: Asked) -> Misdeed:
    if (asked.kind, asked.nth) in (("put", 5), ("put", 11)):
        scene.mark.touch()
        scene.tenant.tokens.clear()
    return None


def _full(scene: Scene, asked: Asked) -> Misdeed:
    words = "API Login Limit: the number of sessions exceeds the licence"
    return _thrown(words) if asked.kind == "token" and asked.nth <= 2 else None


def _struck(number: signal.Signals, kind: Kind, nth: int, misdeed: Misdeed) -> Befall:
    def befall(scene: Scene, asked: Asked) -> Misdeed:
        if (asked.kind, asked.nth) != (kind, nth):
            return None
        scene.strike(asked, number)
        return misdeed

    return befall


def _struck_by_chance(number: signal.Signals, at: int, after: float) -> Befall:
    """Strike while request `at` is answered, or so many seconds later."""

    def befall(scene: Scene, asked: Asked) -> Misdeed:
        if len(scene.tenant.asked) == at:
            later = threading.Timer(after, scene.strike, (asked, number))
            later.daemon = True
            later.start()
        return None

    return befall


def troubles(seed: int = 0) -> Iterator[tuple[str, Trouble]]:
    """Yield every trouble by its name; the seed is that of the moments of chance."""
    yield "no trouble", Trouble()
    for words, answer in ANSWERS.items():
        for is_done in (False, True):
            if words in _FINAL and not is_done:
                continue
            misdeed = Answer(
                answer.status, answer.body, answer.content_type, answer.headers, is_done
            )
            yield f"{words}, {'after' if is_done else 'before'} saving", Trouble(_each(misdeed))
    yield "connection cut, before saving", Trouble(_each(Drop(is_done=False)))
    yield "connection cut, after saving", Trouble(_each(Drop(is_done=True)))
    yield "connection cut, saved late", Trouble(_each(Late(0.5)))
    yield "slow drip, after saving", Trouble(_each(Drip(is_done=True)))
    yield "storm of 429", Trouble(_storm)
    yield "tenant restarts", Trouble(_restart)
    yield "tokens expire amid a batch", Trouble(_expiry)
    yield "sessions of the licence in use", Trouble(_full)
    yield from _signals(random.Random(seed))
    yield "clock a day ahead", Trouble(task={"jump": 86_400.0})
    yield "clock a day back", Trouble(task={"jump": -86_400.0})


_STEPS = ("begin", "stage", "claim", "acknowledge", "settle_accounts", "end")


def _steps(number: signal.Signals, way: str, steps: Sequence[str]) -> Iterator[tuple[str, Trouble]]:
    """Yield the strikes at the commit of each step of the ledger, and after it."""
    for step in steps:
        for is_amid in (True, False):
            task = {"step": step, "is_amid": is_amid, "signal": int(number), "way": way}
            where = f"{number.name} {'at' if is_amid else 'after'} {step}"
            yield where if way == "file" else f"{way}: {where}", Trouble(task=task)


def _signals(chance: random.Random) -> Iterator[tuple[str, Trouble]]:
    places: Sequence[tuple[str, Kind, int, Misdeed]] = (
        ("staged, before the sign-in", "token", 1, None),
        ("in hand, at the look-up", "find", 1, None),
        ("sent, not saved", "put", 1, Drop(is_done=False)),
        ("sent, saved, not answered", "put", 1, Drop(is_done=True)),
        ("sent, saved late", "put", 7, Late(0.5)),
        ("amid the orders", "put", 13, None),
        ("at the sign-out", "logout", 1, None),
    )
    for number in (signal.SIGKILL, signal.SIGSTOP):
        for words, kind, nth, misdeed in places:
            yield f"{number.name} {words}", Trouble(_struck(number, kind, nth, misdeed))
        for way in WAYS:
            # What a sender sends is received first.
            own = ("receive",) * (way == "inbox") + WAYS[way].own_steps
            yield from _steps(number, way, own + _STEPS)
        for nth in range(1, 4):
            befall = _struck_by_chance(number, chance.randint(1, COUNT), chance.random() / 50)
            yield f"{number.name} by chance {nth}", Trouble(befall)


@dataclass(frozen=True)
class Cell:
    """What came of one trouble: requests with documents, documents that are there, and which.

    `struck`: whether there was trouble at all. `failed` is why nobody can tell what came of it.
    """

    sent: int
    there: int
    lost: int
    doubled: int
    struck: bool
    failed: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the trouble struck, nothing is lost and nothing doubled."""
        return self.struck and not (self.lost or self.doubled or self.failed)

    def __str__(self) -> str:
        """Return what the table has of it."""
        if self.failed:
            return f"FAILED {self.failed}"
        never = "" if self.struck else " NEVER STRUCK"
        return (
            f"sent {self.sent:>3} there {self.there:>3} lost {self.lost} doubled"
            f" {self.doubled}{never}"
        )


def tried(cell: Callable[[], Cell]) -> Cell:
    """Return what came of a cell; one that raises is wrong, and breaks off no other."""
    try:
        return cell()
    except Exception as error:  # noqa: BLE001 - whatever it is, the table has a line of it
        words = " ".join(str(error).split())
        return Cell(0, 0, COUNT, 0, struck=False, failed=f"{type(error).__name__}: {words[:200]}")


def try_cell(trouble: Trouble, address: str, processes: int, folder: Path) -> Cell:
    """Let a trouble befall so many processes that share a ledger; finish; count."""
    mark = folder / f"struck-{uuid.uuid4().hex}"
    name = trouble.task.get("way", "file")
    way = WAYS[name]
    with ExitStack() as around:
        place = around.enter_context(way.place())
        scene = Scene(place, mark)

        def befall(asked: Asked) -> Misdeed:
            misdeed = trouble.befall(scene, asked)
            if misdeed is not None:
                mark.touch()
            return misdeed

        if place.stand_in:
            place.stand_in.script = befall
        around.callback(_end_all, scene.children)
        task = partial(Task, place.url, address, COUNT, mark=str(mark))
        # A clock that jumps is the first one's alone: the others must not mind, and neither may it.
        for at in range(processes):
            scene.children.append(start(task(user=str(at), **trouble.task)))
        ends = [end_of(child) for child in scene.children]
        assert sorted(ends)[1:] == [0] * (processes - 1), f"one is killed at most, not {ends}"
        assert set(ends) <= {0, -signal.SIGKILL}, f"a process failed: {ends}"
        if place.stand_in:
            place.stand_in.script = lambda asked: None
        scene.children.append(start(task(user="last", way=name)))
        assert end_of(scene.children[-1]) == 0, "what is left is not delivered"
        wanted = {way.name_of.format(number) for number in range(1, COUNT + 1)}
        there = place.there()
        doubled = len(there) - len(set(there)) + place.actions_again()
        struck = mark.exists() or trouble == Trouble()
        return Cell(place.sent(), len(there), len(wanted - set(there)), doubled, struck)


def start(task: Task) -> ForkServerProcess:
    """Start a process that delivers."""
    child = PROCESSES.Process(target=deliver_task, args=(task,), daemon=True)
    child.start()
    return child


def _end_all(children: Sequence[ForkServerProcess]) -> None:
    """End what a cell that raised has left."""
    for child in children:
        if child.exitcode is None:
            child.kill()


def end_of(child: ForkServerProcess) -> int:
    """Wait for the end of a process; return its exit code."""
    child.join(LONGEST)
    assert child.exitcode is not None, "a process does not end"
    return child.exitcode


@contextmanager
def _addresses(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    with postgresql_server() as server:
        yield {
            "sqlite": lambda: f"sqlite:///{folder}/{uuid.uuid4().hex}.db",
            "postgresql": lambda: empty_database(server),
        }


def main() -> int:
    """Print the table; return 1 where a cell is not right."""
    wrong = 0
    only = os.environ.get("FAULTS", "")  # a part of their names
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    sys.stdout.write(f"the moments of chance are those of SEED={seed}\n")
    with tempfile.TemporaryDirectory() as made, _addresses(Path(made)) as addresses:
        cells = [
            (name, trouble, database, processes)
            for name, trouble in troubles(seed)
            for database in addresses
            for processes in (1, 3)
            if only in name
        ]

        def cell_of(one: tuple[str, Trouble, str, int]) -> Cell:
            _, trouble, database, processes = one
            address = addresses[database]
            return tried(lambda: try_cell(trouble, address(), processes, Path(made)))

        # Most of a cell is waiting, for what has to settle above all.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for one, cell in zip(cells, pool.map(cell_of, cells), strict=True):
                name, _, database, processes = one
                wrong += not cell.is_right
                sys.stdout.write(f"{name:<42} {database:<10} {processes} {cell}\n")
                sys.stdout.flush()
        sys.stdout.write(f"{len(cells)} cells, {wrong} of them wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
