"""All flows of a workspace at work in one process, until it is asked to end."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterable, Mapping

from mapgen.service.loop import Around, Cycled, Loop
from mapgen.service.reception import Reception, Sender, Taker

_GRACE = 30.0
_WAKES = 0.5


def holder() -> str:
    """Return what others know this process by."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Service(Reception):
    """The loops of all flows, and what arrives for them."""

    def __init__(
        self,
        flows: Iterable[Cycled],
        around: Around,
        senders: Iterable[Sender] = (),
        takers: Iterable[Taker] = (),
    ) -> None:
        super().__init__(around, senders, takers)
        self._around = around
        self._has_begun = False
        self.loops: Mapping[str, Loop] = {}
        for flow in flows:
            self.add(flow)

    def add(self, flow: Cycled) -> None:
        """Let a flow run, too; it begins with the others, or now."""
        loop = Loop(flow, self._around)
        with self._turn:
            self.loops = {**self.loops, flow.name: loop}
            if self._has_begun:
                loop.thread.start()

    def start(self) -> None:
        """Let the flows begin."""
        self.tell("service began", flows=len(self.loops))
        with self._turn:
            self._has_begun = True
            for loop in self.loops.values():
                loop.thread.start()

    def run(self, ended: threading.Event) -> None:
        """Let the flows run until `ended` is set; then let what is under way end."""
        self.start()
        try:
            # A signal may reach another thread; its handler runs here, once this one wakes.
            while not ended.wait(_WAKES):
                pass
        finally:
            self.stop()

    def stop(self) -> bool:
        """Let what is under way end, start nothing more; tell whether all ended in time."""
        self.drain.set()
        for loop in self.loops.values():
            loop.wake()
        for loop in self.loops.values():
            loop.thread.join(_GRACE)
        is_over = not any(loop.thread.is_alive() for loop in self.loops.values())
        self.tell("service ended", is_complete=is_over)
        return is_over

    def wake(self, flow: str) -> None:
        """Say that something has arrived for a flow."""
        if flow in self.loops:
            self.loops[flow].wake()

    @property
    def is_alive(self) -> bool:
        """Whether each loop goes on that has not been asked to end."""
        return self.drain.is_set() or all(one.thread.is_alive() for one in self.loops.values())
