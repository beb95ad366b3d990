"""Files as a target: documents of a portion are lines of one, which is published whole."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from mapgen.agreed.formats import WRITTEN
from mapgen.agreed.paths import written_name
from mapgen.agreed.plan import FileSend, Plan
from mapgen.runtime.aborted import FilesFailed
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.wire import pause_after
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.storage.kind import Storage, StorageFailed
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.bodies import read_body

_HOLE = re.compile(r"\{(\w+)\}")
# What spreadsheets take for a formula; numbers and numbers of telephones with a sign are none.
_FORMULA = re.compile(r"[=＝@＠\t\r\n]|[+＋\-－](?![\d\s.,()/-]*\Z)")

_SHOWN = 200
_RUNS = "a spreadsheet would run it as a formula"


class FileTarget:
    """The folder that the documents of a flow are written into; each step may be done again."""

    def __init__(
        self,
        storage: Storage,
        plan: Plan,
        *,
        stop: threading.Event,
        tell: Callable[[TechnicalEvent], None],
    ) -> None:
        """Take the place of the folder, and the plan of a flow that makes one document."""
        self.document = plan.only
        assert isinstance(self.document.send, FileSend)
        self._send = self.document.send
        self._flow = plan.flow
        self._retry = plan.retry
        self._storage = storage
        self._stop = stop
        self._tell = tell

    def errors(self, body: bytes, rules: Rules) -> tuple[ErrorReport, ...]:
        """Return what of a document no file may have: text that a spreadsheet would run."""
        if not WRITTEN[self._send.format].holds_cells or self._send.formulas == "keep":
            return ()
        return tuple(
            rules.report(
                codes.FORMULA, _RUNS, written_name(name), value[:_SHOWN], self.document.name
            )
            for name, value in read_body(body).items()
            if isinstance(value, str) and _FORMULA.match(value)
        )

    def content(self, bodies: Iterable[bytes]) -> bytes:
        """Return the file of some documents, in their order."""
        if not WRITTEN[self._send.format].holds_cells:
            return b"".join(b"%s\n" % body for body in bodies)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._send.delimiter, lineterminator="\r\n")
        writer.writerow(self._send.columns)
        writer.writerows(_cells(read_body(body), self._send.columns) for body in bodies)
        return text.getvalue().encode()

    def name(self, at: float, part: str) -> str:
        """Return what a file is called that is begun at a time (since 1970); no other has `part`.

        The names of a flow sort as their times.
        """
        moment = datetime.fromtimestamp(at, UTC)
        values = {
            "flow": self._flow,
            "date": f"{moment:%Y%m%d}",
            "moment": f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}Z",
            "part": part,
        }
        return _HOLE.sub(lambda hole: values[hole[1]], self._send.name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file where nobody looks for it; see `Storage`. Raises FilesFailed, Stopping."""
        self._persist(lambda: self._storage.write(self._send.folder, name, content))

    def publish(self, name: str) -> None:
        """Give a file that is written its name; see `Storage`. Raises FilesFailed, Stopping."""
        self._persist(lambda: self._storage.publish(self._send.folder, name))

    def discard(self, name: str) -> None:
        """Remove what is written of a file; see `Storage`. Raises FilesFailed, Stopping."""
        self._persist(lambda: self._storage.discard(self._send.folder, name))

    def _persist(self, make: Callable[[], None]) -> None:
        """Do something until it succeeds, fails for good, or the plan's attempts are over."""
        for attempt in count(1):
            try:
                return make()
            except StorageFailed as failed:
                facts = {"path": self._send.folder, "reason": failed.message}
                self._tell(TechnicalEvent("request failed", "warning", facts))
                if not failed.may_pass or attempt >= self._retry.attempts:
                    raise FilesFailed(failed.message, failed.help) from None
            if self._stop.wait(pause_after(self._retry, attempt)):
                raise Stopping
        raise AssertionError("the last attempt returns or raises")


def _cells(part: Mapping[str, object], columns: Sequence[str]) -> list[str]:
    return [_cell(part.get(name)) for name in columns]


def _cell(value: object) -> str:
    """Return a value as the text of a cell, every digit of it; what is empty is no text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)
