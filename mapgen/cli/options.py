"""Options that several commands take; it imports nothing heavier than click."""

from __future__ import annotations

import os
from pathlib import Path

import click

STANDARD_OUTPUT = Path("/dev/stdout")
FILE = click.Path(path_type=Path)
"""A file that a command reads, or adds to."""


class Target(click.Path):
    """A file that a command writes; `-` is standard output."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path."""
        return STANDARD_OUTPUT if value == "-" else Path(value)


class NamedFile(click.ParamType[tuple[str, Path]]):
    """A lookup or a join, and the file for it: `NAME=FILE`."""

    name = "NAME=FILE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Return the name and the file."""
        name, sign, path = str(value).partition("=")
        if not (name and sign and path):
            self.fail(f"`{value}` is not written as NAME=FILE", param, ctx)
        return name, Path(path)


lookup_option = click.option(
    "--lookup",
    "lookups",
    multiple=True,
    type=NamedFile(),
    help="A file to use for a lookup instead of what the spec says. May be given several times.",
)

join_option = click.option(
    "--join",
    "joins",
    multiple=True,
    type=NamedFile(),
    help="The file of a join: its records are put into those of the input. Without, they hold the"
    " member already. May be given several times.",
)

force_option = click.option(
    "--force", is_flag=True, help="Write over files that mapgen did not write."
)

input_option = click.option(
    "--input", "source", required=True, type=FILE, help="Records; - for stdin."
)

env_option = click.option(
    "--env", required=True, help="The environment: which tenant, which settings."
)

state_option = click.option(
    "--state",
    help="The ledger. [default: `state:` of --env, or sqlite:///.mapgen/ledger.db of the"
    " workspace]",
)

ledger_env_option = click.option("--env", help="The environment whose ledger it is.")

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")

contract_option = click.option(
    "--contract", help="The pinned contract; needed if there are several."
)

log_option = click.option(
    "--log",
    type=FILE,
    envvar="MAPGEN_LOG",
    help="Events as JSON lines, appended. [env: MAPGEN_LOG]",
)
technical_log_option = click.option(
    "--technical-log",
    type=FILE,
    envvar="MAPGEN_TECHNICAL_LOG",
    help="What the machinery does, apart from --log. [env: MAPGEN_TECHNICAL_LOG]",
)
