"""Modules in, what mypy has against them out: in this process, with what lint knows already."""

from __future__ import annotations

import contextlib
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import mypy.api

ROOT = Path(__file__).resolve().parents[1]
_STRICT = ("--strict", "--config-file=", "--no-error-summary", "--explicit-package-bases")


def untyped(folder: Path, pattern: str) -> list[str]:
    """Return what `mypy --strict` has against the modules in a folder, in one run for all."""
    with contextlib.chdir(folder), mock.patch.dict(os.environ, MYPYPATH=str(ROOT)):
        modules = sorted(map(str, Path().glob(pattern)))
        assert modules, pattern
        said, wrong, _ = mypy.api.run([*_STRICT, "--cache-dir", _cache().name, *modules])
    return [wrong] if wrong else [line for line in said.splitlines() if ": error:" in line]


@cache
def _cache() -> TemporaryDirectory[str]:
    """Make a copy of what lint has found: two processes that write one wait for each other."""
    folder = TemporaryDirectory(prefix="mypy-cache")
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder.name, dirs_exist_ok=True)
    return folder
