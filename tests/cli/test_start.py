"""The command line before any work: help, names, and what is loaded for it."""

from __future__ import annotations

import gc
import subprocess
from pathlib import Path

import pytest

from mapgen.cli import _COMMANDS, cli
from tests.cli.conftest import MAPGEN, ROOT, environment, mapgen
from tests.compiler.cases import build

LISTING = """
import sys
from mapgen.cli import main
try:
    main()
except SystemExit:
    pass
light = set(sys.stdlib_module_names) | {"click"}
heavy = {name for name in sys.modules if name.split(".")[0] not in light}
print(*sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), (), ("--version",)])
def test_nothing_is_loaded_for_help(arguments: tuple[str, ...]) -> None:
    """The list of commands needs click and the standard library, and nothing else."""
    done = subprocess.run(
        [MAPGEN[0], "-c", LISTING, *arguments],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    idle = subprocess.run(
        [MAPGEN[0], "-c", LISTING.replace("    main()", "    pass")],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    # What an interpreter loads by itself (editable installs have hooks) is no doing of ours.
    assert set(done.stderr.splitlines()[-1].split()) - set(idle.stderr.split()) <= {
        "mapgen.escaping",  # what click says of no arguments is shown as any of its words
        "mapgen",
        "mapgen.cli",
    }


ORDER = "specs/shopify/examples/order-1001.json"
COMPILER = ("check", "checking", "compiler", "contract", "draft", "emit", "expression", "ir")
BACK_ENDS = ("mapgen.project.compiler", "mapgen.emit", "mapgen.runtime.transform")


def loaded(*arguments: str, root: Path = ROOT) -> set[str]:
    """Return what is loaded when a command that ends well has ended, packages by their names."""
    done = subprocess.run(
        [MAPGEN[0], "-c", LISTING, *arguments],
        env=environment(),
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (
            ("transform", "shopify_orders", "--env", "local", "--input", ORDER),
            (
                *(f"mapgen.{name}" for name in (*COMPILER, "loading", "lower")),
                *("jinja2", "jsonschema", "jsonschema_rs", "sqlalchemy", "httpx2", "phonenumbers"),
            ),
        ),
        (
            ("run", "--help"),
            ("mapgen.runtime", "mapgen.spec", "msgspec", "yaml", "sqlalchemy", "httpx2"),
        ),
    ],
    ids=["transform", "run --help"],
)
def test_a_command_loads_what_it_needs(words: tuple[str, ...], unneeded: tuple[str, ...]) -> None:
    """What carries records does not compile."""
    found = loaded(*words)

    assert {name for name in unneeded if name in found} == set()
    assert f"mapgen.cli.{words[0]}" in found


def test_what_checks_does_not_emit(tmp_path: Path) -> None:
    """But where parts have examples, which are tried with the code that is made of them."""
    unneeded = (*BACK_ENDS, "jinja2", "black", "jsonschema", "hypothesis", "sqlalchemy", "httpx2")
    found = loaded("check", root=build("../cases/_base", tmp_path))

    assert {name for name in unneeded if name in found} == set()
    assert "mapgen.cli.compile" in found


def commands() -> list[tuple[str, ...]]:
    import click

    found: list[tuple[str, ...]] = []
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        found.append((name,))
        if isinstance(command, click.Group):
            found.extend((name, inner) for inner in command.list_commands(context))
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_of_a_command(words: tuple[str, ...], tmp_path: Path) -> None:
    """Each command tells how it is used, wherever it is asked."""
    done = mapgen(*words, "--help", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: mapgen {' '.join(words)}")


def test_each_command_is_listed() -> None:
    """Each command has its line in the list."""
    listed = mapgen("--help", cwd=ROOT).stdout.partition("Commands:\n")[2]

    # A line that goes on from the one above is indented further.
    names = [line.split()[0] for line in listed.splitlines() if line[2:3] not in ("", " ")]
    assert names == sorted(_COMMANDS)


def test_unknown_command() -> None:
    """A command that does not exist is an error of usage."""
    done = mapgen("transfrom", cwd=ROOT)

    assert done.returncode == 2
    assert "No such command 'transfrom'" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("generate",),
        ("generate", "--check"),
        ("transform", "shopify_orders", "--input", "x.json"),
        ("run", "shopify_orders", "--input", "x.json", "--env", "local"),
    ],
    ids=" ".join,
)
class TestWorkspace:
    """What every command says of a folder that is none of its own."""

    def test_no_specs(self, words: tuple[str, ...], tmp_path: Path) -> None:
        """A folder without specs is reported as such."""
        done = mapgen(*words, cwd=tmp_path)

        assert done.returncode == 1
        assert "error[E501]" in done.stderr
        assert "--project DIR" in done.stderr

    def test_specs_is_a_file(self, words: tuple[str, ...], tmp_path: Path) -> None:
        """A file called specs is no folder of specs."""
        (tmp_path / "specs").touch()

        done = mapgen(*words, cwd=tmp_path)

        assert (done.returncode, "error[E501]" in done.stderr) == (1, True)

    def test_empty_specs(self, words: tuple[str, ...], tmp_path: Path) -> None:
        """A workspace without a spec is reported as such."""
        (tmp_path / "specs").mkdir()

        done = mapgen(*words, cwd=tmp_path)

        assert done.returncode == 1
        assert "error[E50" in done.stderr

    def test_project_does_not_exist(self, words: tuple[str, ...], tmp_path: Path) -> None:
        """A workspace that does not exist is reported as such."""
        done = mapgen("--project", "nowhere", *words, cwd=tmp_path)

        assert done.returncode in (1, 2)
        assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("check nothing", id="check"),
        pytest.param("check --diff", id="usage"),
        pytest.param("generate nothing", id="generate"),
        pytest.param("transform nothing --input x", id="transform"),
        pytest.param("run nothing --env x --input x", id="run"),
        pytest.param("check customers", id="fine"),
    ],
)
def test_garbage_is_collected_again(words: str, tmp_path: Path) -> None:
    """What a command loads is not looked through; whatever came of it, the rest is."""
    mapgen("init", cwd=tmp_path)
    done = mapgen(*words.split(), cwd=tmp_path)

    assert gc.isenabled()
    assert (done.returncode == 0) == words.endswith("customers"), done.stderr
