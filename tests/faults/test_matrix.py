"""The small form of the fault matrix: the troubles that were hardest, each once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.faults.matrix import COUNT, Cell, tried, troubles, try_cell
from tests.runtime_delivery.processes import at_once

RIGHT = Cell(COUNT, COUNT, 0, 0, struck=True)
TROUBLES = dict(troubles())
CHOSEN = [
    ("deadlock, after saving", 1),
    ("lost race in French, after saving", 1),
    ("connection cut, saved late", 3),
    ("slow drip, after saving", 1),
    ("storm of 429", 1),
    ("tokens expire amid a batch", 1),
    ("SIGKILL sent, saved late", 3),
    ("SIGSTOP in hand, at the look-up", 3),
    ("SIGSTOP at acknowledge", 3),
    ("clock a day ahead", 3),
    ("inbox: SIGKILL at receive", 1),
    ("cursor: SIGSTOP at stage", 1),
    ("Singer: SIGKILL after stage", 1),
    ("steps: SIGKILL after claim", 3),
    ("HTTP: SIGKILL at acknowledge", 1),
    ("written: SIGKILL at note_whole", 1),
    ("written: SIGSTOP after note_whole", 3),
]


def test_nothing_lost_nothing_doubled(tmp_path: Path) -> None:
    """The troubles struck, and each order is in the tenant, once."""

    def scene(name: str, processes: int) -> None:
        cell = try_cell(TROUBLES[name], f"sqlite:///{tmp_path}/{name}.db", processes, tmp_path)

        assert cell.struck
        assert (cell.there, cell.lost, cell.doubled) == (COUNT, 0, 0)

    at_once({name: partial(scene, name, processes) for name, processes in CHOSEN})


def test_a_cell_that_raises() -> None:
    """It is a wrong cell, whose line says why, and no other is broken off."""

    def raising() -> Cell:
        raise AssertionError("a process does not end")

    assert [cell.is_right for cell in map(tried, (raising, lambda: RIGHT, raising))] == [
        False, True, False,
    ]  # fmt: skip
    assert str(tried(raising)) == "FAILED AssertionError: a process does not end"
