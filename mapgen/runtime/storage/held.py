"""What is fetched of a file elsewhere, held whole: in memory, or on the disk where it is long."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

from mapgen.runtime.storage.kind import StorageFailed

_IN_MEMORY = 1 << 22


class Held:
    """The content of a file, as far as it is here."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - see `drop`, `whole`
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes. Raises StorageFailed where there is no room for them."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise StorageFailed(
                f"a file that is fetched cannot be held on this machine: {error.strerror}",
                "free some space for temporary files, or name another folder by `TMPDIR`",
            ) from None
        self.size += len(piece)

    def whole(self) -> BinaryIO:
        """Return the content from its first byte; who reads it closes it."""
        self._file.seek(0)
        return cast(BinaryIO, self._file)

    def drop(self) -> None:
        """Let go of what is not read."""
        self._file.close()
