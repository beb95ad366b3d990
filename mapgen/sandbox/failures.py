"""Injected failures: reads `drop@PUT:SalesOrder:3`, and counts which request fails how."""

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
    "no-effect",
    "fails-later",
]
"""What can go wrong.

Before the request is worked on, so that nothing is saved: `refuse` closes the connection, `slow`
waits, `deadlock` and `conflict` answer 500, `throttle` 429, `unavailable` 503 with a web page,
`redirect` 302 to the error page, `sign-out` ends the session and answers 401. After the work is
committed: `drop` closes the connection without an answer, `slow-answer` waits, `deadlock-after`
and `conflict-after` answer 500 all the same. Of actions: `no-effect` answers 204 and does nothing,
`fails-later` accepts one that takes long, and its state tells that it failed.
"""
_TIMED = ("slow", "slow-answer")
_SPEC = re.compile(
    r"(?P<kind>[a-z-]+)(=(?P<seconds>\d+(\.\d+)?))?"
    r"@(?P<method>[^:]+):(?P<target>[^:]+):(?P<which>.+)"
)
_WHICH = re.compile(r"every (?P<step>[1-9]\d*)|\d+(-\d+)?(,\d+(-\d+)?)*|all")


@dataclass(frozen=True, slots=True)
class InjectedFailure:
    """A failure for the requests of a method and target that `is_due`, counted from 1.

    `target` is an entity, `Entity/Action`, `token` or `logout`; `*` is any.
    `seconds` is the wait of the slow kinds.
    """

    kind: Kind
    method: str
    target: str
    is_due: Callable[[int], bool]
    seconds: float = 0.0


def read_failure(words: str, path: str | None = None) -> InjectedFailure:
    """Return the failure that `KIND[=SECONDS]@METHOD:TARGET:WHICH` describes.

    WHICH is `3`, `3,7`, `5-8`, `every 10` or `all`. Raises Stopped (E524) for anything else.
    """
    match = _SPEC.fullmatch(words.strip())
    kinds: tuple[Kind, ...] = get_args(Kind)
    kind = next((kind for kind in kinds if match is not None and kind == match["kind"]), None)
    is_due = None if match is None else _read_which(match["which"].strip())
    if match is None:
        reason = "invalid format"
    elif kind is None:
        reason = f"its kind is not one of `{'`, `'.join(kinds)}`"
    elif (kind in _TIMED) != (match["seconds"] is not None):
        reason = "`slow` and `slow-answer` have seconds, and no other kind has"
    elif is_due is None:
        reason = "which requests is `3`, `3,7`, `5-8`, `every 10` or `all`"
    else:
        seconds = float(match["seconds"] or 0)
        return InjectedFailure(kind, match["method"].upper(), match["target"], is_due, seconds)
    raise Stopped([catalogue.unreadable_failure(words=words, reason=reason, path=path)])


def read_failures(text: str, path: str) -> tuple[InjectedFailure, ...]:
    """Return the failures of a file: one a line, `#` starts a comment."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(read_failure(line, path) for line in lines if line)


def _read_which(words: str) -> Callable[[int], bool] | None:
    match = _WHICH.fullmatch(words)
    if match is None:
        return None
    step = 1 if words == "all" else int(match["step"] or 0)
    if step:
        return lambda number: number % step == 0
    spans = [part.partition("-") for part in words.split(",")]
    return lambda number: any(
        int(first) <= number <= int(last or first) for first, _, last in spans
    )


class Injector:
    """Counts the requests of each failure and says which is due. The first due one wins."""

    def __init__(self, failures: Iterable[InjectedFailure]) -> None:
        self._failures = tuple(failures)
        self._seen: Counter[int] = Counter()

    def due(self, method: str, target: str) -> InjectedFailure | None:
        met = None
        for at, failure in enumerate(self._failures):
            if failure.method not in ("*", method) or not fnmatchcase(target, failure.target):
                continue
            self._seen[at] += 1
            if met is None and failure.is_due(self._seen[at]):
                met = failure
        return met
