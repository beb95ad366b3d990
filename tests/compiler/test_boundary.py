"""What a spec names is read from its workspace alone, and only where it is a plain file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.disk.boundary import OutsideError, StrangeFileError, inside, plain_file
from mapgen.disk.workspace import MOST_BYTES, Workspace
from mapgen.project.compiler import check_specs, generate
from mapgen.report import Stopped
from tests.compiler.cases import SPEC, build

SECRET = "the-secret-of-another-folder"
# What a spec names: its words, and the file of the workspace that they mean.
NAMED = {
    "source schema": ("schemas/parcel.schema.json", "specs/schemas/parcel.schema.json"),
    "lookup table": ("lookups/carriers.csv", "specs/lookups/carriers.csv"),
    "record": ("examples/parcel.json", "specs/examples/parcel.json"),
    "document": ("examples/parcel.Delivery.json", "specs/examples/parcel.Delivery.json"),
    "contract": ("depot-1.200.001", "specs/contracts/depot-1.200.001.json"),
    "connection": ("depot", "specs/connections/depot.yaml"),
    "environment": ("test", "specs/environments/test.yaml"),
    "spec": ("deliveries", SPEC),
}
PATHS = ("source schema", "lookup table", "record", "document")


def _diagnostics(workspace: Path) -> dict[str, str]:
    """Return what is wrong with a workspace: messages by code, all they say."""
    found = Workspace(workspace)
    diagnostics = check_specs(found, found.spec_paths()).diagnostics
    assert not any(SECRET in str(diagnostic) for diagnostic in diagnostics)
    return {diagnostic.code: str(diagnostic) for diagnostic in diagnostics}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace, beside a file that is none of its own."""
    (tmp_path / "secret").write_text(SECRET)
    return build("../cases/_base", tmp_path)


def _renamed(workspace: Path, old: str, new: str) -> None:
    spec = workspace / SPEC
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("what", PATHS)
@pytest.mark.parametrize(
    "path",
    [
        "../../secret",
        "lookups/../../../secret",
        "/etc/hostname",
        "/proc/self/environ",
        "../../workspace/../secret",
    ],
)
def test_path_that_leaves(what: str, path: str, workspace: Path) -> None:
    """A path out of the workspace is an error, and nothing of the file is shown."""
    _renamed(workspace, NAMED[what][0], path)

    assert "E132" in _diagnostics(workspace)


@pytest.mark.parametrize("what", NAMED)
def test_link_that_leads_out(what: str, workspace: Path) -> None:
    """A link to a file elsewhere is an error, whatever names it: nothing of it is shown."""
    file = workspace / NAMED[what][1]
    file.unlink()
    file.symlink_to(workspace.parent / "secret")

    assert "E132" in _diagnostics(workspace)


def test_folder_that_leads_out(workspace: Path) -> None:
    """A link in the middle of a path leads out as one at its end does."""
    elsewhere = workspace.parent / "tables"
    (workspace / "specs/lookups").rename(elsewhere)
    (workspace / "specs/lookups").symlink_to(elsewhere)

    assert "E132" in _diagnostics(workspace)


def test_parent_of_a_link(tmp_path: Path) -> None:
    """`..` behind a link goes up from where the link leads."""
    (tmp_path / "root/a/b").mkdir(parents=True)
    (tmp_path / "root/link").symlink_to(tmp_path / "root/a/b")
    (tmp_path / "root/a/file").write_text("")

    assert plain_file(tmp_path / "root", "link/../file").samefile(tmp_path / "root/a/file")


def test_link_inside(workspace: Path) -> None:
    """A link from one file of the workspace to another is as good as a file."""
    file = workspace / "specs/lookups/carriers.csv"
    file.rename(workspace / "table.csv")
    file.symlink_to("../../table.csv")

    assert _diagnostics(workspace) == {}


def test_workspace_behind_a_link(workspace: Path) -> None:
    """A workspace may itself be reached by a link."""
    (workspace.parent / "link").symlink_to(workspace)

    assert _diagnostics(workspace.parent / "link") == {}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_pipe, _folder])
@pytest.mark.parametrize("what", NAMED)
def test_no_plain_file(what: str, make: Callable[[Path], None], workspace: Path) -> None:
    """A pipe would be read for ever, a folder not at all: both are reported before."""
    file = workspace / NAMED[what][1]
    file.unlink()
    make(file)

    assert "E102" in _diagnostics(workspace)


@pytest.mark.parametrize("what", [name for name in NAMED if name != "lookup table"])
def test_too_large(what: str, workspace: Path) -> None:
    """A file beyond all reason is an error before it fills the memory."""
    with (workspace / NAMED[what][1]).open("r+b") as stream:
        stream.truncate(MOST_BYTES + 1)

    assert "E102" in _diagnostics(workspace)


def test_generated_files_hold_no_other(workspace: Path) -> None:
    """An example from elsewhere becomes no part of generated tests."""
    _renamed(workspace, "examples/parcel.json", "../../secret")
    found = Workspace(workspace)

    with pytest.raises(Stopped):
        generate(found, found.spec_paths())


_STEPS = st.lists(st.sampled_from(["..", ".", "a", "b", "out", "in", "", "file"]), max_size=8)


@given(steps=_STEPS, is_absolute=st.booleans())
def test_nothing_outside(
    steps: list[str], is_absolute: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever steps a path has: what is handed on lies in the folder."""
    base = tmp_path_factory.getbasetemp() / "walk"
    root = base / "root"
    if not base.exists():
        (root / "a/b").mkdir(parents=True)
        (base / "elsewhere").mkdir()
        (root / "out").symlink_to("../elsewhere")
        (root / "a/out").symlink_to(base)
        (root / "a/in").symlink_to("..")
        for folder in (base, root, root / "a", base / "elsewhere"):
            (folder / "file").write_text(str(folder))
    path = ("/" if is_absolute else "") + "/".join(steps)

    try:
        found = plain_file(root, path)
    except (OutsideError, StrangeFileError, OSError):
        return
    assert Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root))


def test_no_name_of_a_file(tmp_path: Path) -> None:
    """A NUL is no part of a path."""
    with pytest.raises(OutsideError):
        inside(tmp_path, "a\0b")
