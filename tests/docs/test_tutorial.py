"""The tutorial, done by its own words in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.docs.walking import Change, Command, File, matches, run, steps, take

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"


def _environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACUMATICA")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{plain.get('PATH', '')}"
    return {**plain, "PATH": path, "PRODUCT": str(ROOT), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def test_tutorial(tmp_path: Path) -> None:
    """Files written, changes made, commands run: each command says what the page shows."""
    taken = list(steps(TUTORIAL.read_text(encoding="utf-8")))

    for step in taken:
        if isinstance(step, Command):
            said = run(step, tmp_path, _environment())
            assert matches(said, step.says), f"$ {step.line}\n{said}"
        else:
            take(step, tmp_path)

    assert {type(step) for step in taken} == {File, Change, Command}
    assert (tmp_path / "generated/customers/transformer.py").is_file()
