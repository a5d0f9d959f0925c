"""Changes jobs: first in the journal, then for the watchers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.errors import AnswerprintError, StorageError
from answerprint.ipc.messages import Message
from answerprint.scheduler.event_hub import EventHub
from answerprint.scheduler.expected import expected_seconds
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.store.folders import remove_job_folder
from answerprint.store.receipts import ChunkReceipt

__all__ = ["JobTracker", "error_record", "is_complete"]

_log = logging.getLogger(__name__)

_REMEMBERED = 100
"""Jobs, the latest first, by which the time of a new one is estimated."""

Check = Callable[[JobRecord], bool]


def _anyway(job: JobRecord) -> bool:
    return True


class JobTracker:
    """Changes jobs in the journal and then publishes the event: watchers only see what is recorded."""

    def __init__(self, journal_thread: JournalThread, hub: EventHub, scratch: Path, wall: Callable[[], float]) -> None:
        """wall: wall clock in seconds since 1970, for display and for start times."""
        self.journal_thread = journal_thread
        self.journal = journal_thread.journal
        self.hub = hub
        self.scratch = scratch
        self.wall = wall

    def folder(self, job: str) -> Path:
        """The folder with the chunks of a job."""
        return self.scratch / job

    async def get(self, job: str) -> JobRecord:
        """The job with this full id."""
        return await self.journal_thread.run(self.journal.get, job)

    async def change(
        self,
        job: str,
        when: Collection[JobState],
        state: JobState,
        problem: Message | None = None,
        check: Check = _anyway,
        /,
        **fields: object,
    ) -> tuple[JobRecord, bool]:
        """Change the state of a job if it is in one of `when`; returns the job and whether it changed.

        Its old problem is cleared.
        """
        event: Message = {"event": "state", "state": state.value}
        if problem is not None:
            event["problem"] = problem
        record, moved = await self.update(job, when, event, check, state=state, problem=problem, **fields)
        if moved:
            _log.info("state=%s%s", state.value, f" why={problem['message']}" if problem else "", extra={"job": job})
        return record, moved

    async def update(
        self,
        job: str,
        when: Collection[JobState],
        event: Message,
        check: Check = _anyway,
        /,
        **fields: object,
    ) -> tuple[JobRecord, bool]:
        """Set fields of a job and record the event, if the job is in one of `when`; returns it and whether it changed.

        check: called with the job in the journal's thread, so nothing can happen in between; False changes nothing.
        """

        def change() -> tuple[JobRecord, bool]:
            now = self.journal.get(job)
            if now.state not in when or not check(now):
                return now, False
            return self.journal.change(job, when=when, event=event, **fields)

        record, moved = await self.journal_thread.run(change)
        if moved:
            self.hub.publish(job, JobEvent(record.last_sequence, self.wall(), event))
        return record, moved

    async def append(self, job: str, event: Message) -> None:
        """Record an event of a job, and publish it."""
        kept = await self.journal_thread.run(self.journal.append, job, event)
        self.hub.publish(job, kept)

    async def commit(self, receipt: ChunkReceipt, event: Message, seconds: float) -> None:
        """Record a finished chunk, then publish the event. Raises ChunkRefusedError."""
        sequence = await self.journal_thread.run(self.journal.commit_chunk, receipt, event, seconds=seconds)
        self.hub.publish(receipt.job, JobEvent(sequence, self.wall(), event))

    def publish_live(self, job: str, event: Message) -> None:
        """Publish a live event, which is not recorded."""
        self.hub.publish(job, JobEvent(self.hub.sequence(job), self.wall(), event))

    async def expected(self, plan: Message, request: Message) -> Message:
        """The estimate of time of a job that has not begun: `seconds`, or nothing if no job like it was done."""
        done, _, _ = await self.journal_thread.run(self.journal.page, {JobState.DONE}, _REMEMBERED, "")
        seconds = expected_seconds(done, plan, request)
        return {} if seconds is None else {"seconds": seconds}

    async def clear_scratch(self, job: str) -> int:
        """Remove the scratch files of a job; returns the bytes freed."""
        try:
            removal = await asyncio.to_thread(remove_job_folder, self.scratch, job)
        except StorageError as error:
            _log.warning("scratch not removed why=%s", error.message, extra={"job": job})  # the next start removes it
            return 0
        return removal.bytes


def is_complete(job: JobRecord) -> bool:
    """Whether all that a job's deliverable is written from is there: its chunks, or the parts that it joins."""
    return job.kind == "restore" and (bool(job.request.get("parts")) or 0 < job.frames_total == job.frames_done)


def error_record(error: AnswerprintError) -> Message:
    """An error as stored in a job."""
    return {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
        **error.details,
    }
