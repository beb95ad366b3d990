"""A disk that is full under what a run writes: told, and made good by the next run."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import MAPGEN, environment, mapgen
from tests.cli.test_run import CREATED, FIRST, FLOW, ORDERS, Tenant, counts, run, tenant, words
from tests.depth import examples

pytestmark = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no device that is always full"
)


MOST = 64 * 1024 * 1024
# In a log: more than what is reported records that are not sent, however early that is.
ROOM = 16_000


def run_limited(
    workspace: Path, on: Tenant, most: int, *more: str
) -> subprocess.CompletedProcess[bytes]:
    return _limited(words(*more), workspace, most, **on.variables)


def _limited(
    arguments: list[str], workspace: Path, most: int, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command where no file can grow beyond so many bytes."""
    done = subprocess.run(
        [*MAPGEN, *arguments],
        cwd=workspace,
        # What Python has compiled would be cut off, too, and not be read by anybody any more.
        env=environment(**variables, PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"internal error" not in done.stderr, done.stderr
    return done


def assert_made_good(workspace: Path, on: Tenant, *more: str) -> None:
    """Assert that a run with room delivers the rest, and nothing twice."""
    again = run(workspace, on, *more)

    found = counts(again.stdout)
    assert again.returncode == 1  # the samples hold records that are rejected
    assert found["read"] == FIRST["read"]
    assert found["created"] + found["already_exists"] == CREATED + FIRST["already_exists"]
    assert len(set(on.references())) == len(on.references()) == CREATED


def test_full_under_the_log_from_the_start(workspace: Path) -> None:
    """Without room for its first event a run makes no request."""
    with tenant() as on:
        found = run(workspace, on, "--log", "/dev/full")

        assert found.returncode == 1
        assert "R507" in found.stderr
        assert "the log `/dev/full` cannot be written: no space left on device" in found.stderr
        assert on.references() == []
        assert_made_good(workspace, on)


def test_full_amid_the_log(workspace: Path) -> None:
    """A log that breaks off amid a line is reported, and goes on at a line of its own."""
    log = workspace / "events.jsonl"
    with log.open("wb") as stream:
        stream.seek(MOST - ROOM - 1)
        stream.write(b"\n")
    with tenant() as on:
        limited = run_limited(workspace, on, MOST, "--log", str(log))

        assert limited.returncode == 1
        assert b"R507" in limited.stderr
        assert b"the log `" in limited.stderr
        assert log.stat().st_size == MOST
        delivered = len(on.references())
        assert delivered > 0
        assert json.loads(limited.stdout)["created"] == delivered
        assert_made_good(workspace, on, "--log", str(log))
    with log.open("rb") as stream:
        stream.seek(MOST - ROOM)
        lines = stream.read().split(b"\n")
    assert lines.pop() == b""
    assert sum(not _is_json(line) for line in lines) == 1


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("most", [4_096, 300_000, 100_000, 600_000][: examples(1)])
def test_full_under_the_ledger(most: int, workspace: Path) -> None:
    """A ledger that cannot grow ends the run with the next step; nothing is lost or doubled."""
    with tenant() as on:
        limited = run_limited(workspace, on, most)

        assert limited.returncode == 1
        assert b"R505" in limited.stderr
        assert b"see that the disk has room" in limited.stderr
        assert_made_good(workspace, on)


def test_full_under_the_rejects(workspace: Path) -> None:
    """Rejects that cannot be written are reported; those of an earlier run stay, whole."""
    rejects = workspace / "rejects.jsonl"
    rejects.write_text('{"earlier": 1}\n')
    given = ["transform", FLOW, "--input", str(ORDERS), "--env", "local", "--sample-lookups"]
    to_device = mapgen(*given, "--rejects", "/dev/full", "--output", "/dev/null", cwd=workspace)
    limited = _limited([*given, "--force", "--rejects", str(rejects), "--output", "/dev/null"],
                       workspace, 4_096)  # fmt: skip

    assert (to_device.returncode, limited.returncode) == (1, 1)
    assert "E510" in to_device.stderr
    assert b"E510" in limited.stderr
    assert rejects.read_text() == '{"earlier": 1}\n'
    assert not list(workspace.glob(".*.mapgen"))
