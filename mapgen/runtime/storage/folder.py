"""A folder of this machine as a place of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO

from mapgen.runtime.storage.kind import StorageFailed, StoredFile, Unreadable, other_name

_HELP = "make the folder, or link it there, and let this user read and write in it"


@dataclass(frozen=True, slots=True)
class FolderStorage:
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

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _told(words: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"{words}: {error.strerror}", _HELP) from None


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
