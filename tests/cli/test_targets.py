"""No command writes over a file of the author's: every option that names a file to write."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from mapgen.cli import cli
from mapgen.cli.options import Target
from tests.cli.conftest import MAPGEN, environment, mapgen
from tests.compiler.cases import Spoken, build, speak
from tests.contract.invented import openapi_3

MINE = "my own notes\n"
# Options whose files are read, and those to which lines or rows are added.
READ = {"data", "envelope", "failures", "files", "jsonl", "keys", "lock", "metadata", "openapi"}
READ |= {"file", "overlay", "project", "record", "samples", "seed", "source", "specs"}
ADDED_TO = {"technical_log", "log", "state"}
# A folder whose files each are written as a target is: see `test_a_file_among_many`.
FILLED = {"folder"}


@dataclass(frozen=True)
class Row:
    """An option that names a file to write."""

    command: tuple[str, ...]
    option: str = "--output"


TRANSFORM = ("transform", "deliveries", "--input", "records.json", "--env", "test")
REHEARSAL = ("run", *TRANSFORM[1:], "--dry-run")
SUGGEST = ("suggest", "--source", "schemas/parcel.schema.json", "--entity", "Delivery")
ROWS = {
    "contract import --output": Row(("contract", "import", "shop.json")),
    "run --rejects": Row(REHEARSAL, "--rejects"),
    "sandbox --ready-file": Row(("sandbox", "--contract", "lock.json"), "--ready-file"),
    "schema connection --output": Row(("schema", "connection")),
    "schema defaults --output": Row(("schema", "defaults")),
    "schema overlay --output": Row(("schema", "overlay")),
    "schema environment --output": Row(("schema", "environment")),
    "schema flow --output": Row(("schema", "flow", "deliveries")),
    "schema infer --output": Row(("schema", "infer", "records.json")),
    "schema inquiry --output": Row(("schema", "inquiry", "gi.xml", "Parcels")),
    "schema maps --output": Row(("schema", "maps")),
    "schema parts --output": Row(("schema", "parts")),
    "suggest --output": Row(SUGGEST),
    "transform --output": Row(TRANSFORM),
    "transform --rejects": Row(TRANSFORM, "--rejects"),
}
# Commands that write many files, whose names they know: in an empty folder, in a workspace.
WITHOUT_OPTION = {
    "init": (("init", "shop"), False),
    "new": (("new", "parcels", "--from", "../records.json", "--to", "StockItem"), True),
}
# `generate` writes below `generated/` alone (tests/compiler), `accept` examples (test_new).
ELSEWHERE = {"accept", "generate"}
EVERY = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from _commands(found, f"{path}{name} ")
        else:
            yield path + name, found


def test_every_option_that_names_a_file() -> None:
    """Each is read, added to, or a target with a row above, whose command takes `--force`."""
    targets, others = set(), set()
    for name, command in _commands(cli):
        for option in command.params:
            if isinstance(option.type, Target):
                targets.add(f"{name} {option.opts[0]}")
                assert any("--force" in other.opts for other in command.params), name
            elif isinstance(option.type, click.Path) or "output" in str(option.name):
                others.add(option.name)

    assert targets == set(ROWS)
    forced = {
        name
        for name, command in _commands(cli)
        if any("--force" in option.opts for option in command.params)
    }
    assert forced - {name.rpartition(" ")[0] for name in ROWS} == {*WITHOUT_OPTION, *ELSEWHERE}
    assert others <= READ | ADDED_TO | FILLED


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with its flow generated, and what else the commands read."""
    folder = build("_base", tmp_path_factory.mktemp("made"))
    records = folder / "specs" / "examples" / "parcel.json"
    shutil.copy(records, folder / "records.json")
    shutil.copy(folder / "specs" / "contracts" / "depot-1.200.001.json", folder / "lock.json")
    (folder / "shop.json").write_text(json.dumps(openapi_3()))
    (folder / "gi.xml").write_text(
        '<a><EntityType Name="Parcels"/><EntitySet Name="Parcels" EntityType="P.Parcels"/></a>'
    )
    mapgen("generate", cwd=folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "work"))


