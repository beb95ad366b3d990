"""Where the bytes of attached files come from in a run: the record, a folder, a place, an API."""

from __future__ import annotations

import errno
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx2

from mapgen.agreed.plan import Attached, Request
from mapgen.disk.boundary import OutsideError, StrangeFileError, plain_file
from mapgen.runtime.aborted import TenantUnavailable
from mapgen.runtime.environment import FilePlace
from mapgen.runtime.limits import LARGEST_FILE
from mapgen.runtime.network.api import HttpApi
from mapgen.runtime.network.verdict import Failure, may_pass
from mapgen.runtime.storage.kind import Storage, StorageFailed, Unreadable
from mapgen.runtime.storage.opening import opened
from mapgen.runtime.targets.files import File, content_of


class Unfetched(Exception):
    """A file whose bytes cannot be had; the message says why, and names no path.

    It `may_come`, where nobody has to change the record.
    """

    def __init__(self, why: str, *, may_come: bool = True) -> None:
        super().__init__(why)
        self.may_come = may_come


class Files:
    """The places of the files that a flow attaches. Threads share it, and open each once."""

    def __init__(
        self, root: Path | None, places: Mapping[str, FilePlace], apis: Mapping[str, HttpApi]
    ) -> None:
        """Take the workspace, and what the connections lead to."""
        self._root = root
        self._places = places
        self._apis = apis
        self._open: dict[str, Storage] = {}
        self._stack = ExitStack()
        self._turn = threading.Lock()

    def close(self) -> None:
        """Close the places that were opened."""
        self._stack.close()

    def content(self, attached: Attached, file: File) -> bytes:
        """Return the bytes of a file. Raises Unfetched, and Stopping where the run ends."""
        if file.path is None:
            return content_of(file)
        if attached.at is None:
            return self._of_folder(attached.folder or "", file.path)
        if attached.at in self._apis:
            return self._of_api(self._apis[attached.at], file.path)
        with self._turn:
            return self._of_place(attached.at, attached.folder, file.path)

    def _of_folder(self, folder: str, path: str) -> bytes:
        assert self._root is not None, "a run of a workspace has its folder"
        try:
            # The folder may be a link to anywhere; what a record names stays below it.
            found = plain_file(self._root / folder, path)
            with found.open("rb") as stream:
                return _whole(stream)
        except (OutsideError, StrangeFileError):
            words = "its path leads to no file below its folder"
            raise Unfetched(words, may_come=False) from None
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENAMETOOLONG:
                raise Unfetched("no file has so long a name", may_come=False) from None
            raise _unread(getattr(error, "strerror", None)) from None

    def _of_place(self, at: str, beginning: str | None, path: str) -> bytes:
        inner, _, name = path.strip("/").rpartition("/")
        folder = "/".join(part for part in (beginning, inner) if part)
        try:
            storage = self._storage(at)
            wanted = next((one for one in storage.files(folder) if one.name == name), None)
            stream = None if wanted is None else storage.read(folder, wanted)
            if stream is None:
                raise _unread("there is no such file")
            with stream:
                return _whole(stream)
        except Unreadable:
            raise _unread("it may not be opened") from None
        except StorageFailed as failed:
            # Its words may name the path, which is of the record.
            where = f"the place of the connection `{at}` does not give it"
            raise Unfetched(where if not failed.may_pass else f"{where} at the moment") from None
        except OSError as error:
            raise _unread(error.strerror) from None

    def _storage(self, name: str) -> Storage:
        if name not in self._open:
            place = opened(self._places[name])
            self._open[name] = self._stack.enter_context(place)
        return self._open[name]

    def _of_api(self, api: HttpApi, path: str) -> bytes:
        try:
            address = api.of_the_same_host(_address(api, path))
            ask = partial(api.send, Request("GET", "/(file)"), address)
            content = api.wire.persist(ask, may_pass).content
        except Failure as failure:
            is_final = failure.verdict.kind == "permanent" and not failure.verdict.is_absent
            raise Unfetched(failure.verdict.reason, may_come=not is_final) from None
        except TenantUnavailable as gone:
            raise Unfetched(gone.message) from None
        if len(content) > LARGEST_FILE:
            raise _too_large()
        return content


def _address(api: HttpApi, path: str) -> httpx2.URL:
    """Return the address of a file: whole, or behind that of the API. Raises Unfetched."""
    is_whole = path.startswith(("https://", "http://"))
    try:
        return httpx2.URL(path if is_whole else f"{api.url}/{path.lstrip('/')}")
    except (httpx2.InvalidURL, ValueError):
        raise Unfetched("its address is none", may_come=False) from None


def _whole(stream: BinaryIO) -> bytes:
    content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise _too_large()
    return content


def _unread(why: str | None) -> Unfetched:
    return Unfetched((why or "it cannot be read").lower())


def _too_large() -> Unfetched:
    return Unfetched(f"it has more than {LARGEST_FILE >> 10} KiB", may_come=False)
