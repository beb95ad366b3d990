"""A folder of an SFTP server as a place of files, by a connection that knows the host's key.

A file is fetched whole before it is read, so that a slow reader keeps nobody waiting, and one whose
size is another then has changed. The library speaks asynchronously: a thread of its own keeps the
connection alive while files are being read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, BinaryIO, TypeVar, cast

import asyncssh

from mapgen.runtime.environment import SftpPlace
from mapgen.runtime.storage.held import Held
from mapgen.runtime.storage.kind import (
    UNFINISHED,
    StorageFailed,
    StoredFile,
    Unreadable,
    name_taken,
    no_longer_there,
    other_name,
)

T = TypeVar("T")

_LONGEST_WAIT = 30.0
"""Seconds for an answer; a whole file takes as long as its bytes come."""
_KEEP_ALIVE = 15
_PIECE = 1 << 17
_ABSENT, _FORBIDDEN = asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied
_WAYS = "publickey,password,keyboard-interactive"


class SftpStorage:
    """The folders below the path of an SFTP place; connected when first asked."""

    shows_whole_files = False

    def __init__(self, place: SftpPlace) -> None:
        """Take where it leads, and how it is let in. Nothing is opened yet."""
        self._place = place
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def files(self, folder: str) -> list[StoredFile]:
        """Return the files in a folder; see `Storage`."""
        path = self._path(folder)
        return self._run(self._files(path), f"the folder `{path}` cannot be read")

    def read(self, folder: str, file: StoredFile) -> BinaryIO | None:
        """Return the content of a file; see `Storage`."""
        path = self._path(folder, file.name)
        try:
            words, of_one = f"`{path}` cannot be read", (_ABSENT, _FORBIDDEN)
            return self._run(self._fetched(path, file), words, of_one)
        except _ABSENT:
            return None
        except _FORBIDDEN:
            raise Unreadable("it cannot be opened: permission denied") from None

    def move(self, folder: str, file: StoredFile, to: str) -> str | None:
        """Move a file; see `Storage`."""
        path, into = self._path(folder, file.name), self._path(folder, to)
        words = f"`{path}` is taken, and cannot be moved to `{to}`"
        return self._run(self._moved(path, into, file), words)

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file; see `Storage`."""
        path = self._path(folder)
        self._run(self._put(path, name, content), f"`{name}` cannot be written into `{path}`")

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write a file whole; see `Storage`."""
        path = self._path(folder, UNFINISHED)
        words = f"`{name}` cannot be written into `{self._path(folder)}`"
        self._run(self._put(path, name, content, is_synced=True), words)

    def publish(self, folder: str, name: str) -> None:
        """Give a file its name; see `Storage`."""
        path = self._path(folder)
        self._run(self._published(path, name), f"`{name}` cannot be published in `{path}`")

    def discard(self, folder: str, name: str) -> None:
        """Remove what is unfinished; see `Storage`."""
        path = self._path(folder, UNFINISHED, name)
        self._run(self._removed(path), f"`{path}` cannot be removed")

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        with suppress(OSError, asyncssh.Error, TimeoutError):
            asyncio.run_coroutine_threadsafe(self._closed(), loop).result(_LONGEST_WAIT)
        loop.call_soon_threadsafe(loop.stop)

    def _path(self, *parts: str) -> str:
        return "/".join(part for part in (self._place.path, *parts) if part)

    async def _files(self, path: str) -> list[StoredFile]:
        client = await self._opened()
        found = []
        for entry in await _in_time(client.readdir(path)):
            name = cast(str, entry.filename)
            is_file = entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
            if is_file and "/" not in name:
                found.append(_stored(name, entry.attrs))
        return found

    async def _fetched(self, path: str, file: StoredFile) -> BinaryIO | None:
        client = await self._opened()
        held = Held()
        async with client.open(path, "rb") as stream:
            while piece := cast(bytes, await _in_time(stream.read(_PIECE))):
                held.add(piece)
            attributes = await _in_time(stream.stat())
        if _stored(file.name, attributes) == file and held.size == attributes.size:
            return held.whole()
        held.drop()
        return None

    async def _moved(self, path: str, into: str, file: StoredFile) -> str | None:
        client = await self._opened()
        try:
            if _stored(file.name, await _in_time(client.lstat(path))) != file:
                return None
        except _ABSENT:
            return None
        await _made(client, into)
        for name in (other_name(file.name, number) for number in count(1)):
            # The server does not rename onto what is there; that it is there is looked for first,
            # since it says no more than that it failed.
            if not await _in_time(client.lexists(f"{into}/{name}")):
                await _in_time(client.rename(path, f"{into}/{name}"))
                return name
        raise AssertionError("numbers do not end")

    async def _put(self, path: str, name: str, content: bytes, *, is_synced: bool = False) -> None:
        client = await self._opened()
        await _made(client, path)
        async with client.open(f"{path}/{name}", "wb") as stream:
            for start in range(0, len(content), _PIECE):
                await _in_time(stream.write(content[start : start + _PIECE]))
            if is_synced:
                with suppress(asyncssh.SFTPOpUnsupported):  # an extension that not all have
                    await _in_time(stream.fsync())

    async def _published(self, path: str, name: str) -> None:
        client = await self._opened()
        unfinished, final = f"{path}/{UNFINISHED}/{name}", f"{path}/{name}"
        if await _in_time(client.lexists(unfinished)):
            # Some servers rename onto what is there.
            if await _in_time(client.lexists(final)):
                raise name_taken(final)
            with suppress(_ABSENT):  # another worker was quicker
                await _in_time(client.rename(unfinished, final))
        if not await _in_time(client.isdir(f"{path}/{UNFINISHED}")):
            raise no_longer_there(path)

    async def _removed(self, path: str) -> None:
        client = await self._opened()
        with suppress(_ABSENT):
            await _in_time(client.remove(path))

    async def _opened(self) -> asyncssh.SFTPClient:
        """Return the client, connected anew where the connection has ended."""
        client, connection = self._client, self._connection
        if client is not None and connection is not None and not connection.is_closed():
            return client
        place = self._place
        self._connection = await asyncssh.connect(
            place.host,
            place.port,
            username=place.username,
            password=place.password,
            client_keys=_own_keys(place),
            known_hosts=([_host_key(place)], [], []),
            preferred_auth=_WAYS,
            agent_path=None,
            config=None,
            connect_timeout=_LONGEST_WAIT,
            login_timeout=_LONGEST_WAIT,
            keepalive_interval=_KEEP_ALIVE,
        )
        self._client = await self._connection.start_sftp_client(path_errors="surrogateescape")
        return self._client

    async def _closed(self) -> None:
        if self._connection is not None:
            self._connection.close()
            await asyncio.wait_for(self._connection.wait_closed(), _LONGEST_WAIT)

    def _run(
        self,
        asked: Coroutine[Any, Any, T],
        words: str,
        of_one_file: tuple[type[Exception], ...] = (),
    ) -> T:
        """Wait for an answer. Raises StorageFailed, and what is `of_one_file` as it is."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_keep, args=(self._loop,), name="sftp", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return future.result()
        except of_one_file:
            raise
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise self._failure(error, words) from None
        finally:
            future.cancel()

    def _failure(self, error: Exception, words: str) -> StorageFailed:
        """Return what an error means: of the host, of whom it lets in, or of a path."""
        who = f"the SFTP server of the connection `{self._place.name}`"
        match error:
            case asyncssh.HostKeyNotVerifiable() | asyncssh.KeyExchangeFailed():
                return StorageFailed(
                    f"{who} does not show the key that `host_key` says: it may be another host",
                    "ask who runs it, by another way, whether its key was changed; nothing was"
                    " sent to it",
                )
            case asyncssh.PermissionDenied():
                return StorageFailed(
                    f"{who} does not let the user in",
                    "compare user and password, or key, with what you were given",
                )
            case asyncssh.SFTPNoSuchFile():
                help = "have the folder made there, or name the one that is"
                return StorageFailed(f"{words}: there is no such folder", help)
            case asyncssh.SFTPPermissionDenied():
                help = "let the user read and write there, and make folders"
                return StorageFailed(f"{words}: the user may not do so", help)
            case asyncssh.SFTPError() if not isinstance(
                error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection
            ):
                help = "see what the log of the server says"
                return StorageFailed(f"{words}: the server refuses (code {error.code})", help)
            case _:
                reason = getattr(error, "strerror", None) or "the connection broke off"
                help = "see that it runs and is reached from here"
                return StorageFailed(f"{who} gives no answer: {reason}", help, may_pass=True)


