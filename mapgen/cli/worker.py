"""`worker`: what `serve` does, but for webhooks, in any number of processes on PostgreSQL."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import click

from mapgen.cli import FAULTS
from mapgen.cli.output import say


@click.command()
@click.option("--env", required=True, help="The environment: which tenant, which settings.")
@click.option(
    "--state", help="The ledger: postgresql+psycopg://USER@HOST/DATABASE. [default: of --env]"
)
@click.option("--log", type=click.Path(path_type=Path), help="Events as JSON lines, appended.")
@click.pass_obj
def worker(project: Path, /, *, env: str, state: str | None, log: Path | None) -> None:
    """Run flows as one of any number of workers, until Ctrl-C or SIGTERM; then exit with 0.

    All workers of a ledger in PostgreSQL share the flows and the tenant's licence.
    """
    from mapgen.cli.ledgers import address_of
    from mapgen.cli.serve import served_flows
    from mapgen.cli.summary import tell_aborted
    from mapgen.cli.watching import watching
    from mapgen.disk.workspace import Workspace
    from mapgen.runtime.aborted import RunAborted
    from mapgen.runtime.ledger import Ledger
    from mapgen.service.clock import ServiceClock
    from mapgen.service.loop import Around
    from mapgen.service.service import holder

    workspace = Workspace.find(project)
    address = address_of(workspace, state, env)
    if not address.startswith("postgresql"):
        raise click.UsageError(
            "workers share a ledger in PostgreSQL: give --state postgresql+psycopg://USER@HOST/"
            "DATABASE, or `state:` in the environment; with SQLite, `mapgen serve`"
            " does all in one process"
        )
    from mapgen.service.worker import Worker

    flows = tuple(served_flows(workspace, project, env))
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    try:
        with Ledger(address) as ledger, watching(None, log) as observer:
            around = Around(ledger, ServiceClock(), observer, holder())
            say(f"{len(flows)} flows", err=True)
            Worker(flows, around, address).run(ended)
    except RunAborted as aborted:
        tell_aborted(aborted)
        sys.exit(FAULTS)
