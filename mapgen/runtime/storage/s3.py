"""A bucket of S3, or of what speaks as S3 does, as a place of files.

An object is there only once it is whole. There is no moving: it is copied, and deleted when it is
still what was copied. Who dies in between finds it where it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from mapgen.runtime.environment import S3Place
from mapgen.runtime.storage.held import Held
from mapgen.runtime.storage.kind import (
    UNFINISHED,
    StorageFailed,
    StoredFile,
    Unreadable,
    name_taken,
    other_name,
)

_REGION = re.compile(r"//s3[.-]([a-z]{2}-[a-z0-9-]+-\d+)\.")
_ELSEWHERE = "us-east-1"
"""The region by which requests are signed where an address names none."""
_PIECE = 1 << 20
_ABSENT = ("404", "NoSuchKey")
_CHANGED = ("412", "PreconditionFailed")
_FORBIDDEN = ("403", "AccessDenied")
_NOT_LET_IN = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken")
_PASSING = ("500", "502", "503", "504", "InternalError", "SlowDown", "ServiceUnavailable")
_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
    # What only speaks as S3 does knows no checksums but those of old.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class S3Storage:
    """The objects of a bucket, below a prefix where its place has one."""

    shows_whole_files = True

    def __init__(self, place: S3Place) -> None:
        """Take where it leads, and how it is let in. Nothing is asked yet."""
        self._place = place
        region = _REGION.search(place.url)
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=place.url,
            region_name=_ELSEWHERE if region is None else region[1],
            aws_access_key_id=place.username,
            aws_secret_access_key=place.password,
            config=_CONFIG,
        )

    def files(self, folder: str) -> list[StoredFile]:
        """Return the files in a folder; see `Storage`."""
        prefix = self._key(folder, "")
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._place.bucket, Prefix=prefix, Delimiter="/"
        )
        with self._told(f"the folder `{prefix}` cannot be listed"):
            entries = [entry for page in pages for entry in page.get("Contents", ())]
        # An object that is called as the folder is stands for it.
        return [
            StoredFile(entry["Key"][len(prefix) :], entry["LastModified"], entry["ETag"])
            for entry in entries
            if entry["Key"] != prefix
        ]

    def read(self, folder: str, file: StoredFile) -> BinaryIO | None:
        """Return the content of a file; see `Storage`."""
        key = self._key(folder, file.name)
        held = Held()
        try:
            with self._told(f"`{key}` cannot be read", (*_ABSENT, *_CHANGED, *_FORBIDDEN)):
                answer = self._client.get_object(**self._of(key), IfMatch=file.look)
                for piece in answer["Body"].iter_chunks(_PIECE):
                    held.add(piece)
        except ClientError as error:
            held.drop()
            if _code(error) in _FORBIDDEN:
                raise Unreadable("it cannot be opened: permission denied") from None
            return None
        return held.whole()

    def move(self, folder: str, file: StoredFile, to: str) -> str | None:
        """Move a file; see `Storage`."""
        key = self._key(folder, file.name)
        words = f"`{key}` is taken, and cannot be moved to `{to}`"
        try:
            with self._told(words, (*_ABSENT, *_CHANGED)):
                if not self._is(key, file):
                    return None
                name = self._free(f"{folder}/{to}", file.name)
                into = self._key(folder, to, name)
                self._client.copy_object(
                    **self._of(into), CopySource=self._of(key), CopySourceIfMatch=file.look
                )
                if not self._is(key, file):
                    return None
                self._client.delete_object(**self._of(key))
        except ClientError:
            return None
        return name

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file; see `Storage`."""
        key = self._key(folder, name)
        with self._told(f"`{key}` cannot be written"):
            self._client.put_object(**self._of(key), Body=content)

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write an object whole; see `Storage`."""
        self.put(f"{folder}/{UNFINISHED}", name, content)

    def publish(self, folder: str, name: str) -> None:
        """Give an object its name; see `Storage`.

        Who dies between the copy and the deletion finds both.
        """
        unfinished, final = self._key(folder, UNFINISHED, name), self._key(folder, name)
        with self._told(f"`{final}` cannot be written"):
            written, known = self._size(unfinished), self._size(final)
            if written is None and known is None:
                self._client.head_bucket(Bucket=self._place.bucket)
            if written is None:
                return
            if known is None:
                source = self._of(unfinished)
                self._client.copy_object(**self._of(final), CopySource=source)
            elif known != written:
                raise name_taken(final)
            self._client.delete_object(**self._of(unfinished))

    def discard(self, folder: str, name: str) -> None:
        """Remove what is unfinished; see `Storage`."""
        key = self._key(folder, UNFINISHED, name)
        with self._told(f"`{key}` cannot be removed"):
            self._client.delete_object(**self._of(key))

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        self._client.close()

    def _key(self, *parts: str) -> str:
        """Return the key of an object; with an empty last part, how those of a folder begin."""
        return "/".join((*filter(None, (self._place.prefix,)), *parts))

    def _of(self, key: str) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": key}

    def _is(self, key: str, file: StoredFile) -> bool:
        """Whether an object is what it was. Raises ClientError where it is gone."""
        return bool(self._client.head_object(**self._of(key))["ETag"] == file.look)

    def _size(self, key: str) -> int | None:
        """Return how long an object is; None where there is none. Raises ClientError."""
        try:
            return int(self._client.head_object(**self._of(key))["ContentLength"])
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise

    def _free(self, folder: str, name: str) -> str:
        """Return a name that no object of a folder has."""
        for number in count(1):
            free = other_name(name, number)
            try:
                self._client.head_object(**self._of(self._key(folder, free)))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return free
                raise
        raise AssertionError("numbers do not end")

    @contextmanager
    def _told(self, words: str, of_one_file: tuple[str, ...] = ()) -> Iterator[None]:
        """Tell failures as those of the place, but for answers that are `of_one_file`."""
        try:
            yield
        except ClientError as error:
            if _code(error) in of_one_file:
                raise
            raise self._failure(words, _code(error)) from None
        except (BotoCoreError, HTTPClientError, OSError) as error:
            reason = type(error).__name__
            help = "see that the address of the connection is right and reached from here"
            message = f"{self._who} gives no answer: {reason}"
            raise StorageFailed(message, help, may_pass=True) from None

    @property
    def _who(self) -> str:
        return f"the storage of the connection `{self._place.name}`"

    def _failure(self, words: str, code: str) -> StorageFailed:
        """Return what a refusal means, by its code: what else it says may hold anything."""
        if code in _PASSING:
            help = "see how the storage is"
            return StorageFailed(f"{self._who} does not answer ({code})", help, may_pass=True)
        if code in _NOT_LET_IN:
            help = "compare `username` (the access key) and `password` (its secret)"
            return StorageFailed(f"{self._who} does not let the key in ({code})", help)
        if code in ("NoSuchBucket", "404"):
            help = "have it made, or write the path of the address as `/BUCKET`"
            return StorageFailed(f"{words}: there is no bucket `{self._place.bucket}`", help)
        help = "let the key list, read, write and delete objects there"
        return StorageFailed(f"{words}: the storage refuses ({code})", help)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
