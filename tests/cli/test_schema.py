"""`mapgen schema`: the schemas that editors use, printed or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapgen.spec.editor import FILES, editor_schema
from tests.cli.conftest import mapgen


@pytest.mark.parametrize("kind", FILES)
def test_printed_and_written(kind: str, tmp_path: Path) -> None:
    """Outside of any workspace, too; a file has the same bytes as what is printed."""
    printed = mapgen("schema", kind, cwd=tmp_path)
    written = mapgen("schema", kind, "--output", "found.json", cwd=tmp_path)

    assert json.loads(printed.stdout) == editor_schema(kind)
    assert written.stdout == "wrote found.json\n"
    assert (tmp_path / "found.json").read_text(encoding="utf-8") == printed.stdout


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("schema", "maps"), id="schema maps"),
        pytest.param(("schema", "infer", "record.json"), id="schema infer"),
    ],
)
def test_where_nothing_can_be_written(words: tuple[str, ...], tmp_path: Path) -> None:
    """A folder that is not there is reported, with the path."""
    (tmp_path / "record.json").write_text('{"id": 1}', encoding="utf-8")

    done = mapgen(*words, "--output", "nowhere/found.json", cwd=tmp_path)

    assert done.returncode == 1
    assert "error[E510]: `nowhere/found.json` cannot be written" in done.stderr


def test_sample_that_is_nested_too_deep(tmp_path: Path) -> None:
    """A sample that nothing can be drafted from is reported and left out."""
    deep = '{"a":' * 500 + "1" + "}" * 500
    (tmp_path / "records.jsonl").write_text(f'{deep}\n{{"id": 1}}\n', encoding="utf-8")

    done = mapgen("schema", "infer", "records.jsonl", cwd=tmp_path)

    assert done.returncode == 0
    assert "record 1 is left out: the record is nested deeper than 100" in done.stderr
    assert list(json.loads(done.stdout)["properties"]) == ["id"]
