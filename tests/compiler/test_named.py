"""Environments that commands name: what is said of one that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.named import named_environment
from mapgen.report import Stopped


@pytest.mark.parametrize(
    ("known", "name", "help"),
    [
        ((), "local", "there is none yet"),
        (("sandbox",), "live", "there is `sandbox` alone"),
        (("sandbox", "test"), "live", "there are `sandbox`, `test`"),
        (("sandbox", "test"), "sandbx", "did you mean `sandbox`?"),
        (("sandbox",), "../environments/sandbox", "did you mean `sandbox`?"),
    ],
)
def test_none_of_that_name(tmp_path: Path, known: tuple[str, ...], name: str, help: str) -> None:
    """It names those that are there, and reads no file but theirs."""
    (tmp_path / "specs/environments").mkdir(parents=True)
    for one in known:
        (tmp_path / f"specs/environments/{one}.yaml").write_text(f"environment: {one}\n")

    with pytest.raises(Stopped) as stopped:
        named_environment(Workspace(tmp_path), name)

    (told,) = stopped.value.diagnostics
    assert (told.code, told.help) == ("E101", help)
