"""Decides which job runs: one at a time per device, the most urgent first; jobs yield between chunks."""

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
"""Above all user priorities: previews go first."""

_MUXES = 2
_LONGEST_SLEEP_SECONDS = 30.0
"""Longest sleep: the wall clock, which start times use, may be set."""


class Scheduler:
    """Takes ready jobs from the journal and runs their turns."""

    def __init__(
        self,
        tracker: JobTracker,
        runner: Runner,
        config: Config,
        hold: QueueHold,
        *,
        start_worker: Callable[[], Awaitable[Child]],
    ) -> None:
        self._hold = hold
        self.problem = ""
        """What blocks all jobs now; empty if nothing does."""
        self._tracker = tracker
        self._journal_thread = tracker.journal_thread
        self._journal = tracker.journal
        self._runner = runner
        self._config = config
        self._devices = DevicePool(start_worker, config, on_ready=self.wake)
        self._turns: dict[str, Turn] = {}
        self._deliveries: dict[str, Turn] = {}
        self._mux_slots = asyncio.Semaphore(_MUXES)
        self._changed = asyncio.Event()
        self._check_complete = True
        self._needs_requeue = False
        self._fault: Exception | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._closing = False

    def start(self) -> None:
        """Start the dispatch loop."""
        loop = retry_loop(self._dispatch, self._config.disk_poll_seconds, self._on_fault)
        self._loops = [asyncio.create_task(loop, name="dispatch")]

    def wake(self, *, complete: bool = False) -> None:
        """Look for work again. complete: a job with all its chunks may be waiting for its deliverable."""
        self._check_complete |= complete
        self._changed.set()

    @property
    def workers(self) -> list[DeviceWorker]:
        """All workers created so far."""
        return self._devices.workers

    def worker(self, name: str) -> DeviceWorker:
        """The worker for a device name."""
        return self._devices.worker(name)

    def interrupt(self, job: str) -> bool:
        """Stop the turn of a job at its next step, after its state was changed. Returns whether it had a turn."""
        turns = self._turns_of(job)
        for turn in turns:
            turn.stop()
        return bool(turns)

    async def wait_until_idle(self, job: str) -> None:
        """Wait until all turns of a job have ended."""
        while tasks := [turn.task for turn in self._turns_of(job) if turn.task is not None]:
            await asyncio.wait(tasks)

    @property
    def suspended(self) -> bool:
        """Whether the queue is suspended."""
        return self._hold.reason is not None

    @property
    def suspend_reason(self) -> str:
        """Why the queue is suspended; empty if it is not."""
        return self._hold.reason or ""

    def suspend(self, reason: str, *, lasting: bool = True) -> None:
        """Start no chunk until `resume`. lasting: also after a restart. Running turns end after their chunk."""
        self._hold.set(reason, lasting=lasting)
        for turn in self._turns.values():
            turn.request_yield()

    def resume(self) -> None:
        """Resume the queue."""
        self._hold.clear()
        self.wake()

    def resume_after_fault(self) -> None:
        """Resume the queue if only a problem suspended it: a retry shows whether it is over."""
        if self.suspended and not self._hold.lasting:
            self.resume()

    def end_turns(self) -> None:
        """Start nothing more, and stop all turns; unfinished jobs are queued again."""
        self._closing = self._runner.closing = True
        for loop in self._loops:
            loop.cancel()
        for turn in self._all_turns():
            turn.stop()

    async def close(self, seconds: float) -> None:
        """End all workers and wait for all turns to end; call `end_turns` first."""
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*(worker.close(seconds) for worker in self.workers))
        tasks = [turn.task for turn in self._all_turns() if turn.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # Starting turns

    async def _dispatch(self) -> None:
        """One round: start what can start, then wait for a change."""
        self._changed.clear()
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        now = self._tracker.wall()
        if self._needs_requeue:
            await self._requeue_orphans()
        if self._check_complete:
            await self._begin_complete()
        while await self._begin_one(now):
            pass
        await self._yield_to_urgent(now)
        wakeup = await self._journal_thread.run(self._journal.next_wakeup, now)
        self._on_fault(None)
        sleep = _LONGEST_SLEEP_SECONDS
        if wakeup is not None:
            sleep = min(sleep, max(0.05, wakeup - self._tracker.wall()))
        # Not wait_for, which can lose a cancellation (https://github.com/python/cpython/issues/86296).
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(sleep):
                await self._changed.wait()

    async def _begin_one(self, now: float) -> bool:
        """Start the most urgent job whose device is free; returns False if there is none."""
        job = await self._next_job(now)
        if job is None or self.suspended or self._closing:
            return False
        if is_complete(job):
            await self._begin_delivery(job)
            return True
        worker = self._devices.worker(job.lane)
        turn = Turn(job)
        self._turns[worker.device] = turn
        self._begin(turn, self._restore(turn, worker), lambda: self._turns.pop(worker.device))
        return True

    async def _next_job(self, now: float) -> JobRecord | None:
        free = self._devices.free(self._turns)
        if self.suspended or not free:
            return None
        # A deliverable that is still ending must not start again.
        ready = await self._journal_thread.run(self._journal.ready, now, free, len(self._deliveries) + 1)
        return next((job for job in ready if job.id not in self._deliveries), None)

    async def _begin_complete(self) -> None:
        """Start deliverables: they need no device, so they do not wait for one."""
        if self.suspended:
            return
        self._check_complete = False
        for job in await self._journal_thread.run(self._journal.with_chunks, {JobState.QUEUED}):
            if is_complete(job) and job.id not in self._deliveries and not self._closing:
                await self._begin_delivery(job)

    async def _begin_delivery(self, job: JobRecord) -> None:
        state = JobState.QUEUED if self._closing else JobState.MUXING
        job, moved = await self._tracker.change(job.id, {JobState.QUEUED, JobState.RUNNING}, state)
        if moved and not self._closing:
            turn = Turn(job)
            self._deliveries[job.id] = turn
            self._begin(turn, self._deliver(turn), lambda: self._deliveries.pop(job.id))

    async def _yield_to_urgent(self, now: float) -> None:
        """Make turns yield to more urgent jobs."""
        for device, turn in list(self._turns.items()):
            if turn.ending:
                continue
            names = self._devices.of(self._devices.worker(device))
            waiting = await self._journal_thread.run(self._journal.ready, now, names)
            if not waiting or self._turns.get(device) is not turn:  # it ended meanwhile
                continue
            if waiting[0].priority > (await self._tracker.get(turn.job.id)).priority:
                turn.request_yield()

    async def _requeue_orphans(self) -> None:
        """After an error, queue the jobs again that the journal has as running, but that have no turn."""
        for job in await self._journal_thread.run(self._journal.running):
            if not self._turns_of(job.id):
                await self._tracker.change(job.id, {job.state}, JobState.QUEUED)
        self._needs_requeue = False
        self._check_complete = True

    # Running turns

    def _begin(self, turn: Turn, work: Awaitable[JobRecord], forget: Callable[[], object]) -> None:
        job = turn.job
        self._tracker.hub.track(job.id, job.last_sequence)

        async def do() -> None:
            try:
                await self._guarded(job, work)
            finally:
                forget()
                if not self._turns_of(job.id):
                    self._tracker.hub.untrack(job.id)
                self.wake(complete=turn.stop_requested)  # it may have been resumed before it ended

        turn.task = asyncio.create_task(do(), name=f"job {job.number}")

    async def _guarded(self, job: JobRecord, work: Awaitable[JobRecord]) -> None:
        """Run a turn; whatever fails, the job does not stay in a running state."""
        try:
            try:
                self._check_outcome(await work)
            except (JournalError, StorageError, NoDaemonError):
                raise
            except Exception as error:  # noqa: BLE001 - a defect; it fails one job, not the queue
                await self._runner.fail_defect(job.id, error)
        except (JournalError, StorageError, NoDaemonError) as error:
            # The journal has failed or the daemon is stopping: the state of the job cannot be recorded now.
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

    def _check_outcome(self, job: JobRecord) -> None:
        if job.state is not JobState.FAILED or self.suspended:
            return
        if (job.problem or {}).get("code") == WorkerStartError.code:
            # It would fail every job in the queue. A restart may fix it.
            self.suspend(f"The worker does not start: see job {job.number}.", lasting=False)
        elif self._config.on_failure == "hold" and job.kind == "restore":
            self.suspend(f"Job {job.number} failed.")

    def _all_turns(self) -> list[Turn]:
        return [*self._turns.values(), *self._deliveries.values()]

    def _turns_of(self, job: str) -> list[Turn]:
        return [turn for turn in self._all_turns() if turn.job.id == job]

    def _on_fault(self, fault: Exception | None) -> None:
        self._needs_requeue |= fault is not None
        self.problem = "" if fault is None else str(fault)
