"""Options that several commands take; it imports nothing heavier than click."""

from __future__ import annotations

from pathlib import Path

import click


class TableFile(click.ParamType[tuple[str, Path]]):
    """A lookup and a file to use for it: `NAME=FILE`."""

    name = "NAME=FILE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Return the lookup's name and the file."""
        name, sign, path = str(value).partition("=")
        if not (name and sign and path):
            self.fail(f"`{value}` is not written as NAME=FILE", param, ctx)
        return name, Path(path)


lookup_option = click.option(
    "--lookup",
    "lookups",
    multiple=True,
    type=TableFile(),
    help="A file to use for a lookup instead of the spec's. May be given several times.",
)
