"""What a run comes to, as data: counts, reasons, and a bounded choice of records in full."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

from mapgen.runtime.outcome import ErrorReport

Kind = Literal["skipped", "rejected", "deferred", "dead_lettered", "differing", "warned"]


class Reason(Struct, frozen=True):
    """One reason why records found no way into the tenant, or have a warning, and how many do.

    `words` is `CODE target` of an error, without row numbers, or the reason of a skip; `example` is
    the first of the records.
    """

    kind: Kind
    words: str
    count: int
    example: str | None = None


class Shown(Struct, frozen=True):
    """A record that found no way into the tenant, or has warnings: personal values are masked."""

    kind: Kind
    source: str
    errors: tuple[ErrorReport, ...]
    reason: str | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """How many records a run has read, and what became of them so far.

    `made` counts what the records gave: documents, steps after them (`done` counts those),
    rejections, skips.
    """

    read: int = 0
    made: int = 0
    skipped: int = 0
    rejected: int = 0
    created: int = 0
    updated: int = 0
    already_exists: int = 0
    unchanged: int = 0
    dead_lettered: int = 0
    deferred: int = 0
    done: int = 0

    @property
    def ended(self) -> int:
        """How much of what was made has found its end."""
        out = self.skipped + self.rejected + self.dead_lettered + self.deferred
        there = self.created + self.updated + self.already_exists + self.unchanged
        return out + there + self.done

    @property
    def finished(self) -> int:
        """How many records have found their end; a share of them where some give several."""
        is_one_each = self.made == self.read
        return self.ended if is_one_each else self.ended * self.read // max(1, self.made)


class Summary(Counts, frozen=True, kw_only=True):
    """What became of the records of a run.

    `made` equals the sum of the counts where no earlier run left work in the ledger; `differing`
    counts apart, of the created and the updated, those that the ERP did not save as they were sent,
    and `warnings` the records that gave documents and do not honour a check that warns. The first
    records of each kind that found no way are in `shown`; `reasons` counts them all, the commonest
    first (past 200 reasons, the rest together). `withdrawn` counts documents of earlier runs that
    left the queue since their records do not give them any more. `open` counts what earlier runs
    left without an end, the oldest of it since `open_since` (seconds since 1970); `outdated` of
    them lie in the queue and were made by other rules than those of today. `run` is what the ledger
    calls the run.
    """

    flow: str
    differing: int = 0
    withdrawn: int = 0
    open: int = 0
    open_since: float | None = None
    outdated: int = 0
    warnings: int = 0
    reasons: tuple[Reason, ...] = ()
    shown: tuple[Shown, ...] = ()
    run: str | None = None

    @property
    def left(self) -> int:
        """How much of what was read has not found its end: the run broke off."""
        return max(0, self.made - self.ended)

    def counts(self) -> dict[str, str | int | None]:
        """Return flow and counts, in the order in which machines are given them."""
        return plain_facts(self, *_TOLD)


_TOLD = (
    "flow", "read", "skipped", "rejected", "created", "updated", "already_exists", "unchanged",
    "dead_lettered", "deferred", "differing", "withdrawn", "open", "open_since", "outdated",
    "warnings", "done",
)  # fmt: skip


def instant_of(seconds: float | None) -> str | None:
    """Return seconds since 1970 as an instant in UTC, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_facts(one: Any, *names: str) -> dict[str, Any]:
    """Return facts as plain data, by name; moments are texts in UTC.

    What is not of this one itself is of its book: the flow, the tenant, the address.
    """
    return {name: _fact(one if hasattr(one, name) else one.of, name) for name in names}


def _fact(one: object, name: str) -> Any:
    value = getattr(one, name)
    return instant_of(value) if name.endswith(("_at", "since")) or name == "last_sent" else value
