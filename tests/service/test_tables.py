"""Lookup tables of files under `serve`: another file in the place of one counts from then on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.binding import bound_in, loaded
from mapgen.project.compiler import generate
from mapgen.project.named import named_environment
from mapgen.runtime.aborted import EnvironmentInvalid
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.records import RawRecord
from mapgen.service.tables import FreshTables
from tests.compiler.cases import BASE


@pytest.fixture
def tables(tmp_path: Path) -> FreshTables:
    """Return the tables of the smallest flow, bound in a workspace of its own."""
    shutil.copytree(BASE / "specs", tmp_path / "specs")
    workspace = Workspace(tmp_path)
    for path, text in generate(workspace, workspace.spec_paths()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    remote, flow = RemoteTables(), loaded(workspace, "deliveries")
    environment = named_environment(workspace, "test")
    return FreshTables(bound_in(workspace, flow, environment, remote.table, {}), remote)


def _carrier(tables: FreshTables) -> str:
    """Return what the flow makes of its example's service today."""
    data = (BASE / "specs/examples/parcel.json").read_bytes()
    (outcome,) = tables.bound().transformer.outcomes(RawRecord(1, 1, data), "parcel.json")
    assert isinstance(outcome, Document)
    found: str = json.loads(outcome.body)["Carrier"]["value"]
    return found


def test_another_file(tables: FreshTables, tmp_path: Path) -> None:
    """It counts from the next cycle on; what is no table stops the cycle, and is read again."""
    path = tmp_path / "specs/lookups/carriers.csv"
    words = path.read_text(encoding="utf-8")
    first, before = _carrier(tables), tables.bound()
    assert tables.bound() is before

    def put(text: str) -> None:
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)

    put(words.replace(first, "OTHER"))
    assert _carrier(tables) == "OTHER"
    put("nothing")
    for _ in range(2):
        with pytest.raises(EnvironmentInvalid, match=r"carriers.*it has no column"):
            tables.bound()
    put(words)
    assert _carrier(tables) == first
