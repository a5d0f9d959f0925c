"""Runs one turn of a job, and sets the state of the job when the turn ends."""

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

_RUNNING = frozenset({JobState.RUNNING, JobState.MUXING})
_RESTART_SECONDS = 1.0


class Runner:
    """Runs jobs: restores and previews on a worker, deliverables in a media child.

    An error of a job becomes the job's state. What is raised is an error of the journal, or a defect.
    """

    def __init__(self, tracker: JobTracker, media: MediaChildren, config: Config) -> None:
        self._tracker = tracker
        self._journal_thread = tracker.journal_thread
        self._journal = tracker.journal
        self._media = media
        self._config = config
        self._recomputed: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self.closing = False
        """The daemon is stopping: a lost child is no error, and is not restarted."""

    # The work of a turn

    async def restore(self, turn: Turn, worker: DeviceWorker) -> JobRecord:
        """Restore the missing chunks. If the job is still RUNNING when this returns, it has all of them."""
        job, _ = await self._tracker.change(turn.job.id, {JobState.QUEUED}, JobState.RUNNING)
        while True:
            job = await self._reconcile(job)
            if job.state is not JobState.RUNNING or is_complete(job):
                return job
            try:
                final = await worker.run(await self._request(job), EventSink(self._tracker, turn).handle, turn)
            except ChildLostError as lost:
                job = await self._child_lost(job.id, lost)
            except RemoteError as error:  # of a worker that refuses to start
                job = await self._fail(job.id, error)
            except TooManyFilesError as error:
                job = await self._pause(job.id, error)
            else:
                job = await self._handle_final(job.id, final)

    async def preview(self, turn: Turn, worker: DeviceWorker) -> JobRecord:
        """Make the images of a preview."""
        job, _ = await self._tracker.change(turn.job.id, {JobState.QUEUED}, JobState.RUNNING)
        while job.state is JobState.RUNNING:
            request = {
                "type": "preview",
                "job": job.id,
                # A retry may replace its own files: the folder was empty when the job was accepted.
                "request": job.request | ({"overwrite": True} if job.facts else {}),
                "keep_alive_seconds": self._config.keep_alive_seconds,
            }
            try:
                final = await worker.run(request, EventSink(self._tracker, turn).handle, turn)
            except ChildLostError as lost:
                job = await self._child_lost(job.id, lost)
            except RemoteError as error:
                job = await self._fail(job.id, error)
            except TooManyFilesError as error:
                job = await self._pause(job.id, error)
            else:
                job = await self._handle_final(job.id, final)
        return job

    async def mux(self, turn: Turn) -> JobRecord:
        """Write the deliverable of a job that is MUXING, and clear its scratch."""
        job = await self._tracker.get(turn.job.id)
        if job.request.get("parts"):  # without chunks it has no folder yet, which a second try looks for litter in
            try:
                await asyncio.to_thread(_prepare, self._tracker.scratch, job)
            except OSError as error:
                return await self._pause(job.id, storage_error(error, self._tracker.folder(job.id)))
            except StorageError as error:
                return await self._pause(job.id, error)
        while job.state is JobState.MUXING:
            receipts = await self._journal_thread.run(self._journal.chunks, job.id)
            request: Message = {
                "job": job.id,
                "request": job.request,
                "scratch": str(self._tracker.folder(job.id)),
                **self._media.known_of(job.request.get("input")),
            }
            try:
                final = await self._media.mux(request, receipts, EventSink(self._tracker, turn).handle, turn)
            except ChildLostError as lost:
                job = await self._child_lost(job.id, lost)
            except StorageError as error:
                job = await self._pause(job.id, error)
            else:
                job = await self._handle_final(job.id, final)
        return job

    async def fail_defect(self, job: str, error: Exception) -> None:
        """Fail a job because of a defect in the program."""
        _log.error("defect: %s", error, exc_info=error, extra={"job": job})
        if not isinstance(error, AnswerprintError):
            error = JobFailedError(f"The daemon hit an internal error ({type(error).__name__}).", "See its log.")
        await self._fail(job, error)

    # Before the worker begins

    async def _reconcile(self, job: JobRecord) -> JobRecord:
        """Reconcile journal and disk; returns the job afterwards."""
        if job.state is not JobState.RUNNING:
            return job
        scratch, folder = self._tracker.scratch, self._tracker.folder(job.id)
        try:
            await asyncio.to_thread(_prepare, scratch, job)
            await self._journal_thread.run(settle_chunks, self._journal, scratch, job.id)
        except OSError as error:
            return await self._pause(job.id, storage_error(error, folder))
        except StorageError as error:
            return await self._pause(job.id, error)
        return await self._tracker.get(job.id)

    async def _request(self, job: JobRecord) -> Message:
        last = await self._journal_thread.run(self._journal.last_chunk, job.id)
        return {
            "type": "restore",
            "job": job.id,
            "request": job.request,
            "scratch": str(self._tracker.folder(job.id)),
            "resume": None if last is None else last.to_json(),
            "chunk": 0 if last is None else last.chunk + 1,
            "frames_done": job.frames_done,
            "rung": job.rung,
            "fingerprint": job.fingerprint if last is not None else "",
            "keep_alive_seconds": self._config.keep_alive_seconds,
            **self._media.known_of(job.request.get("input")),
        }

    # How a turn ends

    async def _handle_final(self, job: str, final: Message) -> JobRecord:
        """Set the state of a job by its final event."""
        if final["event"] == "done":
            return await self._finish(job, final)
        if final["event"] == "rendered":
            return await self._rendered(job, final)
        if final["event"] == "stopped":
            # Pause and cancel have already changed the state; otherwise it yields to another job.
            record, _ = await self._tracker.change(job, _RUNNING, JobState.QUEUED)
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
        record = await self._tracker.get(job)
        if record.state is JobState.RUNNING and not is_complete(record):
            missing = f"{record.frames_total - record.frames_done} of {record.frames_total}"
            return await self._fail(job, JobFailedError(f"The worker skipped {missing} frames.", "Retry the job."))
        spent = {name: final.get(name) for name in ("peak_memory_bytes", "stages")}
        record, _ = await self._journal_thread.run(
            self._journal.change, job, when=frozenset(JobState), event=None, facts={**record.facts, "spent": spent}
        )
        return record

    async def _child_lost(self, job: str, lost: ChildLostError) -> JobRecord:
        """Count a crash against its chunk; the job fails after `chunk_attempts` crashes."""
        record = await self._tracker.get(job)
        if record.state not in _RUNNING:
            return record
        if self.closing:
            record, _ = await self._tracker.change(job, _RUNNING, JobState.QUEUED)
            return record
        failures, most = record.failures + 1, self._config.chunk_attempts
        last = await self._journal_thread.run(self._journal.last_chunk, job)
        place = {"job": job, "chunk": 0 if last is None else last.chunk + 1}
        _log.warning("child lost times=%d of=%d why=%s", failures, most, lost.message, extra=place)
        if failures >= most:
            return await self._fail(job, _crash_error(record, lost, failures), failures=0)
        event = {"event": "warning", "message": f"{lost.message} Trying again ({failures + 1} of {most})."}
        record, _ = await self._tracker.update(job, _RUNNING, event, failures=failures)
        if isinstance(lost, WorkerStartError):
            await asyncio.sleep(_RESTART_SECONDS)  # memory may become free
            record = await self._tracker.get(job)
        return record

    async def _damaged(self, job: str, chunk: int, error: AnswerprintError) -> JobRecord:
        """Restore damaged chunks again, a few times: the disk may damage every file."""
        self._recomputed[job] += 1
        if self._recomputed[job] <= self._config.chunk_attempts:
            return await self._recompute(job, chunk, error)
        remedy = f"Check the disk of {self._tracker.scratch}, or set another scratch folder in config.toml."
        return await self._fail(job, JobFailedError(f"{error.message} This keeps happening.", remedy))

    async def _changed(self, job: str, error: AnswerprintError) -> JobRecord:
        """Restart after the source has changed, a few times: it may still be being written."""
        self._changes[job] += 1
        if self._changes[job] <= self._config.chunk_attempts:
            return await self._recompute(job, 0, error, fingerprint="", rung=0)
        message = f"{error.message} It keeps changing."
        return await self._fail(job, JobFailedError(message, "Wait until it is complete, then retry the job."))

    async def _recompute(self, job: str, chunk: int, error: AnswerprintError, **fields: object) -> JobRecord:
        """Discard chunks from `chunk` on, and queue the job to restore them again."""
        warning = f"{error.message} Restoring again from chunk {chunk + 1}."
        await self._tracker.append(job, {"event": "warning", "message": warning})
        try:
            await self._journal_thread.run(discard_chunks, self._journal, self._tracker.scratch, job, chunk)
        except StorageError as fault:
            return await self._pause(job, fault)
        record, _ = await self._tracker.change(job, _RUNNING, JobState.QUEUED, **fields)
        return record

    async def _finish(self, job: str, final: Message) -> JobRecord:
        result = {key: value for key, value in final.items() if key not in ("event", "job", "id")}
        record = await self._tracker.get(job)
        if record.kind == "restore":
            result |= await self._totals(record, final)
        record, moved = await self._tracker.update(
            job, _RUNNING, {"event": "done", **result},
            state=JobState.DONE, problem=None, ended=self._tracker.wall(), result=result,
        )  # fmt: skip
        if moved:
            _log.info("state=done output=%s", record.output, extra={"job": job})
            self._forget(job)
            await self._tracker.clear_scratch(job)
        return record

    async def _totals(self, record: JobRecord, final: Message) -> Message:
        """The totals of all turns of a job, as fields of a `done` event."""
        hits = misses = after = 0
        while kept := await self._journal_thread.run(self._journal.events, record.id, after):
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
        record, _ = await self._tracker.change(
            job,
            {*_RUNNING, JobState.QUEUED},
            JobState.FAILED,
            error_record(error),
            ended=self._tracker.wall(),
            **fields,
        )
        self._forget(job)
        return record

    def _forget(self, job: str) -> None:
        """Reset the counters of a job."""
        self._recomputed.pop(job, None)
        self._changes.pop(job, None)

    async def _pause(self, job: str, error: AnswerprintError) -> JobRecord:
        record, _ = await self._tracker.change(job, _RUNNING, JobState.PAUSED, error_record(error), failures=0)
        return record


def _prepare(scratch: Path, job: JobRecord) -> None:
    write_job_file(make_job_folder(scratch, job.id), job)


def _crash_error(job: JobRecord, lost: ChildLostError, times: int) -> JobFailedError:
    """The error of a job whose child crashed too often."""
    if isinstance(lost, WorkerStartError):
        return WorkerStartError(f"The worker does not start: {lost.message}", lost.remedy)
    if job.state is JobState.MUXING:
        return JobFailedError(f"Writing the output crashed {times} times. {lost.message}", lost.remedy)
    first = int(job.facts.get("input", {}).get("range", (0, 0))[0])
    return JobFailedError(
        f"The worker crashed {times} times from frame {first + job.frames_done} on. {lost.message}",
        lost.remedy or "Try a smaller --chunk, or leave out these frames.",
    )
