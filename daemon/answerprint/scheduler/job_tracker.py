"""Changes of jobs: first in the journal, then told to whoever watches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.errors import AnswerprintError, StorageError
from answerprint.ipc.messages import Message
from answerprint.scheduler.event_hub import EventHub
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.store.folders import remove_job_folder
from answerprint.store.receipts import ChunkReceipt

__all__ = ["JobTracker", "error_record", "is_complete"]

_log = logging.getLogger(__name__)


Check = Callable[[JobRecord], bool]


def _anyway(job: JobRecord) -> bool:
    return True


class JobTracker:
    """The journal, the watchers and the scratch folder, as one: what is told is in the journal."""

    def __init__(self, ledger: JournalThread, hub: EventHub, scratch: Path, wall: Callable[[], float]) -> None:
        """wall: wall clock, for display and for the times that users give."""
        self.ledger = ledger
        self.journal = ledger.journal
        self.hub = hub
        self.scratch = scratch
        self.wall = wall

    def folder(self, job: str) -> Path:
        """Where the chunks of a job lie."""
        return self.scratch / job

    async def get(self, job: str) -> JobRecord:
        """The job with that full id, as it stands."""
        return await self.ledger.do(self.journal.get, job)

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
        """Bring a job into another state, if it is in one of `when`. Returns whether it was.

        A problem that it had goes, unless it is given again.
        """
        event: Message = {"event": "state", "state": state.value}
        if problem is not None:
            event["problem"] = problem
        record, moved = await self.note(job, when, event, check, state=state, problem=problem, **fields)
        if moved:
            _log.info("state=%s%s", state.value, f" why={problem['message']}" if problem else "", extra={"job": job})
        return record, moved

    async def note(
        self,
        job: str,
        when: Collection[JobState],
        event: Message,
        check: Check = _anyway,
        /,
        **fields: object,
    ) -> tuple[JobRecord, bool]:
        """Set fields of a job, and keep and tell the event, if it is in one of `when`. Returns whether it was.

        check: called with the job in the journal's thread, so that nothing comes between; False leaves it as it is.
        """

        def change() -> tuple[JobRecord, bool]:
            now = self.journal.get(job)
            if now.state not in when or not check(now):
                return now, False
            return self.journal.change(job, when=when, event=event, **fields)

        record, moved = await self.ledger.do(change)
        if moved:
            self.hub.tell(job, JobEvent(record.last_sequence, self.wall(), event))
        return record, moved

    async def say(self, job: str, event: Message) -> None:
        """Keep an event of a job, and tell it."""
        kept = await self.ledger.do(self.journal.append, job, event)
        self.hub.tell(job, kept)

    async def commit(self, receipt: ChunkReceipt, event: Message, seconds: float) -> None:
        """Keep a finished chunk, then tell of it. Raises ChunkRefusedError."""
        sequence = await self.ledger.do(self.journal.commit_chunk, receipt, event, seconds=seconds)
        self.hub.tell(receipt.job, JobEvent(sequence, self.wall(), event))

    def show(self, job: str, event: Message) -> None:
        """Tell what is not kept."""
        self.hub.tell(job, JobEvent(self.hub.sequence(job), self.wall(), event))

    async def clear(self, job: str) -> int:
        """Remove what a job has on disk beside its deliverable; returns the bytes freed."""
        try:
            removal = await asyncio.to_thread(remove_job_folder, self.scratch, job)
        except StorageError as error:
            _log.warning("scratch stays why=%s", error.message, extra={"job": job})  # the next start removes it
            return 0
        return removal.bytes


def is_complete(job: JobRecord) -> bool:
    """Whether all that a job's deliverable is written from is there: its chunks, or the parts that it joins."""
    return job.kind == "restore" and (bool(job.request.get("parts")) or 0 < job.frames_total == job.frames_done)


def error_record(error: AnswerprintError) -> Message:
    """An error in the form in which a job keeps it."""
    return {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
        **error.details,
    }
