"""What the tests of the command line share: a workspace of their own, and commands run in it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from mapgen.cli import main

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "specs" / "shopify" / "samples"

Command = Callable[..., subprocess.CompletedProcess[str]]
MAPGEN = (sys.executable, "-c", "from mapgen.cli import main; main()")


def environment(**variables: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACUMATICA")}
    return {**plain, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **variables}


def mapgen(
    *arguments: str | Path, cwd: Path, given: bytes | str = b"", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and show that it ended without a traceback or a bug.

    It runs inside this process: what it says, and with which code it ends, hangs on no process of
    its own. `MAPGEN` starts one for what does: signals, limits, terminals, and what is loaded.
    """
    given = given.encode() if isinstance(given, str) else given
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    words = ["mapgen", *map(str, arguments)]
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, environment(**variables), clear=True),
        mock.patch.multiple(
            sys, argv=words, stdin=io.TextIOWrapper(io.BytesIO(given)), stdout=out, stderr=err
        ),
    ):
        code = _code_of_main()
    done = subprocess.CompletedProcess(words, code, _written(out), _written(err))
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert "internal error" not in done.stderr, done.stderr
    return done


def _code_of_main() -> int:
    try:
        main()
    except SystemExit as leave:
        return int(leave.code or 0)
    return 0


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.buffer.read().decode()


def impatient(folder: Path) -> Path:
    """Return a copy of the workspace, with limits that suit an impatient tenant."""
    for name in ("specs", "generated"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, copy_function=shutil.copyfile)
    local = folder / "specs" / "environments" / "local.yaml"
    text = local.read_text(encoding="utf-8")
    for name, seconds in (("request_timeout", 2), ("settle", 3)):
        text = re.sub(rf"\b{name}: \d+s", f"{name}: {seconds}s", text)
    local.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the workspace, with limits that suit an impatient tenant."""
    return impatient(tmp_path / "work")
