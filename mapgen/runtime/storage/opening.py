"""What opens a place of files, by what an environment says of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mapgen.runtime.environment import FilePlace, FolderPlace, S3Place, SftpPlace
from mapgen.runtime.storage.folder import FolderStorage
from mapgen.runtime.storage.kind import Storage

_MODULES: Mapping[type[FilePlace], tuple[str, str]] = {
    SftpPlace: ("mapgen.runtime.storage.sftp", "SftpStorage"),
    S3Place: ("mapgen.runtime.storage.s3", "S3Storage"),
}
"""What speaks with a place needs a package of an extra: it is imported where there is one."""


def check_installed(kind: type[FilePlace]) -> None:
    """Raise ImportError where the package that speaks with such places is not installed."""
    _storage_of(kind)


@contextmanager
def opened(place: FilePlace | FolderPlace) -> Iterator[Storage]:
    """Open a place until the block ends."""
    storage: Storage = (
        FolderStorage(place.root)
        if isinstance(place, FolderPlace)
        else _storage_of(type(place))(place)
    )
    try:
        yield storage
    finally:
        storage.close()


def _storage_of(kind: type[FilePlace]) -> Callable[[Any], Storage]:
    module, name = _MODULES[kind]
    found: Callable[[Any], Storage] = getattr(importlib.import_module(module), name)
    return found
