"""What a place of files is asked for: which there are, what is in one, that one is moved, or made.

A file that is made is written whole into the folder `UNFINISHED` of its own, and moved from there
under its name in one step. So who looks for files sees whole ones, and whoever dies in between
finds out how far it came: what is there still was not published.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import BinaryIO, Protocol

from msgspec import Struct

UNFINISHED = ".unfinished"
"""The folder, inside that of a file, in which it is written."""


class StorageFailed(Exception):
    """A place of files does not do what it is asked for; `help` is what a person does about it.

    Neither it nor the message holds a secret. It `may_pass` where nobody has to do anything.
    """

    def __init__(self, message: str, help: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.may_pass = may_pass


class Unreadable(Exception):
    """One file cannot be opened, whatever the others are; the message says why."""


class StoredFile(Struct, frozen=True):
    """A file as it was when it was looked at: `look` is another one once it has changed."""

    name: str
    written_at: datetime
    look: Hashable


class Storage(Protocol):
    """A place of files; `folder` is always below where the place begins, with `/` in it.

    Each method raises StorageFailed where the place as a whole does not do it.
    """

    @property
    def shows_whole_files(self) -> bool:
        """Whether a file is there only once it is whole."""

    def files(self, folder: str) -> list[StoredFile]:
        """Return the files that lie in a folder itself, without links and what is no file."""

    def read(self, folder: str, file: StoredFile) -> BinaryIO | None:
        """Return the content of a file to be read and closed; None where it is gone, or another.

        Reading it may raise OSError. Raises Unreadable for a file that may not be opened.
        """

    def move(self, folder: str, file: StoredFile, to: str) -> str | None:
        """Move a file into the folder `to` in its own, which is made; return its new name.

        What lies there keeps its name: a second `orders.csv` becomes `orders.2.csv`. None where the
        file is gone, or is not what it was any more, and stays.
        """

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file, in the place of one of this name; its folder is made."""

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write a file whole, to the disk, where nobody looks for it; the folder is not made.

        In the place of one of this name that is unfinished; one that fails leaves a part of it.
        """

    def publish(self, folder: str, name: str) -> None:
        """Give a file that was written its name; nothing where that was done before.

        It counts as done where the file is unfinished no more and the place is the one that it was
        written to. Nothing is overwritten: raises StorageFailed where another file has the name.
        """

    def discard(self, folder: str, name: str) -> None:
        """Remove what was written of a file that is unfinished, if there is anything."""

    def close(self) -> None:
        """Let go of what is open; the next call opens it again."""


def name_taken(path: str) -> StorageFailed:
    """Return what it means that somebody else's file has the name of one that is written."""
    return StorageFailed(
        f"`{path}` is there, and was not written by this flow",
        "find out who writes files of these names, and move it away; what is written waits",
    )


def no_longer_there(folder: str) -> StorageFailed:
    """Return what it means that a place is not the one that a file was written to."""
    return StorageFailed(
        f"in `{folder}` the folder `{UNFINISHED}` is gone, in which a file was being written:"
        " nobody knows whether it was published",
        "see that the folder is the one it was (a disk that is not mounted?); if somebody removed"
        f" `{UNFINISHED}` alone, make it again: then the file counts as published",
    )


def other_name(name: str, number: int) -> str:
    """Return what the file is called that comes with a name which is there: `orders.2.csv`."""
    if number == 1:
        return name
    stem, dot, rest = name.partition(".")
    return f"{stem}.{number}{dot}{rest}"
