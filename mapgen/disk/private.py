"""Paths in, files that only their owner may read out: they hold personal values."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

OWNER_ALONE = 0o600


def make_private(path: Path, *, create: bool = False) -> None:
    """Take the right to read a file from all but its owner; raises OSError.

    Nothing is done to what is no plain file (a device, a pipe), or belongs to somebody else.

    Args:
        path: the file; one that is missing is left missing.
        create: make a file that is missing, empty.
    """
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, OWNER_ALONE)
    except FileNotFoundError:
        return
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            os.fchmod(descriptor, found.st_mode & OWNER_ALONE)
    finally:
        os.close(descriptor)


def open_private(path: Path, mode: Literal["w", "a"]) -> TextIOWrapper:
    """Return a file open for text, `w` or `a`, which only its owner may read; raises OSError."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, OWNER_ALONE)

    stream = open(path, mode, encoding="utf-8", opener=opener)  # noqa: SIM115 - given away
    with suppress(OSError):  # one that may be written and not be read shows nothing to anybody
        make_private(path)
    return stream
