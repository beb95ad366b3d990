"""`worker`: what `serve` does, in any number of processes on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from mapgen.cli.options import env_option, log_option, technical_log_option

if TYPE_CHECKING:
    from mapgen.cli.operating import Options


@click.command()
@env_option
@click.option(
    "--state", help="The ledger: postgresql+psycopg://USER@HOST/DATABASE. [default: of --env]"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen as `serve` does. [default: nowhere]"
)
@log_option
@technical_log_option
@click.pass_obj
def worker(project: Path, /, **options: Unpack[Options]) -> None:
    """Run flows as one of any number of workers, until Ctrl-C or SIGTERM; then exit with 0.

    All workers of a ledger in PostgreSQL share the flows and the tenant's licence. With --port, one
    takes webhooks and pushes, and shows the console, /metrics, /health and /ready, as `serve` does.
    """
    from mapgen.cli.ledgers import address_of
    from mapgen.cli.operating import operate
    from mapgen.disk.workspace import Workspace

    address = address_of(Workspace.find(project), options["state"], options["env"])
    if not address.startswith("postgresql"):
        raise click.UsageError(
            "workers share a ledger in PostgreSQL: give --state postgresql+psycopg://USER@HOST/"
            "DATABASE, or `state:` in the environment; with SQLite, `mapgen serve`"
            " does all in one process"
        )
    from mapgen.service.worker import Worker

    operate(project, options, lambda around: Worker((), around, address))
