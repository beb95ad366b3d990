"""The threads that take documents from the ledger's queue and send them until none is left."""

from __future__ import annotations

import signal
import threading

from mapgen.runtime.aborted import Terminated
from mapgen.runtime.delivery.ack_batcher import AckBatcher
from mapgen.runtime.delivery.filer import Filer
from mapgen.runtime.delivery.run import Run
from mapgen.runtime.delivery.sender import Sender
from mapgen.runtime.ledger import Acknowledgement
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.rules import Rules
from mapgen.runtime.summary import Shown
from mapgen.runtime.targets.file import FileTarget
from mapgen.runtime.targets.kind import Target

_SHORTEST_REST = 0.05
_LONGEST_REST = 0.5


class Workers:
    """The workers of a run. Start them, stage into the ledger meanwhile, then finish."""

    def __init__(self, run: Run, target: Target | FileTarget, rules: Rules) -> None:
        plan, self._run = run.plan, run
        self._acks = AckBatcher(run.ledger, run.id, tell=self._told)
        self._documents = plan.sent
        if isinstance(target, FileTarget):
            self._carrier: Filer | Sender = Filer(run, target, rules, self._acks)
            workers, self._most = 1, plan.batch_size
        else:
            self._carrier = sender = Sender(run, target, rules, self._acks.add)
            workers = min(plan.concurrency, run.limits.concurrent_requests)
            # Of what is in hand when a worker dies, nobody can tell then what was sent: one at a
            # time.
            self._most = plan.batch_size if sender.can_tell else 1
        self._more_comes = True
        self._news = threading.Condition()
        self._news_count = 0
        self._failure: BaseException | None = None
        self._queued = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {at + 1}", daemon=True)
            for at in range(workers)
        ]

    def start(self) -> None:
        """Let the workers begin with what the ledger holds."""
        for thread in self._threads:
            thread.start()

    def has_news(self, queued: int = 0) -> None:
        """Say that so many documents were put into the queue; raises what stopped a worker."""
        self._note_queued(queued)
        self._wake()
        self.check()

    def check(self) -> None:
        """Raise what stopped a worker or the run's account of itself; Terminated where asked to."""
        self._run.stats.check()
        if self._run.drain.is_set():
            raise Terminated(signal.SIGTERM)
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
        self._acks.close()

    def abort(self, grace: float) -> None:
        """Stop: finish the requests under way within `grace` seconds, put the rest back."""
        self._run.stop.set()
        self._wake()
        for thread in self._threads:
            thread.join(grace / len(self._threads))
        self._acks.close()

    def _wake(self) -> None:
        with self._news:
            self._news_count += 1
            self._news.notify_all()

    def _note_queued(self, more: int) -> None:
        with self._news:
            self._queued = max(0, self._queued + more)

    def _portion(self) -> int:
        """Return how many documents a worker takes at once.

        It takes its part of a batch, and of a long queue more, up to a whole batch: a claim is a
        write to the disk, and one look-up is for all of it. The others have as much to do then.
        """
        workers = len(self._threads)
        return max(1, min(self._most, max(self._most, self._queued // 2) // workers))

    def _work(self) -> None:
        try:
            while not self._run.stop.is_set():
                heard = self._news_count
                if self._more_comes and self._run.plan.goes_to.takes_portions:
                    # The fewest files: each has as many documents as it may.
                    self._rest(heard)
                    continue
                portion = self._run.ledger.claim(
                    self._run.book,
                    self._run.id,
                    limit=self._portion(),
                    settle=self._run.limits.settle,
                    lease=self._run.limits.lease,
                    rules=self._run.plan.rules,
                )
                self._note_queued(-len(portion))
                if portion:
                    self._carrier.send(portion)
                    continue
                # Nothing to do but to tell: nobody gains by a fuller group.
                self._acks.flush()
                if not self._more_comes:
                    if self._run.ledger.is_drained(self._run.book, self._run.plan.rules):
                        return
                    # Only now: what a document needs may come in the rest of the input.
                    if self._hold_back():
                        continue
                self._rest(heard)
        except Stopping:
            pass
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            if self._failure is None:
                self._failure = failure
            self._run.stop.set()

    def _rest(self, heard: int) -> None:
        """Wait for news since `heard`, or until the next document in hand is settled."""
        limits = self._run.limits
        due = self._run.ledger.next_settled(self._run.book, limits.settle, limits.lease)
        rest = _LONGEST_REST if due is None else min(max(due, _SHORTEST_REST), _LONGEST_REST)
        with self._news:
            self._news.wait_for(lambda: self._news_count != heard, rest)

    def _hold_back(self) -> bool:
        """Let documents wait whose needed ones found no way; tell whether any did."""
        held = self._run.ledger.hold_back(self._run.book, self._run.id, self._run.plan.rules)
        for one in held:
            self._run.stats.stayed_out(Shown("deferred", one.source, one.errors))
        return bool(held)

    def _told(self, ends: list[Acknowledgement]) -> None:
        for end in ends:
            document = self._documents.get(end.claim.document)
            entity = document.entity if document else end.claim.document
            self._run.stats.ended(end, entity)
        self._run.stats.advanced()
        self._wake()
