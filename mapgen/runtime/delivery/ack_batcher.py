"""Acknowledgements are committed to the ledger in batches, and reported after that."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mapgen.runtime.ledger import Acknowledgement, Ledger

_MOST_ROWS = 50
_LONGEST_WAIT = 0.25


class AckBatcher:
    """Gathers ends and commits them: at 50, a quarter of a second after the first, or when asked.

    What dies before the commit is found in the target by its identity the next time, so a group
    costs one write to the disk and risks one look-up. A thread of its own keeps the time, since
    workers may be waiting for an answer for minutes.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: str,
        *,
        tell: Callable[[list[Acknowledgement]], None],
    ) -> None:
        """Take who keeps the ends, and who is told after each commit."""
        self._ledger = ledger
        self._run = run
        self._tell = tell
        self._state = threading.Condition()
        self._writing = threading.Lock()
        self._group: list[Acknowledgement] = []
        self._is_closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._keep_time, name="ack batcher", daemon=True)
        self._thread.start()

    def add(self, end: Acknowledgement) -> None:
        """Take an end; raises what an earlier commit of the thread raised."""
        with self._state:
            if self._failure is not None:
                raise self._failure
            self._group.append(end)
            is_full = len(self._group) >= _MOST_ROWS
            if len(self._group) == 1:
                self._state.notify()
        if is_full:
            self.flush()

    def close(self) -> None:
        """Commit what is left and end the thread; raises what the commit raises."""
        with self._state:
            self._is_closing = True
            self._state.notify_all()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        self.flush()

    def flush(self) -> None:
        """Commit what is there now."""
        with self._writing:
            with self._state:
                group, self._group = self._group, []
            if group:
                self._tell(self._ledger.acknowledge(self._run, group))

    def _keep_time(self) -> None:
        while True:
            with self._state:
                while not self._group and not self._is_closing:
                    self._state.wait()
                if self._is_closing:
                    return
                self._state.wait_for(lambda: self._is_closing, timeout=_LONGEST_WAIT)
            try:
                self.flush()
            except BaseException as failure:  # noqa: BLE001 - raised again where it is looked for
                with self._state:
                    self._failure = failure
                return