async def _made(client: asyncssh.SFTPClient, path: str) -> None:
    if await _in_time(client.isdir(path)):
        return
    try:
        await _in_time(client.mkdir(path))
    except asyncssh.SFTPError:
        # Another worker may have been quicker; servers say no more than that it failed.
        if not await _in_time(client.isdir(path)):
            raise


async def _in_time(asked: Awaitable[T]) -> T:
    return await asyncio.wait_for(asked, _LONGEST_WAIT)


def _stored(name: str, attributes: asyncssh.SFTPAttrs) -> StoredFile:
    seconds, fraction = attributes.mtime or 0, attributes.mtime_ns or 0
    written_at = datetime.fromtimestamp(seconds + fraction / 1e9, UTC)
    return StoredFile(name, written_at, (attributes.size, seconds, fraction))


def _host_key(place: SftpPlace) -> asyncssh.SSHKey:
    """Return the key that the host has to show. Raises StorageFailed."""
    try:
        return asyncssh.import_public_key(place.host_key)
    except asyncssh.KeyImportError:
        raise StorageFailed(
            f"`host_key` of the connection `{place.name}` is no public key",
            "write it as `ssh-ed25519 AAAA…`, as who runs the server tells it",
        ) from None


def _own_keys(place: SftpPlace) -> list[asyncssh.SSHKey]:
    """Return the key that lets us in, none where a password does. Raises StorageFailed."""
    if place.private_key is None:
        return []
    try:
        return [asyncssh.import_private_key(place.private_key)]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise StorageFailed(
            f"`private_key` of the connection `{place.name}` is no private key without passphrase",
            "set the variable to the text of the file, from `-----BEGIN` to its last line",
        ) from None


def _keep(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
