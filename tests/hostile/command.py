"""A command of mapgen, run in this process as at a terminal."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest import mock

from mapgen.cli import main

CODES = frozenset({0, 1, 2, 3, 4})
"""How a command may end: anything but by a bug of its own."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class _Bytes(io.BytesIO):
    """What is below a stream that takes itself for a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


class _Screen(io.TextIOWrapper):
    """A stream that takes itself for a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.bytes = _Bytes(is_terminal=is_terminal)
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    @property
    def shown(self) -> str:
        return self.bytes.getvalue().decode()


@contextlib.contextmanager
def _as_process(words: tuple[str, ...], folder: Path) -> Iterator[None]:
    """Do as a process of its own would: its words, its folder, its garbage."""
    before = os.getcwd()
    signals = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    generated = _generated_modules()
    with mock.patch.object(sys, "argv", ["mapgen", *words]):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            for one, handler in signals.items():
                signal.signal(one, handler)
            gc.unfreeze()
            gc.enable()
            for name in _generated_modules():
                del sys.modules[name]
            # Those of other tests of this process are looked into when their types are asked for.
            sys.modules.update(generated)


def _generated_modules() -> dict[str, ModuleType]:
    return {name: one for name, one in sys.modules.items() if name.startswith("mapgen_generated_")}


def run(
    folder: Path, *words: str, is_terminal: bool = True, variables: Mapping[str, str] | None = None
) -> Ended:
    """Run a command in a folder.

    A terminal shows no colours here, so that whatever steers it came with a text.
    """
    out, err = _Screen(is_terminal=is_terminal), _Screen(is_terminal=is_terminal)
    plain = {"NO_COLOR": "1", "TERM": "dumb", "MAPGEN_TRACEBACK": "1", **(variables or {})}
    code = 0
    with (
        mock.patch.dict(os.environ, plain),
        mock.patch("click.utils.should_strip_ansi", return_value=False),
        mock.patch("click.style", lambda text, **_: str(text)),
        _as_process(words, folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    return Ended(code, out.shown, err.shown)
