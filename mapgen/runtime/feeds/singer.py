"""A feed of a Singer tap: a program that writes RECORD, SCHEMA and STATE messages, a line each.

Source: the Singer specification, https://github.com/singer-io/getting-started/blob/master/docs/SPEC.md.
Records and states are cut out of their lines as they are there: no number is read. A STATE covers
the records before it, so it is the cursor of their page; records of a tap that says none for long
come in pages without a cursor, and are read again if it dies.
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from mapgen.agreed.feeds import TapFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.feeds.kind import Cursor, Page, Ways

ALLOWED = "MAPGEN_TAPS"
"""The variable in which an operator names the programs that feeds may run."""

_AT_ONCE = 1 << 20
_LOOK = 0.2
_GRACE = 5.0
_AHEAD = 1000
_LEVEL = re.compile(rb"\b(CRITICAL|ERROR|WARNING)\b")


class _Message(msgspec.Struct):
    type: str
    stream: str | None = None
    record: msgspec.Raw = msgspec.Raw()
    value: msgspec.Raw = msgspec.Raw()


_DECODER = msgspec.json.Decoder(_Message)


class SingerTap(Struct, frozen=True):
    """The records of one stream of a tap, run in a folder."""

    feed: TapFeed
    folder: Path
    tell: Callable[[TechnicalEvent], None]
    drain: threading.Event

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield the records up to each STATE. Raises FeedFailed, once what came is taken."""
        self._check_allowed()
        lines: list[bytes] = []
        has_schema = False
        with self._running(cursor) as tap:
            for line in self._lines(tap):
                message = self._message(line)
                is_ours = message.stream == self.feed.stream
                if message.type == "SCHEMA" and is_ours:
                    has_schema = True
                elif message.type == "RECORD" and is_ours:
                    if not bytes(message.record) or not has_schema:
                        raise self._failed("wrote a record before its SCHEMA, or without content")
                    lines.append(bytes(message.record) + b"\n")
                    if len(lines) == _AHEAD or len(lines[-1]) > _AT_ONCE:
                        yield self._page(lines, None)
                        lines = []
                elif message.type == "STATE" and bytes(message.value):
                    yield self._page(lines, bytes(message.value).decode())
                    lines = []
            if lines:
                yield self._page(lines, None)
            if not self.drain.is_set() and (status := tap.wait()):
                raise self._failed(f"ended with exit status {status}")

    def _page(self, lines: list[bytes], cursor: Cursor | None) -> Page:
        content = b"".join(lines)
        place = f"{self.feed.stream} {hashlib.sha256(content).hexdigest()[:12]}.jsonl"
        return Page(io.BytesIO(content), place, cursor)

    def _message(self, line: bytes) -> _Message:
        try:
            return _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._failed("wrote a line that is no message of Singer") from None

    def _failed(self, what: str) -> FeedFailed:
        return FeedFailed(
            f"the tap `{self.feed.command[0]}` {what}",
            "run it by hand in the workspace to see what it says; the next run asks it again",
        )

    def _check_allowed(self) -> None:
        """Raise FeedFailed for a program that no operator has allowed: specs run nothing."""
        program = self.feed.command[0]
        if program not in os.environ.get(ALLOWED, "").split(","):
            raise FeedFailed(
                f"the feed runs the program `{program}`, which nobody has allowed",
                f"set {ALLOWED}={program} for the process, several with a comma between",
            )

    @contextmanager
    def _running(self, cursor: Cursor | None) -> Iterator[subprocess.Popen[bytes]]:
        """Run the tap until the block ends, and no longer."""
        with tempfile.TemporaryDirectory() as folder:
            words = list(self.feed.command)
            if cursor is not None:
                state = Path(folder) / "state.json"
                state.write_text(cursor, encoding="utf-8")
                words += ["--state", str(state)]
            try:
                tap = subprocess.Popen(
                    words,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._failed(f"cannot be started: {error.strerror}") from None
            assert tap.stderr is not None
            threading.Thread(target=self._listen, args=(tap.stderr,), daemon=True).start()
            try:
                yield tap
            finally:
                _end(tap)

    def _listen(self, stderr: BinaryIO) -> None:
        """Tell how much the tap complains; its words may hold secrets, and stay with it."""
        with suppress(ValueError, OSError):
            for line in stderr:
                if found := _LEVEL.search(line):
                    facts = {"tap": self.feed.command[0], "level_of_tap": found[1].decode()}
                    self.tell(TechnicalEvent("a tap complains", "warning", facts))

    def _lines(self, tap: subprocess.Popen[bytes]) -> Iterator[bytes]:
        """Yield the lines of a tap; ends with it, and once the run is to end."""
        found: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        is_over = threading.Event()
        threading.Thread(target=_fill, args=(tap, found, is_over), daemon=True).start()
        heard = time.monotonic()
        try:
            while not self.drain.is_set():
                try:
                    line = found.get(timeout=_LOOK)
                except queue.Empty:
                    if time.monotonic() - heard > self.feed.timeout:
                        raise self._failed(f"said nothing for {self.feed.timeout:g} s") from None
                    continue
                if line is None:
                    return
                yield line
                heard = time.monotonic()
        finally:
            is_over.set()


def _fill(
    tap: subprocess.Popen[bytes], found: queue.Queue[bytes | None], is_over: threading.Event
) -> None:
    """Put the lines of a tap into a queue, and None behind them, until nobody wants them."""
    assert tap.stdout is not None
    with suppress(ValueError, OSError):
        for line in tap.stdout:
            _put(line, found, is_over)
    _put(None, found, is_over)


def _put(line: bytes | None, found: queue.Queue[bytes | None], is_over: threading.Event) -> None:
    while not is_over.is_set():
        with suppress(queue.Full):
            found.put(line, timeout=_LOOK)
            return


def _end(tap: subprocess.Popen[bytes]) -> None:
    """End a tap and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if tap.poll() is not None:
            break
        with suppress(ProcessLookupError):
            os.killpg(tap.pid, number)
        with suppress(subprocess.TimeoutExpired):
            tap.wait(_GRACE)
