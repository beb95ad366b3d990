"""A feed of files that arrive in a folder: each is taken once, and moved when it is.

A file is moved after the transaction that stages its last rows: whoever dies in between finds it
there again, and what it holds is known. Nobody tells that a file is whole, so it is left alone
while it changes, and while it has a name that says that it is being written.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from mapgen.agreed.feeds import FilesFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.feeds.kind import Cursor, Page
from mapgen.runtime.tenant import Connection

_FAILED = "failed"
_BEING_WRITTEN = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
_REASON = ".reason.txt"

_Look = tuple[int, int, int]
"""The size of a file, when it was written, and which file it is."""


@dataclass(frozen=True, slots=True)
class ArrivingFiles:
    """The files of a folder that match the names of the feed, in the order of their names."""

    folder: Path
    feed: FilesFeed

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, _cursor: Cursor | None, _erp: Connection | None) -> Iterator[Page]:
        """Yield each file that is whole. Raises FeedFailed where the folder cannot be read."""
        before = self._looks()
        if not before:
            return
        time.sleep(self.feed.still)
        now = self._looks()
        for name in sorted(name for name, look in before.items() if now.get(name) == look):
            arrived = _Arrived(self.folder / name, now[name], self.feed.done)
            try:
                stream = arrived.path.open("rb")
            except FileNotFoundError:
                continue
            except OSError as error:
                arrived.failed(f"it cannot be opened: {error.strerror}")
                arrived.move()
                continue
            with stream:
                yield Page(stream, name, taken=arrived.move, failed=arrived.failed)

    def _looks(self) -> dict[str, _Look]:
        """Return how each file is that may be taken."""
        looks = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if self._is_wanted(entry.name) and entry.is_file(follow_symlinks=False):
                        look = _look(self.folder / entry.name)
                        looks.update({} if look is None else {entry.name: look})
        except OSError as error:
            raise FeedFailed(
                f"the folder `{self.feed.folder}`, in which files arrive, cannot be read:"
                f" {error.strerror}",
                "make the folder, or link it there, and let this user read and write it",
            ) from None
        return looks

    def _is_wanted(self, name: str) -> bool:
        if name.startswith(".") or name.lower().endswith(_BEING_WRITTEN):
            return False
        return fnmatchcase(name, self.feed.pattern)


@dataclass(slots=True)
class _Arrived:
    """A file that is taken, as it was when it was opened, and why it cannot be read."""

    path: Path
    look: _Look
    done: str
    reasons: list[str] = field(default_factory=list)

    def failed(self, reason: str) -> None:
        """Remember that the file is none of its flow."""
        self.reasons.append(reason)

    def move(self) -> None:
        """Move the file to where it belongs; one that has changed meanwhile stays.

        Raises FeedFailed where it cannot be moved.
        """
        if _look(self.path) != self.look:
            return
        folder = self.path.parent / (_FAILED if self.reasons else self.done)
        try:
            folder.mkdir(exist_ok=True)
            to = _free(folder, self.path.name)
            if self.reasons:
                text = "\n".join(self.reasons) + "\n"
                to.with_name(to.name + _REASON).write_text(text, encoding="utf-8")
            self.path.rename(to)
        except OSError as error:
            raise FeedFailed(
                f"`{self.path.name}` is taken, and cannot be moved to `{folder.name}`:"
                f" {error.strerror}",
                "let this user write in the folder in which files arrive, and in those in it",
            ) from None


def _look(path: Path) -> _Look | None:
    """Return how a file is; None where it is none, or gone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _free(folder: Path, name: str) -> Path:
    """Return a name in a folder that no file has, `orders.csv` or `orders.2.csv`."""
    stem, dot, rest = name.partition(".")
    number = 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}.{number}{dot}{rest}"
    return folder / name
