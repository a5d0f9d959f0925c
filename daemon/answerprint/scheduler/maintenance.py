"""Background work of the daemon: probe new media, resume waiting jobs, end idle children, delete old jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import NotFoundError, StateError
from answerprint.descriptors import are_free
from answerprint.errors import AnswerprintError, DiskFullError, RemoteError, TooManyFilesError
from answerprint.scheduler.config import Config
from answerprint.scheduler.disk_space import has_room
from answerprint.scheduler.job_tracker import JobTracker, error_record
from answerprint.scheduler.media_children import MediaChildren
from answerprint.scheduler.retry_loop import retry_loop
from answerprint.scheduler.scheduler import Scheduler

__all__ = ["Maintenance"]

_log = logging.getLogger(__name__)

_FIRST_PRUNE_SECONDS = 60.0
"""Not during the start."""
_PRUNE_SECONDS = 3600.0
_FILES_FOR_A_JOB = 32
_PROBES = 2
"""New media that are probed in parallel."""
_LONGEST_WAIT_SECONDS = 600.0
_FORGET_SECONDS = 3600.0
_SHORTEST_CHECK_SECONDS = 0.05


class Maintenance:
    """Runs from `start` to `close`."""

    def __init__(
        self,
        tracker: JobTracker,
        scheduler: Scheduler,
        media: MediaChildren,
        config: Config,
        *,
        delete: Callable[[str], Awaitable[int]],
    ) -> None:
        """delete: deletes an ended job by id."""
        self._tracker = tracker
        self._journal_thread = tracker.journal_thread
        self._journal = tracker.journal
        self._scheduler = scheduler
        self._media = media
        self._config = config
        self._delete = delete
        self._to_probe: asyncio.Queue[str] = asyncio.Queue()
        self._attempts: dict[str, tuple[float, float]] = {}
        self._until_prune = _FIRST_PRUNE_SECONDS
        self._began: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks."""
        pause = self._config.disk_poll_seconds
        self._began = asyncio.get_running_loop().time()
        self._tasks = [
            asyncio.create_task(retry_loop(work, pause, lambda fault: None), name=work.__name__)
            for work in (*[self._probe_one] * _PROBES, self._resume_waiting, self._end_idle, self._prune)
        ]

    async def close(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def probe(self, job: str) -> None:
        """Probe the media of a new job soon."""
        self._to_probe.put_nowait(job)

    async def _probe_one(self) -> None:
        """Probe the media of a new job: a broken file fails now, not when its turn comes."""
        try:
            job = await self._tracker.get(await self._to_probe.get())
        except NotFoundError:
            return
        if job.kind != "restore" or job.state is not JobState.QUEUED:
            return
        try:
            facts = await self._media.ask({"type": "probe", "request": job.request})
        except RemoteError as error:
            await self._tracker.change(
                job.id, {JobState.QUEUED}, JobState.FAILED, error_record(error), ended=self._tracker.wall()
            )
            return
        except AnswerprintError as error:
            _log.warning("not probed why=%s", error.message, extra={"job": job.id})  # its turn will show
            return
        first, stop = facts["range"]
        with contextlib.suppress(NotFoundError):
            await self._journal_thread.run(
                self._journal.change, job.id, when={JobState.QUEUED}, event=None, frames_total=stop - first
            )

    async def _resume_waiting(self) -> None:
        """Resume jobs that wait for disk space or for free file descriptors."""
        await asyncio.sleep(self._config.disk_poll_seconds)
        paused = await self._journal_thread.run(self._journal.in_states, {JobState.PAUSED})
        for job in paused:
            problem = job.problem or {}
            code = problem.get("code")
            if code not in (DiskFullError.code, TooManyFilesError.code) or not self._may_retry(job.id):
                continue
            if code == TooManyFilesError.code:
                if are_free(_FILES_FOR_A_JOB):
                    await self._requeue(job)
                continue
            folder, needed = str(problem.get("folder") or self._tracker.scratch), int(problem.get("needed_bytes") or 0)
            if await asyncio.to_thread(has_room, folder, needed):
                await self._requeue(job)

    async def _requeue(self, job: JobRecord) -> None:
        """Queue a job again, unless the user changed it meanwhile."""
        now = asyncio.get_running_loop().time()
        _, wait = self._attempts.get(job.id, (now, 0.0))
        self._attempts[job.id] = (now, min(_LONGEST_WAIT_SECONDS, max(self._config.disk_poll_seconds, 2 * wait)))
        _, moved = await self._tracker.change(
            job.id, {JobState.PAUSED}, JobState.QUEUED, None, lambda now: now.problem == job.problem
        )
        if moved:
            _log.info("resumed: enough space or files again", extra={"job": job.id})
            self._scheduler.wake(complete=True)

    def _may_retry(self, job: str) -> bool:
        """Whether a job may be retried: each failed attempt doubles its wait."""
        now = asyncio.get_running_loop().time()
        self._attempts = {each: entry for each, entry in self._attempts.items() if now - entry[0] < _FORGET_SECONDS}
        tried, wait = self._attempts.get(job, (0.0, 0.0))
        return now - tried >= wait

    async def _end_idle(self) -> None:
        """End idle child processes to free their memory."""
        await asyncio.sleep(max(_SHORTEST_CHECK_SECONDS, min(30.0, self._config.idle_worker_seconds / 4)))
        for worker in self._scheduler.workers:
            await worker.end_if_idle()
        await self._media.end_if_idle()

    async def _prune(self) -> None:
        """Delete jobs that ended long ago."""
        await asyncio.sleep(self._until_prune)
        now = asyncio.get_running_loop().time()
        old = await self._journal_thread.run(
            self._journal.expired,
            older_than_seconds=self._config.history_seconds or None,
            keep_jobs=self._config.history_jobs or None,
            up_seconds=now - (now if self._began is None else self._began),
        )
        deleted = 0
        for job in old:
            with contextlib.suppress(NotFoundError, StateError):
                if (await self._tracker.get(job.id)).last_sequence != job.last_sequence:
                    continue  # it was retried meanwhile
                await self._delete(job.id)
                deleted += 1
        self._until_prune = 0.0 if deleted else _PRUNE_SECONDS
