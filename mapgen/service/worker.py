"""Workers on any number of machines: PostgreSQL tells them which flow may have something to do.

Procrastinate is queue and clock alone. A bell of the ledger tells each worker at once that
something arrived; one that hears nothing looks slowly all the same. What is to be delivered, and
who has it in hand, is in the ledger: a job that is lost, runs twice or comes too late does no harm,
and each worker rings for every flow again and again.

There is one task, `mapgen.drain`, for ever. The rules of a flow are in the job's arguments: a
worker that knows other rules leaves it to one that does. Jobs have a `queueing_lock` alone; a
`lock` would stay for ever with a worker that dies.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate
import psycopg
import psycopg_pool
from msgspec import Struct, field
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job
from procrastinate.jobs import Status as JobStatus
from sqlalchemy.engine import make_url

from mapgen.runtime.aborted import RunAborted, Terminated
from mapgen.runtime.ledger.bell import ARRIVED, word_of
from mapgen.service.loop import LEASE, Around, Cycled, Status, Why, cycled, note_failed
from mapgen.service.reception import Reception

TASK = "mapgen.drain"
_QUEUE = "mapgen"
_LOCK = 7_016_533_002  # any number, the same in every process
_RING, _SWEEP, _LEFT = 0.5, 5.0, 30.0
_LOOK = 5.0
"""Seconds between two looks at an empty inbox for which no bell rang: one may not be heard."""
_HEARTBEAT, _STALLED = 2.0, 10.0
_AGAIN = 5.0
_MOST_TRIES = 120
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_GRACE = 30
_KEEP_ALIVE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Milliseconds: what is not acknowledged for so long goes to a side that is gone.
    "tcp_user_timeout": 20_000,
}
_AWAY = (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout, OSError, RunAborted)


class _Known(Struct):
    """A flow of a worker, how it is here, and when it is rung for what earlier cycles left.

    `look_at` is when its inbox is looked at again, though no bell rings.
    """

    flow: Cycled
    status: Status
    left_at: float = 0.0
    look_at: float = 0.0
    turn: threading.Lock = field(default_factory=threading.Lock)


class Worker(Reception):
    """A worker: runs cycles of flows when the bell rings, until it is asked to end."""

    def __init__(self, flows: Iterable[Cycled], around: Around, address: str) -> None:
        """Take the flows, and the address of the PostgreSQL database that holds the ledger."""
        super().__init__(around)
        self._known: Mapping[str, _Known] = {}
        self._around = around
        self._address = make_url(address).set(drivername="postgresql")
        self._is_at_work = self._is_listening = False
        self._bell = asyncio.Event()
        self._heard: set[str] = set()
        for flow in flows:
            self.add(flow)

    def add(self, flow: Cycled) -> None:
        """Let a flow run, too."""
        status = self._around.board.flows.setdefault(flow.name, Status())
        status.next_at = flow.pace.schedule.next(self._around.clock.now())
        with self._turn:
            self._known = {**self._known, flow.name: _Known(flow, status)}

    def run(self, ended: threading.Event) -> None:
        """Work until `ended` is set; what is under way ends in order.

        Where the library returns, since PostgreSQL is away, it is started again.
        """
        self.tell("worker began", flows=len(self._known))
        self._is_at_work = True
        try:
            asyncio.run(self._supervised(ended))
        finally:
            self._is_at_work = False
        self.tell("worker ended")

    def wake(self, flow: str) -> None:
        """Do nothing: the bell that rang for it is heard here, too."""

    @property
    def is_alive(self) -> bool:
        """Whether it works, or waits until PostgreSQL answers, or has been asked to end."""
        return self._is_at_work or self._around.drain.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether it hears the bell, and the ledger takes deliveries."""
        return self._is_listening and super().is_ready

    async def _supervised(self, ended: threading.Event) -> None:
        wait = _FIRST_WAIT
        while not ended.is_set():
            began = time.monotonic()
            reason = "the library returned"
            try:
                await self._work(ended)
            except _AWAY as error:
                reason = type(error).__name__
            if ended.is_set():
                return
            wait = _FIRST_WAIT if time.monotonic() - began > _LONGEST_WAIT else wait
            self._is_listening = False
            self.tell("worker starts again", "warning", reason=reason, again_in=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _work(self, ended: threading.Event) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._address.render_as_string(hide_password=False),
            kwargs=_KEEP_ALIVE,
            timeout=_LONGEST_WAIT,
        )
        app = procrastinate.App(connector=connector)

        @app.task(name=TASK, queue=_QUEUE)
        async def drain(**given: Any) -> None:
            await self._drain(app, **given)

        async with app.open_async():
            await _prepare(connector, app)
            self._is_listening = True
            duties = [
                asyncio.create_task(one)
                for one in (
                    self._listen(app),
                    self._hear(),
                    self._ring(app),
                    _again(_SWEEP, lambda: _sweep(app)),
                    self._end(ended),
                )
            ]
            await asyncio.wait(duties, return_when=asyncio.FIRST_COMPLETED)
            for one in duties:
                one.cancel()
            found = await asyncio.gather(*duties, return_exceptions=True)
        for error in found:
            if isinstance(error, Exception):
                raise error

    async def _listen(self, app: procrastinate.App) -> None:
        await app.run_worker_async(
            queues=[_QUEUE],
            concurrency=max(1, len(self._known) + len(self._around.board.unbound)),
            name=self._around.holder,
            delete_jobs="always",
            install_signal_handlers=False,
            fetch_job_polling_interval=_SWEEP,
            update_heartbeat_interval=_HEARTBEAT,
            stalled_worker_timeout=_STALLED,
            shutdown_graceful_timeout=_GRACE,
        )

    async def _end(self, ended: threading.Event) -> None:
        while not ended.is_set():
            await asyncio.sleep(0.2)
        self._around.drain.set()

    async def _hear(self) -> None:
        """Listen to the bell that rings for what arrives, in a connection of its own."""
        conninfo = self._address.render_as_string(hide_password=False)
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, **_KEEP_ALIVE)
        async with connection:
            await connection.execute(f"LISTEN {ARRIVED}")
            for known in self._known.values():
                known.look_at = 0.0  # what came before anybody listened rang for nobody
            self._bell.set()
            async for word in connection.notifies():
                self._heard.add(word.payload)
                self._bell.set()

    async def _ring(self, app: procrastinate.App) -> None:
        """Ring for what the clock says, what has arrived, and what earlier cycles left."""
        while True:
            self._bell.clear()
            heard, self._heard = self._heard, set()
            for known in tuple(self._known.values()):
                await self._ring_by_clock(app, known)
                await self._ring_for(app, known, is_heard=word_of(known.flow.book) in heard)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), _RING)

    async def _ring_for(self, app: procrastinate.App, known: _Known, *, is_heard: bool) -> None:
        """Ring for a flow where something lies in its inbox, or it is time to try what is left."""
        flow, now = known.flow, time.monotonic()
        if flow.pace.mode != "batch" and (is_heard or now >= known.look_at):
            waiting = await asyncio.to_thread(self._around.ledger.count_waiting, flow.book)
            known.look_at = now + (_RING if waiting else _LOOK)
            if waiting:
                await _defer(app, flow.name, flow.pace.rules, "arrived")
                return
        if now >= known.left_at:
            known.left_at = now + max(_LEFT, flow.pace.retry_seconds)
            await _defer(app, flow.name, flow.pace.rules, "left")

    async def _ring_by_clock(self, app: procrastinate.App, known: _Known) -> None:
        flow, due, now = known.flow, known.status.next_at, self._around.clock.now()
        if due is None or due > now:
            return
        if flow.pace.schedule.after and not await self._is_settled(
            app, flow.pace.schedule.after, due
        ):
            return
        moment = int(due.timestamp())
        job = _job(app, flow.name, flow.pace.rules, "scheduled", timestamp=moment)
        # Whoever comes first rings for a moment, and no other.
        with suppress(AlreadyEnqueued):
            await app.job_manager.defer_periodic_job(
                job=job, periodic_id=flow.book, defer_timestamp=moment
            )
        known.status.next_at = flow.pace.schedule.next(now)

    async def _is_settled(self, app: procrastinate.App, flow: str, moment: datetime) -> bool:
        """Whether a flow has nothing to do, with any worker, that was due up to a moment.

        What has failed once is tried again later, and holds nothing up.
        """
        known = self._known.get(flow)
        if known is None:
            return True
        due = known.status.next_at
        if due is not None and due <= moment:
            return False
        for is_scheduled in (True, False):
            lock = _queueing_lock(flow, known.flow.pace.rules, is_scheduled=is_scheduled)
            for job in await app.job_manager.list_jobs_async(queue=_QUEUE, queueing_lock=lock):
                is_first = not job.task_kwargs.get("tries")
                if is_first and (is_scheduled or job.status == JobStatus.DOING.value):
                    return False
        return True

    async def _drain(
        self, app: procrastinate.App, flow: str, rules: str, why: Why, tries: int = 0, **_: Any
    ) -> None:
        """Run a cycle of a flow, or see that it is rung for once more."""
        known = self._known.get(flow)
        if known is None or known.flow.pace.rules != rules:
            if tries >= _MOST_TRIES:
                self.tell("no worker knows these rules", "warning", flow=flow, rules=rules)
            else:
                await _defer(app, flow, rules, why, tries + 1)
            return
        # What was stopped or found another one at work is rung for again; who rings knows when.
        if not await asyncio.to_thread(self._cycle, known, why):
            await _defer(app, flow, rules, why, 1)

    def _cycle(self, known: _Known, why: Why) -> bool:
        """Run a cycle as `serve` does; tell whether it ended well, or there is no need of it."""
        if not known.turn.acquire(blocking=False):
            return why != "scheduled"
        try:
            return self._cycle_in_turn(known, why)
        except Terminated:
            return why != "scheduled"
        except Exception as error:  # noqa: BLE001 - one flow's failure is not the others'
            note_failed(known.flow, known.status, self._around, error, _AGAIN)
        finally:
            known.turn.release()
        return False

    def _cycle_in_turn(self, known: _Known, why: Why) -> bool:
        around, flow, status = self._around, known.flow, known.status
        status.is_elsewhere = not around.ledger.take_cycles(flow.book, around.holder, LEASE)
        if status.is_elsewhere:
            return why != "scheduled"
        try:
            cycled(flow, status, around, why)
        finally:
            around.ledger.leave_cycles(flow.book, around.holder)
        return True


