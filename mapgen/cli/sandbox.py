"""`mapgen sandbox`: run a simulated tenant until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapgen.cli.options import Target, force_option
from mapgen.cli.output import listening_at, place, say
from mapgen.disk.boundary import reason_of

if TYPE_CHECKING:
    from mapgen.sandbox import InjectedFailure, Settings

_CONTRACT = "default-24.200.001"
_FILE = click.Path(dir_okay=False, path_type=Path)
_COUNT = click.IntRange(min=1)
# The options that say who may sign in, and those of the licence.
_CREDENTIALS = ("tenant", "client_id", "client_secret", "username", "password")
_LIMITS = ("sessions", "requests_per_minute", "concurrent_requests")


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0, the default: a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--contract",
    "lock",
    type=_FILE,
    help=f"A contract lock. [default: {_CONTRACT}, or the only one]",
)
@click.option("--seed", type=_FILE, help="Master data to start with, JSON.")
@click.option("--state", type=_FILE, help="Keep the records in this file, for the next start too.")
@click.option(
    "--ready-file", type=Target(), help="Write address and credentials there once it runs."
)
@force_option
@click.option("--tenant", default="DEMO", show_default=True)
@click.option("--client-id", default="", help="[default: an identifier @ the tenant]")
@click.option("--client-secret", default="sandbox-client-secret", show_default=True)
@click.option("--username", default="mapgen", show_default=True)
@click.option("--password", default="sandbox-password", show_default=True)
@click.option("--token-seconds", type=_COUNT, default=3600, show_default=True)
@click.option("--sessions", type=_COUNT, help="Licence: sessions at a time.")
@click.option("--requests-per-minute", type=_COUNT, help="Licence: requests a minute.")
@click.option("--concurrent-requests", type=_COUNT, help="Licence: requests at a time.")
@click.option(
    "--action-seconds",
    type=click.FloatRange(min=0),
    default=0,
    help="How long an action takes that is accepted with 202; 0: all are done at once.",
)
@click.option("--latency", type=click.FloatRange(min=0), default=0, help="Milliseconds an answer.")
@click.option("--shop", "has_shop", is_flag=True, help="Run a simulated shop beside the tenant.")
@click.option("--shop-port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option("--fail", multiple=True, help="Like drop@PUT:SalesOrder:3; see docs/sandbox.md.")
@click.option("--failures", type=_FILE, help="A file of failures to inject, one a line.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def sandbox(project: Path | None, /, command: tuple[str, ...], **options: Any) -> None:
    """Run a simulated tenant: it answers like the ERP's contract-based REST API.

    Prints the address and the variables a delivery reads, and runs until Ctrl-C or SIGTERM.
    With a COMMAND behind `--`, runs it with those variables set, and ends with it and its exit
    code: `mapgen sandbox -- mapgen run FLOW --input FILE --env local`.
    """
    from mapgen.contract.lock import load
    from mapgen.sandbox import read_seed
    from mapgen.sandbox.server import open_tenant, server, serving
    from mapgen.sockets import listen, url_of

    settings = _settings(options)
    seed = options["seed"]
    tenant = open_tenant(
        load(options["lock"] or _default_lock(project or Path())),
        seed=None if seed is None else read_seed(seed),
        state=options["state"],
        settings=settings,
    )
    host, port = options["host"], options["port"]
    with listening_at(host, port):
        listener = listen(host, port)
    beside = ExitStack()
    environment = settings.credentials.environment(url_of(listener))
    if options["has_shop"]:
        environment |= beside.enter_context(_shop(options["shop_port"], settings))
    if command:
        with beside, serving(tenant, listener):
            code = _run(command, environment)
        sys.exit(code)
    running = server(tenant)

    def stop(_number: int, _frame: object) -> None:
        running.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    target, force = options["ready_file"], options["force"]
    _announce(tenant.contract.name, environment, target, force=force)
    with beside:
        running.run(sockets=[listener])
    listener.close()
    tenant.store.close()


@contextmanager
def _shop(port: int, settings: Settings) -> Iterator[dict[str, str]]:
    """Run a shop beside the tenant, with its failures; give the variables that lead to it."""
    from mapgen.sandbox import ShopSettings, serve_shop

    chosen = ShopSettings(failures=settings.failures, latency=settings.latency)
    with ExitStack() as stack:
        with listening_at("127.0.0.1", port):
            served = stack.enter_context(serve_shop(chosen, port))
        yield served.environment


def _run(command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run a command with the tenant's variables set; return its exit code."""
    try:
        child = subprocess.Popen(command, env={**os.environ, **environment})
    except OSError as error:
        words = f"cannot run `{command[0]}`: {reason_of(error)}"
        raise click.ClickException(words) from None
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    # A Ctrl-C reaches the child as well: it ends in its own way, and we wait for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = _waited_for(child)
    return code if code >= 0 else 128 - code


def _waited_for(child: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a command. A signal to another thread is heard as this one wakes."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(0.5)


def _default_lock(project: Path) -> Path:
    """Return the lock that the workspace pins: the only one, or that of the Default endpoint."""
    from mapgen.disk.workspace import SPECS, Workspace

    workspace = Workspace.find(project)
    names = workspace.named("contracts", ".json")
    name = names[0] if len(names) == 1 else _CONTRACT
    return workspace.root / SPECS / "contracts" / f"{name}.json"


def _settings(options: Mapping[str, Any]) -> Settings:
    from mapgen.sandbox import Credentials, Limits, Settings

    return Settings(
        credentials=Credentials(**{name: options[name] for name in _CREDENTIALS}),
        limits=Limits(**{name: options[name] for name in _LIMITS}),
        failures=_failures(options["fail"], options["failures"]),
        latency=options["latency"] / 1000,
        action_seconds=options["action_seconds"],
        token_seconds=options["token_seconds"],
    )


def _failures(words: tuple[str, ...], path: Path | None) -> tuple[InjectedFailure, ...]:
    from mapgen.sandbox import read_failure, read_failures

    listed = tuple(read_failure(each) for each in words)
    if path is None:
        return listed
    try:
        return (*listed, *read_failures(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter(f"`{path}` is no text file that can be read") from None


def _announce(
    contract: str, environment: Mapping[str, str], ready_file: Path | None, *, force: bool
) -> None:
    """Say where the tenant is; the file is there whole or not at all."""
    url, tenant = environment["ACUMATICA_URL"], environment["ACUMATICA_TENANT"]
    say(f'sandbox tenant "{tenant}" at {url} ({contract}), stop it with Ctrl-C')
    for name, value in environment.items():
        say(f"export {name}='{value}'")
    if ready_file is None:
        return
    facts = {"url": url, "tenant": tenant, "contract": contract, "environment": dict(environment)}

    def is_announcement(content: bytes) -> bool:
        try:
            return set(json.loads(content)) == set(facts)
        except (ValueError, TypeError, RecursionError):
            return False

    text = json.dumps(facts, indent=2) + "\n"
    place(text, ready_file, force=force, is_ours=is_announcement, is_private=True)
