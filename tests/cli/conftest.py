"""What the tests of the command line share: a workspace of their own, and commands run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
    """Run a command to its end, and show that it ended without a traceback or a bug."""
    done = subprocess.run(
        [*MAPGEN, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=120,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err, err
    assert "internal error" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the workspace, with limits that suit an impatient tenant."""
    folder = tmp_path / "work"
    for name in ("specs", "generated"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    local = folder / "specs" / "environments" / "local.yaml"
    lines = []
    for line in local.read_text(encoding="utf-8").splitlines():
        name = line.strip().partition(":")[0]
        quick = {"request_timeout": "  request_timeout: 2s", "settle": "  settle: 3s"}
        lines.append(quick.get(name, line))
    local.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
