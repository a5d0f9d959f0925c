"""Whose turn it is: one job at a time on each device, the most urgent first, and a turn ends at a border of chunks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import JournalError, NoDaemonError, StorageError
from answerprint.ipc.child import Child
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import DeviceWorker, WorkerStartError
from answerprint.scheduler.devices import DevicePool
from answerprint.scheduler.job_tracker import JobTracker, is_complete
from answerprint.scheduler.queue_hold import QueueHold
from answerprint.scheduler.retry_loop import retry_loop
from answerprint.scheduler.runner import Runner
from answerprint.scheduler.turn import Turn

__all__ = ["PREVIEW_PRIORITY", "Scheduler"]

_log = logging.getLogger(__name__)

PREVIEW_PRIORITY = 1000
"""Above all that a user may give: a preview goes next."""

_MUXES = 2
_LOOK_AGAIN_SECONDS = 30.0
"""Longest sleep: the wall clock, by which jobs are timed, may be set."""


class Scheduler:
    """Takes ready jobs from the journal and gives them their turns."""

    def __init__(
        self,
        book: JobTracker,
        runner: Runner,
        config: Config,
        hold: QueueHold,
        *,
        start_worker: Callable[[], Awaitable[Child]],
    ) -> None:
        self._hold = hold
        self.problem = ""
        """What keeps all jobs from going on now; empty for nothing."""
        self._book = book
        self._ledger = book.ledger
        self._journal = book.journal
        self._runner = runner
        self._config = config
        self._lanes = DevicePool(start_worker, config, on_ready=self.wake)
        self._turns: dict[str, Turn] = {}
        self._deliveries: dict[str, Turn] = {}
        self._mux_slots = asyncio.Semaphore(_MUXES)
        self._news = asyncio.Event()
        self._complete_ones = True
        self._astray = False
        self._fault: Exception | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._closing = False

    def start(self) -> None:
        """Begin to work."""
        loop = retry_loop(self._dispatch, self._config.disk_poll_seconds, self._on_fault)
        self._loops = [asyncio.create_task(loop, name="dispatch")]

    def wake(self, *, complete: bool = False) -> None:
        """Look for work again: something has changed. complete: a job may wait whose chunks are all there."""
        self._complete_ones |= complete
        self._news.set()

    @property
    def workers(self) -> list[DeviceWorker]:
        """All that were needed so far."""
        return self._lanes.workers

    def worker(self, lane: str) -> DeviceWorker:
        """The worker for a device as a job names it."""
        return self._lanes.worker(lane)

    def interrupt(self, job: str) -> bool:
        """End the turn of a job at its next step; its state was changed before. Returns whether it had one."""
        turns = self._turns_of(job)
        for turn in turns:
            turn.stop()
        return bool(turns)

    async def settled(self, job: str) -> None:
        """Wait until nothing works for a job any more."""
        while tasks := [turn.task for turn in self._turns_of(job) if turn.task is not None]:
            await asyncio.wait(tasks)

    @property
    def suspended(self) -> bool:
        """Whether no chunk is begun."""
        return self._hold.reason is not None

    @property
    def suspend_reason(self) -> str:
        """Why, "" where it is not."""
        return self._hold.reason or ""

    def suspend(self, reason: str, *, lasting: bool = True) -> None:
        """Begin no chunk until `resume`, after a restart too if that lasts; turns end at the next border."""
        self._hold.set(reason, lasting=lasting)
        for turn in self._turns.values():
            turn.give_way()

    def resume(self) -> None:
        """Go on."""
        self._hold.clear()
        self.wake()

    def try_again(self) -> None:
        """Go on where only a problem holds the queue: a person wants to see whether it is over."""
        if self.suspended and not self._hold.lasting:
            self.resume()

    def end_turns(self) -> None:
        """Begin nothing any more, and end what is at work; what is not finished is queued again."""
        self._closing = self._runner.closing = True
        for loop in self._loops:
            loop.cancel()
        for turn in self._all_turns():
            turn.stop()

    async def close(self, seconds: float) -> None:
        """End all workers, after `end_turns`, and wait for the ends of all turns."""
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*(worker.close(seconds) for worker in self.workers))
        tasks = [turn.task for turn in self._all_turns() if turn.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # Which turn begins

    async def _dispatch(self) -> None:
        """One round: begin what can begin, then wait for news."""
        self._news.clear()
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        now = self._book.wall()
        if self._astray:
            await self._take_back()
        if self._complete_ones:
            await self._begin_complete_ones()
        while await self._begin_one(now):
            pass
        await self._make_way(now)
        wakeup = await self._ledger.do(self._journal.next_wakeup, now)
        self._on_fault(None)
        sleep = _LOOK_AGAIN_SECONDS
        if wakeup is not None:
            sleep = min(sleep, max(0.05, wakeup - self._book.wall()))
        # Not wait_for, which can lose a cancellation (https://github.com/python/cpython/issues/86296).
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(sleep):
                await self._news.wait()

    async def _begin_one(self, now: float) -> bool:
        """Start the turn of the most urgent job whose device is free; False when there is none."""
        job = await self._next_job(now)
        if job is None or self.suspended or self._closing:
            return False
        if is_complete(job):
            await self._begin_delivery(job)
            return True
        worker = self._lanes.worker(job.lane)
        turn = Turn(job)
        self._turns[worker.device] = turn
        self._begin(turn, self._restore(turn, worker), lambda: self._turns.pop(worker.device))
        return True

    async def _next_job(self, now: float) -> JobRecord | None:
        free = self._lanes.free(self._turns)
        if self.suspended or not free:
            return None
        # A deliverable that is about to end is not begun again.
        ready = await self._ledger.do(self._journal.ready, now, free, len(self._deliveries) + 1)
        return next((job for job in ready if job.id not in self._deliveries), None)

    async def _begin_complete_ones(self) -> None:
        """Deliverables need no device: they do not wait for the job that has it."""
        if self.suspended:
            return
        self._complete_ones = False
        for job in await self._ledger.do(self._journal.with_chunks, {JobState.QUEUED}):
            if is_complete(job) and job.id not in self._deliveries and not self._closing:
                await self._begin_delivery(job)

    async def _begin_delivery(self, job: JobRecord) -> None:
        state = JobState.QUEUED if self._closing else JobState.MUXING
        job, moved = await self._book.change(job.id, {JobState.QUEUED, JobState.RUNNING}, state)
        if moved and not self._closing:
            turn = Turn(job)
            self._deliveries[job.id] = turn
            self._begin(turn, self._deliver(turn), lambda: self._deliveries.pop(job.id))

    async def _make_way(self, now: float) -> None:
        """Let a turn end early for a more urgent job."""
        for device, turn in list(self._turns.items()):
            if turn.unwanted:
                continue
            names = self._lanes.of(self._lanes.worker(device))
            waiting = await self._ledger.do(self._journal.ready, now, names)
            if not waiting or self._turns.get(device) is not turn:  # which may have ended meanwhile
                continue
            if waiting[0].priority > (await self._book.get(turn.job.id)).priority:
                turn.give_way()

    async def _take_back(self) -> None:
        """After a fault: jobs that are at work by the journal, and by nobody else, are queued again."""
        for job in await self._ledger.do(self._journal.running):
            if not self._turns_of(job.id):
                await self._book.change(job.id, {job.state}, JobState.QUEUED)
        self._astray = False
        self._complete_ones = True

    # How a turn goes

    def _begin(self, turn: Turn, work: Awaitable[JobRecord], forget: Callable[[], object]) -> None:
        job = turn.job
        self._book.hub.work(job.id, job.last_sequence)

        async def do() -> None:
            try:
                await self._guarded(job, work)
            finally:
                forget()
                if not self._turns_of(job.id):
                    self._book.hub.rest(job.id)
                self.wake(complete=turn.to_stop)  # it may have been resumed before it had ended

        turn.task = asyncio.create_task(do(), name=f"job {job.number}")

    async def _guarded(self, job: JobRecord, work: Awaitable[JobRecord]) -> None:
        """Whatever goes wrong in a turn, its job is never left behind at work."""
        try:
            try:
                self._judge(await work)
            except (JournalError, StorageError, NoDaemonError):
                raise
            except Exception as error:  # noqa: BLE001 - a defect; it ends one job and not the queue
                await self._runner.give_up(job.id, error)
        except (JournalError, StorageError, NoDaemonError) as error:
            # The journal has failed, or all ends: what has become of the job cannot be written down now.
            _log.error("turn lost why=%s", error, extra={"job": job.id})
            self._fault = error

    async def _restore(self, turn: Turn, worker: DeviceWorker) -> JobRecord:
        if turn.job.kind == "preview":
            return await self._runner.preview(turn, worker)
        job = await self._runner.restore(turn, worker)
        if job.state is JobState.RUNNING:
            await self._begin_delivery(job)
        return job

    async def _deliver(self, turn: Turn) -> JobRecord:
        async with self._mux_slots:
            return await self._runner.mux(turn)

    def _judge(self, job: JobRecord) -> None:
        if job.state is not JobState.FAILED or self.suspended:
            return
        if (job.problem or {}).get("code") == WorkerStartError.code:
            # It would fail every job of the night, one after the other. A restart may well mend it.
            self.suspend(f"The restoring process does not start: see job {job.number}.", lasting=False)
        elif self._config.on_failure == "hold" and job.kind == "restore":
            self.suspend(f"Job {job.number} failed.")

    def _all_turns(self) -> list[Turn]:
        return [*self._turns.values(), *self._deliveries.values()]

    def _turns_of(self, job: str) -> list[Turn]:
        return [turn for turn in self._all_turns() if turn.job.id == job]

    def _on_fault(self, fault: Exception | None) -> None:
        self._astray |= fault is not None
        self.problem = "" if fault is None else str(fault)
