"""The text that a command makes in; standard output, or the file that `--output` names, out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mapgen.escaping import lines


def say(words: str, *, nl: bool = True, err: bool = False) -> None:
    """Print words in which texts of authors and records may stand: they steer no terminal."""
    click.echo(lines(words), nl=nl, err=err)


def piped(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print data for a program as it is, or as a person may see it where a terminal shows it."""
    stream = sys.stderr if err else sys.stdout
    click.echo(lines(text) if stream.isatty() else text, nl=nl, err=err)


def give(text: str, output: Path | None) -> None:
    """Print a text, or write it. Raises Stopped (E510) where the file cannot be written."""
    if output is None:
        piped(text, nl=False)
        return
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project

    try:
        output.write_bytes(text.encode())
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise Stopped([project.cannot_write(output.as_posix(), reason)]) from None
    say(f"wrote {output.as_posix()}")
