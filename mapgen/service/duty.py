"""What a process does beside its flows, in a thread of its own, until it is stopped."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self

_GRACE = 30.0


class Duty(ABC):
    """Something that is looked at again and again: inside a `with`, in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(_GRACE)

    @abstractmethod
    def _run(self) -> None:
        """Look again and again until it is over."""
