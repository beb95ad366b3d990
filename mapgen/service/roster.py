"""The flows of a workspace that run by themselves: those that can be bound, and the others.

One that cannot be bound stops no other: it is told in the log and in the ledger, and tried again.
What is sent to it meanwhile is kept for it, or refused where nobody knows where it would deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from mapgen.agreed.plan import Plan
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import bound_in, loaded, plan_of
from mapgen.project.leads import environment_of_run
from mapgen.project.named import named_environment
from mapgen.report import Stopped
from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.events import Level, Plain, TechnicalEvent
from mapgen.runtime.ledger import book_of
from mapgen.runtime.ledger.conditions import Conditions
from mapgen.service.duty import Duty
from mapgen.service.flows import ServedFlow, sender_of, takers_of
from mapgen.service.loop import Around, Unbound, reason_of
from mapgen.service.reception import Awaiting, Sender, Taker
from mapgen.service.tables import FreshTables
from mapgen.spec.reader import flow_name

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_HOLDS = 3 * _LONGEST_WAIT
"""Seconds for which the ledger takes a flow to be not bound after it was tried last."""


class Entry(Struct, frozen=True):
    """A flow that runs by itself, bound or not; what is sent to it, and who may send."""

    flow: ServedFlow | Unbound
    takers: tuple[Taker, ...]
    senders: tuple[Sender, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.flow.name


class Roster(Duty):
    """Binds flows, those again and again that cannot be bound; `joined` hears of each."""

    def __init__(
        self, project: Path, environment: str, around: Around, joined: Callable[[Entry], None]
    ) -> None:
        """Take the folder of the workspace, and the name of the environment."""
        super().__init__("flows that are not bound")
        self._joined = joined
        self._project = project
        self._environment = environment
        self._around = around
        self._conditions = Conditions(around.ledger)

    def open(self) -> tuple[Entry, ...]:
        """Return the flows of the workspace that run by themselves.

        Raises Stopped and RunAborted where there are some, and none can be bound; Stopped where
        there is no such environment.
        """
        workspace = Workspace.find(self._project)
        named_environment(workspace, self._environment)
        names = (
            flow_name(workspace.read(path, "the spec")) or path for path in workspace.spec_paths()
        )
        tries = [one for one in map(self._tried, dict.fromkeys(names)) if one is not None]
        if tries and all(error is not None for _, error in tries):
            raise _together([error for _, error in tries if error is not None])
        for entry, _ in tries:
            self._note(entry)
            self._joined(entry)
        return tuple(entry for entry, _ in tries)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        with suppress(LedgerFailed):
            self._conditions.over("not bound", self._around.holder)

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while self._around.board.unbound and not self._is_over.wait(wait):
            wait = min(2 * wait, _LONGEST_WAIT)
            for name in tuple(self._around.board.unbound):
                found = self._tried(name)
                if found is None:  # it does not run by itself any more
                    self._forget(name)
                    continue
                with suppress(LedgerFailed):
                    self._note(found[0])
                self._joined(found[0])

    def _note(self, entry: Entry) -> None:
        """Tell what has become of a flow. Raises LedgerFailed."""
        board, flow = self._around.board, entry.flow
        known = board.unbound.get(flow.name)
        if not isinstance(flow, Unbound):
            if known is not None:
                self._forget(flow.name)
                self._tell("flow bound", "info", flow=flow.name)
            return
        board.unbound = {**board.unbound, flow.name: flow}
        if flow != known:
            facts = {"code": flow.code, "message": flow.message, "help": flow.help}
            self._tell("flow not bound", "error", flow=flow.name, **facts)
        book = flow.book or self._conditions.book_of_flow(flow.name, self._environment)
        reason = f"{flow.code}: {flow.message}"
        self._conditions.note(book, "not bound", self._holder(flow.name), reason, _HOLDS)

    def _forget(self, flow: str) -> None:
        board = self._around.board
        board.unbound = {name: one for name, one in board.unbound.items() if name != flow}
        with suppress(LedgerFailed):
            self._conditions.over("not bound", self._holder(flow))

    def _holder(self, flow: str) -> str:
        """Return who says that a flow is not bound; the book of one may become known later."""
        return f"{self._around.holder} {flow}"

    def _tried(self, name: str) -> tuple[Entry, Exception | None] | None:
        """Bind a flow; return what comes of it, and what went wrong, None for one of no concern."""
        plan, book, senders = None, None, []
        try:
            workspace = Workspace.find(self._project)
            plan = plan_of(workspace, name)
            starts = plan.feeds or plan.schedule is not None or plan.reconcile is not None
            if not (plan.goes_to.is_delivered and starts):
                return None
            environment = named_environment(workspace, self._environment)
            run = environment_of_run(workspace, environment, plan, is_fed=True)
            book = book_of(plan.flow, run.place.name, run.place.url)
            for connection in _connections(plan):
                senders.append(sender_of(workspace, environment, connection))
            remote = RemoteTables()
            bound = bound_in(workspace, loaded(workspace, name), environment, remote.table, {})
        except Exception as error:  # noqa: BLE001 - one flow's failure is not the others'
            flow = _unbound(name, book, error)
            takers = () if plan is None else tuple(takers_of(flow, plan))
            return Entry(flow, takers, tuple(senders)), error
        served = ServedFlow(bound, run, remote, FreshTables(bound, remote))
        takers = tuple(takers_of(served, served.plan))
        return Entry(served, takers, tuple(senders)), None

    def _tell(self, event: str, level: Level, **facts: Plain) -> None:
        self._around.observer.on_event(TechnicalEvent(event, level, facts))


def _connections(plan: Plan) -> Iterator[str]:
    """Yield the connections that send to a flow, each once."""
    nobody: Awaiting = Unbound(plan.flow, None, "", "")
    yield from dict.fromkeys(one.connection for one in takers_of(nobody, plan))


def _unbound(name: str, book: str | None, error: Exception) -> Unbound:
    match error:
        case Stopped(diagnostics=(first, *others)):
            place = f"{first.file}: " if first.file else ""
            more = f", and {len(others)} more" if others else ""
            return Unbound(
                name, book, first.code, f"{place}{first.message}{more}", first.help or ""
            )
        case _:
            return Unbound(name, book, **{"message": "an internal error", **reason_of(error)})


def _together(errors: list[Exception]) -> Exception:
    """Return one error for all: each diagnostic once, else what went wrong first."""
    told = [one for error in errors if isinstance(error, Stopped) for one in error.diagnostics]
    return Stopped(told) if told else errors[0]
