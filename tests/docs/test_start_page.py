"""The page about a first flow: what it says happens, in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.docs.walking import Command, matches, run, steps, take

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "start.md"


def test_each_box(tmp_path: Path) -> None:
    """Files written, changes made, commands run: each command says what the page shows."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACUMATICA")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    variables = {**kept, "PATH": path, "NO_COLOR": "1"}
    for step in steps(PAGE.read_text(encoding="utf-8")):
        if isinstance(step, Command):
            said = run(step, tmp_path, variables)
            assert matches(said, step.doc), f"$ {step.line}\n{said}"
        else:
            take(step, tmp_path)
