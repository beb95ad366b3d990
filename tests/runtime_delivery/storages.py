"""Real places of files, over sockets: an SFTP server and a server of S3, on this machine."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mapgen.runtime.environment import FilePlace, S3Place, SftpPlace
from mapgen.runtime.storage.folder import FolderStorage
from mapgen.runtime.storage.kind import Storage
from mapgen.runtime.storage.opening import opened

USER, PASSWORD = "courier", "the-password"


@dataclass(frozen=True, slots=True)
class SftpServer:
    """A server whose root is a folder of this machine; `drop` ends all connections."""

    root: Path
    place: SftpPlace
    other_key: str
    private_key: str
    drop: Callable[[], None]


@contextmanager
def sftp_server(root: Path) -> Iterator[SftpServer]:
    """Serve a folder by SFTP until the block ends."""
    asyncssh = pytest.importorskip("asyncssh", reason="no asyncssh installed")
    host, other, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    connections: list[Any] = []

    class Door(asyncssh.SSHServer):  # type: ignore[misc, name-defined]
        def connection_made(self, connection: Any) -> None:
            connections.append(connection)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    class Rooted(asyncssh.SFTPServer):  # type: ignore[misc, name-defined]
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(root))

    keys = asyncssh.import_authorized_keys(own.export_public_key().decode())
    loop = asyncio.new_event_loop()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Door,
            server_host_keys=[host],
            sftp_factory=Rooted,
            authorized_client_keys=keys,
            allow_pty=False,
        )

    listener = loop.run_until_complete(listen())
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def shown(key: Any) -> str:
        return str(key.export_public_key().decode().strip())

    def drop() -> None:
        for one in connections:
            loop.call_soon_threadsafe(one.abort)
        connections.clear()

    place = SftpPlace("partner", "127.0.0.1", listener.get_port(), "", shown(host), USER, PASSWORD)
    try:
        yield SftpServer(root, place, shown(other), own.export_private_key().decode(), drop)
    finally:
        listener.close()
        drop()
        asyncio.run_coroutine_threadsafe(listener.wait_closed(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve S3 until the block ends; the address."""
    pytest.importorskip("boto3", reason="no boto3 installed")
    server = pytest.importorskip("moto.server", reason="no moto installed")
    threaded = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    threaded.start()
    host, port = threaded.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        threaded.stop()


class Project:
    """A place of files as a test sees it, who puts files there and looks which are."""

    def __init__(self, storage: Storage, place: FilePlace | None, root: Path) -> None:
        self.storage = storage
        self.place = place
        self.root = root
        self._second = 1_700_000_000

    def put(self, path: str, text: str) -> None:
        """Put a file, as somebody else does; each is written in a second of its own."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self._second += 1
        os.utime(self.root / path, (self._second, self._second))

    def text(self, path: str) -> str:
        """Return what is in a file."""
        return (self.root / path).read_text()

    def remove_all(self, folder: str) -> None:
        """Take all files of a folder itself, as a partner does."""
        for name in self.names(folder):
            (self.root / folder / name).unlink()

    def names(self, folder: str) -> list[str]:
        """Return the files in a folder."""
        path = self.root / folder
        return sorted(one.name for one in path.iterdir() if one.is_file()) if path.exists() else []


class Bucket(Project):
    """A bucket as a test sees it."""

    def __init__(self, storage: Storage, place: S3Place, client: Any) -> None:
        super().__init__(storage, place, Path())
        self._client = client
        self._of = {"Bucket": place.bucket}

    def put(self, path: str, text: str) -> None:
        """Put an object, as somebody else does."""
        self._client.put_object(**self._of, Key=path, Body=text.encode())

    def text(self, path: str) -> str:
        """Return what is in an object."""
        body: bytes = self._client.get_object(**self._of, Key=path)["Body"].read()
        return body.decode()

    def remove_all(self, folder: str) -> None:
        """Take all objects of a folder itself, as a partner does."""
        for name in self.names(folder):
            self._client.delete_object(**self._of, Key=f"{folder}/{name}")

    def names(self, folder: str) -> list[str]:
        """Return the objects in a folder."""
        found = self._client.list_objects_v2(**self._of, Prefix=f"{folder}/", Delimiter="/")
        return sorted(one["Key"].rpartition("/")[2] for one in found.get("Contents", ()))


@contextmanager
def project(kind: str, root: Path, address: Callable[[], str]) -> Iterator[Project]:
    """Give an empty place of a kind; `address` is that of a server of S3."""
    if kind == "folder":
        yield Project(FolderStorage(root), None, root)
    elif kind == "sftp":
        with sftp_server(root) as server, opened(server.place) as storage:
            yield Project(storage, server.place, root)
    else:
        place = S3Place("partner", address(), f"b{abs(hash(root))}", "", "key", "secret")
        with opened(place) as storage:
            client = storage._client  # type: ignore[attr-defined]
            client.create_bucket(Bucket=place.bucket)
            yield Bucket(storage, place, client)
