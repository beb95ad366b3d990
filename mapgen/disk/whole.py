"""A path in, a file that is written whole or not at all out: a failure leaves the old one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mapgen.disk.private import OWNER_ALONE

_ANYBODY = 0o666  # as far as the umask lets them
_BUFFER = 256 * 1024
_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")


def is_stream(path: Path) -> bool:
    """Whether a path is no file that keeps what is written: a device, a pipe, an open stream."""
    if os.path.abspath(path).startswith(_STREAMS):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def whole_file(path: Path, *, is_private: bool = False) -> Iterator[BinaryIO]:
    """Give what to write to: it becomes the file at the end of the block, and nothing if it raises.

    A link is followed, and stays. A file that is there keeps its permissions; a stream is written
    as it comes. Raises OSError, also for a file that may not be written.

    Args:
        path: the file.
        is_private: only its owner may read it.
    """
    if is_stream(path):
        with path.open("ab") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    mode = _mode(target, is_private=is_private)
    scratch = target.with_name(f".{os.urandom(8).hex()}.mapgen")
    try:
        with os.fdopen(_made(scratch, is_private=is_private), "wb", _BUFFER) as stream:
            yield stream
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
        scratch.replace(target)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise


def _mode(target: Path, *, is_private: bool) -> int | None:
    """Return the permissions that the new file gets; None for those of any new file."""
    try:
        with target.open("rb+") as stream:
            found = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
    except FileNotFoundError:
        return None
    return found & OWNER_ALONE if is_private else found


def _made(scratch: Path, *, is_private: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.open(scratch, flags, OWNER_ALONE if is_private else _ANYBODY)
