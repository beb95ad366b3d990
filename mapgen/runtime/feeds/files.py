"""A feed of files that arrive in a folder: each is taken once, and moved when it is.

A file is moved after the transaction that stages its last rows: whoever dies in between finds it
there again, and what it holds is known. Nobody tells that a file is whole, so it is left alone
while it changes, and while it has a name that says that it is being written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from io import BufferedReader

from msgspec import Struct, field

from mapgen.agreed.feeds import FilesFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.draining import Drain
from mapgen.runtime.feeds.kind import Cursor, Page, Ways
from mapgen.runtime.sources.plain import Read
from mapgen.runtime.storage.kind import Storage, StorageFailed, StoredFile, Unreadable

_FAILED = "failed"
_BEING_WRITTEN = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
_REASON = ".reason.txt"


class ArrivingFiles(Struct, frozen=True):
    """The files of a folder that match the names of the feed, in the order of their names.

    None is waited for once `drain` is set.
    """

    storage: Storage
    feed: FilesFeed
    drain: Drain = field(default_factory=Drain)

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, _cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield each file that is whole. Raises FeedFailed where they cannot be read or moved."""
        for file in self._whole_files():
            arrived = _Arrived(self.storage, self.feed, file)
            try:
                with _failing():
                    stream = self.storage.read(self.feed.folder, file)
            except Unreadable as error:
                arrived.failed(str(error))
                arrived.move()
                continue
            if stream is None:
                continue
            with stream, BufferedReader(Read(_failing()(stream.read))) as reader:
                place = f"{file.name} ({_told(file)})"
                yield Page(reader, place, taken=arrived.move, failed=arrived.failed, file=file.name)

    def _whole_files(self) -> list[StoredFile]:
        """Return the files that are as they were a while ago."""
        before = self._wanted()
        if not before or self.storage.shows_whole_files:
            return list(before.values())
        if self.drain.wait(self.feed.still):
            return []
        now = self._wanted()
        return [file for name, file in before.items() if now.get(name) == file]

    def _wanted(self) -> dict[str, StoredFile]:
        with _failing():
            found = self.storage.files(self.feed.folder)
        wanted = filter(self._is_wanted, found)
        return {file.name: file for file in sorted(wanted, key=lambda file: file.name)}

    def _is_wanted(self, file: StoredFile) -> bool:
        if file.name.startswith(".") or file.name.lower().endswith(_BEING_WRITTEN):
            return False
        return fnmatchcase(file.name, self.feed.pattern)


class _Arrived(Struct):
    """A file that is taken, as it was when it was opened, and why it cannot be read."""

    storage: Storage
    feed: FilesFeed
    file: StoredFile
    reasons: list[str] = field(default_factory=list)

    def failed(self, reason: str) -> None:
        """Remember that the file is none of its flow."""
        self.reasons.append(reason)

    def move(self) -> None:
        """Move the file to where it belongs; one that has changed meanwhile stays.

        Raises FeedFailed where it cannot be moved.
        """
        folder = self.feed.folder
        with _failing():
            to = _FAILED if self.reasons else self.feed.done
            moved = self.storage.move(folder, self.file, to)
            if moved is not None and self.reasons:
                text = "\n".join(self.reasons) + "\n"
                self.storage.put(f"{folder}/{to}", moved + _REASON, text.encode())


@contextmanager
def _failing() -> Iterator[None]:
    """Let what a place of files does not do be a failure of the feed."""
    try:
        yield
    except StorageFailed as failed:
        raise FeedFailed(failed.message, failed.help) from None
    except OSError as error:
        raise FeedFailed(
            f"a file that arrived cannot be read: {error.strerror}",
            "see how the disk of this machine is, and the place that the file is in",
        ) from None


def _told(file: StoredFile) -> str:
    """Return when a file was written: by that it is told from others of its name."""
    return f"{file.written_at.replace(tzinfo=None).isoformat()}Z"
