"""`serve`: keeps the schedules of flows, takes webhooks and pushes, and delivers, until it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from mapgen.cli.options import env_option, log_option, state_option, technical_log_option

if TYPE_CHECKING:
    from mapgen.cli.operating import Options


@click.command()
@env_option
@state_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8300, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, type=click.FloatRange(1.0), help="Hours an hour; rehearsals.")
@log_option
@technical_log_option
@click.pass_obj
def serve(project: Path, /, speed: float, **options: Unpack[Options]) -> None:
    """Run all flows that have a feed or a schedule, until Ctrl-C or SIGTERM; then exit with 0.

    A flow that cannot be bound is reported, and tried again; the others run.
    """
    from mapgen.cli.operating import operate
    from mapgen.service.service import Service

    operate(project, options, lambda around: Service((), around), speed)
