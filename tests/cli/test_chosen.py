"""`check` and `generate` of what is named: a flow, a file, a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import mapgen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["shopify_orders"], "1 flow checked", id="a flow"),
        pytest.param(["specs/shopify/orders.maps.yaml"], "1 flow checked", id="a file"),
        pytest.param(["specs/shopify"], "7 flows checked", id="a folder"),
        pytest.param(
            ["specs/shopify", "shopify_orders"], "7 flows checked", id="one of them twice"
        ),
        pytest.param(["."], "13 flows checked", id="the workspace"),
    ],
)
def test_check(words: list[str], said: str, workspace: Path) -> None:
    """A word is what is there of that name, else a flow."""
    done = mapgen("check", *words, cwd=workspace)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(said)


@pytest.mark.parametrize(
    ("word", "code", "help"),
    [
        pytest.param("shopify_order", "E503", "did you mean `shopify_orders`", id="a near name"),
        pytest.param("nothing", "E503", "the flows are", id="no name"),
        pytest.param("specs/lookups", "E502", ".maps.yaml", id="a folder without specs"),
        pytest.param("specs/none.maps.yaml", "E101", "", id="a path"),
        pytest.param("none.maps.yaml", "E101", "", id="a name of a file"),
    ],
)
@pytest.mark.parametrize("command", ["check", "generate"])
def test_unknown(command: str, word: str, code: str, help: str, workspace: Path) -> None:
    """What is not there is reported, with what may be meant."""
    done = mapgen(command, word, cwd=workspace)

    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert help in done.stderr


def test_a_workspace_elsewhere(workspace: Path, tmp_path: Path) -> None:
    """A folder names its workspace; a file does where the command is run in none."""
    for word in (
        workspace,
        workspace / "specs/stripe",
        workspace / "specs/stripe/charges.maps.yaml",
    ):
        assert mapgen("check", word, cwd=tmp_path).returncode == 0


def test_generate_one(workspace: Path) -> None:
    """Only files of the flow are written and removed; the manifest keeps what it says of others."""
    before = json.loads((workspace / "generated/manifest.json").read_text())
    for path in workspace.glob("generated/*/flow.json"):
        path.unlink()
    for name in ("shopify_orders", "stripe_charges"):
        spec = next(workspace.glob(f"specs/*/{name.split('_')[1]}.maps.yaml"))
        spec.write_text(spec.read_text().replace("summary: ", "summary: Again, "))
    done = mapgen("generate", "stripe_charges", cwd=workspace)

    assert done.returncode == 0, done.stderr
    assert {line.split("/")[1] for line in done.stdout.splitlines() if "wrote" in line} == {
        "stripe_charges",
        "manifest.json",
    }
    after = json.loads((workspace / "generated/manifest.json").read_text())
    assert [*after["flows"]] == [*before["flows"]]
    changed = {name for name, entry in after["flows"].items() if entry != before["flows"][name]}
    assert changed == {"stripe_charges"}
    assert mapgen("generate", "--check", "stripe_charges", cwd=workspace).returncode == 0
    assert mapgen("generate", "--check", cwd=workspace).returncode == 3
