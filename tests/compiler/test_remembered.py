"""What `generate` remembers: a workspace that was found fresh, as long as no byte of it changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mapgen
from mapgen.disk.workspace import Workspace
from mapgen.project.remembered import fingerprint_of_specs, is_fresh, remember_fresh
from tests.compiler.cases import SPEC, build, speak

ROOT = Path(__file__).resolve().parents[2]
# Prints the compiler's part of what a command has imported.
ASK = """\
import sys
from mapgen.cli import main
try:
    main()
finally:
    print("mapgen.check" in sys.modules)
"""


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Workspace:
    """Return a workspace whose code is fresh, and was found to be."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = build("_base", tmp_path / "workspace")
    assert speak(folder, monkeypatch, capsys, "generate").code == 0
    return Workspace(folder)


def _is_known(workspace: Workspace) -> bool:
    return is_fresh(workspace, fingerprint_of_specs(workspace)) is not None


def _compiles(workspace: Workspace, *arguments: str) -> bool:
    """Tell whether a command looks at the specs themselves."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, "generate", *arguments],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.endswith("True\n")


def test_what_was_fresh_is_fresh(workspace: Workspace) -> None:
    """Nothing is compiled where nothing has changed, and nothing is taken for granted otherwise."""
    assert not _compiles(workspace)
    assert not _compiles(workspace, "--check")
    assert _compiles(workspace, "--release")

    spec = workspace.root / SPEC
    spec.write_text(spec.read_text("utf-8") + "# a comment\n", "utf-8")

    assert _compiles(workspace, "--check")
    assert not _compiles(workspace, "--check")


def _edited(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _linked(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".copy"))
    path.unlink()
    path.symlink_to(path.with_suffix(".copy"))


@pytest.mark.parametrize("name", [SPEC, "generated/deliveries/transformer.py"])
@pytest.mark.parametrize("change", [_edited, _linked, Path.unlink])
def test_what_changed_is_looked_at(
    workspace: Workspace, name: str, change: Callable[[Path], object]
) -> None:
    """A byte, a link, a file that is gone: each makes the commands look again."""
    assert _is_known(workspace)

    change(workspace.root / name)

    assert not _is_known(workspace)


def test_new_files_are_looked_at(workspace: Workspace) -> None:
    """A file more among the specs or in the generated code is a change."""
    for name in ("specs/another.maps.yaml", "generated/deliveries/foreign.py"):
        path = workspace.root / name
        path.write_text("", "utf-8")
        assert not _is_known(workspace)
        path.unlink()
    assert _is_known(workspace)


def test_a_workspace_cannot_call_itself_fresh(workspace: Workspace, tmp_path: Path) -> None:
    """What is remembered lies outside: a copy of a workspace, caches and all, is looked at."""
    copied = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "copy")))

    assert _is_known(workspace)
    assert not _is_known(copied)


def test_stale_code_is_not_remembered(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` that finds code stale finds it stale again."""
    _edited(workspace.root / "generated/deliveries/transformer.py")

    codes = [
        speak(workspace.root, monkeypatch, capsys, "generate", "--check").code for _ in range(2)
    ]

    assert codes == [3, 3]


def test_a_cache_that_cannot_be_used(workspace: Workspace, tmp_path: Path) -> None:
    """A cache that cannot be read or written, or holds something else, is as none."""
    [kept] = (tmp_path / "cache/mapgen/fresh").iterdir()
    kept.write_bytes(b"\xff nonsense")
    assert not _is_known(workspace)
    kept.unlink()
    kept.mkdir()
    assert not _is_known(workspace)
    remember_fresh(workspace, fingerprint_of_specs(workspace), 3)
    assert not _is_known(workspace)


def _compiler_in(site: Path) -> str:
    """Return what tells the mapgen in a folder from any other."""
    told = "from mapgen.project.remembered import compiler; print(compiler())"
    asked = subprocess.run(
        [sys.executable, "-c", told],
        cwd=site, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return asked.stdout


def test_another_compiler(tmp_path: Path) -> None:
    """A file of mapgen that changes, even at the same time and size, makes another; so do others.

    Those are the libraries around it: what they are called and their versions.
    """
    package = Path(shutil.copytree(Path(mapgen.__file__).parent, tmp_path / "mapgen"))
    shutil.copytree(ROOT / "templates", package / "templates")
    first = _compiler_in(tmp_path)

    changed = package / "escaping.py"
    before = changed.stat()
    changed.write_bytes(changed.read_bytes().swapcase())
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = _compiler_in(tmp_path)
    (tmp_path / "msgspec-0.1.dist-info").mkdir()
    third = _compiler_in(tmp_path)
    (tmp_path / "msgspec-0.1.dist-info").rename(tmp_path / "msgspec-0.2.dist-info")
    fourth = _compiler_in(tmp_path)

    assert (changed.stat().st_size, changed.stat().st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )
    assert len({first, second, third, fourth}) == 4
    assert _compiler_in(tmp_path) == fourth


def test_a_compiler_that_cannot_be_told_from_another(tmp_path: Path) -> None:
    """Where mapgen is installed as links, nothing is remembered: another may be there next."""
    folder = build("_base", tmp_path / "workspace")
    package = Path(shutil.copytree(Path(mapgen.__file__).parent, tmp_path / "linked/mapgen"))
    shutil.copytree(ROOT / "templates", package / "templates")
    (package / "link.py").symlink_to(package / "escaping.py")
    env = os.environ | {"PYTHONPATH": str(package.parent), "XDG_CACHE_HOME": str(tmp_path / "kept")}

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", ASK, "generate"],
            cwd=folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.endswith("True\n"), done.stdout + done.stderr
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
