"""The documentation: what it shows is what the product does."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from mapgen.cli import _COMMANDS
from mapgen.cli.reference import reference
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs
from mapgen.report import Source
from mapgen.report.render import as_text
from mapgen.spec import model
from mapgen.spec.construct import Construct
from mapgen.spec.fitting import diagnostics_of
from mapgen.spec.nodes import read_yaml
from tests.cli.conftest import mapgen

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def _codes(text: str, shape: type[Construct]) -> set[str]:
    return {
        diagnostic.code for diagnostic in diagnostics_of(read_yaml(Source("page", text)), shape)
    }


def test_language_reference_is_fresh() -> None:
    """The page is what `make docs` writes."""
    written = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")

    assert written == reference()


def test_readme_spec_has_the_language_s_shape() -> None:
    """The part of a spec in the README lacks keys, and has no other error."""
    (block,) = _blocks(README, "yaml")

    assert _codes(block, model.Spec) == {"E113"}


def test_rules_of_the_reference_have_the_language_s_shape() -> None:
    """Every rule shown in the reference is one."""
    shown = [block for block in _blocks(reference(), "yaml") if block.startswith("fields:")]

    assert shown
    assert [_codes(block, model.Part) for block in shown] == [set() for _ in shown]


def test_readme_message_is_what_the_compiler_says(tmp_path: Path) -> None:
    """The message in the README comes out of the compiler for that mistake."""
    text = (ROOT / "specs/shopify/orders.maps.yaml").read_text(encoding="utf-8")
    for part in ("schemas", "contracts", "lookups", "connections", "environments", "parts"):
        shutil.copytree(ROOT / "specs" / part, tmp_path / "specs" / part)
    shutil.copytree(ROOT / "specs/shopify/examples", tmp_path / "specs/shopify/examples")
    wrong = text.replace("    CustomerOrder:", "    CustomerOrdr:")
    (tmp_path / "specs/shopify/orders.maps.yaml").write_text(wrong, encoding="utf-8")
    shutil.copy(ROOT / "specs/defaults.yaml", tmp_path / "specs/defaults.yaml")
    workspace = Workspace.find(tmp_path)

    # of one flow alone, most defaults are idle
    diagnostics = check_specs(workspace, workspace.spec_paths()).diagnostics
    said = as_text([diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"])

    (shown,) = [block for block in _blocks(README, "") if block.startswith("error[E412]")]
    assert said == shown.rstrip("\n")


def test_every_command_and_extra_is_named() -> None:
    """The page of commands has each of them, and each extra that a host may want."""
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert set(re.findall(r"^\| `mapgen (\w+)", page, flags=re.MULTILINE)) == set(_COMMANDS)
    named = set(re.findall(r"`mapgen\[(\w+)\]`", page))
    assert named == set(extras["optional-dependencies"]) - {"bench", "dev"}


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    """`--help` of each command works and says what the command does."""
    done = mapgen(command, "--help", cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 3
