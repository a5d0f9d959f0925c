"""The daemon behind its gRPC face: jobs are taken, steered and shown; the scheduler does them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from fractions import Fraction
from pathlib import Path

from answerprint.api.job import ENDED, UNFINISHED, JobEvent, JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.api.types import (
    BusyError,
    DaemonInfo,
    EncodedPicture,
    MediaInfo,
    NewJob,
    NotFoundError,
    Page,
    PictureFormat,
    PictureSide,
    PullStep,
    QueuePlace,
    StateError,
    WarmModel,
)
from answerprint.backends.catalogue import find_model
from answerprint.errors import AnswerprintError, InputError, RemoteError
from answerprint.home import run_folder, state_folder
from answerprint.ipc.child import Child
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.devices import NO_DEVICE
from answerprint.scheduler.event_hub import LIVE, EventHub
from answerprint.scheduler.info import Inventory
from answerprint.scheduler.job_tracker import JobTracker, is_complete
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.scheduler.maintenance import Maintenance
from answerprint.scheduler.media_children import MediaChildren, Pictures
from answerprint.scheduler.outputs import Claim, Outputs
from answerprint.scheduler.preflight import check_device, check_free, check_preview, check_restore
from answerprint.scheduler.pulls import pull_steps
from answerprint.scheduler.queue_hold import QueueHold
from answerprint.scheduler.runner import Runner
from answerprint.scheduler.scheduler import PREVIEW_PRIORITY, Scheduler
from answerprint.store.recovery import discard_chunks
from answerprint.weights.pulling.pull import PullOptions

__all__ = ["Service"]

_log = logging.getLogger(__name__)

_MOST_JOBS = 100_000
_PAGE_EVENTS = 500
_TURN_SECONDS = 0.5
_LOOK_SECONDS = 3.0
"""How long a job waits for a look at its media before it is taken: less than a client waits for the answer."""
_WORKING = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.MUXING})


class Service:
    """Implements `api.Daemon`. Start it once recovery is done; every method belongs to the event loop."""

    def __init__(
        self,
        ledger: JournalThread,
        config: Config,
        *,
        start_worker: Callable[[], Awaitable[Child]],
        start_media: Callable[[], Awaitable[Child]],
        on_shut_down: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.start_id = uuid.uuid4().hex
        self._ledger = ledger
        self._journal = ledger.journal
        self._config = config
        self._on_shut_down = on_shut_down
        self._folders = (run_folder() / "pictures", run_folder() / "mux")
        self._hub = EventHub()
        self._book = JobTracker(ledger, self._hub, config.scratch_folder, wall)
        self._media = MediaChildren(start_media, self._folders[1], config)
        self._runner = Runner(self._book, self._media, config)
        hold = QueueHold(state_folder() / "held")
        self._scheduler = Scheduler(self._book, self._runner, config, hold, start_worker=start_worker)
        self._chores = Maintenance(self._book, self._scheduler, self._media, config, delete=self.delete)
        self._pictures = Pictures(self._book, self._media, self._folders[0])
        self._inventory = Inventory(self.start_id, ledger, self._scheduler, config)
        self._outputs: Outputs | None = None
        self._submitting = asyncio.Lock()
        self._steering: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._clearing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to work on what is queued."""
        for folder in self._folders:  # litter of a daemon that was killed
            with contextlib.suppress(OSError):
                for file in folder.iterdir():
                    file.unlink()
        self._scheduler.start()
        self._chores.start()

    async def close(self) -> None:
        """End all work; what is not finished is queued, and goes on at the next start."""
        self._scheduler.end_turns()
        seconds = self._config.stop_seconds
        await asyncio.gather(self._chores.close(), self._media.close(seconds), self._scheduler.close(seconds))
        await asyncio.gather(*self._clearing, return_exceptions=True)
        self._hub.end()
        await self._ledger.close()

    # Jobs

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job."""
        with contextlib.suppress(NotFoundError):  # before it is checked: its output may be there by now
            return await self._book.get(new.id), False
        outputs = await self._known_outputs()
        checking = asyncio.ensure_future(asyncio.to_thread(_check, new, outputs))
        looking = asyncio.ensure_future(self._look(new, checking))
        async with self._submitting:
            # In the queue jobs stand as they were asked for; but a share that hangs keeps only its own jobs waiting.
            await asyncio.wait({checking}, timeout=_TURN_SECONDS)
            if checking.done():
                await asyncio.wait({looking})
        frames = await looking
        lane, claim = await checking
        record = JobRecord(
            id=new.id,
            number=0,
            kind=new.kind,
            label=new.label or Path(str(new.request["input"])).name,
            state=JobState.QUEUED,
            request=new.request,
            clip=new.clip,
            lane=lane,
            priority=PREVIEW_PRIORITY if new.kind == "preview" else new.priority,
            not_before=new.not_before,
            frames_total=frames,
        )
        record, created = await self._ledger.do(self._add, record, outputs, claim)
        if created:
            _log.info("queued kind=%s model=%s", record.kind, new.request.get("model"), extra={"job": record.id})
            if not frames:
                self._chores.probe(record.id)
            self._scheduler.wake()
        return record, created

    async def _look(self, new: NewJob, checking: asyncio.Future[tuple[str, Claim]]) -> int:
        """How many frames it has, 0 where that takes long to learn: its media are then looked at while it waits.

        Raises what `_check` raises, and what is found to be wrong with the media: that is no job then.
        """
        await checking
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                facts = await self._media.ask(
                    {"type": "probe", "request": new.request, **({"preview": True} if new.kind == "preview" else {})}
                )
        except RemoteError as error:
            if error.exit_code == InputError.exit_code:
                raise
            return 0  # its turn will tell
        except (TimeoutError, AnswerprintError):
            return 0
        first, stop = facts["range"]
        return int(stop) - int(first)

    def _add(self, record: JobRecord, outputs: Outputs, claim: Claim) -> tuple[JobRecord, bool]:
        """In the journal's thread: nothing comes between the checks and the row."""
        with contextlib.suppress(NotFoundError):
            return self._journal.get(record.id), False
        counts = self._journal.counts()
        if sum(counts[state] for state in UNFINISHED) >= _MOST_JOBS:
            raise BusyError(f"{_MOST_JOBS} jobs are waiting.", "Let some of them finish first.")
        self._check_free(record, outputs, claim)
        return self._journal.add(record, {"event": "state", "state": "queued"})

    async def _known_outputs(self) -> Outputs:
        """What jobs are to write, read from the journal once."""
        if self._outputs is None:
            known = Outputs()
            known.add(await self._ledger.do(self._journal.in_states, UNFINISHED))
            self._outputs = self._outputs or known  # nothing was added between the two, only read twice
        return self._outputs

    def _check_free(self, record: JobRecord, outputs: Outputs, claim: Claim) -> None:
        """In the journal's thread. Raises OutputError where another job is to write the same file."""
        check_free(record, self._journal.unfinished_for(record.output))
        outputs.take(record, claim, self._unfinished)

    def _unfinished(self, job: str) -> JobRecord | None:
        with contextlib.suppress(NotFoundError):
            found = self._journal.get(job)
            return found if found.state in UNFINISHED else None
        return None

    async def get(self, reference: str) -> JobRecord:
        """The job as it stands."""
        return await self._ledger.do(self._journal.find, reference)

    async def list(self, states: Sequence[JobState], limit: int, token: str) -> Page:
        """A page of jobs."""
        jobs, next_token, total = await self._ledger.do(self._journal.page, states, limit, token)
        return Page(jobs, next_token, total)

    async def watch(self, reference: str, after: int, *, progress: bool = True) -> AsyncGenerator[JobEvent, None]:
        """Kept events after a number, then what happens, until the job has ended."""
        job = await self.get(reference)
        seen = after
        # Heard before the journal is read, so that nothing falls between the two.
        with self._hub.watching(job.id) as watcher:
            while True:
                while kept := await self._ledger.do(self._journal.events, job.id, seen, _PAGE_EVENTS):
                    for each in kept:
                        yield each
                        seen = each.sequence
                job = await self._book.get(job.id)
                if job.state in ENDED and seen >= job.last_sequence:
                    return
                # The news, as long as it leaves nothing out: recovery tells nobody. And after an end the job may have
                # been retried.
                ended = False
                while not ended:
                    happening = await watcher.next()
                    if happening.event["event"] in LIVE:
                        if progress:
                            yield happening
                    elif happening.sequence > seen + 1:
                        break
                    elif happening.sequence > seen:
                        yield happening
                        seen = happening.sequence
                        ended = _ends(happening.event)

    def progress(self, job: str) -> Message | None:
        """The latest progress of a running job."""
        return self._hub.progress(job)

    async def pause(self, reference: str) -> JobRecord:
        """Stop it after the chunk that is done."""
        job = await self.get(reference)
        if job.state is JobState.PAUSED and job.problem:
            # It would go on by itself when the problem is over, which is not what is asked for now.
            return (await self._book.change(job.id, {JobState.PAUSED}, JobState.PAUSED))[0]
        job = await self._change(job, _WORKING, JobState.PAUSED, "paused")
        self._scheduler.interrupt(job.id)
        return job

    async def resume(self, reference: str) -> JobRecord:
        """Queue a paused job again."""
        job = await self.get(reference)
        record, moved = await self._book.change(job.id, {JobState.PAUSED}, JobState.QUEUED, failures=0)
        if not moved and record.state not in _WORKING:
            raise StateError(f"Job {job.number} is {record.state.value} and cannot be resumed.")
        self._scheduler.wake(complete=is_complete(record))
        return record

    async def cancel(self, reference: str) -> JobRecord:
        """End it now."""
        job = await self.get(reference)
        job = await self._change(job, UNFINISHED, JobState.CANCELLED, "cancelled", ended=self._book.wall())
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
            await self._scheduler.settled(job.id)
        outputs = await self._known_outputs()
        claim = await asyncio.to_thread(outputs.look, job.kind, job.request)

        def may_write(record: JobRecord) -> bool:
            self._check_free(record, outputs, claim)
            return True

        async with self._alone(job.id):
            job = await self._book.get(job.id)
            if job.state is JobState.CANCELLED:  # its files are gone
                await self._ledger.do(discard_chunks, self._journal, self._book.scratch, job.id)
            record, moved = await self._book.change(
                job.id, again, JobState.QUEUED, None, may_write, failures=0, ended=None
            )
        if not moved and record.state is not JobState.QUEUED:
            raise StateError(f"Job {job.number} is {record.state.value} and cannot be retried.")
        self._scheduler.try_again()
        self._scheduler.wake(complete=is_complete(record))
        return record

    async def delete(self, reference: str) -> int:
        """Forget a job that has ended."""
        job = await self.get(reference)
        if job.state not in ENDED:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Cancel it first.")
        await self._scheduler.settled(job.id)
        async with self._alone(job.id):
            if (await self._book.get(job.id)).state not in ENDED:
                raise StateError(f"Job {job.number} was queued again.", "Cancel it first.")
            freed = await self._book.clear(job.id)
            await self._ledger.do(self._journal.delete, job.id)
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
        """Change when a job gets its turn."""
        job = await self.get(reference)
        record, moved = await self._ledger.do(
            self._journal.move, job.id, priority=priority, place=place, not_before=not_before
        )
        if not moved:
            raise StateError(f"Job {job.number} is {job.state.value}.", "Only jobs that wait can be moved.")
        self._scheduler.wake()
        return record

    async def _change(
        self, job: JobRecord, when: Collection[JobState], state: JobState, word: str, **fields: object
    ) -> JobRecord:
        """Bring a job into a state. One that is there already is left; raises StateError from any other."""
        record, moved = await self._book.change(job.id, when, state, **fields)
        if not moved and record.state is not state:
            raise StateError(f"Job {record.number} is {record.state.value} and cannot be {word}.")
        self._scheduler.wake()
        return record

    async def _clear_cancelled(self, job: str) -> None:
        """Once nothing works for it any more, what it has on disk goes, unless it was retried."""
        await self._scheduler.settled(job)
        async with self._alone(job):
            # It may be deleted by now; and where the journal fails, the next start does it.
            with contextlib.suppress(AnswerprintError):
                if (await self._book.get(job)).state is JobState.CANCELLED:
                    await self._book.clear(job)

    def _alone(self, job: str) -> asyncio.Lock:
        """Held where files of a job that is not at work go, and where it is about to get new ones."""
        lock = self._steering.get(job)
        if lock is None:
            lock = self._steering[job] = asyncio.Lock()
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

    async def describe(self, media: str) -> MediaInfo:
        """What a file or a sequence is."""
        facts = await self._media.ask({"type": "describe", "media": media})
        rational = {name: Fraction(facts[name]) for name in ("rate", "pixel_aspect")}
        return MediaInfo(**{**facts, **rational})

    # Models and the daemon itself

    async def load_model(self, model: str, device: str, keep_alive_seconds: float | None) -> WarmModel:
        """Bring a model into memory, or keep it there longer."""
        await asyncio.to_thread(find_model, model)
        check_device(device or "auto")
        seconds = self._config.keep_alive_seconds if keep_alive_seconds is None else keep_alive_seconds
        try:
            return await self._scheduler.worker(device or "auto").load(model, seconds)
        finally:
            self._scheduler.wake()

    async def unload_models(self, model: str) -> int:
        """Free a model, or all for an empty name."""
        return sum(worker.unload(model) for worker in self._scheduler.workers)

    def pull_model(self, model: str, *, accept_licence: bool, trust_first: bool) -> AsyncGenerator[PullStep, None]:
        """Fetch a known model."""
        return pull_steps(model, PullOptions(accept_licence=accept_licence, trust_first=trust_first))

    async def suspend(self, reason: str, *, unload: bool) -> None:
        """Begin no new chunk until `resume_work`."""
        _log.info("suspended why=%s", reason)
        self._scheduler.suspend(reason)
        if unload:
            await self.unload_models("")

    async def resume_work(self) -> None:
        """Go on."""
        _log.info("work goes on")
        self._scheduler.resume()

    async def info(self) -> DaemonInfo:
        """What the daemon says of itself."""
        return await self._inventory.info()

    def shut_down(self) -> None:
        """Ask for the end."""
        self._on_shut_down()


def _check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
    """Raise InputError for what can be known to be wrong with a job; return the device it asks for, and its claim."""
    if new.kind == "preview":
        preview = PreviewRequest.from_json(new.request)
        check_preview(preview)
        request = preview.restore
    else:
        request = RestoreRequest.from_json(new.request)
        check_restore(request)
    return NO_DEVICE if request.parts else request.device, outputs.look(new.kind, new.request)


def _ends(event: Message) -> bool:
    """Whether a job has ended with it."""
    return event["event"] == "done" or (event["event"] == "state" and JobState(event["state"]) in ENDED)
