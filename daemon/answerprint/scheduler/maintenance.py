"""What the daemon does beside its jobs: new media are looked at, room is waited for, and what is old or idle goes."""

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
"""A start has better things to do."""
_PRUNE_SECONDS = 3600.0
_FILES_FOR_A_JOB = 32
_PROBES = 2
"""New media that are looked at side by side."""
_LONGEST_WAIT_SECONDS = 600.0
_FORGET_SECONDS = 3600.0
_SHORTEST_LOOK_SECONDS = 0.05


class Maintenance:
    """Runs beside the scheduler from `start` to `close`."""

    def __init__(
        self,
        book: JobTracker,
        scheduler: Scheduler,
        media: MediaChildren,
        config: Config,
        *,
        delete: Callable[[str], Awaitable[int]],
    ) -> None:
        """delete: forgets an ended job."""
        self._book = book
        self._ledger = book.ledger
        self._journal = book.journal
        self._scheduler = scheduler
        self._media = media
        self._config = config
        self._delete = delete
        self._to_probe: asyncio.Queue[str] = asyncio.Queue()
        self._tries: dict[str, tuple[float, float]] = {}
        self._until_prune = _FIRST_PRUNE_SECONDS
        self._began: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        pause = self._config.disk_poll_seconds
        self._began = asyncio.get_running_loop().time()
        self._tasks = [
            asyncio.create_task(retry_loop(work, pause, lambda fault: None), name=work.__name__)
            for work in (*[self._probe_one] * _PROBES, self._look_for_room, self._end_idle, self._prune)
        ]

    async def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def probe(self, job: str) -> None:
        """Look at the media of a new job soon."""
        self._to_probe.put_nowait(job)

    async def _probe_one(self) -> None:
        """Look at new media at once: a broken file is said now, not at its turn in the night."""
        try:
            job = await self._book.get(await self._to_probe.get())
        except NotFoundError:
            return
        if job.kind != "restore" or job.state is not JobState.QUEUED:
            return
        try:
            facts = await self._media.ask({"type": "probe", "request": job.request})
        except RemoteError as error:
            await self._book.change(
                job.id, {JobState.QUEUED}, JobState.FAILED, error_record(error), ended=self._book.wall()
            )
            return
        except AnswerprintError as error:
            _log.warning("not probed why=%s", error.message, extra={"job": job.id})  # its turn will tell
            return
        first, stop = facts["range"]
        with contextlib.suppress(NotFoundError):
            await self._ledger.do(
                self._journal.change, job.id, when={JobState.QUEUED}, event=None, frames_total=stop - first
            )

    async def _look_for_room(self) -> None:
        """Jobs that wait for room on a disk, or for files that can be opened, go on when there is."""
        await asyncio.sleep(self._config.disk_poll_seconds)
        paused = await self._ledger.do(self._journal.in_states, {JobState.PAUSED})
        for job in paused:
            problem = job.problem or {}
            code = problem.get("code")
            if code not in (DiskFullError.code, TooManyFilesError.code) or not self._may_try(job.id):
                continue
            if code == TooManyFilesError.code:
                if are_free(_FILES_FOR_A_JOB):
                    await self._try_again(job)
                continue
            folder, needed = str(problem.get("folder") or self._book.scratch), int(problem.get("needed_bytes") or 0)
            if await asyncio.to_thread(has_room, folder, needed):
                await self._try_again(job)

    async def _try_again(self, job: JobRecord) -> None:
        """Queue it again, unless the user did something with it meanwhile."""
        now = asyncio.get_running_loop().time()
        _, wait = self._tries.get(job.id, (now, 0.0))
        self._tries[job.id] = (now, min(_LONGEST_WAIT_SECONDS, max(self._config.disk_poll_seconds, 2 * wait)))
        _, moved = await self._book.change(
            job.id, {JobState.PAUSED}, JobState.QUEUED, None, lambda now: now.problem == job.problem
        )
        if moved:
            _log.info("room again", extra={"job": job.id})
            self._scheduler.wake(complete=True)

    def _may_try(self, job: str) -> bool:
        """Not too soon: a job whose disk is full again each time waits longer each time."""
        now = asyncio.get_running_loop().time()
        self._tries = {each: entry for each, entry in self._tries.items() if now - entry[0] < _FORGET_SECONDS}
        tried, wait = self._tries.get(job, (0.0, 0.0))
        return now - tried >= wait

    async def _end_idle(self) -> None:
        """What stays idle gives its memory back."""
        await asyncio.sleep(max(_SHORTEST_LOOK_SECONDS, min(30.0, self._config.idle_worker_seconds / 4)))
        for worker in self._scheduler.workers:
            await worker.end_if_idle()
        await self._media.end_if_idle()

    async def _prune(self) -> None:
        """Forget what ended long ago."""
        await asyncio.sleep(self._until_prune)
        now = asyncio.get_running_loop().time()
        old = await self._ledger.do(
            self._journal.expired,
            older_than_seconds=self._config.history_seconds or None,
            keep_jobs=self._config.history_jobs or None,
            up_seconds=now - (now if self._began is None else self._began),
        )
        gone = 0
        for job in old:
            with contextlib.suppress(NotFoundError, StateError):
                if (await self._book.get(job.id)).last_sequence != job.last_sequence:
                    continue  # it was tried again meanwhile
                await self._delete(job.id)
                gone += 1
        self._until_prune = 0.0 if gone else _PRUNE_SECONDS
