"""Opens the ledger that a command looks at, and says what people read of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click
from msgspec import Struct

from mapgen.cli.options import ledger_env_option, state_option
from mapgen.cli.output import make_folder
from mapgen.disk.workspace import Workspace
from mapgen.durations import seconds_of
from mapgen.escaping import visible

if TYPE_CHECKING:
    from mapgen.project.binding import BoundFlow
    from mapgen.runtime.ledger import Ledger
    from mapgen.runtime.ledger.book import Book
    from mapgen.runtime.ledger.reports import OpenRecord, Reports

P = ParamSpec("P")


class Asked(Struct, frozen=True):
    """What a command about a ledger is asked in: the workspace, and the ledger, open."""

    project: Path
    ledger: Ledger

    @property
    def reports(self) -> Reports:
        """What the ledger tells."""
        from mapgen.runtime.ledger.reports import Reports

        return Reports(self.ledger)

    def records(self, flow: str | None, **chosen: Any) -> Iterator[OpenRecord]:
        """Yield what is open, the oldest first; the names of what is chosen are those of Choice."""
        from mapgen.runtime.ledger.reports import Choice

        given = {name: value for name, value in chosen.items() if value is not None}
        return self.reports.records(Choice(flow, **given))


WORDS = {
    "staged": "queued",
    "sending": "in hand",
    "sent": "sent",
    "rejected": "rejected",
    "deferred": "deferred",
    "skipped": "skipped",
    "dead_lettered": "dead-lettered",
}
"""What people call the states of a ledger."""


class Age(click.ParamType[float]):
    """How long, in seconds: `90s`, `10m`, `12h`, `3d`."""

    name = "AGE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if found is None:
            self.fail(f"`{value}` is no time; write `90s`, `10m`, `12h` or `3d`", param, ctx)
        return seconds_of(found[0])


def address_of(workspace: Workspace, state: str | None, env: str | None) -> str:
    """Return where a ledger is: `state`, else as the environment says, else in the workspace.

    Raises Stopped for an environment that cannot be read and a variable that is not set.
    """
    from mapgen.project.leads import state_of
    from mapgen.project.named import named_environment

    if state is None and env is not None:
        state = state_of(workspace, named_environment(workspace, env))
    if state is not None:
        return state
    make_folder(workspace.root / ".mapgen")
    return f"sqlite:///{workspace.root / '.mapgen' / 'ledger.db'}"


@contextmanager
def opened_ledger(project: Path, state: str | None, env: str | None = None) -> Iterator[Ledger]:
    """Give a ledger: the one that is named, or that of the environment, or the workspace's.

    Raises Stopped as `address_of` does, LedgerFailed.
    """
    from mapgen.runtime.ledger import Ledger

    with Ledger(address_of(Workspace.find(project), state, env)) as ledger:
        yield ledger


def with_ledger(command: Callable[Concatenate[Asked, P], None]) -> Callable[..., None]:
    """Give a command the ledger that its options `--env` and `--state` name."""

    @ledger_env_option
    @state_option
    @click.pass_obj
    @wraps(command)
    def opened(
        project: Path, /, state: str | None, env: str | None, *given: P.args, **options: P.kwargs
    ) -> None:
        with opened_ledger(project, state, env) as ledger:
            command(Asked(project, ledger), *given, **options)

    return opened


def whose(book: Book) -> str:
    """Return a flow and its tenant, as text for a terminal."""
    return visible(f"{book.flow} in {book.tenant}")


def trying(project: Path, ledger: Ledger) -> Callable[[OpenRecord], bool | None]:
    """Return what says of an open record whether it would pass now, None where nobody knows.

    No request is made: the flow transforms the ledger's copy, in the environment of its last run.
    A flow that cannot be opened says nothing of its records.
    """
    from mapgen.report import Stopped
    from mapgen.runtime.delivery.again import passes

    reports = Asked(project, ledger).reports

    @cache
    def flow_of(book: str) -> BoundFlow | None:
        try:
            return offline(project, ledger, book)
        except (Stopped, click.UsageError):
            return None

    def would_pass(record: OpenRecord) -> bool | None:
        from mapgen.project.binding import once_more

        bound = flow_of(record.book)
        if bound is None:
            return None
        return passes(reports, lambda kept: once_more(bound, kept, None), record)

    return would_pass


def offline(project: Path, ledger: Ledger, book: str) -> BoundFlow:
    """Return the flow of a book in the environment of its last run, asking nobody but the ledger.

    Raises Stopped, click.UsageError.
    """
    from mapgen.cli.flows import open_flow
    from mapgen.runtime.delivery.again import OfflineTables
    from mapgen.runtime.ledger.book import parts_of

    of = parts_of(book)
    last = next(
        (one for one in Asked(project, ledger).reports.flows(of.flow) if one.book == book), None
    )
    environment = None if last is None or last.last_run is None else last.last_run.env
    return open_flow(project, of.flow, environment, {}, OfflineTables(ledger, of).table)
