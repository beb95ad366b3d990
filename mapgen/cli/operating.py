"""What `serve` and `worker` have alike: flows that are bound, a door, the console, alerts."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypedDict

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from mapgen.cli.ledgers import address_of, trying
from mapgen.cli.output import listening_at, say
from mapgen.cli.watching import watching
from mapgen.disk.workspace import Workspace
from mapgen.project.leads import values_of
from mapgen.project.named import named_environment
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.runtime.delivery.reconcile import Booked
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.tenant.sessions import SESSIONS
from mapgen.service.alerts import REPEAT, Watch
from mapgen.service.app import application
from mapgen.service.books import Bookkeeper
from mapgen.service.clock import ServiceClock
from mapgen.service.console import Console, Gate, SignIn
from mapgen.service.loop import Around, Unbound
from mapgen.service.reception import Reception
from mapgen.service.replaying import Replayer
from mapgen.service.roster import Entry, Roster
from mapgen.service.service import holder
from mapgen.service.telling import Channel, Mail, Unfit, Webhook
from mapgen.sockets import listen, running, server_of, url_of
from mapgen.spec.model import Environment, Reference

_LINGERS = 30.0
"""Seconds for which a session stays open after a cycle, for the next one."""


class Options(TypedDict):
    """What `serve` and `worker` take alike, by the names of their options.

    `port` is None for one that listens nowhere.
    """

    env: str
    state: str | None
    host: str
    port: int | None
    log: Path | None
    technical_log: Path | None


def operate(
    project: Path, options: Options, made: Callable[[Around], Reception], speed: float = 1.0
) -> None:
    """Run what `made` gives until Ctrl-C or SIGTERM.

    Raises Stopped where no flow can be bound, ClickException for a port that is taken, RunAborted
    where it cannot go on.
    """
    workspace, env, port = Workspace.find(project), options["env"], options["port"]
    environment = named_environment(workspace, env)
    address = address_of(workspace, options["state"], env)
    ended = _ended_by_signals()
    with ExitStack() as open_:
        listener = None
        if port is not None:
            with listening_at(options["host"], port, "; choose another with --port"):
                listener = open_.enter_context(closing(listen(options["host"], port)))
        ledger = open_.enter_context(Ledger(address))
        observer = open_.enter_context(watching(None, options["log"], options["technical_log"]))
        open_.enter_context(SESSIONS.lingering(_LINGERS))
        around = Around(ledger, ServiceClock(speed), observer, holder())
        works = made(around)
        open_.enter_context(_staffed(project, environment, around, works, listener))
        works.run(ended)


@contextmanager
def _staffed(
    project: Path,
    environment: Environment,
    around: Around,
    works: Reception,
    listener: socket.socket | None,
) -> Iterator[None]:
    """Have all at work that looks after what runs the flows."""
    watch = _watch_of(around, environment)
    bookkeeper = Bookkeeper(around)
    replayer = _replayer_of(project, around)

    def joined(entry: Entry) -> None:
        works.expect(entry.name, entry.senders, entry.takers)
        if not isinstance(entry.flow, Unbound):
            watch.add(entry.flow)
            flow = entry.flow
            bookkeeper.add(Booked(flow.plan, flow.environment, flow.bound.flow.rules))
            replayer.add(entry.flow)
            works.add(entry.flow)

    roster = Roster(project, environment.name.value, around, joined)
    with ExitStack() as open_:
        entries = roster.open()
        if listener is not None:
            token = os.environ.get("MAPGEN_METRICS_TOKEN")
            pages = application(works, _console_of(around, watch, replayer), token=token)
            open_.enter_context(running(server_of(pages), listener))
        for duty in (watch, bookkeeper, roster):
            open_.enter_context(duty)
        _tell(entries, None if listener is None else url_of(listener))
        yield


def _tell(entries: Iterable[Entry], url: str | None) -> None:
    """Say how many flows run, and which do not."""
    waiting = [one.flow for one in entries if isinstance(one.flow, Unbound)]
    count = sum(1 for _ in entries) - len(waiting)
    flows = f"{count} flow{'s' * (count != 1)}"
    say(flows + ("" if url is None else f" at {url}"), err=True)
    for one in waiting:
        say(f"not bound, tried again: {one.name}: {one.code}: {one.message}", err=True)
        if one.help:
            say(f"  help: {one.help}", err=True)


def _ended_by_signals() -> threading.Event:
    """Return what the first SIGINT or SIGTERM sets; the second ends the process at once."""
    ended = threading.Event()

    def end(number: int, _: object) -> None:
        if ended.is_set():
            # As after a kill: the ledger has what was under way.
            os._exit(128 + number)
        ended.set()

    def tell() -> None:
        ended.wait()
        say("ending: what is under way is finished; once more ends at once", err=True)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    threading.Thread(target=tell, name="ending", daemon=True).start()
    return ended


def _watch_of(around: Around, environment: Environment) -> Watch:
    """Return what looks after the flows of an environment. Raises Stopped for unset variables."""
    notices = environment.alerts
    repeat = REPEAT if notices is None else notices.repeat.seconds
    channels = tuple(_channels(environment))
    name = environment.name.value
    return Watch(around.ledger, [], channels, around.observer, name, repeat=repeat)


def _replayer_of(project: Path, around: Around) -> Replayer:
    """Return what the forms of the console are done by."""
    would_pass = trying(project, around.ledger)
    return Replayer((), around.ledger, around.observer, would_pass, around.drain)


def _console_of(around: Around, watch: Watch, hands: Replayer) -> BaseRoute:
    """Return the pages of the console, under `/console`."""
    sign_in = SignIn(os.environ.get("MAPGEN_CONSOLE_TOKEN"))
    pages = Starlette(routes=Console(around.ledger, sign_in, hands, watch.history).routes())
    names = os.environ.get("MAPGEN_CONSOLE_HOSTS", "").split(",")
    hosts = [name.strip() for name in names if name.strip()]
    return Mount("/console", Gate(pages, hosts))


def _channels(environment: Environment) -> Iterator[Channel]:
    notices = environment.alerts
    if notices is None:
        return

    def value(reference: Reference | None) -> str | None:
        return None if reference is None else values_of(environment, [reference])[0]

    try:
        if url := value(notices.webhook):
            yield Webhook(url)
        if (mail := notices.email) is not None and (server := value(mail.server)):
            recipients = tuple(one.value for one in mail.recipients)
            username, password = value(mail.username), value(mail.password)
            yield Mail(server, mail.sender.value, recipients, username, password)
    except Unfit as unfit:
        name, reason = environment.name.value, f"`alerts`: {unfit}"
        raise Stopped(
            messages.cannot_bind(flow="alerts", environment=name, reason=reason)
        ) from None
