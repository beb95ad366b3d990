"""What `run` is asked for: its options, and which records of the input they choose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from mapgen.cli.output import say

if TYPE_CHECKING:
    from mapgen.runtime.outcome import Outcome


class Options(TypedDict):
    """What the command takes, by the names of its options."""

    flow: str
    source: Path
    env: str
    lookups: tuple[tuple[str, Path], ...]
    joins: tuple[tuple[str, Path], ...]
    state: str | None
    gate: str
    log: Path | None
    rejects: Path | None
    force: bool
    only: tuple[str, ...]
    dry_run: bool
    as_json: bool


def only(outcomes: Iterator[Outcome], keys: tuple[str, ...]) -> Iterator[Outcome]:
    """Yield the outcomes of records with these keys, of all where there are none."""
    if not keys:
        yield from outcomes
        return
    missing = set(keys)
    for outcome in outcomes:
        if outcome.origin.key in keys:
            missing.discard(outcome.origin.key)
            yield outcome
    for key in sorted(missing):
        say(f"--only: no record of the input has the key {key}", err=True)
