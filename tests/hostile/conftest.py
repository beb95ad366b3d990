"""What the tests of hostile files share: the right workspace, generated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.command import run
from tests.hostile.workspace import FILES, write


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The right workspace, generated."""
    folder = tmp_path_factory.mktemp("made") / "work"
    write(FILES, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        assert run(folder, "generate").code == 0
        yield folder
