"""Whether `generate` has anything to do: a fingerprint of a whole workspace and of the compiler.

What was found fresh once is fresh as long as no byte of `specs/` and of `generated/`, no file of
mapgen and no library has changed. The fingerprint is kept in the user's cache and never in the
workspace: who may write specs must not be able to say that their code is fresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from zoneinfo import TZPATH

import mapgen
from mapgen.disk.workspace import GENERATED, SPEC_SUFFIX, SPECS, Workspace

# What Python writes beside the code that it has read.
_CACHED = "__pycache__"
# What installers call the folder with what they know of a library: its name and version.
_INSTALLED = re.compile(r"([^-]+)-.+\.(?:dist|egg)-info")


class UnusualFileError(Exception):
    """A link or a device: what it holds may change without a trace in its folder."""


def fingerprint_of_specs(workspace: Workspace) -> str | None:
    """Return the hash of all that `generate` reads, None where it cannot be taken."""
    return _hashed(workspace.root / SPECS)


def fingerprint_beside_specs(workspace: Workspace) -> str | None:
    """Return the hash of all that specs refer to, None where it cannot be taken."""
    return _hashed(workspace.root / SPECS, but=SPEC_SUFFIX)


def is_fresh(workspace: Workspace, specs: str | None) -> int | None:
    """Return how many files are generated where all of them were found fresh as they are now."""
    generated = _hashed(workspace.root / GENERATED)
    if specs is None or generated is None:
        return None
    with contextlib.suppress(OSError, ValueError):
        known, _, count = cache_file(workspace, "fresh").read_text(encoding="ascii").partition(" ")
        if known == _combined(specs, generated):
            return int(count)
    return None


def remember_fresh(workspace: Workspace, specs: str | None, count: int) -> None:
    """Keep the fingerprint of a workspace whose `generated/` says what its specs say."""
    generated = _hashed(workspace.root / GENERATED)
    if specs is None or generated is None:
        return
    with contextlib.suppress(OSError):
        place = cache_file(workspace, "fresh")
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(f"{_combined(specs, generated)} {count}", encoding="ascii")


def cache_file(workspace: Workspace, kind: str) -> Path:
    """Return where the user's cache has what is remembered of a workspace, of one kind.

    Raises OSError where the user has no cache.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None
    name = hashlib.sha256(os.fsencode(workspace.root)).hexdigest()
    return Path(base) / "mapgen" / kind / name


def _combined(specs: str, generated: str) -> str:
    """Return the fingerprint of all. Raises OSError where mapgen cannot be read."""
    return hashlib.sha256(f"{compiler()} {specs} {generated}".encode()).hexdigest()


@cache
def compiler() -> str:
    """Return what tells this mapgen from any other, so that no other compiler's word is taken.

    That is the Python, the libraries around it, the zones of the machine, and the state of each
    file. Raises OSError where mapgen is installed as links, or in an archive.
    """
    templates = import_module("mapgen.templates").__path__
    found = hashlib.sha256(sys.version.encode())
    try:
        for folder in (Path(mapgen.__file__).parent, *map(Path, templates)):
            for name, file in _files(folder, ""):
                found.update(f"{name!r} {_state(file.stat())}\n".encode())
    except UnusualFileError:
        raise OSError("mapgen is not installed as plain files") from None
    for word in (*_libraries(), *_zones()):
        found.update(f"{word!r}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def _state(status: os.stat_result) -> str:
    """Return what is another wherever the content of a file is, at less than reading it costs.

    When it was written (`mtime`), an archive may say, of all its files alike; when it last changed
    (`ctime`), the system alone.
    """
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _libraries() -> Iterable[str]:
    """Return the names of the folders that installers leave, with versions: of each the first.

    `importlib.metadata` says the same, at twenty times the cost. Raises OSError for an archive.
    """
    found: dict[str, str] = {}
    for place in sys.path:
        with contextlib.suppress(FileNotFoundError):
            for folder in sorted(os.listdir(place or os.curdir)):
                if installed := _INSTALLED.fullmatch(folder):
                    found.setdefault(installed[1].casefold(), folder)
    return sorted(found.values())


def _zones() -> Iterator[str]:
    """Yield the state of the machine's time zones, which are asked before those of `tzdata`."""
    for place in TZPATH:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            yield f"{place} {_state(os.stat(place))}"


def _hashed(folder: Path, but: str | None = None) -> str | None:
    """Return the hash of all files below a folder, their names and contents.

    `but` is how the names of those end that are left out.
    """
    found = hashlib.sha256()
    try:
        for name, file in _files(folder, ""):
            if but is not None and name.endswith(but):
                continue
            content = hashlib.sha256(_content(file.path)).hexdigest()
            found.update(f"{name!r} {content}\n".encode("utf-8", "surrogateescape"))
    except (OSError, UnusualFileError):
        return None
    return found.hexdigest()


def _content(path: str) -> bytes:
    """Return what a file holds, with less ado than a stream makes of it. Raises OSError."""
    opened = os.open(path, os.O_RDONLY)
    try:
        most = os.fstat(opened).st_size + 1
        content = os.read(opened, most)
        if len(content) < most:
            return content
    finally:
        os.close(opened)
    return Path(path).read_bytes()  # it grew meanwhile, or has no size that the system tells


def _files(folder: str | Path, below: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{below}/{entry.name}"
        if entry.is_symlink():
            raise UnusualFileError
        if entry.is_dir():
            if entry.name != _CACHED:
                yield from _files(entry.path, name)
        elif entry.is_file():
            yield name, entry
        else:
            raise UnusualFileError
