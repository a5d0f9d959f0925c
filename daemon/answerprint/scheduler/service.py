"""The daemon behind its gRPC server: accepts, controls and shows jobs; the scheduler runs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from fractions import Fraction

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import ENDED, UNFINISHED, JobEvent, JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import (
    DaemonInfo,
    EncodedPicture,
    MediaInfo,
    NewJob,
    Page,
    PictureFormat,
    PictureSide,
    PullStep,
    QueuePlace,
    StateError,
    WarmModel,
)
from answerprint.backends.catalogue import find_model
from answerprint.errors import AnswerprintError
from answerprint.home import frame_cache_folder, run_folder, state_folder
from answerprint.ipc.child import Child
from answerprint.ipc.messages import Message
from answerprint.ofx.frame_cache import FrameCache
from answerprint.scheduler.config import Config
from answerprint.scheduler.event_hub import LIVE, EventHub
from answerprint.scheduler.info import Inventory
from answerprint.scheduler.job_tracker import JobTracker, is_complete
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.scheduler.maintenance import Maintenance
from answerprint.scheduler.media_children import MediaChildren, Pictures
from answerprint.scheduler.node_bridge import NodeBridge, PlanJob
from answerprint.scheduler.preflight import check_device
from answerprint.scheduler.pulls import pull_steps
from answerprint.scheduler.queue_hold import QueueHold
from answerprint.scheduler.runner import Runner
from answerprint.scheduler.scheduler import Scheduler
from answerprint.scheduler.submissions import Submissions
from answerprint.store.recovery import discard_chunks
from answerprint.weights.pulling.pull import PullOptions

__all__ = ["Service"]

_log = logging.getLogger(__name__)

_PAGE_EVENTS = 500
_ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.MUXING})


class Service:
    """Implements `api.types.Daemon`. Start it after recovery; call every method in the event loop."""

    def __init__(
        self,
        journal_thread: JournalThread,
        config: Config,
        *,
        start_worker: Callable[[], Awaitable[Child]],
        start_media: Callable[[], Awaitable[Child]],
        on_shut_down: Callable[[], None],
        plan: PlanJob | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.start_id = uuid.uuid4().hex
        self._journal_thread = journal_thread
        self._journal = journal_thread.journal
        self._config = config
        self._on_shut_down = on_shut_down
        self._folders = (run_folder() / "pictures", run_folder() / "mux")
        self._hub = EventHub()
        self._tracker = JobTracker(journal_thread, self._hub, config.scratch_folder, wall)
        self._media = MediaChildren(start_media, self._folders[1], config)
        self._runner = Runner(self._tracker, self._media, config)
        hold = QueueHold(state_folder() / "held")
        self._scheduler = Scheduler(self._tracker, self._runner, config, hold, start_worker=start_worker)
        self._maintenance = Maintenance(self._tracker, self._scheduler, self._media, config, delete=self.delete)
        self._pictures = Pictures(self._tracker, self._media, self._folders[0])
        self._inventory = Inventory(self.start_id, journal_thread, self._scheduler, config)
        self._submissions = Submissions(self._tracker, self._media)
        self.nodes = NodeBridge(
            self._tracker,
            self._media,
            FrameCache(frame_cache_folder(), config.frame_cache_bytes),
            config.frame_cache_bytes,
            submit=self.submit,
            plan=plan,
        )
        self._file_locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._clearing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start to run queued jobs."""
        for folder in self._folders:  # left by a daemon that was killed
            with contextlib.suppress(OSError):
                for file in folder.iterdir():
                    file.unlink()
        self._scheduler.start()
        self._maintenance.start()
        self.nodes.start()

    async def close(self) -> None:
        """Stop all work; unfinished jobs are queued and resume at the next start."""
        self._scheduler.end_turns()
        await self.nodes.close()
        seconds = self._config.stop_seconds
        await asyncio.gather(self._maintenance.close(), self._media.close(seconds), self._scheduler.close(seconds))
        await asyncio.gather(*self._clearing, return_exceptions=True)
        self._hub.end()
        await self._journal_thread.close()

    # Jobs

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job."""
        record, created = await self._submissions.submit(new)
        if created:
            if not record.frames_total:
                self._maintenance.probe(record.id)
            self._scheduler.wake()
        return record, created

    async def get(self, reference: str) -> JobRecord:
        """A job by number, id or the start of its id."""
        return await self._journal_thread.run(self._journal.find, reference)

    async def list(self, states: Sequence[JobState], limit: int, token: str) -> Page:
        """A page of jobs."""
        jobs, next_token, total = await self._journal_thread.run(self._journal.page, states, limit, token)
        return Page(jobs, next_token, total)

    async def watch(self, reference: str, after: int, *, progress: bool = True) -> AsyncGenerator[JobEvent, None]:
        """Recorded events after a sequence number, then new events until the job ends."""
        job = await self.get(reference)
        seen = after
        # Subscribe before reading the journal, so that no event is missed.
        with self._hub.watching(job.id) as watcher:
            while True:
                while kept := await self._journal_thread.run(self._journal.events, job.id, seen, _PAGE_EVENTS):
                    for each in kept:
                        yield each
                        seen = each.sequence
                job = await self._tracker.get(job.id)
                if job.state in ENDED and seen >= job.last_sequence:
                    return
                # New events, until there is a gap (recovery does not publish) or the job ends (it may be retried).
                ended = False
                while not ended:
                    job_event = await watcher.next()
                    if job_event.event["event"] in LIVE:
                        if progress:
                            yield job_event
                    elif job_event.sequence > seen + 1:
                        break
                    elif job_event.sequence > seen:
                        yield job_event
                        seen = job_event.sequence
                        ended = _ends(job_event.event)

    def progress(self, job: str) -> Message | None:
        """The latest progress of a running job."""
        return self._hub.progress(job)

    async def pause(self, reference: str) -> JobRecord:
        """Pause a job."""
        job = await self.get(reference)
        if job.state is JobState.PAUSED and job.problem:
            # Clear the problem, or the job would resume by itself once it is over.
            return (await self._tracker.change(job.id, {JobState.PAUSED}, JobState.PAUSED))[0]
        job = await self._change(job, _ACTIVE, JobState.PAUSED, "paused")
        self._scheduler.interrupt(job.id)
        return job

    async def resume(self, reference: str) -> JobRecord:
        """Queue a paused job again."""
        job = await self.get(reference)
        record, moved = await self._tracker.change(job.id, {JobState.PAUSED}, JobState.QUEUED, failures=0)
        if not moved and record.state not in _ACTIVE:
            raise StateError(f"Job {job.number} is {record.state.value} and cannot be resumed.")
        self._scheduler.wake(complete=is_complete(record))
        return record

    async def cancel(self, reference: str) -> JobRecord:
        """Cancel a job."""
        job = await self.get(reference)
        job = await self._change(job, UNFINISHED, JobState.CANCELLED, "cancelled", ended=self._tracker.wall())
        clearing = asyncio.create_task(self._clear_cancelled(job.id), name="clear")
        self._clearing.add(clearing)
        clearing.add_done_callback(self._clearing.discard)
        if not self._scheduler.interrupt(job.id):
            await asyncio.shield(clearing)
        return job

    async def retry(self, reference: str) -> JobRecord:
        """Queue a failed or cancelled job again."""
        job = await self.get(reference)
        again = {JobState.FAILED, JobState.CANCELLED}
        if job.state in again:
            await self._scheduler.wait_until_idle(job.id)
        may_write = await self._submissions.claim_output(job)
        async with self._file_lock(job.id):
            job = await self._tracker.get(job.id)
            if job.state is JobState.CANCELLED:  # its files were removed
                await self._journal_thread.run(discard_chunks, self._journal, self._tracker.scratch, job.id)
            record, moved = await self._tracker.change(
                job.id, again, JobState.QUEUED, None, may_write, failures=0, ended=None
            )
        if not moved and record.state is not JobState.QUEUED:
            raise StateError(f"Job {job.number} is {record.state.value} and cannot be retried.")
        self._scheduler.resume_after_fault()
        self._scheduler.wake(complete=is_complete(record))
        return record

    async def delete(self, reference: str) -> int:
        """Delete an ended job from the list; returns the bytes freed."""
        job = await self.get(reference)
        if job.state not in ENDED:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Cancel it first.")
        await self._scheduler.wait_until_idle(job.id)
        async with self._file_lock(job.id):
            if (await self._tracker.get(job.id)).state not in ENDED:
                raise StateError(f"Job {job.number} was queued again.", "Cancel it first.")
            freed = await self._tracker.clear_scratch(job.id)
            await self._journal_thread.run(self._journal.delete, job.id)
        _log.info("deleted", extra={"job": job.id})
        return freed

    async def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        """Change the priority, order or start time of a waiting job."""
        job = await self.get(reference)
        record, moved = await self._journal_thread.run(
            self._journal.move, job.id, priority=priority, place=place, not_before=not_before
        )
        if not moved:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Only waiting jobs can be moved.")
        self._scheduler.wake()
        return record

    async def _change(
        self, job: JobRecord, when: Collection[JobState], state: JobState, word: str, **fields: object
    ) -> JobRecord:
        """Change the state of a job, unless it is already in it. Raises StateError if it is not in one of `when`."""
        record, moved = await self._tracker.change(job.id, when, state, **fields)
        if not moved and record.state is not state:
            raise StateError(f"Job {record.number} is {record.state.value} and cannot be {word}.")
        self._scheduler.wake()
        return record

    async def _clear_cancelled(self, job: str) -> None:
        """Remove the files of a cancelled job after its turns have ended, unless it was retried."""
        await self._scheduler.wait_until_idle(job)
        async with self._file_lock(job):
            # It may have been deleted. If the journal fails, the next start removes the files.
            with contextlib.suppress(AnswerprintError):
                if (await self._tracker.get(job)).state is JobState.CANCELLED:
                    await self._tracker.clear_scratch(job)

    def _file_lock(self, job: str) -> asyncio.Lock:
        """Lock for removing the files of an idle job, and for queueing it again."""
        lock = self._file_locks.get(job)
        if lock is None:
            lock = self._file_locks[job] = asyncio.Lock()
        return lock

    # Pictures

    async def frame(
        self, reference: str, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame as a picture."""
        return await self._pictures.frame(await self.get(reference), frame, side, form, max_size)

    def forget(self, picture: EncodedPicture) -> None:
        """Remove the file of a picture."""
        with contextlib.suppress(OSError):  # the next start removes it
            picture.path.unlink(missing_ok=True)

    async def describe(self, media: str, *, details: bool = False) -> MediaInfo:
        """Probe a file or a sequence."""
        known = await self._media.ask({"type": "describe", "media": media} | ({"details": True} if details else {}))
        if plan := known.get("plan"):
            plan["estimate"] |= await self._tracker.expected(plan, RestoreRequest(ClipRef(media), "-").to_json())
        rational = {name: Fraction(known[name]) for name in ("rate", "pixel_aspect")}
        return MediaInfo(**{**known, **rational, "warnings": tuple(known.get("warnings", ()))})

    # Models and the daemon itself

    async def load_model(self, model: str, device: str, keep_alive_seconds: float | None) -> WarmModel:
        """Load a model, or extend how long it stays loaded."""
        await asyncio.to_thread(find_model, model)
        check_device(device or "auto")
        seconds = self._config.keep_alive_seconds if keep_alive_seconds is None else keep_alive_seconds
        try:
            return await self._scheduler.worker(device or "auto").load(model, seconds)
        finally:
            self._scheduler.wake()

    async def unload_models(self, model: str) -> int:
        """Unload a model, or all for an empty name; returns how many."""
        return sum(worker.unload(model) for worker in self._scheduler.workers)

    def pull_model(self, model: str, *, accept_licence: bool, trust_first: bool) -> AsyncGenerator[PullStep, None]:
        """Download a known model."""
        return pull_steps(model, PullOptions(accept_licence=accept_licence, trust_first=trust_first))

    async def suspend(self, reason: str, *, unload: bool) -> None:
        """Start no chunk until `resume_work`."""
        _log.info("suspended why=%s", reason)
        self._scheduler.suspend(reason)
        if unload:
            await self.unload_models("")

    async def resume_work(self) -> None:
        """Resume the queue."""
        _log.info("resumed")
        self._scheduler.resume()

    async def info(self) -> DaemonInfo:
        """The state of the daemon."""
        return await self._inventory.info()

    def shut_down(self) -> None:
        """Ask the daemon to stop."""
        self._on_shut_down()


def _ends(event: Message) -> bool:
    """Whether this event ends a job."""
    return event["event"] == "done" or (event["event"] == "state" and JobState(event["state"]) in ENDED)
