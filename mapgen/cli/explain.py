"""`explain`: the page of a code, or the list of all codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from typing import NoReturn

import click

from mapgen.project.shipped import shipped

_SUFFIX = ".md"
_CODE = re.compile(r"[A-Z]\d{3}")
_TITLE = re.compile(r"# [A-Z]\d{3}: (.+)")
_HEADING = re.compile(r"\*\*([^*]+)\*\*")
_EMPHASIS = re.compile(r"(?<![*\w])\*{1,2}([^*\s](?:[^*]*[^*\s])?)\*{1,2}(?![*\w])")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_ADVICE = "**What to do**"
_BACKQUOTED = re.compile(r"(`[^`]*`)")


@click.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Explain the code of a message, like E412; without CODE, list all codes."""
    pages = error_pages()
    if code is None:
        for title in titles(pages):
            click.echo(title)
        return
    name = code.strip().upper()
    page = pages / f"{name}{_SUFFIX}"
    # The list of names is asked first: CODE may hold anything, `../` included.
    if name not in codes(pages) or not page.is_file():
        _refuse(code, codes(pages))
    click.echo(as_terminal_text(page.read_text(encoding="utf-8")))


def error_pages() -> Traversable:
    """Return the folder of the pages."""
    return shipped("errors")


def codes(pages: Traversable) -> tuple[str, ...]:
    """Return the codes that have a page, sorted."""
    names = (entry.name for entry in pages.iterdir() if entry.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names))


def titles(pages: Traversable) -> Iterator[str]:
    """Yield `CODE  title` of every page, in the order of the codes."""
    for code in codes(pages):
        yield f"{click.style(code, bold=True)}  {title_of(code) or ''}".rstrip()


def title_of(code: str) -> str | None:
    """Return what the page of a code says that it means, None for what is no code."""
    page = error_pages() / f"{code}{_SUFFIX}"
    if not _CODE.fullmatch(code) or not page.is_file():
        return None
    found = _TITLE.match(page.read_text(encoding="utf-8"))
    return None if found is None else found[1]


def advice_of(code: str) -> str | None:
    """Return what the page of a code says that a person does, in one line, without code blocks."""
    page = error_pages() / f"{code}{_SUFFIX}"
    if not _CODE.fullmatch(code) or not page.is_file():
        return None
    advice = page.read_text(encoding="utf-8").partition(_ADVICE)[2].partition("```")[0]
    first = advice.strip().partition("\n\n")[0]
    return _prose(" ".join(first.split())).removesuffix(":") or None


def as_terminal_text(page: str) -> str:
    """Return a page as a terminal shows it: headings in bold, code indented, no Markdown marks."""
    lines: list[str] = []
    is_code = False
    for line in page.rstrip().split("\n"):
        if line.startswith("```"):
            is_code = not is_code
        elif is_code:
            lines.append(f"    {line}".rstrip())
        elif line.startswith("# "):
            lines.append(click.style(line.removeprefix("# "), bold=True))
        elif heading := _HEADING.fullmatch(line):
            lines.append(click.style(heading[1], bold=True))
        else:
            lines.append(_prose(line))
    return "\n".join(lines)


def _prose(line: str) -> str:
    """Return a line without emphasis and link targets; what is in backquotes stays."""
    parts = _BACKQUOTED.split(_LINK.sub(r"\1", line))
    return "".join(part if part[:1] == "`" else _EMPHASIS.sub(r"\1", part) for part in parts)


def _refuse(code: str, known: tuple[str, ...]) -> NoReturn:
    from mapgen.report import suggestion

    near = suggestion(code, known) or "`mapgen explain` lists all codes"
    raise click.UsageError(f"no message has the code `{code}`; {near}")
