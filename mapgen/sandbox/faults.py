"""Faults on purpose: `drop@PUT:SalesOrder:3` in; which request meets which trouble, out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from mapgen.report import Stopped
from mapgen.report.catalogue import sandbox as catalogue

Kind: TypeAlias = Literal[
    "refuse",
    "drop",
    "slow",
    "slow-answer",
    "deadlock",
    "conflict",
    "deadlock-after",
    "conflict-after",
    "throttle",
    "unavailable",
    "redirect",
    "sign-out",
]
"""What can go wrong.

Before the request is worked on, so that nothing is saved: `refuse` closes the connection, `slow`
waits, `deadlock` and `conflict` answer 500, `throttle` 429, `unavailable` 503 with a web page,
`redirect` 302 to the error page, `sign-out` ends the session and answers 401. After the work is
committed: `drop` closes the connection without an answer, `slow-answer` waits, `deadlock-after`
and `conflict-after` answer 500 all the same.
"""
_TIMED = ("slow", "slow-answer")
_SPEC = re.compile(
    r"(?P<kind>[a-z-]+)(=(?P<value>[^@]*))?@(?P<method>[^:]+):(?P<target>[^:]+):(?P<which>.+)"
)
_WHICH = re.compile(r"every (?P<step>\d+)|(?P<first>\d+)-(?P<last>\d+)|\d+(,\d+)*|all")


@dataclass(frozen=True, slots=True)
class Fault:
    """A trouble for the requests of a method and target that `is_due`, counted from 1.

    `target` is an entity, `Entity/Action`, `token`, `login` or `logout`; `*` stands for any.
    `seconds` is the wait of the slow kinds.
    """

    kind: Kind
    method: str
    target: str
    is_due: Callable[[int], bool]
    seconds: float = 0.0


def read_fault(words: str, path: str | None = None) -> Fault:
    """Return the fault that `KIND[=SECONDS]@METHOD:TARGET:WHICH` describes.

    WHICH is `3`, `3,7`, `5-8`, `every 10` or `all`. Raises Stopped (E524) for anything else.
    """
    match = _SPEC.fullmatch(words.strip())
    if match is None:
        raise Stopped([catalogue.unreadable_fault(words, "it has not that form", path)])
    kind = next((kind for kind in get_args(Kind) if kind == match["kind"]), None)
    if kind is None:
        known = ", ".join(f"`{kind}`" for kind in get_args(Kind))
        raise Stopped([catalogue.unreadable_fault(words, f"its kind is none of {known}", path)])
    try:
        seconds = float(match["value"]) if match["value"] is not None else 0.0
    except ValueError:
        raise Stopped([catalogue.unreadable_fault(words, "its value is no number", path)]) from None
    if (kind in _TIMED) != (match["value"] is not None):
        raise Stopped(
            [catalogue.unreadable_fault(words, "`slow` and `slow-answer` have seconds", path)]
        )
    is_due = _read_which(match["which"])
    if is_due is None:
        reason = "which requests is `3`, `3,7`, `5-8`, `every 10` or `all`"
        raise Stopped([catalogue.unreadable_fault(words, reason, path)])
    return Fault(kind, match["method"].upper(), match["target"], is_due, seconds)


def read_faults(text: str, path: str) -> tuple[Fault, ...]:
    """Return the faults of a file: one a line, `#` starts a comment."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(read_fault(line, path) for line in lines if line)


def _read_which(words: str) -> Callable[[int], bool] | None:
    match = _WHICH.fullmatch(words.strip())
    if match is None or match["step"] == "0":
        return None
    if match["step"] is not None:
        step = int(match["step"])
        return lambda number: number % step == 0
    if match["first"] is not None:
        span = range(int(match["first"]), int(match["last"]) + 1)
        return lambda number: number in span
    if words.strip() == "all":
        return lambda _: True
    numbers = {int(number) for number in words.split(",")}
    return lambda number: number in numbers


class Trouble:
    """Counts the requests of each fault and says which of them is due. The first due one wins."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._seen: Counter[int] = Counter()

    def due(self, method: str, target: str) -> Fault | None:
        met = None
        for at, fault in enumerate(self._faults):
            if fault.method not in ("*", method) or not fnmatchcase(target, fault.target):
                continue
            self._seen[at] += 1
            if met is None and fault.is_due(self._seen[at]):
                met = fault
        return met
