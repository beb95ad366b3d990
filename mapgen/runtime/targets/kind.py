"""What the delivery asks of a target: that documents are looked up, created and updated there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Step
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.verdict import Verdict
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules

NO_BODIES: Mapping[str, bytes] = MappingProxyType({})


class There(msgspec.Struct, frozen=True):
    """A document that the target has: what people call it, its keys, its id, and what was asked."""

    number: str
    keys: dict[str, str]
    id: str | None
    shown: Mapping[str, str] = {}


class Saved(msgspec.Struct, frozen=True):
    """The document is saved; `otherwise` tells what of it is not as it was sent."""

    there: There
    otherwise: tuple[ErrorReport, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """The document is not saved, and would not be another time."""

    errors: tuple[ErrorReport, ...]


class Depends(msgspec.Struct, frozen=True):
    """The document is not saved, because something that it needs is not there yet."""

    errors: tuple[ErrorReport, ...]


class GivenUp(msgspec.Struct, frozen=True):
    """The document is not saved after all attempts that the plan allows."""

    reason: str


class Unanswered(msgspec.Struct, frozen=True):
    """Nobody knows whether the document is saved, until it has settled and is looked up."""

    reason: str


class Lost(msgspec.Struct, frozen=True):
    """Nobody knows whether the document is saved, and no look-up will tell."""

    reason: str


class IdentityMismatch(msgspec.Struct, frozen=True):
    """The document is saved under this number, but its identity is not what was sent."""

    number: str


class Read(msgspec.Struct, frozen=True):
    """A document as the target has it, and what of it is not as in a body.

    `part` is None where the target does not show it, or could not be read.
    """

    part: Mapping[str, Any] | None
    otherwise: tuple[ErrorReport, ...] = ()


WriteAnswer = Saved | Refused | Depends | GivenUp | Unanswered | Lost | IdentityMismatch


class Sending(msgspec.Struct, frozen=True):
    """A document, or a step after one, as it is sent under a claim.

    `last_word` is called right before whatever may take effect, and keeps it back by raising, which
    whoever sends raises, too. What explains nothing refuses the document where this `is_last_try`;
    before, it leaves open what became of it.
    """

    identity: str
    body: bytes
    last_word: Callable[[], None]
    is_last_try: bool = True


class NoLongerAbsent(Exception):
    """A create is not sent again: the look-up before it said something else than absent."""

    def __init__(self, answer: WriteAnswer) -> None:
        super().__init__()
        self.answer: WriteAnswer = answer


class Found(msgspec.Struct, frozen=True):
    """What a look-up found, by identity: documents, and what cannot be looked up.

    `doubled` are the identities that several documents have, one of which is in `there`.
    """

    there: dict[str, There] = {}
    refused: dict[str, ErrorReport] = {}
    doubled: set[str] = set()


class Writer(Protocol):
    """A target as the delivery of one document of a flow sees it. Threads share it.

    Each of its methods raises RunAborted where the run as a whole cannot go on, and Stopping where
    it is being stopped.
    """

    @property
    def document(self) -> DocumentPlan:
        """The document that it writes."""

    @property
    def can_tell(self) -> bool:
        """Whether it comes out what became of a request: by a look-up, or by sending it again."""

    def find(self, identities: Sequence[str], bodies: Mapping[str, bytes] = NO_BODIES, /) -> Found:
        """Look documents up by identity; `bodies` are as the flow made them, where they are known.

        What is neither there, refused nor doubled is surely absent.
        """

    def create(self, sending: Sending, /) -> WriteAnswer:
        """Send one document that a look-up under the same claim has not found."""

    def update(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Send a newer state of a document that is there; sent again, it comes to the same."""

    def found(self, there: There, body: bytes) -> Saved:
        """Return a document as saved that a look-up found after a request of ours carried it."""

    def read(self, there: There, body: bytes) -> Read:
        """Return a document as the target has it, compared with a body."""

    def has(self, keys: Mapping[str, str], /) -> bool:
        """Whether there may be a document with these keys, whatever its identity is by now."""

    def listed(self, since: datetime | None, /) -> Iterator[Mapping[str, There]] | None:
        """Yield the documents changed since then, in portions, by identity.

        None for a target that is asked by identity alone.
        """


def see_absent(writer: Writer, sending: Sending) -> None:
    """Look a document up before it is sent again. Raises NoLongerAbsent, and as `find`."""
    identity = sending.identity
    found = writer.find([identity], {identity: sending.body})
    if identity in found.there:
        raise NoLongerAbsent(writer.found(found.there[identity], sending.body))
    if identity in found.refused:
        raise NoLongerAbsent(Unanswered("the look-up before sending it again is refused"))


def known_after(writer: Writer, sending: Sending, verdict: Verdict) -> WriteAnswer | None:
    """Return what a look-up knows of a create that failed; None where the verdict stands.

    The target may have saved the document before it failed, whatever it says: a verdict is given
    only on one that is absent. What may pass is looked up after the settle time, by who takes the
    document next; what is final is looked up now.
    """
    is_sent_again = verdict.kind == "unexplained" and not sending.is_last_try
    if verdict.effect == "none" or verdict.kind == "transient" or is_sent_again:
        return None
    try:
        see_absent(writer, sending)
    except NoLongerAbsent as known:
        return known.answer
    except (RunAborted, Stopping):
        return Unanswered(verdict.reason)
    return None


def reworded(answer: WriteAnswer, words: str) -> WriteAnswer:
    """Return an answer whose errors say first what it is that failed, if not the document."""
    if not isinstance(answer, Refused | Depends):
        return answer
    errors = (replace(one, message=f"{words}: {one.message}") for one in answer.errors)
    return replace(answer, errors=tuple(errors))


class Actor(Protocol):
    """A target as a step after a document sees it. Threads share it; it raises as a Writer does."""

    @property
    def document(self) -> DocumentPlan:
        """The document that the step is done with."""

    @property
    def step(self) -> Step:
        """The step."""

    @property
    def can_tell(self) -> bool:
        """Whether documents show that the step is done."""

    def find(self, identities: Sequence[str], /) -> Found:
        """Look the documents up, with what shows whether the step is done."""

    def is_done(self, there: There, body: bytes) -> bool:
        """Tell whether a document that was looked up shows the step as done, as a body has it."""

    def act(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Do the step with a document that does not show it as done, and follow it to its end.

        The last word is called again while the action runs, so that nobody else takes the document
        meanwhile.
        """


class Target(Protocol):
    """Where the documents of a run go, opened for the run."""

    def writer(self, document: DocumentPlan, rules: Rules, shown: tuple[str, ...] = ()) -> Writer:
        """Return what writes a document of the flow; look-ups show some fields besides."""

    def actor(self, document: DocumentPlan, step: Step, rules: Rules) -> Actor:
        """Return what does a step after a document of the flow."""
