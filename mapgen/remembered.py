"""Whether `generate` has anything to do: a fingerprint of a whole workspace and of the compiler.

What was found fresh once is fresh as long as no byte of `specs/`, of `generated/` and of mapgen has
changed. The fingerprint is kept in the user's cache and never in the workspace: who may write specs
must not be able to say that their code is fresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import stat
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import mapgen
from mapgen.workspace import GENERATED, SPECS, Workspace

# What Python writes beside the code that it has read.
_CACHED = "__pycache__"


class UnusualFileError(Exception):
    """A link or a device: what it holds may change without a trace in its folder."""


def fingerprint_of_specs(workspace: Workspace) -> str | None:
    """Return the hash of all that `generate` reads, None where it cannot be taken."""
    return _hashed(workspace.root / SPECS)


def is_fresh(workspace: Workspace, specs: str | None) -> int | None:
    """Return how many files are generated where all of them were found fresh as they are now."""
    generated = _hashed(workspace.root / GENERATED)
    if specs is None or generated is None:
        return None
    with contextlib.suppress(OSError, ValueError, importlib.metadata.PackageNotFoundError):
        known, _, count = _place(workspace).read_text(encoding="ascii").partition(" ")
        if known == _combined(specs, generated):
            return int(count)
    return None


def remember_fresh(workspace: Workspace, specs: str | None, count: int) -> None:
    """Keep the fingerprint of a workspace whose `generated/` says what its specs say."""
    generated = _hashed(workspace.root / GENERATED)
    if specs is None or generated is None:
        return
    with contextlib.suppress(OSError, importlib.metadata.PackageNotFoundError):
        place = _place(workspace)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(f"{_combined(specs, generated)} {count}", encoding="ascii")


def _place(workspace: Workspace) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256(os.fsencode(workspace.root)).hexdigest()
    return Path(base) / "mapgen" / "fresh" / name


def _combined(specs: str, generated: str) -> str:
    """Return the fingerprint of all. Raises OSError where mapgen itself cannot be read."""
    words = f"{_compiler()} {importlib.metadata.version('black')} {specs} {generated}"
    return hashlib.sha256(words.encode()).hexdigest()


@cache
def _compiler() -> str:
    """Return the hash of mapgen itself, so that no other compiler's word is taken.

    Raises OSError where it cannot be taken: installed as links, or in an archive.
    """
    templates = import_module("mapgen.templates").__path__
    found = [_hashed(folder) for folder in (Path(mapgen.__file__).parent, *map(Path, templates))]
    if None in found:
        raise OSError("mapgen is not installed as plain files")
    return " ".join(map(str, found))


def _hashed(folder: Path) -> str | None:
    """Return the hash of all files below a folder, their names and contents."""
    found = hashlib.sha256()
    try:
        for name, path in _files(folder, ""):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{name!r} {content}\n".encode("utf-8", "surrogateescape"))
    except (OSError, UnusualFileError):
        return None
    return found.hexdigest()


def _files(folder: Path, below: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{below}/{entry.name}"
        if entry.is_symlink():
            raise UnusualFileError
        if entry.is_dir():
            if entry.name != _CACHED:
                yield from _files(Path(entry.path), name)
        elif stat.S_ISREG(entry.stat().st_mode):
            yield name, Path(entry.path)
        else:
            raise UnusualFileError
