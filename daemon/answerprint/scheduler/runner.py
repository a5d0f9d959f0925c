"""One job, from its turn to the end of its turn, and what the end of its turn makes of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import (
    AnswerprintError,
    DiskFullError,
    JobFailedError,
    RemoteError,
    StorageError,
    TooManyFilesError,
)
from answerprint.ipc.child import ChildLostError
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import DeviceWorker, WorkerStartError
from answerprint.scheduler.event_sink import EventSink
from answerprint.scheduler.job_tracker import JobTracker, error_record, is_complete
from answerprint.scheduler.media_children import MediaChildren
from answerprint.scheduler.turn import Turn
from answerprint.store.folders import make_job_folder, write_job_file
from answerprint.store.quota import storage_error
from answerprint.store.recovery import discard_chunks, settle_chunks

__all__ = ["Runner"]

_log = logging.getLogger(__name__)

_AT_WORK = frozenset({JobState.RUNNING, JobState.MUXING})
_START_AGAIN_SECONDS = 1.0


class Runner:
    """Does jobs: restores and previews on a worker, deliverables in a media child.

    What it raises is a fault of the journal, or a defect: a fault of a job becomes the job's state.
    """

    def __init__(self, book: JobTracker, media: MediaChildren, config: Config) -> None:
        self._book = book
        self._ledger = book.ledger
        self._journal = book.journal
        self._media = media
        self._config = config
        self._recomputed: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self.closing = False
        """The daemon ends: a lost child is nobody's fault, and is not started again."""

    # What a turn consists of

    async def restore(self, turn: Turn, worker: DeviceWorker) -> JobRecord:
        """Compute the chunks that are missing. A job that is RUNNING when this returns has them all."""
        job, _ = await self._book.change(turn.job.id, {JobState.QUEUED}, JobState.RUNNING)
        while True:
            job = await self._settle(job)
            if job.state is not JobState.RUNNING or is_complete(job):
                return job
            try:
                final = await worker.run(await self._order(job), EventSink(self._book, turn).hear, turn)
            except ChildLostError as lost:
                job = await self._lost(job.id, lost)
            except RemoteError as error:  # of a worker that refuses to start
                job = await self._fail(job.id, error)
            except TooManyFilesError as error:
                job = await self._pause(job.id, error)
            else:
                job = await self._judge(job.id, final)

    async def preview(self, turn: Turn, worker: DeviceWorker) -> JobRecord:
        """Make the pictures of a preview."""
        job, _ = await self._book.change(turn.job.id, {JobState.QUEUED}, JobState.RUNNING)
        while job.state is JobState.RUNNING:
            order = {
                "type": "preview",
                "job": job.id,
                # What an earlier try has written may be replaced: the folder was free when the job was taken.
                "request": job.request | ({"overwrite": True} if job.facts else {}),
                "keep_alive_seconds": self._config.keep_alive_seconds,
            }
            try:
                final = await worker.run(order, EventSink(self._book, turn).hear, turn)
            except ChildLostError as lost:
                job = await self._lost(job.id, lost)
            except RemoteError as error:
                job = await self._fail(job.id, error)
            except TooManyFilesError as error:
                job = await self._pause(job.id, error)
            else:
                job = (
                    await self._finish(job.id, final) if final["event"] == "done" else await self._judge(job.id, final)
                )
        return job

    async def mux(self, turn: Turn) -> JobRecord:
        """Write the deliverable from the chunks of a job that is MUXING, and clear its scratch."""
        job = await self._book.get(turn.job.id)
        if job.request.get("parts"):  # without chunks it has no folder yet, which a second try looks for litter in
            try:
                await asyncio.to_thread(_prepare, self._book.scratch, job)
            except OSError as error:
                return await self._pause(job.id, storage_error(error, self._book.folder(job.id)))
            except StorageError as error:
                return await self._pause(job.id, error)
        while job.state is JobState.MUXING:
            receipts = await self._ledger.do(self._journal.chunks, job.id)
            order: Message = {"job": job.id, "request": job.request, "scratch": str(self._book.folder(job.id))}
            try:
                final = await self._media.mux(order, receipts, EventSink(self._book, turn).hear, turn)
            except ChildLostError as lost:
                job = await self._lost(job.id, lost)
            except StorageError as error:
                job = await self._pause(job.id, error)
            else:
                job = (
                    await self._finish(job.id, final) if final["event"] == "done" else await self._judge(job.id, final)
                )
        return job

    async def give_up(self, job: str, error: Exception) -> None:
        """End a job for a defect of the program."""
        _log.error("defect: %s", error, exc_info=error, extra={"job": job})
        if not isinstance(error, AnswerprintError):
            error = JobFailedError(f"The daemon met an error of its own ({type(error).__name__}).", "See its log.")
        await self._fail(job, error)

    # Before the worker begins

    async def _settle(self, job: JobRecord) -> JobRecord:
        """Bring journal and disk together; returns the job as it stands then."""
        if job.state is not JobState.RUNNING:
            return job
        scratch, folder = self._book.scratch, self._book.folder(job.id)
        try:
            await asyncio.to_thread(_prepare, scratch, job)
            await self._ledger.do(settle_chunks, self._journal, scratch, job.id)
        except OSError as error:
            return await self._pause(job.id, storage_error(error, folder))
        except StorageError as error:
            return await self._pause(job.id, error)
        return await self._book.get(job.id)

    async def _order(self, job: JobRecord) -> Message:
        last = await self._ledger.do(self._journal.last_chunk, job.id)
        return {
            "type": "restore",
            "job": job.id,
            "request": job.request,
            "scratch": str(self._book.folder(job.id)),
            "resume": None if last is None else last.to_json(),
            "chunk": 0 if last is None else last.chunk + 1,
            "frames_done": job.frames_done,
            "rung": job.rung,
            "fingerprint": job.fingerprint if last is not None else "",
            "keep_alive_seconds": self._config.keep_alive_seconds,
        }

    # How a turn ends

    async def _judge(self, job: str, final: Message) -> JobRecord:
        """What a final event other than `done` makes of a job."""
        if final["event"] == "rendered":
            return await self._rendered(job, final)
        if final["event"] == "stopped":
            # Whoever stopped it has changed its state before, or wants its turn to go to another.
            record, _ = await self._book.change(job, _AT_WORK, JobState.QUEUED)
            return record
        error = RemoteError.from_event(final)
        if error.code == "damaged_chunk":
            return await self._damaged(job, int(final.get("chunk") or 0), error)
        if error.code == "source_changed":
            return await self._changed(job, error)
        if error.code in (DiskFullError.code, TooManyFilesError.code, StorageError.code):
            return await self._pause(job, error)
        return await self._fail(job, error)

    async def _rendered(self, job: str, final: Message) -> JobRecord:
        record = await self._book.get(job)
        if record.state is JobState.RUNNING and not is_complete(record):
            missing = f"{record.frames_total - record.frames_done} of {record.frames_total}"
            return await self._fail(
                job, JobFailedError(f"The restoring process left out {missing} frames.", "Retry it.")
            )
        spent = {name: final.get(name) for name in ("peak_memory_bytes", "stages")}
        record, _ = await self._ledger.do(
            self._journal.change, job, when=frozenset(JobState), event=None, facts={**record.facts, "spent": spent}
        )
        return record

    async def _lost(self, job: str, lost: ChildLostError) -> JobRecord:
        """Count a lost child against the chunk it was lost in; the third time is the last."""
        record = await self._book.get(job)
        if record.state not in _AT_WORK:
            return record
        if self.closing:
            record, _ = await self._book.change(job, _AT_WORK, JobState.QUEUED)
            return record
        failures, most = record.failures + 1, self._config.chunk_attempts
        last = await self._ledger.do(self._journal.last_chunk, job)
        place = {"job": job, "chunk": 0 if last is None else last.chunk + 1}
        _log.warning("child lost times=%d of=%d why=%s", failures, most, lost.message, extra=place)
        if failures >= most:
            return await self._fail(job, _lost_for_good(record, lost, failures), failures=0)
        event = {"event": "warning", "message": f"{lost.message} Trying again ({failures + 1} of {most})."}
        record, _ = await self._book.note(job, _AT_WORK, event, failures=failures)
        if isinstance(lost, WorkerStartError):
            await asyncio.sleep(_START_AGAIN_SECONDS)  # memory may come back
            record = await self._book.get(job)
        return record

    async def _damaged(self, job: str, chunk: int, error: AnswerprintError) -> JobRecord:
        """Have chunks made again that the disk did not keep: a few times, for it may damage all it gets."""
        self._recomputed[job] += 1
        if self._recomputed[job] <= self._config.chunk_attempts:
            return await self._recompute(job, chunk, error)
        remedy = f"Check the disk of {self._book.scratch}, or name another scratch folder in the configuration."
        return await self._fail(job, JobFailedError(f"{error.message} This happens again and again.", remedy))

    async def _changed(self, job: str, error: AnswerprintError) -> JobRecord:
        """Restore another source from its beginning: a few times, for one that is still being written changes on."""
        self._changes[job] += 1
        if self._changes[job] <= self._config.chunk_attempts:
            return await self._recompute(job, 0, error, fingerprint="", rung=0)
        message = f"{error.message} It changes again and again."
        return await self._fail(job, JobFailedError(message, "Wait until it is complete, then retry the job."))

    async def _recompute(self, job: str, chunk: int, error: AnswerprintError, **fields: object) -> JobRecord:
        """Drop chunks that cannot be used, and queue the job to make them again."""
        warning = f"{error.message} Chunks from {chunk + 1} on are restored again."
        await self._book.say(job, {"event": "warning", "message": warning})
        try:
            await self._ledger.do(discard_chunks, self._journal, self._book.scratch, job, chunk)
        except StorageError as fault:
            return await self._pause(job, fault)
        record, _ = await self._book.change(job, _AT_WORK, JobState.QUEUED, **fields)
        return record

    async def _finish(self, job: str, final: Message) -> JobRecord:
        result = {key: value for key, value in final.items() if key not in ("event", "job", "id")}
        record = await self._book.get(job)
        if record.kind == "restore":
            result |= await self._sums(record, final)
        record, moved = await self._book.note(
            job, _AT_WORK, {"event": "done", **result},
            state=JobState.DONE, problem=None, ended=self._book.wall(), result=result,
        )  # fmt: skip
        if moved:
            _log.info("state=done output=%s", record.output, extra={"job": job})
            self._forget(job)
            await self._book.clear(job)
        return record

    async def _sums(self, record: JobRecord, final: Message) -> Message:
        """What all turns of a job took together, in the fields of a `done` event."""
        hits = misses = after = 0
        while kept := await self._ledger.do(self._journal.events, record.id, after):
            counts = [each.event["flow_cache"] for each in kept if each.event["event"] == "chunk"]
            hits += sum(int(each["hits"]) for each in counts)
            misses += sum(int(each["misses"]) for each in counts)
            after = kept[-1].sequence
        seconds = record.seconds + float(final.get("seconds", 0.0))
        spent = record.facts.get("spent", {})
        return {
            "seconds": round(seconds, 3),
            "seconds_per_frame": round(seconds / max(1, record.frames_total), 4),
            "flow_cache": {"hits": hits, "misses": misses},
            "peak_memory_bytes": spent.get("peak_memory_bytes"),
            "stages": {**(spent.get("stages") or {}), **final.get("stages", {})},
        }

    async def _fail(self, job: str, error: AnswerprintError, **fields: object) -> JobRecord:
        record, _ = await self._book.change(
            job, {*_AT_WORK, JobState.QUEUED}, JobState.FAILED, error_record(error), ended=self._book.wall(), **fields
        )
        self._forget(job)
        return record

    def _forget(self, job: str) -> None:
        """Its next try begins to count anew."""
        self._recomputed.pop(job, None)
        self._changes.pop(job, None)

    async def _pause(self, job: str, error: AnswerprintError) -> JobRecord:
        record, _ = await self._book.change(job, _AT_WORK, JobState.PAUSED, error_record(error), failures=0)
        return record


def _prepare(scratch: Path, job: JobRecord) -> None:
    write_job_file(make_job_folder(scratch, job.id), job)


def _lost_for_good(job: JobRecord, lost: ChildLostError, times: int) -> JobFailedError:
    """The error of a job whose child was lost too often."""
    if isinstance(lost, WorkerStartError):
        return WorkerStartError(f"The restoring process does not start: {lost.message}", lost.remedy)
    if job.state is JobState.MUXING:
        return JobFailedError(f"Writing the result ended its process {times} times. {lost.message}", lost.remedy)
    first = int(job.facts.get("input", {}).get("range", (0, 0))[0])
    return JobFailedError(
        f"Frame {first + job.frames_done} and those after it ended the restoring process {times} times. {lost.message}",
        lost.remedy or "Try it with a smaller --chunk, or without the frames.",
    )
