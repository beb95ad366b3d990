"""What was found right once, by the content of all that it was found from: it is not tried again.

Only that nothing was wrong is kept: no word of a command comes from here. It is in the user's cache
and never in the workspace, as what `remembered` keeps, and for the same reason.
"""

from __future__ import annotations

import contextlib
import hashlib

from msgspec import Struct

from mapgen.disk.workspace import Workspace
from mapgen.project.remembered import cache_file, compiler

_MOST = 4_000
"""Verdicts of one workspace that are kept, of the latest."""


class Verdicts(Struct):
    """What is known to be right in a workspace, as far as this very compiler found it."""

    workspace: Workspace
    _known: dict[str, None] | None = None
    _has_more: bool = False

    def has(self, verdict: str) -> bool:
        """Whether a verdict was noted, now or by an earlier command."""
        known = self._read()
        if verdict not in known:
            return False
        known[verdict] = known.pop(verdict)  # it is used: the last that is dropped
        return True

    def note(self, verdict: str) -> None:
        """Take note of what was found right."""
        self._read()[verdict] = None
        self._has_more = True

    def save(self) -> None:
        """Keep what was noted for the commands to come, if the user's cache can be written."""
        if not self._has_more:
            return
        from mapgen.disk.whole import whole_file

        self._has_more = False
        with contextlib.suppress(OSError):
            place = cache_file(self.workspace, "right")
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = "\n".join((compiler(), *list(self._read())[-_MOST:]))
            with whole_file(place, is_private=True) as stream:
                stream.write(text.encode("ascii"))

    def _read(self) -> dict[str, None]:
        if self._known is None:
            self._known = {}
            with contextlib.suppress(OSError, ValueError):
                text = cache_file(self.workspace, "right").read_text(encoding="ascii")
                made_by, *verdicts = text.split("\n")
                if made_by == compiler():
                    self._known = dict.fromkeys(verdicts)
        return self._known


def verdict(about: str, *content: str) -> str:
    """Return what a verdict is known by: the hash of all that it was found from."""
    return hashlib.sha256(repr((about, content)).encode("utf-8", "surrogatepass")).hexdigest()
