"""The commands that a user starts, as real processes; what they print goes to files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "specs" / "shopify" / "samples"
HTTP = httpx2.Client(timeout=10, limits=httpx2.Limits(max_keepalive_connections=0))
"""Asks all of them; who is killed and started again finds no connection left open."""
MAPGEN = (sys.executable, "-c", "from mapgen.cli import main; main()")


class Failed(Exception):
    """A command that did not do what it is there for; the message says which, and what it said."""


@dataclass
class Processes:
    """What runs in a folder, and the variables that lead to it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str | Path, until: Callable[[], bool]) -> None:
        """Start `mapgen` with arguments, and wait until something is so."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [*MAPGEN, *map(str, arguments)]
            environment = {**os.environ, "NO_COLOR": "1", **self.variables}
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.running[name] = process
        wait_for(lambda: process.poll() is not None or until(), f"{name} does not answer")
        if process.poll() is not None:
            raise Failed(f"{name} has ended: {(self.folder / f'{name}.log').read_text()[-500:]}")

    def kill(self, name: str) -> None:
        """Kill a process as a machine that dies does."""
        self._end(name, signal.SIGKILL)

    def end(self, name: str) -> int:
        """Ask a process to end, and return its exit code."""
        return self._end(name, signal.SIGTERM)

    def close(self) -> None:
        """End what still runs."""
        for name in list(self.running):
            self.kill(name)

    def ask(self, *arguments: str) -> str:
        """Run a command to its end; return what it says. Raises Failed where it fails."""
        done = subprocess.run(
            [*MAPGEN, *arguments], cwd=ROOT, env={**os.environ, "NO_COLOR": "1"},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"mapgen {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def _end(self, name: str, how: int) -> int:
        process = self.running.pop(name)
        process.send_signal(how)
        return process.wait(60)


def announced(path: Path) -> Mapping[str, str]:
    """Return the variables that a sandbox has written into its file."""
    found: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))["environment"]
    return found


def answers(url: str) -> bool:
    """Whether an address answers, and with 200."""
    try:
        return HTTP.get(url).status_code == 200
    except httpx2.HTTPError:
        return False


def wait_for(condition: Callable[[], bool], failing: str, seconds: float = 120) -> None:
    """Wait until something is so. Raises Failed, saying what has not happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(failing)
        time.sleep(0.05)


def free_port(wanted: int = 0) -> int:
    """Return a port that nobody listens at: the one that is wanted, if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        port: int = probe.getsockname()[1]
        return port
