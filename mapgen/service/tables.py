"""The files of a flow's lookup tables, which people put others in the place of while it runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from mapgen.agreed.plan import FileTable
from mapgen.disk.workspace import SPECS
from mapgen.project.binding import BoundFlow, bound_in
from mapgen.report import Stopped
from mapgen.runtime.aborted import EnvironmentInvalid
from mapgen.runtime.delivery.remote import RemoteTables

_Stamp = tuple[int, int, int] | None


class FreshTables:
    """A flow with its lookup tables as their files are now: read again once one is another."""

    def __init__(self, bound: BoundFlow, remote: RemoteTables) -> None:
        """Take a flow that has just been bound, and what gives it the tables that are no files."""
        self._bound = bound
        self._remote = remote
        self._turn = threading.Lock()
        self._read = self._stamps()

    def bound(self) -> BoundFlow:
        """Return the flow. Raises EnvironmentInvalid for a file that is no table any more."""
        with self._turn:
            stamps = self._stamps()
            if stamps == self._read:
                return self._bound
            before = self._bound
            try:
                self._bound = bound_in(
                    before.workspace, before.flow, before.environment, self._remote.table, {}
                )
            except Stopped as stopped:
                first = stopped.diagnostics[0]
                words = "put the file right: the next cycle reads it again"
                raise EnvironmentInvalid(first.message, first.help or words) from None
            # Those from before it was read: what changed meanwhile is read once more.
            self._read = stamps
            return self._bound

    def _stamps(self) -> Mapping[str, _Stamp]:
        """Return what is another for a file that was changed, by lookup; None for one not there."""
        specs, found = self._bound.workspace.root / SPECS, dict[str, _Stamp]()
        for name, table in self._bound.flow.plan.lookups.items():
            if not isinstance(table, FileTable):
                continue
            try:
                now = (specs / table.path).stat()
                found[name] = (now.st_mtime_ns, now.st_size, now.st_ino)
            except OSError:
                found[name] = None
        return found