Run = Callable[..., Spoken]


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command of a row; one that serves ends as soon as it would serve."""
    monkeypatch.setattr("uvicorn.Server.run", lambda *_args, **_options: None)
    monkeypatch.setenv("DEPOT_URL", "https://depot.example")
    monkeypatch.setenv("DEPOT_TENANT", "Main")
    for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"DEPOT_{name}", "nobody")

    def call(row: Row, path: str | Path, *more: str) -> Spoken:
        words = (*row.command, row.option, str(path), *more)
        with no_signals_changed():
            return speak(folder, monkeypatch, capsys, *words)

    return call


@contextlib.contextmanager
def no_signals_changed() -> Iterator[None]:
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def _hidden(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob(".*") if path.name.endswith(".mapgen"))
    return [path for path in found if path.is_file()]


@EVERY
@pytest.mark.parametrize("name", ["mine.txt", "-x", "a b\n.json", "é📦.json", "n" * 255])
def test_a_file_of_the_author(row: Row, name: str, run: Run, folder: Path) -> None:
    """It stays as it is, whatever it is called, and the message says what to do."""
    target = folder / name
    target.write_text(MINE)

    spoken = run(row, target)

    assert spoken.code == 1
    assert "error[E533]" in spoken.errors
    assert "already exists, and mapgen did not write it" in spoken.errors
    assert "`--force`" in spoken.errors
    assert target.read_text() == MINE
    assert not _hidden(folder)


@EVERY
def test_forced(row: Row, run: Run, folder: Path) -> None:
    """With `--force` the file is lost, and keeps its permissions; a private one is private."""
    target = folder / "mine.txt"
    target.write_text(MINE)
    target.chmod(0o640)

    run(row, "mine.txt", "--force")

    assert target.read_text() != MINE
    is_private = row.option in ("--rejects", "--ready-file")
    assert target.stat().st_mode & 0o777 == (0o600 if is_private else 0o640)
    assert not _hidden(folder)


@EVERY
def test_a_new_file_and_again(row: Row, run: Run, folder: Path) -> None:
    """A new file is written, and so is an empty one; what mapgen wrote may be written again."""
    first = run(row, "new.txt")
    assert first.code in (0, 1)
    assert "E5" not in first.errors
    content = (folder / "new.txt").read_bytes()
    (folder / "empty.txt").touch()
    run(row, "empty.txt")
    if content:
        assert (folder / "empty.txt").read_bytes()

    spoken = run(row, "new.txt")

    assert "error[E533]" not in spoken.errors
    if row.option != "--ready-file":
        assert (folder / "new.txt").read_bytes() == content


@EVERY
def test_a_link(row: Row, run: Run, folder: Path) -> None:
    """A link to a file of the author's is as that file; forced, the link stays."""
    (folder / "mine.txt").write_text(MINE)
    (folder / "link").symlink_to("mine.txt")

    assert "error[E533]" in run(row, "link").errors
    assert (folder / "mine.txt").read_text() == MINE
    run(row, "link", "--force")
    assert (folder / "link").is_symlink()
    assert (folder / "mine.txt").read_text() != MINE


@EVERY
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["asked", "forced"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("specs", "is a directory"),
        ("nowhere/x", "no such file or directory"),
        ("shop.json/x", "not a directory"),
        ("loop", "too many levels of symbolic links"),
    ],
)
def test_no_file(
    row: Row, path: str, reason: str, force: tuple[str, ...], run: Run, folder: Path
) -> None:
    """What is no file, or has no folder, is reported with the path."""
    (folder / "loop").symlink_to("loop")

    spoken = run(row, path, *force)

    assert spoken.code == 1
    assert f"error[E510]: `{path}` cannot be written: {reason}" in spoken.errors


