"""The text that a command makes in; standard output, or the file that `--output` names, out."""

from __future__ import annotations

from pathlib import Path

import click


def give(text: str, output: Path | None) -> None:
    """Print a text, or write it. Raises Stopped (E510) where the file cannot be written."""
    if output is None:
        click.echo(text, nl=False)
        return
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project

    try:
        output.write_bytes(text.encode())
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise Stopped([project.cannot_write(output.as_posix(), reason)]) from None
    click.echo(f"wrote {output.as_posix()}")
