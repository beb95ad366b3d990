"""Whatever a file is called, a command that meets it ends as it should and steers no terminal."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.hostile.command import run
from tests.hostile.test_files import JOINED, right

NAMES = (
    b"\x1b[31mred\x07", b"\x9b31m", b"\xff\xfe", b"a\nb", b"a\rb", b"\xe2\x80\xaegpj",
    b"\xe2\x80\xa8", b"..", b".hidden", b"-x", b"--help", b"a b", b"'", b'"', b"`id`",
    b"$(id)", b"%s{0}", b"#",
    b"*", b"\\", "注文".encode(), b"x" * 200, b"class", b"test",
)  # fmt: skip
FORMATS = ("json", "sarif", "github")
MOVED = {
    "specs/parcels.maps.yaml": b".maps.yaml",
    "specs/environments/test.yaml": b".yaml",
    "specs/connections/depot.yaml": b".yaml",
    "specs/contracts/depot-1.200.001.json": b".json",
    "generated/parcels/flow.json": b".json",
    "input/parcels.jsonl": b".jsonl",
    "input/notes.csv": b".csv",
    "input/openapi.json": b".json",
}


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_a_file_of_any_name(at: int, made: Path, tmp_path: Path) -> None:
    """Each command that lists, reads or names a file that is called so, all files by turns."""
    for turn, path in enumerate(MOVED):
        if (at + turn) % len(MOVED) == 0:
            folder = tmp_path / str(turn) / "work"
            shutil.copytree(made, folder)
            _hold(path, NAMES[at], folder, turn + at)


def _hold(path: str, name: bytes, folder: Path, turn: int) -> None:
    old = os.fsencode(folder / path)
    new = os.path.join(os.path.dirname(old), name + MOVED[path])
    if path == "specs/contracts/depot-1.200.001.json":
        shutil.copy(old, new)  # specs name it
    else:
        os.rename(old, new)
    given = os.path.relpath(os.fsdecode(new), folder)
    source = given if path == "input/parcels.jsonl" else "input/parcels.jsonl"
    joined = JOINED if path != "input/notes.csv" else (*JOINED[:3], f"notes={given}")

    for words in (
        ("check",),
        ("check", "--format", FORMATS[turn % len(FORMATS)]),
        ("check", "--fix"),
        ("check", given),
        ("generate", "--check"),
        ("generate",),
        ("transform", "parcels", "--sample-lookups", "--input", source, *joined),
        ("transform", "parcels", "--input", given),
        ("transform", os.fsdecode(name), "--input", source),
        ("transform", "parcels", "--input", source, "--env", os.fsdecode(name)),
        ("transform", "parcels", "--input", source, "--lookup", f"{os.fsdecode(name)}=x"),
        ("transform", "parcels", "--input", source, "--join", f"{os.fsdecode(name)}=x"),
        ("schema", "infer", given),
        ("contract", "import", given),
        ("contract", "show", os.fsdecode(name)),
        ("contract", "show", "Drop", "--contract", os.fsdecode(name)),
        ("suggest", "--source", given, "--entity", os.fsdecode(name)),
        ("explain", "--", os.fsdecode(name)),
        ("eval", "--jsonl", given),
        ("eval", "a", "--data", given),
        ("eval", "--", os.fsdecode(name)),
        ("queue", "list", "--", os.fsdecode(name)),
        ("run", "parcels", "--input", given, "--env", os.fsdecode(name)),
        (os.fsdecode(name),),
    ):
        if "" not in words:
            right(run(folder, *words), folder)
