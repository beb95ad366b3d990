"""`docs`: the language reference to standard output."""

from __future__ import annotations

import click


@click.command()
def docs() -> None:
    """Print the language reference, in Markdown."""
    from mapgen.cli.reference import reference

    click.echo(reference(), nl=False)
