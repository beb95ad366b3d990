"""The wheel, alone in an environment: the base runs flows, the extras do the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.walking import Change, Command, File, matches, run, steps, take

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
# What the wheel is made of. A copy, for a folder `build/` of earlier days may hide what is lacking.
FOLDERS = ("mapgen", "templates", "docs/errors", "specs/contracts")
SOURCES = (*FOLDERS, "pyproject.toml", "setup.py", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, path)
    out = tmp_path_factory.mktemp("wheel")
    _done(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, folder)
    (built,) = out.glob("mapgen-*.whl")
    return built


def test_nothing_is_lacking(wheel: Path) -> None:
    """Each module, template, page, file of facts and licence of the checkout is in the wheel."""
    expected = {
        *(path.relative_to(ROOT).as_posix() for path in (ROOT / "mapgen/contract/facts").iterdir()),
        *(path.relative_to(ROOT).as_posix() for path in (ROOT / "mapgen").rglob("*.py")),
        *(f"mapgen/templates/{path.name}" for path in (ROOT / "templates").glob("*.jinja")),
        *(f"mapgen/{path.relative_to(ROOT)}" for path in (ROOT / "templates/start").rglob("*.*")),
        *(f"mapgen/contracts/{path.name}" for path in (ROOT / "specs/contracts").glob("*.json")),
        "mapgen/contract/facts/LICENSE.MIT.txt",
        "mapgen/contracts/LICENSE.MIT.txt",
        *(f"mapgen/errors/{path.name}" for path in (ROOT / "docs/errors").glob("*.md")),
        "mapgen/py.typed",
    }

    assert expected - {*zipfile.ZipFile(wheel).namelist()} == set()


@dataclass(frozen=True, slots=True)
class Host:
    """An environment of Python's own, into which nothing but wheels is installed."""

    folder: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """What commands are run with: no path leads into the checkout."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ACUMATICA", "PYTHON", "VIRTUAL_ENV"))
        }
        path = f"{self.folder / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
        return {**kept, "PATH": path, "PRODUCT": str(ROOT), "NO_COLOR": "1"}

    def install(self, wheel: Path) -> None:
        """Install the wheel, and what it says that it needs."""
        pip = (sys.executable, "-m", "pip", "--python", self.folder / "bin" / "python")
        _done(*pip, "install", "-q", "--no-compile", "--no-deps", wheel)
        self.add("mapgen")

    def add(self, *wanted: str) -> None:
        """Add packages and extras with what they need: links to what is here of them."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        for found in _needed(wanted, packages):
            for name in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
                if not (packages / name).exists():
                    (packages / name).symlink_to(Path(str(found.locate_file(name))))

    def mapgen(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [self.folder / "bin" / "mapgen", *arguments],
            cwd=cwd,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """An empty environment."""
    folder = tmp_path_factory.mktemp("host")
    venv.create(folder, symlinks=True)
    return Host(folder)


def _needed(wanted: Iterable[str], packages: Path) -> Iterator[Distribution]:
    """Yield packages and what they need, by what each says of itself; mapgen is not of here."""
    left, met = [Requirement(one) for one in wanted], set()
    while left:
        one = left.pop()
        for extra in {"", *one.extras} - {extra for name, extra in met if name == one.name}:
            met.add((one.name, extra))
            if one.name == "mapgen":
                (found,) = distributions(name="mapgen", path=[str(packages)])
            else:
                found = distribution(one.name)
                yield found
            needs = map(Requirement, found.requires or ())
            left += [
                need
                for need in needs
                if need.marker is None or need.marker.evaluate({"extra": extra})
            ]


def _done(*command: str | Path) -> None:
    done = subprocess.run([*command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_base_and_extras(wheel: Path, host: Host, tmp_path: Path) -> None:
    """The base carries records and names the extra for what it cannot do; with extras it can."""
    host.install(wheel)
    shop, lesson = tmp_path / "shop", tmp_path / "lesson"
    lesson.mkdir()
    for name in ("specs", "generated"):
        shutil.copytree(ROOT / name, shop / name)

    _starts(host, tmp_path / "started")
    _carries_records(host, shop)
    _names_extras(host, shop)
    host.add("mapgen[compile,sandbox]", "pytest")
    _walks_the_tutorial(host, lesson)


def _starts(host: Host, folder: Path) -> None:
    done = host.mapgen("init", folder, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert (folder / "specs/contracts/default-24.200.001.json").is_file()


def _carries_records(host: Host, shop: Path) -> None:
    records = "specs/shopify/samples/orders.jsonl"
    done = host.mapgen("transform", "shopify_orders", "--input", records, cwd=shop)
    assert "225 records: " in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    arguments = ("--input", records, "--env", "local", "--state", "sqlite:///ledger.db")
    done = host.mapgen("run", "shopify_orders", *arguments, cwd=shop)
    assert "error[E509]" in done.stderr, done.stderr  # all is there but the address of a tenant


def _names_extras(host: Host, shop: Path) -> None:
    for command, extra in (
        ("check", "compile"),
        ("generate", "compile"),
        ("docs", "compile"),
        ("sandbox", "sandbox"),
        ("serve --env local", "serve"),
        ("worker --env local --state postgresql://localhost/ledger", "worker"),
    ):
        done = host.mapgen(*command.split(), cwd=shop)
        assert done.returncode == 1, command
        assert "error[E531]" in done.stderr
        assert f"`pip install 'mapgen[{extra}]'`" in done.stderr
        assert "Traceback" not in done.stderr


def _walks_the_tutorial(host: Host, folder: Path) -> None:
    """Files written, changes made, commands run: each command says what the page shows."""
    taken = list(steps(TUTORIAL.read_text(encoding="utf-8")))
    for step in taken:
        if isinstance(step, Command):
            said = run(step, folder, host.variables)
            assert matches(said, step.doc), f"$ {step.line}\n{said}"
        else:
            take(step, folder)
    assert {type(step) for step in taken} == {File, Change, Command}
    assert (folder / "generated/customers/transformer.py").is_file()
