"""The page on contracts: what it shows is what the product does."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import get_args

from mapgen.contract.overlay import Kind, read_overlay
from mapgen.report import Source
from mapgen.spec.overlay import Group
from mapgen.spec.shapes import record_of
from tests.docs.walking import Command, matches, run, steps, take

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")


def test_walk(tmp_path: Path) -> None:
    """Files written and commands run: each command says what the page shows."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    for step in steps(PAGE):
        if isinstance(step, Command):
            said = run(step, tmp_path, {**os.environ, "PATH": path, "NO_COLOR": "1"})
            assert matches(said, step.doc), f"$ {step.line}\n{said}"
        else:
            take(step, tmp_path)
    assert (tmp_path / "specs/contracts/shop-1.0.0.json").is_file()


def test_every_key() -> None:
    """The table of keys has each key of an overlay's groups once."""
    section = PAGE.partition("## Overlays, key by key\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    named = [word for row in rows for word in re.findall(r"`(\w+)`", row)]

    assert sorted(named) == sorted(record_of(Group).keys)
    assert set(named) == {*get_args(Kind), "source", "since"}


def test_overlays() -> None:
    """Each overlay that is shown is one."""
    shown = re.findall(r"^```yaml.*?\n(overlay: 1\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    assert len(shown) == 2
    for text in shown:
        assert read_overlay(Source("overlay.yaml", text)).facts
