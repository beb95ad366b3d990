"""`serve`: keeps the schedules of flows, takes webhooks and pushes, and delivers, until it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from mapgen.cli.options import log_option, state_option, technical_log_option


class _Options(TypedDict):
    """What the command takes, by the names of its options."""

    env: str
    state: str | None
    host: str
    port: int
    speed: float
    log: Path | None
    technical_log: Path | None


@click.command()
@click.option("--env", required=True, help="The environment: which tenant, which settings.")
@state_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8300, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, type=click.FloatRange(1.0), help="Hours an hour; rehearsals.")
@log_option
@technical_log_option
@click.pass_obj
def serve(project: Path, /, **options: Unpack[_Options]) -> None:
    """Run all flows that have a feed or a schedule, until Ctrl-C or SIGTERM; then exit with 0.

    A flow that cannot be bound is told, and tried again; the others run.
    """
    from mapgen.cli.ledgers import address_of
    from mapgen.cli.operating import Operation, operate
    from mapgen.disk.workspace import Workspace
    from mapgen.project.named import named_environment
    from mapgen.service.service import Service

    workspace = Workspace.find(project)
    environment = named_environment(workspace, options["env"])
    address = address_of(workspace, options["state"], options["env"])
    operation = Operation(
        project, environment, address, options["host"], options["port"], options["speed"],
        options["log"], options["technical_log"],
    )  # fmt: skip
    operate(operation, lambda around: Service((), around))
