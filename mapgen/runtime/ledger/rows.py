"""What goes into the ledger and comes out of it, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from mapgen.runtime.outcome import FaultReport

End = Literal["sent", "rejected", "dead", "waiting"]
Arrival = Literal["created", "already there", "updated"]
Keys = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Staged:
    """What became of a batch of outcomes when the ledger took it over.

    By their index in the batch: `staged` documents are new in the queue; `already_there` were sent
    before (with the number that the ERP gave, where it is known) or stand in the same input twice;
    `unchanged` are updates to a state that was sent before, or that a later one of the same run
    replaces before it is sent; `met` are older work, in the queue, in hand, or just finished by
    this run: not counted here.
    """

    staged: tuple[int, ...]
    already_there: Mapping[int, str | None]
    unchanged: Mapping[int, str | None]
    met: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """A document that a claimed one needs, and the keys that the ERP gave it, where known."""

    document: str
    identity: str
    keys: Keys | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A document that one worker has taken in hand, its intent committed.

    `attempts` counts the earlier requests whose effect stayed unknown, `held_since` is a moment
    before the intent, in seconds of this machine's `uptime`.
    """

    row: int
    token: str
    document: str
    identity: str
    source: str
    body: bytes
    attempts: int
    held_since: float
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The end that a claimed document came to; `keys` are those that the ERP gave it."""

    claim: Claim
    end: End
    number: str | None = None
    arrival: Arrival = "created"
    keys: Keys | None = None
    reason: str | None = None
    faults: tuple[FaultReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A document that waits, since one that it needs found no way into the ERP."""

    source: str
    faults: tuple[FaultReport, ...]


class NextHead(msgspec.Struct, frozen=True):
    """What belongs to a newer body that waits for the older one to come to its end."""

    subject: str
    source: str
    reader: str
    digest: str
    needs: tuple[tuple[str, str], ...]


def digest_of(body: bytes) -> str:
    """Return what tells one body from another."""
    return hashlib.sha256(body).hexdigest()


def encode_keys(keys: Keys | None) -> str | None:
    """Return the keys as JSON text."""
    return None if keys is None else msgspec.json.encode(keys).decode()


def decode_keys(words: str | None) -> Keys | None:
    """Return the keys of JSON text."""
    return None if words is None else msgspec.json.decode(words, type=dict[str, str])


def encode_faults(faults: Sequence[FaultReport]) -> str | None:
    """Return the faults as JSON text, None for none."""
    return msgspec.json.encode(list(faults)).decode() if faults else None
