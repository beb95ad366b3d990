"""What goes into the ledger and comes out of it, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from mapgen.runtime.outcome import FaultReport

End = Literal["sent", "rejected", "dead", "waiting"]


@dataclass(frozen=True, slots=True)
class Staged:
    """What became of a batch of records when the ledger took it over.

    By their index in the batch: `staged` documents are new in the queue; `already_there` were sent
    before (with the number that the ERP gave, where it is known) or stand in the same input twice;
    `met` are older work, in the queue, in hand, or just finished by this run: not counted here.
    """

    staged: tuple[int, ...]
    already_there: Mapping[int, str | None]
    met: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A document that one worker has taken in hand, its intent committed.

    `attempts` counts the earlier requests whose effect stayed unknown, `intent_at` is the moment
    of the intent on the ledger's clock, in seconds.
    """

    row: int
    token: str
    identity: str
    source: str
    body: bytes
    attempts: int
    intent_at: float


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The end that a claimed document came to."""

    claim: Claim
    end: End
    number: str | None = None
    was_there: bool = False
    reason: str | None = None
    faults: tuple[FaultReport, ...] = ()


def encode_faults(faults: Sequence[FaultReport]) -> str | None:
    """Return the faults as JSON text, None for none."""
    return msgspec.json.encode(list(faults)).decode() if faults else None
