"""The data that the ledger takes and gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from mapgen.runtime.outcome import ErrorReport, Origin, Outcome

End = Literal["sent", "rejected", "dead_lettered", "deferred", "skipped"]
Arrival = Literal["created", "already exists", "updated", "done"]
Keys = Mapping[str, str]
Hold = tuple[int, str]
"""A row, and the token of who has it in hand."""


class Mark(msgspec.Struct, frozen=True):
    """That a page is staged whole: how far its feed is by that, and the rows of the inbox in it."""

    feed: str
    cursor: str | None = None
    inbox: tuple[int, ...] = ()


class Staged(msgspec.Struct, frozen=True):
    """What became of a batch of outcomes when the ledger took it over.

    `outcomes` are the batch as it was taken: a record with a document that would be treated as one
    of another record is a rejection in it. By their index in them: `staged` documents are new in
    the queue; `already_exists` were sent before (with the number that the ERP gave, where it is
    known) or are in the same input twice; `unchanged` are updates to a state that was sent
    before, or that a later one of the same run replaces before it is sent; `met` are older work, in
    the queue, in hand, or just finished by
    this run: not counted here. `withdrawn` counts documents of earlier runs that their records do
    not give any more.
    """

    outcomes: tuple[Outcome, ...]
    staged: tuple[int, ...]
    already_exists: Mapping[int, str | None]
    unchanged: Mapping[int, str | None]
    met: tuple[int, ...]
    withdrawn: int = 0


class Need(msgspec.Struct, frozen=True):
    """A document that a claimed one needs, and the keys that the ERP gave it, where known."""

    document: str
    identity: str
    keys: Keys | None


class Claim(msgspec.Struct, frozen=True):
    """A document that one worker has taken in hand, its intent committed.

    `attempts` counts the earlier requests whose effect stayed unknown, `held_since` is a moment
    before the intent, in seconds of this machine's `uptime`. What an earlier run had in hand may
    have been overtaken since: its record `is_withdrawn`, or its body `is_outdated`, made by other
    rules. Neither is sent, if it is not in the ERP. It `is_in_doubt` where a request with it may
    have been made, of which nobody knows what it came to. Where another worker has begun to write
    it into a `file`, it may be there under that name if it `is_whole`.
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
    is_withdrawn: bool = False
    is_outdated: bool = False
    is_in_doubt: bool = False
    file: str | None = None
    is_whole: bool = False
    branch: str | None = None

    @property
    def hold(self) -> Hold:
        """What tells the claim from all others."""
        return self.row, self.token


class Acknowledgement(msgspec.Struct, frozen=True):
    """The end that a claimed document came to; `keys` are those that the ERP gave it.

    `amount` is its money as the flow gave it, and of which currency. It `keeps_record` where steps
    after it may need that still.
    """

    claim: Claim
    end: End
    number: str | None = None
    arrival: Arrival = "created"
    keys: Keys | None = None
    reason: str | None = None
    errors: tuple[ErrorReport, ...] = ()
    amount: str | None = None
    keeps_record: bool = False


class Held(msgspec.Struct, frozen=True):
    """A document that waits, since one that it needs found no way into the ERP."""

    source: str
    errors: tuple[ErrorReport, ...]


class StillOpen(msgspec.Struct, frozen=True):
    """How many documents and records earlier runs left without an end, and since when.

    `outdated` of them lie in the queue and were made by other rules than those of today.
    """

    count: int = 0
    since: float | None = None
    outdated: int = 0


class Line(msgspec.Struct, frozen=True):
    """The money of all documents of a name in one currency, on each side."""

    document: str
    currency: str
    source: str | None
    ledger: str | None
    target: str


class Queued(msgspec.Struct, frozen=True):
    """A document in a queue or a record that waits, without any value of it.

    `book` is the flow and the tenant, `rules` the hash of the rules that made it.
    """

    book: str
    state: str
    document: str
    source: str
    since: float | None
    rules: str | None


class Kept(msgspec.Struct, frozen=True):
    """A record that waits, as an earlier run read it; its JSON is what the ledger holds."""

    file: str
    number: int
    line: int
    data: bytes

    @property
    def origin(self) -> Origin:
        """Where it came from, now that it comes again."""
        return Origin(self.file, self.number, self.line, again=True)


class NextHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """What belongs to a newer body that waits for the older one to come to its end.

    `is_counted`: the run that has the older one in hand counts both. `is_new`: it is for a document
    that is made once, so that it goes for nothing if the older one is. `is_withdrawal`: there is no
    newer body, the record gives no such document any more.
    """

    subject: str
    source: str
    reader: str
    digest: str
    needs: tuple[tuple[str, str], ...]
    rules: str | None = None
    place: str | None = None
    is_counted: bool = True
    is_new: bool = False
    is_withdrawal: bool = False
    branch: str | None = None

    @property
    def columns(self) -> dict[str, object]:
        """What the row of a document holds of the record that gave its body."""
        return {name: getattr(self, name) for name in _OF_BODY}

    @property
    def overtakes(self) -> bool:
        """Whether it goes in the place of the older one, which nobody counts for itself."""
        return not (self.is_counted or self.is_withdrawal)


_OF_BODY = ("subject", "source", "digest", "rules", "place", "branch")


def digest_of(body: bytes) -> str:
    """Return what tells one body from another."""
    return hashlib.sha256(body).hexdigest()
