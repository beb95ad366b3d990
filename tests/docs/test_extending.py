"""Examples of additions, each taken into a copy of the product, which then does what it says."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.walking import Command, matches, run, steps, take

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
# What an example may change of the product.
MOST_MODULES = 4

EXAMPLES = {
    heading: tuple(steps(text))
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def _paths(heading: str, below: str) -> tuple[str, ...]:
    """Return the files below a folder that an example writes or changes."""
    found = (step.path for step in EXAMPLES[heading] if not isinstance(step, Command))
    return tuple(dict.fromkeys(path for path in found if path.startswith(below)))


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Return a copy of the product, as far as examples need it, compiled as far as it is here."""
    copy = tmp_path / "product"
    shutil.copytree(ROOT / "mapgen", copy / "mapgen")
    shutil.copytree(ROOT / "tests" / "cases", copy / "tests" / "cases")
    return copy


def _environment(product: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACUMATICA")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{plain.get('PATH', '')}"
    found = {"PATH": path, "PRODUCT": str(product), "PYTHONPATH": str(product), "NO_COLOR": "1"}
    return {**plain, **found}


@pytest.mark.parametrize("heading", EXAMPLES)
def test_example(heading: str, product: Path, tmp_path: Path) -> None:
    """The product with the addition does what the page shows, and its test passes."""
    workspace, environment = tmp_path / "workspace", _environment(product)
    workspace.mkdir()
    for step in EXAMPLES[heading]:
        if isinstance(step, Command):
            said = run(step, workspace, environment)
            assert matches(said, step.doc), f"$ {step.line}\n{said}"
        else:
            is_product = step.path.startswith(("mapgen/", "tests/"))
            take(step, product if is_product else workspace)

    tests = " ".join(_paths(heading, "tests/"))
    ran = run(Command(f"python -m pytest -q {tests} && echo fine", ""), product, environment)
    assert ran.endswith("fine\n"), ran


@pytest.mark.parametrize("heading", EXAMPLES)
def test_few_modules(heading: str) -> None:
    """An example changes some modules of the product, not many, and brings a test along."""
    modules = _paths(heading, "mapgen/")

    assert 1 <= len(modules) <= MOST_MODULES, modules
    assert _paths(heading, "tests/")
