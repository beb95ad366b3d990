"""A folder of this machine as a place of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from mapgen.runtime.storage.kind import (
    UNFINISHED,
    StorageFailed,
    StoredFile,
    Unreadable,
    name_taken,
    no_longer_there,
    other_name,
)

_HELP = "make the folder, or link it there, and let this user read and write in it"
_HELP_WRITING = f"{_HELP}; see that the disk has room"


class FolderStorage(Struct, frozen=True):
    """The folders below `root`."""

    root: Path
    shows_whole_files: bool = False

    def files(self, folder: str) -> list[StoredFile]:
        """Return the files in a folder; see `Storage`."""
        found = []
        with _told(f"the folder `{folder}` cannot be read"):
            with os.scandir(self.root / folder) as entries:
                names = [one.name for one in entries if one.is_file(follow_symlinks=False)]
            for name in names:
                file = _look(self.root / folder / name)
                found += [] if file is None else [file]
        return found

    def read(self, folder: str, file: StoredFile) -> BinaryIO | None:
        """Return the content of a file; see `Storage`."""
        try:
            return (self.root / folder / file.name).open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreadable(f"it cannot be opened: {error.strerror}") from None

    def move(self, folder: str, file: StoredFile, to: str) -> str | None:
        """Move a file; see `Storage`."""
        path = self.root / folder / file.name
        if _look(path) != file:
            return None
        with _told(f"`{file.name}` is taken, and cannot be moved to `{to}`"):
            into = path.parent / to
            into.mkdir(exist_ok=True)
            names = (other_name(file.name, number) for number in count(1))
            free = next(into / name for name in names if not (into / name).exists())
            path.rename(free)
        return free.name

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file; see `Storage`."""
        with _told(f"`{name}` cannot be written into `{folder}`"):
            (self.root / folder).mkdir(exist_ok=True)
            (self.root / folder / name).write_bytes(content)

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write a file whole; see `Storage`."""
        path = self.root / folder / UNFINISHED / name
        with _told(f"`{name}` cannot be written into `{folder}`", _HELP_WRITING):
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            _sync(path.parent)
            _sync(path.parent.parent)

    def publish(self, folder: str, name: str) -> None:
        """Give a file its name; see `Storage`."""
        into = self.root / folder
        path, final = into / UNFINISHED / name, into / name
        with _told(f"`{name}` cannot be published in `{folder}`", _HELP_WRITING):
            if os.path.lexists(path):
                if os.path.lexists(final):
                    raise name_taken(f"{folder}/{name}")
                with suppress(FileNotFoundError):  # another worker was quicker
                    path.rename(final)
            if not path.parent.is_dir():
                raise no_longer_there(folder)
            _sync(into)
            _sync(path.parent)

    def discard(self, folder: str, name: str) -> None:
        """Remove what is unfinished; see `Storage`."""
        with _told(f"`{UNFINISHED}/{name}` cannot be removed from `{folder}`"):
            (self.root / folder / UNFINISHED / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _told(words: str, help: str = _HELP) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"{words}: {error.strerror}", help) from None


def _sync(folder: Path) -> None:
    """Bring to the disk which files a folder has, where a folder can be opened for that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _look(path: Path) -> StoredFile | None:
    """Return a file as it is; None where it is none, or gone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    written_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return StoredFile(path.name, written_at, (found.st_size, found.st_mtime_ns, found.st_ino))
