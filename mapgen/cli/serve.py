"""`serve`: keeps the schedules of flows, takes webhooks and pushes, and delivers, until it ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mapgen.cli import FAULTS
from mapgen.cli.options import state_option
from mapgen.cli.output import say

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from uvicorn import Server

    from mapgen.service.flows import ServedFlow
    from mapgen.workspace import Workspace


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
    from mapgen.cli.operating import console_of, watch_of
    from mapgen.cli.run import default_state
    from mapgen.cli.summary import tell_aborted
    from mapgen.cli.watching import watching
    from mapgen.named import named_environment
    from mapgen.runtime.aborted import RunAborted
    from mapgen.runtime.ledger import Ledger
    from mapgen.service.app import application
    from mapgen.service.clock import ServiceClock
    from mapgen.service.flows import takers_of
    from mapgen.service.loop import Around
    from mapgen.service.service import Service, holder
    from mapgen.workspace import Workspace

    workspace = Workspace.find(project)
    flows = tuple(served_flows(workspace, project, options["env"]))
    ended = threading.Event()
    _end_by_signal(ended)
    try:
        with ExitStack() as open_:
            ledger = open_.enter_context(Ledger(options["state"] or default_state(workspace.root)))
            observer = open_.enter_context(watching(None, options["log"]))
            around = Around(ledger, ServiceClock(options["speed"]), observer, holder())
            service = Service(flows, around, takers=tuple(takers_of(flows)))
            watch = watch_of(flows, around, named_environment(workspace, options["env"]))
            console = console_of(project, flows, around, watch)
            server = _server(application(service, console), options["host"], options["port"])
            door = threading.Thread(target=server.run, daemon=True)
            door.start()
            service.start()
            watch.start()
            say(f"{len(flows)} flows at http://{options['host']}:{options['port']}", err=True)
            ended.wait()
            server.should_exit = True
            door.join()
            watch.stop()
            service.stop()
    except RunAborted as aborted:
        tell_aborted(aborted)
        sys.exit(FAULTS)


def _end_by_signal(ended: threading.Event) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())


def _server(pages: Starlette, host: str, port: int) -> Server:
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(pages, host=host, port=port, lifespan="off", log_level="warning")
    )


def served_flows(workspace: Workspace, project: Path, env: str) -> Iterator[ServedFlow]:
    """Yield the flows that can run by themselves. Raises Stopped for what is missing."""
    from mapgen.cli.flows import open_flow
    from mapgen.leads import environment_of_run
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
