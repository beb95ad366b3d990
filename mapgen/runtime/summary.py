"""What a run comes to, as data: counts, reasons, and a bounded choice of records in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mapgen.runtime.outcome import ErrorReport

Kind = Literal["skipped", "rejected", "deferred", "dead_lettered", "differing", "warned"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why records found no way into the tenant, or have a warning, and how many do.

    `words` is `CODE target` of an error, without row numbers, or the reason of a skip; `example` is
    the first of the records.
    """

    kind: Kind
    words: str
    count: int
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A record that found no way into the tenant, or has warnings: personal values are masked."""

    kind: Kind
    source: str
    faults: tuple[ErrorReport, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the records of a run.

    `read` counts records, `made` what they gave: documents, steps after them (`done` counts those),
    rejections, skips. `made` equals the
    sum of the counts where no earlier run left work in the ledger; `differing` counts apart, of the
    created and the updated, those that the ERP did not save as they were sent, and `warnings` the
    records that gave documents and do not keep to a check that warns. The first records of
    each kind that found no way are in `shown`; `reasons` counts them all, the commonest first (past
    200 reasons, the rest together). `withdrawn` counts documents of earlier runs that left the
    queue since their records do not give them any more. `open` counts what earlier runs left
    without an end, the oldest of it since `open_since` (seconds since 1970); `outdated` of them lie
    in the queue and were made by other rules than those of today. `run` is what the ledger calls
    the run.
    """

    flow: str
    read: int
    skipped: int
    rejected: int
    created: int
    already_exists: int
    dead_lettered: int
    deferred: int
    updated: int = 0
    unchanged: int = 0
    differing: int = 0
    made: int = 0
    withdrawn: int = 0
    open: int = 0
    open_since: float | None = None
    outdated: int = 0
    warnings: int = 0
    done: int = 0
    reasons: tuple[Reason, ...] = ()
    shown: tuple[Shown, ...] = ()
    run: str | None = None

    @property
    def left(self) -> int:
        """How much of what was read has not found its end: the run broke off."""
        ends = (self.skipped, self.rejected, self.created, self.updated, self.already_exists)
        others = self.unchanged + self.dead_lettered + self.deferred + self.done
        return max(0, self.made - sum(ends) - others)

    def counts(self) -> dict[str, str | int | None]:
        """Return flow and counts, in the order in which machines are given them."""
        return {
            "flow": self.flow,
            "read": self.read,
            "skipped": self.skipped,
            "rejected": self.rejected,
            "created": self.created,
            "updated": self.updated,
            "already_exists": self.already_exists,
            "unchanged": self.unchanged,
            "dead_lettered": self.dead_lettered,
            "deferred": self.deferred,
            "differing": self.differing,
            "withdrawn": self.withdrawn,
            "open": self.open,
            "open_since": instant_of(self.open_since),
            "outdated": self.outdated,
            "warnings": self.warnings,
            "done": self.done,
        }


def instant_of(seconds: float | None) -> str | None:
    """Return seconds since 1970 as an instant in UTC, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
