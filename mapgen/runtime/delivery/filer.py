"""What is done with a portion of documents that go into a file: written, noted, published.

The ledger knows the name of the file before there is one, and that it is whole before it has its
name. So of a portion that somebody left half done, it comes out what there is of it: a file that is
not whole was never published, and its documents go into another one; a whole one is published, if
it is not, and has its documents. Whoever was only slow finds out at the next note, or that the file
has its name already.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count, groupby

from mapgen.runtime.aborted import FilesFailed
from mapgen.runtime.delivery.ack_batcher import AckBatcher
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.ledger import Acknowledgement, Claim
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.file import FileTarget
from mapgen.runtime.tracing import traced, within

_OF_THE_RUN = 12
"""As many digits of a run's id, of which no two runs have the same."""


class Filer:
    """Brings portions of documents into files, one file at a time."""

    def __init__(self, run: Run, target: FileTarget, rules: Rules, acks: AckBatcher) -> None:
        """Take where files go, and who takes the ends of documents."""
        self._run = run
        self._target = target
        self._rules = rules
        self._acks = acks
        self._parts = count(1)

    def send(self, portion: Sequence[Claim]) -> None:
        """Bring a portion to its ends; put back what a stop keeps from being written."""
        left = list(portion)
        with within(self._run.id):
            try:
                self._finish(portion, left)
                self._write(self._to_write(left), left)
            finally:
                if left:
                    self._run.ledger.release(left)

    def _finish(self, portion: Sequence[Claim], left: list[Claim]) -> None:
        """See to the files that others began: publish whole ones, remove what is of the rest."""
        begun = sorted((one for one in portion if one.file is not None), key=_file)
        for name, claims in groupby(begun, key=_file):
            of_file = list(claims)
            if all(one.is_whole for one in of_file):
                self._publish(name, of_file, left)
                continue
            self._discard(name, of_file, left)

    def _to_write(self, left: list[Claim]) -> list[Claim]:
        """Return the claims that go into a file, and bring all others to their ends."""
        chosen = []
        for claim in list(left):
            end = self._without_a_file(claim)
            if end is None and not claim.is_outdated:
                chosen.append(claim)
                continue
            _drop(left, [claim])
            if end is None:
                self._run.ledger.defer(claim)
            else:
                self._acks.add(end)
        return sorted(chosen, key=lambda claim: claim.row)

    def _without_a_file(self, claim: Claim) -> Acknowledgement | None:
        """Return the end of a document that goes into no file; None for one that does."""
        if claim.is_withdrawn:
            return Acknowledgement(claim, "skipped", reason="its record was taken back")
        if claim.document != self._target.document.name:
            words = f"the flow makes no document `{claim.document}` any more"
            gone = ErrorReport(codes.GIVEN_UP, words, retry=True)
            return Acknowledgement(claim, "dead_lettered", reason=words, errors=(gone,))
        gate = self._run.gate
        errors = () if gate is None else gate.errors(claim.document, claim.body)
        errors = errors or self._target.errors(claim.body, self._rules)
        return Acknowledgement(claim, "rejected", errors=errors) if errors else None

    def _write(self, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Write documents into a file of their own, and publish it."""
        if not claims or self._run.stop.is_set():
            return
        ledger = self._run.ledger
        part = f"{self._run.id[:_OF_THE_RUN]}-{next(self._parts):04}"
        name = self._target.name(ledger.now(), part)
        held = ledger.begin_file(claims, name)
        # What is in other hands by now, they see to.
        _drop(left, [one for one in claims if one not in held])
        if not held:
            return
        try:
            self._target.write(name, self._target.content(one.body for one in held))
        except (FilesFailed, Stopping):
            with suppress(FilesFailed, Stopping):
                self._discard(name, held, left)
            raise
        # From here on only the ledger knows whether the file may be published: where it fails, and
        # nobody can tell what it has noted, whoever has the documents next goes by that.
        _drop(left, held)
        if ledger.note_whole(held, name):
            self._publish(name, held, left)
        else:
            self._discard(name, held, left)
            left += held

    def _discard(self, name: str, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Remove what is written of a file that is not whole.

        Where that fails its documents stay in hand: whoever has them next removes it by its name.
        """
        try:
            self._target.discard(name)
        except (FilesFailed, Stopping):
            _drop(left, claims)
            raise

    def _publish(self, name: str, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Publish a whole file, and say so of its documents: never again are they written."""
        _drop(left, claims)
        with traced("document", document=self._target.document.name, source=name):
            self._target.publish(name)
        for claim in claims:
            self._acks.add(Acknowledgement(claim, "sent", name))
        self._acks.flush()


def _file(claim: Claim) -> str:
    return claim.file or ""


def _drop(left: list[Claim], claims: Sequence[Claim]) -> None:
    held = {one.hold for one in claims}
    left[:] = [one for one in left if one.hold not in held]