@EVERY
def test_a_failure_half_way(
    row: Row, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file is there as it was, and nothing else is left behind."""
    (folder / "mine.txt").write_text(MINE)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", fail)
    spoken = run(row, "mine.txt", "--force")

    assert spoken.code == 1
    assert "error[E510]: `mine.txt` cannot be written: no space left on device" in spoken.errors
    assert (folder / "mine.txt").read_text() == MINE
    assert not _hidden(folder)


@EVERY
def test_a_device(row: Row, run: Run) -> None:
    """What keeps nothing takes anything."""
    assert "error[E5" not in run(row, "/dev/null").errors


def _texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace in it and a sample beside that."""
    folder = tmp_path_factory.mktemp("started")
    mapgen("init", "shop", cwd=folder)
    return folder


@pytest.mark.parametrize("name", WITHOUT_OPTION)
def test_a_file_among_many(name: str, started: Path, tmp_path: Path) -> None:
    """Of many files one is the author's: none is written, or all with `--force`, it too."""
    words, is_inside = WITHOUT_OPTION[name]
    before = _texts(started / "shop") if is_inside else {}

    def ready(number: str) -> Path:
        folder = tmp_path / number
        shop = folder / "shop"
        shop.mkdir(parents=True)
        (folder / "records.json").write_text('{"id": 7, "name": "Cup", "sku": "CUP"}')
        if is_inside:
            shutil.copytree(started / "shop", shop, dirs_exist_ok=True)
        return folder

    def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return mapgen(*words, *more, cwd=folder / "shop" if is_inside else folder)

    first = ready("first")
    run(first)
    after = _texts(first / "shop")
    written = {path for path in after.keys() - before.keys() if not path.startswith("generated/")}
    assert len(written) > 4
    for number, path in enumerate(sorted(written - {"README.md", ".gitignore"})):
        folder = ready(str(number))
        mine = folder / "shop" / path
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text(MINE)

        done = run(folder)
        assert done.returncode == 1, path
        assert re.search(f"error.E533.: `(shop/)?{re.escape(path)}`", done.stderr), done.stderr
        assert _texts(folder / "shop") == {**before, path: MINE}

        if number % 3 == 0:
            forced = run(folder, "--force")
            assert "error" not in forced.stderr, forced.stderr
            assert _texts(folder / "shop")[path] == after[path]


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_standard_output(path: str, folder: Path) -> None:
    """`-` is standard output: what lies in the file behind it stays, and no file is called so."""
    target = folder / "all.txt"
    target.write_text(MINE)
    with target.open("ab") as stream:
        words = [*MAPGEN, "schema", "maps", "--output", path]
        subprocess.run(words, cwd=folder, env=environment(), stdout=stream, check=True)

    printed = mapgen("schema", "maps", cwd=folder).stdout
    assert target.read_text() == MINE + printed
    assert not (folder / "-").exists()


def test_a_pipe_with_a_name(folder: Path) -> None:
    """What reads from a pipe gets the records; the pipe stays one."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        done = mapgen(*TRANSFORM, "--output", "pipe", cwd=folder)
        assert reader.stdout is not None
        read = reader.stdout.read()

    assert done.returncode == 0
    assert json.loads(read)
    assert pipe.is_fifo()


def test_a_lock_that_was_changed_by_hand(run: Run, folder: Path) -> None:
    """A lock of another day is written over; one that somebody edited is not."""
    row = ROWS["contract import --output"]
    assert run(row, "lock.json", "--force").code == 0
    shop = (folder / "shop.json").read_text()
    (folder / "shop.json").write_text(shop.replace("1.200.001", "2.200.001"))
    assert run(row, "lock.json").code == 0
    text = (folder / "lock.json").read_text()
    (folder / "lock.json").write_text(text.replace("Shop", "Shed"))

    assert "error[E533]" in run(row, "lock.json").errors


def test_records_are_not_read_first(run: Run, folder: Path) -> None:
    """Whether a stream may be written is known before a record is read."""
    (folder / "mine.txt").write_text(MINE)
    (folder / "records.json").unlink()

    assert "error[E533]" in run(ROWS["transform --output"], "mine.txt").errors


def test_a_name_of_two_lines(run: Run, folder: Path) -> None:
    """A name of a file tells nothing that the command did not do."""
    spoken = run(ROWS["schema maps --output"], "a\nwrote b.json")

    assert spoken.words == "wrote a\\nwrote b.json\n"
    assert (folder / "a\nwrote b.json").exists()
