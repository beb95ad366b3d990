"""Golden cases: a folder of `tests/cases` in, a workspace to check out.

A case is `_base` with changes: files of its own under `specs/` stand in for those of the base, and
`change.yaml` lists further ones, each of the file `file` (the spec of the base unless named):

    replace, with     these words, found exactly once, become those
    times             `with` that many times over
    delete: true      the file goes
    from              a folder of `tests/cases` whose files are laid over those of the base
    folder: true      a folder takes the file's place
    encoding          the file is written in another encoding than UTF-8
    line_ends: crlf   the file is written with the line ends of Windows

`meaning: MEANING` in an overlay becomes the hash of what the smallest flow means.
`command.txt` holds the words of another command than `check`; `base.txt` names a folder whose
files stand in for those of `_base` first.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mapgen.disk.workspace import Workspace
from mapgen.ir.printing import meaning
from mapgen.project.checking import check_specs
from mapgen.project.loading import Project

CASES = Path(__file__).resolve().parents[1] / "cases"
BASE = CASES / "_base"
SPEC = "specs/deliveries.maps.yaml"
EXPECTED = "diagnostics.txt"


@dataclass(frozen=True)
class Spoken:
    """What a command printed, both streams, and its exit code."""

    words: str
    errors: str
    code: int


def names() -> tuple[str, ...]:
    """Return the names of all cases, sorted."""
    folders = (path for path in CASES.iterdir() if path.is_dir())
    return tuple(sorted(path.name for path in folders if not path.name.startswith("_")))


def command(case: str) -> tuple[str, ...]:
    """Return the command that a case is about."""
    path = CASES / case / "command.txt"
    return tuple(path.read_text("utf-8").split()) if path.exists() else ("check",)


def build(case: str, root: Path) -> Path:
    """Write the workspace of a case below `root`; return its folder."""
    workspace = root / "workspace"
    shutil.copytree(BASE, workspace)
    named = CASES / case / "base.txt"
    if named.exists():
        other = CASES / named.read_text("utf-8").strip() / "specs"
        shutil.copytree(other, workspace / "specs", dirs_exist_ok=True)
    own = CASES / case / "specs"
    if own.is_dir():
        shutil.copytree(own, workspace / "specs", dirs_exist_ok=True)
    change = CASES / case / "change.yaml"
    for step in yaml.safe_load(change.read_text("utf-8")) if change.exists() else ():
        _apply(step, workspace)
    _fill_in_meanings(workspace)
    return workspace


def _fill_in_meanings(workspace: Path) -> None:
    """Write what the flow of the cases means where an overlay says `MEANING`."""
    paths = [
        path
        for path in workspace.glob("specs/**/*.maps.yaml")
        if path.is_file() and b"meaning: MEANING" in path.read_bytes()
    ]
    if not paths:
        return
    files = Workspace.find(workspace)
    found = check_specs(files, [SPEC]).flows
    hashed = meaning(Project(files).with_examples(found[0])) if found else 64 * "a"
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"MEANING", hashed.encode()))


def _apply(step: dict[str, object], workspace: Path) -> None:
    if "from" in step:
        shutil.copytree(CASES / str(step["from"]), workspace, dirs_exist_ok=True)
        return
    path = workspace / str(step.get("file", SPEC))
    if step.get("delete"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    if step.get("folder"):
        path.unlink()
        path.mkdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_bytes().decode() if path.exists() else ""
    if "with" in step:
        given = str(step["with"]) * int(str(step.get("times", 1)))
        old = step.get("replace")
        assert old is None or text.count(str(old)) == 1, f"`{old}` is {text.count(str(old))}x"
        text = given if old is None else text.replace(str(old), given)
    if step.get("line_ends") == "crlf":
        text = text.replace("\n", "\r\n")
    path.write_bytes(text.encode(str(step.get("encoding", "utf-8"))))


def speak(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> Spoken:
    """Run a command of mapgen inside a workspace, as a terminal without colour shows it."""
    from mapgen.cli import main

    monkeypatch.chdir(workspace)
    monkeypatch.setattr(sys, "argv", ["mapgen", *arguments])
    code = 0
    try:
        main()
    except SystemExit as leave:
        code = int(str(leave.code or 0))
    words, errors = capsys.readouterr()
    return Spoken(words, errors, code)
