"""What a run shows meanwhile: a bar on a terminal, lines elsewhere, and the log of events."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import click

from mapgen.cli.output import say
from mapgen.cli.telemetry import telemetry
from mapgen.disk.boundary import reason_of
from mapgen.disk.private import open_private
from mapgen.escaping import visible
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.runtime.aborted import LogFailed
from mapgen.runtime.events import Event, JsonLog, Observer, TechnicalEvent, Together
from mapgen.runtime.summary import Counts

_STEPS = 10
_EVERY = 500


class _Bar(Observer):
    """Shows on a terminal how many records have found their end."""

    def __init__(self, total: int) -> None:
        self._bar = click.progressbar(length=total, label="delivering", file=sys.stderr)
        self._shown = 0

    def on_progress(self, progress: Counts) -> None:
        """Move the bar."""
        self._bar.update(max(0, progress.finished - self._shown))
        self._shown = max(self._shown, progress.finished)

    def on_event(self, event: Event) -> None:
        """Say below the bar why it stands still; leave other events to the log."""
        if words := _state_of_the_tenant(event):
            say(f"\n{words}", err=True)

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.render_finish()


class _Lines(Observer):
    """Says in a line, about every tenth of the way, how many records have found their end."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._said = 0
        self._failing: dict[object, str] = {}

    def on_progress(self, progress: Counts) -> None:
        """Say a line when another tenth is done, or another 500 of nobody knows how many."""
        done = progress.finished
        steps = done // _EVERY if self._total is None else done * _STEPS // max(1, self._total)
        if steps > self._said:
            self._said = steps
            whole = "" if self._total is None else f" of {self._total}"
            say(f"delivering: {done}{whole} records", err=True)

    def on_event(self, event: Event) -> None:
        """Say why nothing is delivered; leave other events to the log."""
        if words := _state_of_the_tenant(event) or self._of_a_cycle(event):
            say(words, err=True)

    def _of_a_cycle(self, event: Event) -> str | None:
        """Return that a flow fails, once for each reason, and that it is well again."""
        match event:
            case TechnicalEvent(name="cycle failed", facts=facts):
                reported = [
                    f"{facts[name]}" for name in ("flow", "code", "message") if name in facts
                ]
                words = visible(": ".join(reported))
                if help := facts.get("help"):
                    words += "\n  help: " + visible(f"{help}")
                is_known = self._failing.get(facts["flow"]) == words
                self._failing[facts["flow"]] = words
                return None if is_known else words
            case TechnicalEvent(name="cycle recovered", facts=facts):
                self._failing.pop(facts["flow"], None)
                return f"{facts['flow']}: runs again"
            case _:
                return None

    def close(self) -> None:
        """Nothing is left to say."""


def _state_of_the_tenant(event: Event) -> str | None:
    """Return what somebody who waits has to know: that nothing will happen for a while."""
    match event:
        case TechnicalEvent(name="circuit opened", facts=facts):
            return f"the tenant does not answer; trying again every {facts['cool_down']:g} s"
        case TechnicalEvent(name="circuit closed"):
            return "the tenant answers again"
        case _:
            return None


_Kinds = Literal["business", "technical", "both"]


class _Log(Observer):
    """The events of a run as JSON lines at the end of a file."""

    def __init__(self, path: Path, kinds: _Kinds) -> None:
        """Open the file. Raises Stopped (E510)."""
        self._path = path
        self._is_lost = False
        try:
            ends_a_line = _ends_a_line(path)
            self._stream = open_private(path, "a")
        except OSError as error:
            raise Stopped(messages.cannot_write(path=str(path), reason=reason_of(error))) from None
        self._lines = JsonLog(
            business=None if kinds == "technical" else self._stream,
            technical=None if kinds == "business" else self._stream,
        )
        if not ends_a_line:  # an earlier run broke off amid a line, when the disk was full
            self._stream.write("\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # told when the event came
            self._stream.close()

    def on_event(self, event: Event) -> None:
        """Write a line. Raises LogFailed, once: after it nothing more is written."""
        if self._is_lost:
            return
        try:
            self._lines.on_event(event)
        except OSError as error:
            self._is_lost = True
            raise LogFailed(
                f"the log `{self._path}` cannot be written: {reason_of(error)}",
                "see that the disk has room, and run again; what was delivered is in the ledger",
            ) from None


def _ends_a_line(path: Path) -> bool:
    """Whether the next line of a file would be by itself, as far as it may be read."""
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return True
        with path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"
    except OSError:
        return True


@contextlib.contextmanager
def watching(
    total: int | None, log: Path | None, technical: Path | None = None
) -> Iterator[Observer]:
    """Watch a run over so many records; `log` gets its events as JSON lines.

    With `technical`, that file gets what the machinery does, and `log` the rest alone: what became
    of records, and where runs begin and end. Spans go where the environment says.

    The total is None where nobody knows it before the end.
    """
    shown = _Lines(total) if total is None or not sys.stderr.isatty() else _Bar(total)
    with contextlib.ExitStack() as files:
        files.enter_context(telemetry())
        files.callback(shown.close)
        observers: list[Observer] = [shown]
        if log is not None:
            kinds: _Kinds = "both" if technical is None else "business"
            observers.append(files.enter_context(_Log(log, kinds)))
        if technical is not None:
            observers.append(files.enter_context(_Log(technical, "technical")))
        yield Together(tuple(observers))
