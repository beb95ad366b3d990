"""A page of documentation in, what a reader would do with it out: files, changes and commands."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class File:
    """A fence with a path: the reader writes this file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A `diff` fence: in a file, the lines with `-` become those with `+`."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line with `$ ` in a `console` fence, and what it prints; `…` stands for anything."""

    line: str
    doc: str


Step = File | Change | Command


def steps(page: str) -> Iterator[Step]:
    """Yield what the fences of a page ask the reader to do, in their order."""
    for kind, path, text in _FENCE.findall(page):
        if kind == "console":
            yield from _commands(text)
        elif kind == "diff" and path:
            before, after = (
                "".join(line[2:] + "\n" for line in text.splitlines() if line[:2] in (sign, "  "))
                for sign in ("- ", "+ ")
            )
            yield Change(path, before, after)
        elif path:
            yield File(path, text)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, doc = part.partition("\n")
        while line.endswith("\\"):
            more, _, doc = doc.partition("\n")
            line = f"{line}\n{more}"
        yield Command(line, doc)


def take(step: File | Change, folder: Path) -> None:
    """Do in a folder what a step says. A change has to find its lines, and once only."""
    path = folder / step.path
    if isinstance(step, File):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    assert text.count(step.before) == 1, f"{step.path} has {step.before!r} not once"
    path.write_text(text.replace(step.before, step.after), encoding="utf-8")


def run(command: Command, folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a command prints, both streams as a terminal shows them."""
    done = subprocess.run(
        ["bash", "-c", command.line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        text=True,
        check=False,
    )
    return done.stdout


def matches(said: str, shown: str) -> bool:
    """Tell whether a command said what the page shows."""
    pattern = ".*?".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, said.strip(), flags=re.DOTALL) is not None
