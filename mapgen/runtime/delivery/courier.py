"""Documents of the ledger's queue in, carried to the tenant by a few threads until none is left."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import assert_never

from mapgen.runtime.delivery.acknowledger import Acknowledger
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.events import Plain, TechnicalEvent
from mapgen.runtime.halt import Halt
from mapgen.runtime.ledger import Acknowledgement, Claim
from mapgen.runtime.outcome import FaultReport
from mapgen.runtime.tenant.breaker import Stopping
from mapgen.runtime.tenant.client import (
    Client,
    Created,
    Depends,
    GivenUp,
    Misfiled,
    Refused,
    Unanswered,
)
from mapgen.runtime.tenant.refusal import GIVEN_UP, IDENTITY_CHANGED

_SHORTEST_REST = 0.05
_LONGEST_REST = 0.5


class ClaimLost(Exception):
    """Another worker took the document, because its intent had grown old: it is theirs now."""


class Courier:
    """The workers of a run. Start them, stage into the ledger meanwhile, then finish.

    Invariant: a request that carries a document goes out only after the document was looked up
    under the same claim, and while the claim's intent is young enough that nobody else may take
    the document before the request has timed out.
    """

    def __init__(self, run: Run, client: Client) -> None:
        self._run = run
        self._client = client
        self._acknowledger = Acknowledger(run.ledger, run.id, tell=self._told)
        self._more_comes = True
        self._news = threading.Condition()
        self._news_count = 0
        self._failure: BaseException | None = None
        workers = min(run.plan.concurrency, run.limits.concurrent_requests)
        self._portion = max(1, run.plan.batch_size // workers)
        self._oldest_intent = (run.limits.settle - run.limits.request_timeout) / 2
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {at + 1}", daemon=True)
            for at in range(workers)
        ]

    def start(self) -> None:
        """Let the workers begin with what the ledger holds."""
        for thread in self._threads:
            thread.start()

    def has_news(self) -> None:
        """Say that documents were staged; raises what stopped a worker."""
        self._wake()
        self.check()

    def check(self) -> None:
        """Raise what stopped a worker, if anything did."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Say that nothing more is staged, and wait until the queue is empty and all is told."""
        self._more_comes = False
        self.has_news()
        for thread in self._threads:
            while thread.is_alive():
                # A wait without end would keep signals from the main thread.
                thread.join(0.2)
                self.check()
        self.check()
        self._acknowledger.close()

    def abort(self, grace: float) -> None:
        """Stop: finish the requests under way within `grace` seconds, put the rest back."""
        self._run.stop.set()
        self._wake()
        for thread in self._threads:
            thread.join(grace / len(self._threads))
        self._acknowledger.close()

    def _wake(self) -> None:
        with self._news:
            self._news_count += 1
            self._news.notify_all()

    def _work(self) -> None:
        try:
            while not self._run.stop.is_set():
                heard = self._news_count
                portion = self._run.ledger.claim(
                    self._run.book,
                    self._run.id,
                    limit=self._portion,
                    settle=self._run.limits.settle,
                )
                if portion:
                    self._carry(portion)
                    continue
                # Nothing to do but to tell: nobody gains by a fuller group.
                self._acknowledger.flush()
                if not self._more_comes and self._run.ledger.is_drained(self._run.book):
                    return
                self._rest(heard)
        except Stopping:
            pass
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            if self._failure is None:
                self._failure = failure
            self._run.stop.set()

    def _rest(self, heard: int) -> None:
        """Wait for news since `heard`, or until the next document in hand is settled."""
        due = self._run.ledger.next_settled(self._run.book, self._run.limits.settle)
        rest = _LONGEST_REST if due is None else min(max(due, _SHORTEST_REST), _LONGEST_REST)
        with self._news:
            self._news.wait_for(lambda: self._news_count != heard, rest)

    def _carry(self, portion: Sequence[Claim]) -> None:
        """Look a portion up and send what is absent; put back what a stop keeps from being sent."""
        left = list(portion)
        try:
            found = self._client.find([claim.identity for claim in portion])
            while left and not self._run.stop.is_set():
                claim = left[0]
                there = found.numbers.get(claim.identity)
                refused = found.refused.get(claim.identity)
                if there is not None:
                    # Found after a request of ours without an answer: that request made it.
                    was_there = claim.attempts == 0
                    self._end(Acknowledgement(claim, "sent", there, was_there))
                elif refused is not None:
                    self._end(Acknowledgement(claim, "rejected", faults=(refused,)))
                else:
                    self._send(claim)
                del left[0]
        except (Halt, Stopping):
            raise
        except BaseException:
            # Whatever this was, a request with the first one may be under way: it settles.
            del left[:1]
            raise
        finally:
            if left:
                self._run.ledger.release(left)

    def _send(self, claim: Claim) -> None:
        """Send one document that the look-up did not find, and note what came of it."""
        if claim.attempts >= self._run.plan.retry.attempts:
            self._die(claim, f"no answer to {claim.attempts} requests, and not in the tenant")
            return

        def last_word() -> None:
            if self._run.stop.is_set():
                raise Stopping
            if self._run.ledger.now() - intent[0] > self._oldest_intent:
                if not self._run.ledger.renew(claim):
                    raise ClaimLost
                intent[0] = self._run.ledger.now()

        intent = [claim.intent_at]
        try:
            answer = self._client.create(claim.identity, claim.body, last_word)
        except ClaimLost:
            self._run.tally.tell(TechnicalEvent("claim lost to another worker", "warning"))
            return
        match answer:
            case Created(number):
                self._end(Acknowledgement(claim, "sent", number))
            case Refused(faults):
                self._end(Acknowledgement(claim, "rejected", faults=faults))
            case Depends(faults):
                self._end(Acknowledgement(claim, "waiting", faults=faults))
            case GivenUp(reason):
                self._die(claim, reason)
            case Unanswered(reason):
                self._run.ledger.unsettle(claim)
                facts: dict[str, Plain] = {"reason": reason, "attempts": claim.attempts + 1}
                self._run.tally.tell(TechnicalEvent("waits to settle", "warning", facts))
            case Misfiled(number):
                words = f"saved as {number}, but its identity came back changed"
                self._die(claim, words, code=IDENTITY_CHANGED, number=number)
            case _:
                assert_never(answer)

    def _die(
        self, claim: Claim, words: str, *, code: str = GIVEN_UP, number: str | None = None
    ) -> None:
        fault = FaultReport(code, words, retry=number is None)
        self._end(Acknowledgement(claim, "dead", number, reason=words, faults=(fault,)))

    def _end(self, end: Acknowledgement) -> None:
        self._acknowledger.add(end)

    def _told(self, ends: list[Acknowledgement]) -> None:
        for end in ends:
            self._run.tally.ended(end, self._run.plan.only.entity)
        self._run.tally.advanced()
        self._wake()
