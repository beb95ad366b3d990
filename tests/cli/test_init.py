"""`mapgen init`: a folder becomes a workspace that can be checked, generated and run at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mapgen.cli.init import workspace_files
from tests.cli.conftest import MAPGEN, environment, mapgen

RUN = "run customers --input specs/samples/customers.jsonl --env sandbox --json"


def done_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a process of its own: it sets signals, or is a test run itself."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_all_works_at_once(tmp_path: Path) -> None:
    """What the command says to do next succeeds, and so do the generated tests."""
    done = mapgen("init", "shop", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shop = tmp_path / "shop"

    assert mapgen("check", cwd=shop).stdout == "1 flow checked: all fine\n"
    assert mapgen("generate", cwd=shop).returncode == 0
    run = done_in(shop, *MAPGEN, "sandbox", "--", *MAPGEN, *RUN.split())
    assert run.returncode == 1, run.stderr  # one of the samples is rejected
    again = mapgen("generate", "--check", cwd=shop)
    assert again.returncode == 0, again.stdout
    tested = done_in(shop, sys.executable, "-m", "pytest", "-q", "generated")
    assert tested.returncode == 0, tested.stdout


def test_said_commands_are_those_of_the_readme(tmp_path: Path) -> None:
    """The commands that are printed are in the README, too."""
    done = mapgen("init", cwd=tmp_path)
    said = done.stdout.partition("next:\n")[2].split("\n")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")

    assert len(said) == 4
    assert all(line.strip() in readme for line in said)


def test_twice(tmp_path: Path) -> None:
    """A second time there is nothing to write, and generated code is no hindrance."""
    mapgen("init", cwd=tmp_path)
    mapgen("generate", cwd=tmp_path)
    done = mapgen("init", cwd=tmp_path)

    assert done.returncode == 0
    assert "wrote" not in done.stdout


def test_files_of_the_author(tmp_path: Path) -> None:
    """A README and a .gitignore stay; for any other file the command stops before it writes."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    tables = tmp_path / "specs" / "lookups" / "tax_zones.csv"
    tables.parent.mkdir(parents=True)
    tables.write_text("mine")
    refused = mapgen("init", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.count("error[E533]") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()].__len__() == 3

    assert mapgen("init", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "README.md").read_text() == (tmp_path / ".gitignore").read_text() == "mine"
    assert tables.read_text() != "mine"


def test_a_workspace_with_flows(workspace: Path) -> None:
    """Where specs are there is nothing to start."""
    before = sorted(workspace.rglob("*"))
    done = mapgen("init", cwd=workspace)

    assert (done.returncode, done.stdout) == (1, "")
    assert "error[E541]" in done.stderr
    assert sorted(workspace.rglob("*")) == before


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    """A file in the way of a folder is reported."""
    (tmp_path / "shop").write_text("")
    done = mapgen("init", "shop", cwd=tmp_path)

    assert done.returncode == 1
    assert "error[E510]" in done.stderr


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    """It is told once, before anything is written: all files of a workspace are there, or none."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "examples").write_text("mine")
    (tmp_path / "specs" / "schemas").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    done = mapgen("init", "--force", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error[E510]") == 2
    assert "`specs/examples` cannot be written: not a directory" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_names_no_file_twice() -> None:
    """All that a workspace needs is there, under the names that files have."""
    files = workspace_files()

    assert {".gitignore", "specs/contracts/default-24.200.001.json"} < {*files}
    assert not any("gitignore" in name for name in {*files} - {".gitignore"})