async def _prepare(connector: Any, app: procrastinate.App) -> None:
    """Make the library's tables where there are none; workers that begin together take turns."""
    async with connector.pool.connection() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        found = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
        if (await found.fetchone())[0] is None:
            await app.schema_manager.apply_schema_async()


async def _again(seconds: float, make: Callable[[], Awaitable[None]]) -> None:
    while True:
        await make()
        await asyncio.sleep(seconds)


async def _sweep(app: procrastinate.App) -> None:
    """Let jobs run again whose worker is not heard of any more."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=_STALLED):
        assert job.id is not None
        try:
            await manager.retry_job(job)
        except ConnectorException:
            # Another one is rung for already, or another worker was quicker.
            with suppress(ConnectorException):
                await manager.finish_job_by_id_async(job.id, JobStatus.FAILED, delete_job=True)


def _job(
    app: procrastinate.App, flow: str, rules: str, why: Why, tries: int = 0, **more: int
) -> Job:
    given: Any = {"flow": flow, "rules": rules, "why": why, "tries": tries, **more}
    at = datetime.now(UTC) + timedelta(seconds=_AGAIN) if tries else None
    return (
        app.tasks[TASK]
        .configure(
            queueing_lock=_queueing_lock(flow, rules, is_scheduled=why == "scheduled"),
            task_kwargs=given,
            schedule_at=at,
        )
        .job
    )


def _queueing_lock(flow: str, rules: str, *, is_scheduled: bool) -> str:
    """Return what two jobs have alike of which one waits: one is enough."""
    return f"{flow} {rules} {is_scheduled}"


async def _defer(app: procrastinate.App, flow: str, rules: str, why: Why, tries: int = 0) -> None:
    with suppress(AlreadyEnqueued):
        await app.job_manager.defer_job_async(_job(app, flow, rules, why, tries))
