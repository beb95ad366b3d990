"""Whatever a file holds, a command ends with a diagnostic or as it always does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.escaping import lines
from tests.hostile.command import CODES, Ended, run
from tests.hostile.damage import Form, damaged, damaged_bytes
from tests.hostile.workspace import FILES, PACKED

EXAMPLES = int(os.environ.get("MAPGEN_HOSTILE_EXAMPLES", "2"))
"""So many of each kind of file; thousands, to hunt."""

Words = tuple[str, ...]

CHECKED: tuple[Words, ...] = (
    ("check",),
    ("check", "--format", "json"),
    ("check", "--format", "sarif"),
    ("check", "--format", "github"),
    ("check", "--fix", "--diff"),
)
JOINED = ("--join", "sender=input/senders.jsonl", "--join", "notes=input/notes.csv")
PARCELS = ("transform", "parcels", "--sample-lookups", *JOINED, "--input", "input/parcels.jsonl")
FROM_ARRAY = ("transform", "parcels", "--sample-lookups", *JOINED, "--input", "input/parcels.json")
TABLES = ("--lookup", "depots=input/depots.csv", "--lookup", "lists=input/lists.json")
OWN_TABLES = (
    *("--lookup", "carriers=specs/lookups/carriers.csv"),
    *("--lookup", "rounds=specs/lookups/rounds.json"),
)
BY_TABLES = ("transform", "parcels", *TABLES, *JOINED, "--input", "input/parcels.jsonl")
BANK = ("transform", "bank", "--input", "input/bank.csv")
BOOK = ("transform", "book", "--input", "input/book.xlsx")
PACKED_PARCELS = (*PARCELS[:-1], "input/packed.jsonl.gz")
SHEETS = ("transform", "sheets", "--input", "input/sheet.csv")
IMPORT = (
    *("contract", "import", "input/openapi.json", "--keys", "input/keys.json", "--output", "-"),
    *("--metadata", "input/metadata.json", "--overlay", "input/overlay.yaml"),
)
SANDBOX = (
    *("sandbox", "--contract", "specs/contracts/depot-1.200.001.json"),
    *("--seed", "input/seed.json", "--failures", "input/failures.txt", "--", "true"),
)
GENERATED: tuple[Words, ...] = (PARCELS, ("check",), ("generate", "--check"), ("generate",))


@dataclass(frozen=True)
class Kind:
    """A kind of file: which ones, how they are written, and the commands that read them."""

    paths: tuple[str, ...]
    form: Form
    commands: tuple[Words, ...]


def _under(folder: str, ending: str) -> tuple[str, ...]:
    return tuple(path for path in FILES if path.startswith(folder) and path.endswith(ending))


COMPILED = (*CHECKED, ("generate",), PARCELS, SHEETS)
KINDS: Mapping[str, Kind] = {
    "spec": Kind(_under("specs/", ".maps.yaml"), "yaml", COMPILED),
    "environment": Kind(_under("specs/environments/", ".yaml"), "yaml", (PARCELS, *COMPILED)),
    "connection": Kind(_under("specs/connections/", ".yaml"), "yaml", (PARCELS, *COMPILED)),
    "source schema": Kind(
        _under("specs/schemas/", ".json"),
        "json",
        (
            *COMPILED,
            ("suggest", "--source", "schemas/parcel.schema.json", "--entity", "Delivery"),
        ),
    ),
    "contract": Kind(
        _under("specs/contracts/", ".json"),
        "json",
        (
            ("contract", "show", "Delivery", "--all"),
            ("suggest", "--source", "schemas/parcel.schema.json", "--entity", "Delivery"),
            *COMPILED,
        ),
    ),
    "openapi": Kind(("input/openapi.json",), "json", (IMPORT,)),
    "keys": Kind(("input/keys.json",), "json", (IMPORT,)),
    "metadata": Kind(("input/metadata.json",), "json", (IMPORT,)),
    "overlay": Kind(("input/overlay.yaml",), "yaml", (IMPORT,)),
    "example": Kind(_under("specs/examples/", ".json"), "json", COMPILED),
    "table of CSV": Kind(
        ("specs/lookups/carriers.csv",), "csv", ((*PARCELS, *OWN_TABLES), *COMPILED)
    ),
    "table of JSON": Kind(
        ("specs/lookups/rounds.json",), "json", ((*PARCELS, *OWN_TABLES), *COMPILED)
    ),
    "table in another's place": Kind(("input/depots.csv",), "csv", (BY_TABLES,)),
    "JSON table in another's place": Kind(("input/lists.json",), "json", (BY_TABLES,)),
    "lines": Kind(
        ("input/parcels.jsonl",),
        "lines",
        (PARCELS, ("schema", "infer", "input/parcels.jsonl", "--name", "parcel")),
    ),
    "array": Kind(
        ("input/parcels.json",),
        "json",
        (FROM_ARRAY, ("schema", "infer", "input/parcels.json", "--name", "parcel")),
    ),
    "sheet": Kind(("input/sheet.csv",), "csv", (SHEETS,)),
    "sheet of a bank": Kind(("input/bank.csv",), "csv", (BANK,)),
    "workbook": Kind(
        ("input/book.xlsx",), "csv", (BOOK, ("schema", "infer", "input/book.xlsx", "--name", "row"))
    ),
    "packed lines": Kind(("input/packed.jsonl.gz",), "lines", (PACKED_PARCELS,)),
    "joined lines": Kind(("input/senders.jsonl",), "lines", (PARCELS,)),
    "joined sheet": Kind(("input/notes.csv",), "csv", (PARCELS,)),
    "expressions": Kind(
        ("input/expressions.jsonl",), "lines", (("eval", "--jsonl", "input/expressions.jsonl"),)
    ),
    "data": Kind(("input/data.json",), "json", (("eval", "a", "--data", "input/data.json"),)),
    "seed": Kind(("input/seed.json",), "json", (SANDBOX,)),
    "failures": Kind(("input/failures.txt",), "text", (SANDBOX,)),
    "manifest": Kind(("generated/manifest.json",), "json", GENERATED),
    "plan": Kind(("generated/parcels/flow.json",), "json", GENERATED),
    "rule map": Kind(("generated/parcels/map.json",), "json", GENERATED),
    "fixture": Kind(("generated/parcels/fixtures/one-parcel.json",), "json", GENERATED),
}


# What moves a bar of progress, and shows the cursor behind it.
_BAR = r"\r\x1b\[\?25l|\x1b\[\?25h"


def right(ended: Ended, folder: Path) -> None:
    """Hold the end of a command to what any end is."""
    assert ended.code in CODES, ended.err
    told = re.sub(_BAR, "", ended.out + ended.err)
    assert "Traceback" not in told, told
    assert told == lines(told), "a control character is printed raw"
    assert os.listdir(folder.parent) == [folder.name], "something lies outside of the workspace"


@pytest.mark.parametrize("name", KINDS)
def test_right_files(name: str, made: Path) -> None:
    """Without damage the commands of a kind do their work."""
    for words in KINDS[name].commands:
        ended = run(made, *words)
        right(ended, made)
        assert ended.code == 0, (words, ended)


def _damaged(made: Path, path: str, form: Form, random: Random) -> bytes:
    """Return a damaged file; of one that is packed, the inside is, or the outside."""
    packed = PACKED.get(path)
    if packed is None:
        return damaged((made / path).read_text("utf-8"), form, random)
    if random.random() < 0.4:
        return damaged_bytes((made / path).read_bytes(), random)
    return packed(damaged(FILES[path], form, random).decode("utf-8", "replace"))


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files(name: str, made: Path, tmp_path: Path) -> None:
    """Any damage is reported, or does no harm."""
    kind = KINDS[name]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def ends_well(random: Random) -> None:
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
        path = random.choice(kind.paths)
        content = _damaged(made, path, kind.form, random)
        (folder / path).write_bytes(content)
        for words in kind.commands:
            right(run(folder, *words, is_terminal=True), folder)
        is_ours = path.startswith("generated/")
        assert is_ours or (folder / path).read_bytes() == content, "a file is written over"

    ends_well()
