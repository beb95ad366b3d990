"""`serve`: keeps the schedules of flows, takes webhooks and pushes, and delivers, until it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mapgen.cli import FAULTS
from mapgen.cli.options import state_option
from mapgen.cli.output import say
from mapgen.disk.boundary import reason_of

if TYPE_CHECKING:
    from mapgen.disk.workspace import Workspace
    from mapgen.service.flows import ServedFlow


class _Options(TypedDict):
    """What the command takes, by the names of its options."""

    env: str
    state: str | None
    host: str
    port: int
    speed: float
    log: Path | None


@click.command()
@click.option("--env", required=True, help="The environment: which tenant, which settings.")
@state_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8300, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, type=click.FloatRange(1.0), help="Hours an hour; rehearsals.")
@click.option("--log", type=click.Path(path_type=Path), help="Events as JSON lines, appended.")
@click.pass_obj
def serve(project: Path, /, **options: Unpack[_Options]) -> None:
    """Run all flows that have a feed or a schedule, until Ctrl-C or SIGTERM; then exit with 0."""
    from mapgen.cli.ledgers import address_of
    from mapgen.cli.operating import console_of, watch_of
    from mapgen.cli.summary import tell_aborted
    from mapgen.cli.watching import watching
    from mapgen.disk.workspace import Workspace
    from mapgen.project.named import named_environment
    from mapgen.runtime.aborted import RunAborted
    from mapgen.runtime.ledger import Ledger
    from mapgen.sandbox.sites import running, server_of, url_of
    from mapgen.service.app import application
    from mapgen.service.clock import ServiceClock
    from mapgen.service.flows import senders_of, takers_of
    from mapgen.service.loop import Around
    from mapgen.service.service import Service, holder

    workspace = Workspace.find(project)
    flows = tuple(served_flows(workspace, project, options["env"]))
    senders, takers = tuple(senders_of(flows)), tuple(takers_of(flows))
    ended = _ended_by_signals()
    try:
        with ExitStack() as open_:
            listener = open_.enter_context(_listening(options["host"], options["port"]))
            ledger = open_.enter_context(
                Ledger(address_of(workspace, options["state"], options["env"]))
            )
            observer = open_.enter_context(watching(None, options["log"]))
            around = Around(ledger, ServiceClock(options["speed"]), observer, holder())
            service = Service(flows, around, senders, takers)
            watch = watch_of(flows, around, named_environment(workspace, options["env"]))
            console = console_of(project, flows, around, watch)
            open_.callback(service.stop)
            open_.callback(watch.stop)
            pages = application(service, console)
            open_.enter_context(running(server_of(lambda _: pages), listener))
            service.start()
            watch.start()
            say(f"{len(flows)} flows at {url_of(listener)}", err=True)
            ended.wait()
            say("ending: what is under way is finished; once more ends at once", err=True)
    except RunAborted as aborted:
        tell_aborted(aborted)
        sys.exit(FAULTS)


def _ended_by_signals() -> threading.Event:
    """Return what the first SIGINT or SIGTERM sets; the second ends the process at once."""
    ended = threading.Event()

    def end(number: int, _: object) -> None:
        if ended.is_set():
            # As after a kill: the ledger has what was under way.
            os._exit(128 + number)
        ended.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    return ended


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen. Raises ClickException where the place is taken, before anything is opened."""
    from mapgen.sandbox.sites import listen

    try:
        listener = listen(host, port)
    except OSError as error:
        words = f"cannot listen on {host}:{port}: {reason_of(error)}; choose another with --port"
        raise click.ClickException(words) from None
    with closing(listener):
        yield listener


def served_flows(workspace: Workspace, project: Path, env: str) -> Iterator[ServedFlow]:
    """Yield the flows that can run by themselves. Raises Stopped for what is missing."""
    from mapgen.cli.flows import open_flow
    from mapgen.project.leads import environment_of_run
    from mapgen.runtime.delivery.remote import RemoteTables
    from mapgen.service.flows import ServedFlow
    from mapgen.spec.reader import flow_name

    for path in workspace.spec_paths():
        name = flow_name(workspace.read(path, "the spec"))
        remote = RemoteTables()
        bound = open_flow(project, str(name), env, {}, remote.table)
        plan = bound.flow.plan
        if plan.goes_to.is_delivered and (plan.feeds or plan.schedule is not None):
            place = environment_of_run(workspace, bound.environment, plan, is_fed=True)
            yield ServedFlow(bound, place, remote)
