"""Diagnostics to the terminal, in colour where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import click

from mapgen.report import Diagnostic

Format = Literal["text", "json", "sarif", "github"]

_COLOURS = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "message": {"bold": True},
    "caret": {"fg": "red"},
    "frame": {"fg": "blue"},
    "help": {"fg": "green"},
}


def show(diagnostics: Sequence[Diagnostic], form: Format = "text") -> None:
    """Print diagnostics: text to standard error, the forms for programs to standard output."""
    if form == "text" and not diagnostics:
        return
    from mapgen.report import render

    match form:
        case "text":
            click.echo(render.as_text(diagnostics, _styled) + "\n", err=True)
            click.echo(_count(diagnostics), err=True)
        case "json":
            click.echo(render.as_json(diagnostics))
        case "github":
            if diagnostics:
                click.echo(render.as_github(diagnostics))
        case "sarif":
            from mapgen import __version__

            click.echo(render.as_sarif(diagnostics, __version__))


def _styled(text: str, role: str) -> str:
    return click.style(text, **_COLOURS[role])  # type: ignore[arg-type]  # a table of its options


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    words = [f"{errors} error{'s' * (errors != 1)}"] if errors else []
    words += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    return f"{' and '.join(words)}; `mapgen explain {codes[0]}` says more"
