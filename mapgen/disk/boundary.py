"""A path that a spec names in, a plain file of its workspace out: nothing else is ever opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class OutsideError(Exception):
    """A path that leaves the workspace; the message says by what."""


class StrangeFileError(Exception):
    """What is there is no file that holds text; the message says what it is."""


_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def inside(root: Path, path: str) -> Path:
    """Return where a path leads.

    Args:
        root: the workspace, which holds all that its specs may read.
        path: from the workspace, as a spec gives it.

    Raises OutsideError for one that leaves it, and OSError where the system refuses to tell. What
    is not there yet is inside, too.
    """
    if "\0" in path:
        raise OutsideError("it holds a character that no name of a file has")
    home = os.path.abspath(root)
    plain = os.path.normpath(os.path.join(home, path))
    if os.path.isabs(path) or not _is_below(plain, home):
        raise OutsideError("it lies outside of the workspace")
    # `..` behind a link goes up from where the link leads, so that the path is followed as it is.
    if not _is_below(os.path.realpath(os.path.join(home, path)), os.path.realpath(home)):
        raise OutsideError("a link leads out of the workspace")
    return Path(home) / path


def plain_file(root: Path, path: str) -> Path:
    """Return where a path leads, if what is there is a file like any other.

    Raises OutsideError, StrangeFileError, and OSError where there is nothing.
    """
    found = inside(root, path)
    mode = found.stat().st_mode
    for is_kind, words in _KINDS:
        if is_kind(mode):
            raise StrangeFileError(words)
    return found


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read or written, in words."""
    return (error.strerror or "unknown error").lower()
