"""What `check` remembers: what was right, by its content; it never changes what is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.checking import check_specs
from mapgen.project.remembered import cache_file, compiler
from mapgen.project.verdicts import Verdicts, verdict
from tests.compiler.cases import SPEC, build

PARTS = "specs/parts/depot.parts.yaml"
PICKUPS = "specs/pickups.maps.yaml"
ENVIRONMENT = "specs/environments/test.yaml"
Change = Callable[[Path], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _changed(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def _said(root: Path, *paths: str) -> list[str]:
    """Return what a check says: of the specs given, or of all."""
    workspace = Workspace(root)
    return [str(one) for one in check_specs(workspace, paths or workspace.spec_paths()).diagnostics]


def _said_cold(root: Path, *paths: str) -> list[str]:
    """Return what a check says that knows of no other one."""
    shutil.rmtree(cache_file(Workspace(root), "right").parent, ignore_errors=True)
    return _said(root, *paths)


def _codes(root: Path, *paths: str) -> list[str]:
    workspace = Workspace(root)
    return [one.code for one in check_specs(workspace, paths or workspace.spec_paths()).diagnostics]


def _kept(root: Path) -> list[str]:
    """Return the verdicts that are kept of a workspace."""
    return cache_file(Workspace(root), "right").read_text("ascii").split("\n")[1:]


def _nothing(_file: Path) -> None: ...


def _noise(file: Path) -> None:
    file.write_bytes(b"\xff\x00 nonsense")


def _of_another_compiler(file: Path) -> None:
    _, *verdicts = file.read_text("ascii").split("\n")
    file.write_text("\n".join(("0" * 64, *verdicts)), "ascii")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-70])


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _steps_of_examples() -> Iterator[tuple[str, str, str]]:
    """Yield changes of a workspace with parts, one on top of the other."""
    yield SPEC, "maps: 1", "# as it is\nmaps: 1"
    yield PARTS, "gives: {Street: Quay 7}", "gives: {Street: Quay 8}"
    yield PARTS, "given: {street: Quay 7}", "given: {street: Quay 8}"
    yield PARTS, "value: spot.street,", "value: spot.street + ' b',"
    yield PARTS, "value: spot.street + ' b',", "value: spot.street,"
    yield PARTS, "gives: {Street: Quay 8}", "gives: {Street: Quay 7}"


def _steps_of_documents() -> Iterator[tuple[str, str, str]]:
    """Yield changes of a workspace of two flows that are apart, or meet in one document."""
    yield SPEC, "maps: 1", "# as it is\nmaps: 1"
    yield PICKUPS, "+ '-south'", "+ '-north'"
    yield PICKUPS, "+ '-north'", "+ '-south'"
    yield ENVIRONMENT, "depot: north", "depot: south"
    yield SPEC, "+ settings.depot", "+ 'west'"
    yield PICKUPS, "+ '-south'", "+ '-west'"
    yield SPEC, "+ 'west'", "+ settings.depot"
    yield PICKUPS, "maps: 1", "maps: 1\nmaps: 1"


def _apart(root: Path) -> Path:
    workspace = build("flows-that-make-one-document", root)
    _changed(workspace, PICKUPS, "+ '-north'", "+ '-south'")
    return workspace


@pytest.mark.parametrize(
    ("made", "steps"),
    [(lambda root: build("_parts", root), _steps_of_examples), (_apart, _steps_of_documents)],
    ids=["examples", "documents"],
)
def test_the_same_is_said(
    made: Callable[[Path], Path],
    steps: Callable[[], Iterator[tuple[str, str, str]]],
    tmp_path: Path,
) -> None:
    """Cold, warm, after any change and with a damaged cache: the words are the same."""
    warm, cold = made(tmp_path / "warm"), made(tmp_path / "cold")
    seen = set()
    damages = cycle([_nothing, _noise, _of_another_compiler, _nothing, _cut, _folder])
    for step, damage in zip(steps(), damages, strict=False):
        for root in (warm, cold):
            _changed(root, *step)
        for paths in ((SPEC,), ()):
            expected = [one.replace(str(cold), str(warm)) for one in _said_cold(cold, *paths)]
            assert [_said(warm, *paths), _said(warm, *paths)] == [expected, expected]
            seen.add(bool(expected))
        kept = cache_file(Workspace(warm), "right")
        if kept.is_file():
            damage(kept)
    assert seen == {True, False}


def test_what_was_right_is_not_tried_again(tmp_path: Path) -> None:
    """Neither the examples of a part nor a flow that was found apart."""
    asked = "from mapgen.cli import main\nimport sys\ntry:\n    main()\nfinally:\n"
    asked += "    print('mapgen.project.trying' in sys.modules)\n"
    for root in (build("_parts", tmp_path), _apart(tmp_path / "apart")):
        found = [
            subprocess.run(
                [sys.executable, "-c", asked, "check", "deliveries"],
                cwd=root, capture_output=True, text=True, check=True,
            ).stdout.split()[-1]
            for _ in range(2)
        ]  # fmt: skip
        assert found == [str(root.parent == tmp_path), "False"]
        assert len(_kept(root)) == 1


def test_a_change_of_the_flow_that_is_looked_at(tmp_path: Path) -> None:
    """What was found apart stays so as long as the identity does: other rules tell nothing new."""
    root = _apart(tmp_path)
    assert _codes(root, SPEC) == []
    before = _kept(root)

    _changed(root, SPEC, "too_long: truncate", "too_long: reject")
    assert _codes(root, SPEC) == []
    assert _kept(root) == before

    _changed(root, SPEC, "+ settings.depot", "+ 'x' + settings.depot")
    assert _codes(root, SPEC) == []
    assert len(_kept(root)) == 2


def test_a_workspace_cannot_call_itself_right(tmp_path: Path) -> None:
    """What is remembered lies outside of the workspace, and is of that one alone."""
    root = build("_parts", tmp_path)
    before = sorted(root.rglob("*"))
    assert _codes(root) == []

    assert sorted(root.rglob("*")) == before
    copied = Path(shutil.copytree(root, tmp_path / "copy"))
    assert not cache_file(Workspace(copied), "right").exists()


def test_commands_at_once(tmp_path: Path) -> None:
    """Commands side by side say the same, and leave a cache that can be read."""
    root = build("_parts", tmp_path)
    words = [sys.executable, "-m", "mapgen", "check"]
    started = [
        subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = {one.communicate() for one in started}

    assert said == {(b"1 flow checked: all fine\n", b"")}
    assert len(_kept(root)) == 1


def test_the_latest_are_kept(tmp_path: Path) -> None:
    """A cache has an end; what was used last is in it."""
    workspace = Workspace(tmp_path)
    found = [verdict("tried", str(number)) for number in range(5_000)]
    noting = Verdicts(workspace)
    for one in found[:4_000]:
        noting.note(one)
    noting.save()
    noting = Verdicts(workspace)
    assert noting.has(found[0])
    for one in found[4_000:]:
        noting.note(one)
    noting.save()

    known = Verdicts(workspace)
    assert [number for number, one in enumerate(found) if known.has(one)] == [
        0,
        *range(1_001, 5_000),
    ]


def test_nothing_is_kept_without_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user has no folder that can be written, all is tried each time."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    root = build("_parts", tmp_path)

    assert [_codes(root), _codes(root)] == [[], []]
    assert compiler()


def _with_another_flow(case: str, root: Path) -> Path:
    workspace = build(case, root)
    text = (workspace / SPEC).read_text("utf-8")
    other = text.replace("flow: deliveries", "flow: returns")
    (workspace / "specs/returns.maps.yaml").write_text(other, "utf-8")
    _changed(workspace, SPEC, "+ settings.depot", "+ '-' + settings.depot + '-a'")
    _changed(workspace, "specs/returns.maps.yaml", "+ settings.depot", "+ settings.depot + '-b'")
    return workspace


BROKEN = """\
parts: 1
place:
  takes:
    spot: {schema: schemas/parcel.schema.json, at: properties/recipient}
  gives: {contract: depot-1.200.001, entity: Place}
  fields:
    Street: {value: spot.road, too_long: reject}
"""


@pytest.mark.parametrize(("text", "code"), [(BROKEN, "E301"), ("parts: 2\n", "E118")])
def test_files_of_parts_that_a_flow_does_not_use(text: str, code: str, tmp_path: Path) -> None:
    """They are no concern of a check of that flow; of all flows, and of the file, they are."""
    root = _with_another_flow("_parts", tmp_path)
    path = "specs/parts/other.parts.yaml"
    (root / path).write_text(text, "utf-8")

    assert _codes(root, SPEC) == []
    assert code in _codes(root)
    assert _codes(root, path) == [code]


def test_examples_of_parts_that_a_flow_does_not_use(tmp_path: Path) -> None:
    """Only the parts that a flow uses are tried for it; by their file all are, and by all flows."""
    root = _with_another_flow("part-that-nothing-uses", tmp_path)
    _changed(root, PARTS, "gives: {Street: Quay 7}", "gives: {Street: Quay 8}")

    assert _codes(root, SPEC) == []
    assert _codes(root, PARTS) == ["E730"]
    assert "E730" in _codes(root)
