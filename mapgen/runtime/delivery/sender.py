"""What is done with a document in hand: looked up in the target, then created or updated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from itertools import groupby
from typing import assert_never

from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Plan, Step
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.clock import uptime
from mapgen.runtime.delivery.money import money_of
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.events import Plain, TechnicalEvent
from mapgen.runtime.ledger import Acknowledgement, Arrival, Claim, Keys, Need
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.bodies import UnknownKey, filled, read_body
from mapgen.runtime.targets.files import RecordChanged, is_of_record, with_content
from mapgen.runtime.targets.kind import (
    Actor,
    Depends,
    Found,
    GivenUp,
    IdentityMismatch,
    Lost,
    Refused,
    Saved,
    Sending,
    Target,
    There,
    Unanswered,
    WriteAnswer,
    Writer,
)
from mapgen.runtime.tracing import traced, within

_TRIES_WITHOUT_A_REASON = 2
"""How often a document is sent that the ERP refuses without telling whether that may pass."""

_MOST_BRANCHES = 256
"""Ways into so many branches of the ERP are kept."""


class ClaimLost(Exception):
    """Another worker took the document, because its intent had grown old: it is theirs now."""


class Sender:
    """Brings documents to the target. Threads share it.

    Invariant: a request that carries a document goes out only after the document was looked up
    under the same claim, and while the claim's intent is young enough that nobody else may take
    the document before the request has timed out.
    """

    def __init__(
        self,
        run: Run,
        target: Target,
        rules: Rules,
        end: Callable[[Acknowledgement], None],
    ) -> None:
        """Take where documents go, and who takes their ends."""
        self._run = run
        self._ways = lru_cache(_MOST_BRANCHES)(partial(_ways, run.plan, target, rules))
        self._writers, _ = self._ways(None)
        self._ended = end

    @property
    def can_tell(self) -> bool:
        """Whether it comes out what became of each request."""
        return all(writer.can_tell for writer in self._writers.values())

    def send(self, portion: Sequence[Claim]) -> None:
        """Bring a portion to its ends; put back what a stop keeps from being sent."""
        with within(self._run.id):
            self._send(portion)

    def _send(self, portion: Sequence[Claim]) -> None:
        left = sorted(portion, key=lambda claim: (*_alike(claim), claim.row))
        try:
            for (name, branch), claims in groupby(list(left), key=_alike):
                writers, actors = self._ways(branch or None)
                writer, actor = writers.get(name), actors.get(name)
                if writer is not None:
                    self._send_alike(writer, list(claims), left)
                elif actor is not None:
                    self._act_alike(actor, list(claims), left)
                else:
                    self._disown(list(claims), left)
        except (RunAborted, Stopping):
            raise
        except BaseException:
            # Whatever this was, a request with the first one may be under way: it settles.
            del left[:1]
            raise
        finally:
            # What nobody can look up stays in doubt: back in the queue it would be sent again.
            back = [one for one in left if not (one.is_in_doubt and self._is_mute(one))]
            if back:
                self._run.ledger.release(back)

    def _end(self, end: Acknowledgement) -> None:
        """Hand an end on, of a document that is there with its money."""
        claim = end.claim
        writer = self._writers.get(claim.document)
        if writer is not None and writer.document.then:
            end = replace(end, keeps_record=True)
        if end.end == "sent" and writer is not None and writer.document.books.money:
            money = money_of(read_body(claim.body), writer.document.books)
            end = replace(end, amount=None if money is None else str(money))
        self._ended(end)

    def _is_mute(self, claim: Claim) -> bool:
        """Whether nobody can tell what became of a request with the document."""
        writer = self._writers.get(claim.document)
        return writer is not None and not writer.can_tell

    def _disown(self, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Give up what was staged before the flow was changed to make other documents."""
        for claim in claims:
            self._die(claim, f"the flow makes no document `{claim.document}` any more")
            del left[0]

    def _send_alike(self, writer: Writer, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Look documents of one name up, and send what is to be sent."""
        bodies = {claim.identity: claim.body for claim in claims}
        found = writer.find([claim.identity for claim in claims], bodies)
        for claim in claims:
            if self._run.stop.is_set():
                return
            with self._traced(claim):
                self._settle(writer, claim, found)
            del left[0]

    def _act_alike(self, actor: Actor, claims: Sequence[Claim], left: list[Claim]) -> None:
        """Look the documents of a step up, and do it where it is to be done."""
        found = actor.find([claim.identity for claim in claims])
        for claim in claims:
            if self._run.stop.is_set():
                return
            with self._traced(claim):
                whole = self._whole(claim)
                if whole is not None:
                    self._settle_step(actor, whole, found)
            del left[0]

    def _whole(self, claim: Claim) -> Claim | None:
        """Return a claim with the content of a file that the record has; None where it is gone."""
        if not is_of_record(claim.body):
            return claim
        try:
            return replace(claim, body=with_content(claim.body, self._run.ledger.record_of(claim)))
        except RecordChanged:
            words = "the record has changed since, and its file is attached as it is by then"
            error = ErrorReport(codes.RECORD_CHANGED, words, retry=True)
            self._end(Acknowledgement(claim, "deferred", errors=(error,)))
            return None

    def _traced(self, claim: Claim) -> AbstractContextManager[object]:
        return traced("document", document=claim.document, source=claim.source)

    def _settle_step(self, actor: Actor, claim: Claim, found: Found) -> None:
        """Decide whether a step is done with a document, by what the document shows of it."""
        there = found.there.get(claim.identity)
        refused = found.refused.get(claim.identity)
        if refused is not None:
            self._reject(claim, refused)
        elif there is None:
            self._end(Acknowledgement(claim, "deferred", errors=(_gone(actor.document),)))
        elif claim.identity in found.doubled:
            self._reject(claim, _doubled(actor.document))
        elif actor.is_done(there, claim.body):
            # Found done after a request of ours without an answer: that request did it.
            arrival: Arrival = "done" if claim.attempts else "already exists"
            self._end(Acknowledgement(claim, "sent", there.number, arrival, there.keys))
        elif claim.attempts and not actor.can_tell:
            self._doubt(claim, actor.step, there, "no answer to it")
        elif self._may_go(claim, there):
            self._act(actor, claim, there)

    def _act(self, actor: Actor, claim: Claim, there: There) -> None:
        try:
            answer = actor.act(there, self._sending(claim, claim.body, self._first_word(claim)))
        except ClaimLost:
            self._run.stats.tell(TechnicalEvent("claim lost to another worker", "warning"))
            return
        if isinstance(answer, Unanswered) and not actor.can_tell:
            self._doubt(claim, actor.step, there, answer.reason)
        else:
            self._note(claim, answer, "done")

    def _doubt(self, claim: Claim, step: Step, there: There, reason: str) -> None:
        """Leave to a person what nothing can show: whether an action was done."""
        words = (
            f"nothing shows whether `{step.action}` was done with {there.number} ({reason}):"
            " a person looks"
        )
        self._die(claim, words, code=codes.ACTION_IN_DOUBT, number=there.number)

    def _settle(self, writer: Writer, claim: Claim, found: Found) -> None:
        """Decide what is done with a document, by its operation and by what the tenant has."""
        keeps = not writer.document.does.updates
        there = found.there.get(claim.identity)
        refused = found.refused.get(claim.identity)
        if refused is not None:
            self._reject(claim, refused)
        elif keeps and there is not None and claim.attempts:
            # Found after a request of ours without an answer: that request made it.
            self._note(claim, self._found(writer, claim, there), "created")
        elif keeps and there is not None:
            self._end(Acknowledgement(claim, "sent", there.number, "already exists", there.keys))
        elif there is None and (absent := _left_to_others(writer.document)) is not None:
            self._end(Acknowledgement(claim, "deferred", errors=(absent,)))
        elif claim.identity in found.doubled:
            self._reject(claim, _doubled(writer.document))
        elif there is None and claim.is_in_doubt and not writer.can_tell:
            self._lose(claim, "the run that had it in hand did not live to see an answer")
        else:
            self._write(writer, claim, there)

    def _found(self, writer: Writer, claim: Claim, there: There) -> Saved:
        try:
            return writer.found(there, filled(claim.body, self._keys_of(claim)))
        except UnknownKey:
            return Saved(there)

    def _write(self, writer: Writer, claim: Claim, there: There | None) -> None:
        """Create a document that is not there, or update it; not what has been overtaken."""
        if not self._may_go(claim, there):
            return
        gate = self._run.gate
        if gate is not None and (broken := gate.errors(claim.document, claim.body)):
            self._end(Acknowledgement(claim, "rejected", errors=broken))
            return
        try:
            body = filled(claim.body, self._keys_of(claim))
        except UnknownKey as unknown:
            self._reject(claim, ErrorReport(codes.KEY_UNKNOWN, str(unknown)))
            return
        sending = self._sending(claim, body, self._last_word(claim))
        try:
            answer = writer.create(sending) if there is None else writer.update(there, sending)
        except ClaimLost:
            self._run.stats.tell(TechnicalEvent("claim lost to another worker", "warning"))
            return
        self._note(claim, answer, "created" if there is None else "updated")

    def _may_go(self, claim: Claim, there: There | None) -> bool:
        """Whether anything is sent for a claim; end it where it was overtaken, or tried enough."""
        if claim.is_withdrawn:
            self._end(Acknowledgement(claim, "skipped", reason="its record was taken back"))
        elif claim.is_outdated:
            self._run.ledger.defer(claim)
        elif claim.attempts >= self._run.plan.retry.attempts:
            absent = ", and not in the tenant" if there is None else ""
            self._die(claim, f"no answer to {claim.attempts} requests{absent}")
        else:
            return True
        return False

    def _last_word(self, claim: Claim) -> Callable[[], None]:
        """Return what is called right before a request, and keeps it back by raising."""
        held_since = [claim.held_since]

        def last_word() -> None:
            if self._run.stop.is_set():
                raise Stopping
            # What slept, or was stopped, may have lost the document: it asks before it sends.
            if uptime() - held_since[0] > self._run.limits.lease:
                held_since[0] = uptime()
                if not self._run.ledger.renew(claim):
                    raise ClaimLost

        return last_word

    def _first_word(self, claim: Claim) -> Callable[[], None]:
        """Return a last word that notes, before the first request, that one may be out."""
        last_word, is_noted = self._last_word(claim), False

        def first_word() -> None:
            nonlocal is_noted
            last_word()
            if not is_noted and not self._run.ledger.note_attempt(claim):
                raise ClaimLost
            is_noted = True

        return first_word

    def _sending(self, claim: Claim, body: bytes, last_word: Callable[[], None]) -> Sending:
        tries = min(_TRIES_WITHOUT_A_REASON, self._run.plan.retry.attempts)
        return Sending(claim.identity, body, last_word, claim.attempts + 1 >= tries)

    def _note(self, claim: Claim, answer: WriteAnswer, arrival: Arrival) -> None:
        match answer:
            case Saved(saved, otherwise) if otherwise and self._run.plan.verify == "strict":
                words = "saved otherwise than sent"
                self._end(
                    Acknowledgement(
                        claim, "dead_lettered", saved.number, reason=words, errors=otherwise
                    )
                )
            case Saved(saved, otherwise):
                self._end(
                    Acknowledgement(
                        claim, "sent", saved.number, arrival, saved.keys, errors=otherwise
                    )
                )
            case Refused(errors):
                self._end(Acknowledgement(claim, "rejected", errors=errors))
            case Depends(errors):
                self._end(Acknowledgement(claim, "deferred", errors=errors))
            case GivenUp(reason):
                self._die(claim, reason)
            case Unanswered(reason):
                self._run.ledger.unsettle(claim)
                facts: dict[str, Plain] = {"reason": reason, "attempts": claim.attempts + 1}
                self._run.stats.tell(TechnicalEvent("in doubt", "warning", facts))
            case Lost(reason):
                self._lose(claim, reason)
            case IdentityMismatch(number):
                words = f"saved as {number}, but its identity came back changed"
                self._die(claim, words, code=codes.IDENTITY_CHANGED, number=number)
            case _:
                assert_never(answer)

    def _keys_of(self, claim: Claim) -> dict[str, Keys]:
        """Return the keys of what a document needs, by name; those of several of a name are none's.

        A ledger of an older version knows a document as sent without its keys: the tenant tells.
        """
        keys: dict[str, Keys] = {}
        for name, needs in groupby(claim.needs, key=lambda need: need.document):
            first, *others = needs
            known = first.keys if first.keys is not None else self._look_up(first)
            if known is not None and not others:
                keys[name] = known
        return keys

    def _look_up(self, need: Need) -> Keys | None:
        writer = self._writers.get(need.document)
        there = None if writer is None else writer.find([need.identity]).there.get(need.identity)
        return None if there is None else there.keys

    def _reject(self, claim: Claim, error: ErrorReport) -> None:
        self._end(Acknowledgement(claim, "rejected", errors=(error,)))

    def _lose(self, claim: Claim, reason: str) -> None:
        """Leave a document to a person: it may be there, and is never sent again by itself."""
        words = f"{reason}; nobody knows whether the target has it"
        self._die(claim, words, code=codes.EFFECT_UNKNOWN, number=claim.identity)

    def _die(
        self, claim: Claim, words: str, *, code: str = codes.GIVEN_UP, number: str | None = None
    ) -> None:
        error = ErrorReport(code, words, retry=number is None)
        self._end(Acknowledgement(claim, "dead_lettered", number, reason=words, errors=(error,)))


def _alike(claim: Claim) -> tuple[str, str]:
    """Return what claims have alike that are looked up together."""
    return claim.document, claim.branch or ""


def _ways(
    plan: Plan, target: Target, rules: Rules, branch: str | None
) -> tuple[dict[str, Writer], dict[str, Actor]]:
    """Return what writes the documents of a flow, and does their steps, in a branch."""
    documents = [one.of_branch(branch) for one in plan.documents]
    actors = {
        step.name_in(one.name): target.actor(one, step, rules)
        for one in documents
        for step in one.then
    }
    return {one.name: target.writer(one, rules) for one in documents}, actors


def _gone(document: DocumentPlan) -> ErrorReport:
    words = f"no `{document.entity}` of the ERP has this identity any more"
    return ErrorReport(codes.NOT_THERE_YET, words, document.identity.field, retry=True)


def _doubled(document: DocumentPlan) -> ErrorReport:
    words = "several documents of the ERP have this identity"
    return ErrorReport(codes.IDENTITY_DOUBLED, words, document.identity.field)


def _left_to_others(document: DocumentPlan) -> ErrorReport | None:
    """Return what a document that is absent waits for, None where this flow creates it."""
    words = f"no `{document.entity}` of the ERP has this identity yet"
    if not document.does.creates:
        return ErrorReport(codes.NOT_THERE_YET, words, document.identity.field, retry=True)
    if document.owner is None:
        return None
    words += f"; `{document.owner}` makes it"
    return ErrorReport(codes.LEFT_TO_OWNER, words, document.identity.field, retry=True)
