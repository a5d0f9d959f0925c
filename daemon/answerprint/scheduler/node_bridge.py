"""Answers the OpenFX node: which restoration shows a frame, how far it is, and the frames themselves, ahead of time.

Every answer is a file in the frame cache. The newest question of a key counts; older ones are dropped. A media child
makes the frames, a few at a time, so that it can follow the playhead.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from answerprint.api.job import UNFINISHED, JobRecord, JobState
from answerprint.api.types import NewJob, StateError
from answerprint.errors import AnswerprintError, InputError
from answerprint.frames.frame import FrameRange
from answerprint.ipc.messages import Message
from answerprint.ofx.frame_cache import FrameCache
from answerprint.ofx.protocol import AskFlag, AskKind, HostQuestion, ShownState, StatusFile, StatusFlag
from answerprint.scheduler.job_tracker import JobTracker
from answerprint.scheduler.media_children import MediaChildren
from answerprint.scheduler.node_key import NodeKey
from answerprint.scheduler.node_lookup import SourceCounts, is_same_clip, pick_job, said_of, shown_state
from answerprint.scheduler.retry_loop import retry_loop

__all__ = ["NodeBridge", "PlanJob"]

_log = logging.getLogger(__name__)

PlanJob = Callable[[str, str, FrameRange | None, Sequence[str]], NewJob]
"""Makes the job for a path and a range of its source, all for None: id, input, range, outputs of waiting jobs."""

_MOST_KEYS = 256
_AT_ONCE = 2
_REFRESH_SECONDS = 0.5
_REFRESHED_SECONDS = 600.0
_REFRESHED_KEYS = 16
_MOST_JOBS = 32
_KNOWN_SECONDS = 0.4
_DESCRIBED_SECONDS = 10.0
_Value = TypeVar("_Value")
_NOT_ASKED = "Nothing restores this clip yet. Press Restore this clip."


class NodeBridge:
    """Runs from `start` to `close`; `ask` may be called at any time, in the event loop."""

    def __init__(
        self,
        tracker: JobTracker,
        media: MediaChildren,
        cache: FrameCache,
        capacity_bytes: int,
        *,
        submit: Callable[[NewJob], Awaitable[tuple[JobRecord, bool]]],
        plan: PlanJob | None = None,
    ) -> None:
        """submit: queues a job, as a client's call does. plan: None if jobs cannot be made here."""
        self._tracker = tracker
        self._media = media
        self._cache = cache
        self._capacity_bytes = capacity_bytes
        self._submit = submit
        self._plan = plan
        self._keys: OrderedDict[str, NodeKey] = OrderedDict()
        self._wake = asyncio.Event()
        self._jobs: dict[str, tuple[float, list[JobRecord]]] = {}
        self._described: dict[str, tuple[float, SourceCounts | str]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to answer."""
        self._tasks = [asyncio.create_task(asyncio.to_thread(self._cache.open), name="cache")]
        self._tasks += [
            asyncio.create_task(retry_loop(work, 1.0, lambda fault: None), name=work.__name__)
            for work in (*[self._answer_one] * _AT_ONCE, self._refresh)
        ]

    async def close(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ask(self, question: HostQuestion) -> None:
        """Note a question; it is answered later, unless a newer one of its key comes first."""
        key = self._keys.setdefault(question.key, NodeKey())
        self._keys.move_to_end(question.key)
        key.take(question, asyncio.get_running_loop().time())
        while len(self._keys) > _MOST_KEYS:
            self._keys.popitem(last=False)
        self._wake.set()

    async def _answer_one(self) -> None:
        """Answer the question that was asked last."""
        await self._wake.wait()
        name = next((name for name, key in reversed(self._keys.items()) if key.waiting), None)
        if name is None:
            self._wake.clear()
            return
        key = self._keys[name]
        key.busy = True
        try:
            restore, key.restore = key.restore, None
            if restore is not None:
                await self._restore(key, restore)
            question, key.question = key.question, None
            question = question or restore
            if question is not None:
                await self._answer(name, key, question)
        finally:
            key.busy = False
            self._wake.set()

    async def _refresh(self) -> None:
        """Write the statuses of keys that were asked for lately again, as their jobs go on."""
        await asyncio.sleep(_REFRESH_SECONDS)
        now = asyncio.get_running_loop().time()
        late = list(self._keys.items())[-_REFRESHED_KEYS:]
        for name, key in late:
            if key.busy or key.last is None or now - key.asked > _REFRESHED_SECONDS:
                continue
            job, counts = await self._find(key.last)
            before = key.written
            await self._write(name, key, key.last, job, counts)
            if key.written != before and key.question is None:  # perhaps the frame is there now
                key.question = key.last
                self._wake.set()

    # Looking up

    async def _find(self, question: HostQuestion) -> tuple[JobRecord | None, SourceCounts | str | None]:
        """The job that answers, and how the frames of its media count: a sentence if these cannot be read."""
        path = os.fsdecode(question.path)
        jobs = await self._jobs_for(path)
        if not jobs:
            return None, None
        counts = await self._counts(jobs[0].input)
        known = counts if isinstance(counts, SourceCounts) else None
        return pick_job(jobs, question.job, question.frame, known), counts

    async def _jobs_for(self, path: str) -> list[JobRecord]:
        now = asyncio.get_running_loop().time()
        at, jobs = self._jobs.get(path, (0.0, []))
        if path in self._jobs and now - at < _KNOWN_SECONDS:
            return jobs
        part = Path(path).parent.name if os.name != "nt" else ""
        jobs = await self._tracker.journal_thread.run(
            self._tracker.journal.restorations, lambda job: is_same_clip(path, job), part, _MOST_JOBS
        )
        _keep(self._jobs, path, (now, jobs))
        return jobs

    async def _counts(self, media: str) -> SourceCounts | str:
        now = asyncio.get_running_loop().time()
        at, counts = self._described.get(media, (0.0, ""))
        if media not in self._described or (isinstance(counts, str) and now - at > _DESCRIBED_SECONDS):
            try:
                counts = SourceCounts.of(await self._media.ask({"type": "describe", "media": media}))
            except AnswerprintError as error:
                counts = str(error)
            _keep(self._described, media, (now, counts))
        return counts

    # Answers

    async def _answer(self, name: str, key: NodeKey, question: HostQuestion) -> None:
        """Write the status of a question, and the frames that are there, until a newer question comes."""
        job, counts = await self._find(question)
        shown = "" if job is None else f"{job.id} {job.state is JobState.DONE}"
        if key.shown != shown:
            key.shown, key.failed = shown, ""
            if key.written is None:
                await self._recall(name, key, job, shown)
            else:
                key.denied = ""
                await asyncio.to_thread(self._cache.drop_frames, name)  # they are of other pictures
        there = await asyncio.to_thread(self._cache.has, name, key.place, question.frame)
        key.missed_there = question.kind is AskKind.FRAME and key.fits > 0 and there
        await self._write(name, key, question, job, counts)
        await asyncio.to_thread(self._cache.touch, name, question.frame)
        while job is not None and isinstance(counts, SourceCounts):
            samples = key.new_samples()
            frames = await self._missing(name, key, question, job, counts)
            if samples is None and (not frames or not key.fits or key.refused):
                break
            made = await self._fill(name, key, question, job, counts, frames, samples)
            await self._write(name, key, question, job, counts)
            if key.question is not None or key.restore is not None or (not made and samples is None):
                return
        await self._write(name, key, question, job, counts)

    async def _recall(self, name: str, key: NodeKey, job: JobRecord | None, shown: str) -> None:
        """What the last daemon knew of a key, if it showed the same frames; otherwise its frames go."""
        kept = await asyncio.to_thread(self._cache.fits, name)
        if job is None or kept.get("shown") != shown:
            await asyncio.to_thread(self._cache.drop_frames, name)
            return
        with contextlib.suppress(KeyError, TypeError, ValueError, IndexError):
            fit = kept["fits"][int(kept["place"])]
            key.fits, key.place = len(kept["fits"]), int(kept["place"])
            key.origin, key.residual = int(fit["origin"]), float(fit["residual"])

    async def _missing(
        self, name: str, key: NodeKey, question: HostQuestion, job: JobRecord, counts: SourceCounts
    ) -> list[int]:
        """Finished frames that are not in the cache, the most urgent first, as many as make a batch."""
        origins = [key.origin] if key.origin is not None else self._origins(question, job, counts)
        if not origins or not job.facts:
            return []
        size = job.facts["output"]
        most = key.batch(max(question.width * question.height, size["width"] * size["height"]))

        def look() -> list[int]:
            found: list[int] = []
            receipt = None
            for frame in key.wanted(question.frame):
                index = frame - origins[0]
                if not (0 <= index < counts.frames and counts.covers(job, index)):
                    continue
                if key.fits and self._cache.has(name, key.place, frame):
                    continue
                place = counts.place(job, index)
                if job.state is not JobState.DONE and not (receipt and receipt.first <= place < receipt.stop):
                    receipt = self._tracker.journal.chunk_with_frame(job.id, place)
                    if receipt is None:
                        continue
                found.append(frame)
                if len(found) == most:
                    break
            return found

        return await self._tracker.journal_thread.run(look)

    async def _fill(
        self,
        name: str,
        key: NodeKey,
        question: HostQuestion,
        job: JobRecord,
        counts: SourceCounts,
        frames: Sequence[int],
        samples: HostQuestion | None,
    ) -> list[int]:
        """Have frames made, and the colours found if there are samples; returns the frames that are there."""
        origins = self._origins(question, job, counts)
        first = key.origin if key.origin is not None else (origins or [0])[0]
        places = [counts.place(job, frame - first) for frame in frames]
        message: Message = {
            "type": "fill", "job": job.id, "number": job.number, "request": job.request, "key": name,
            "scratch": str(self._tracker.folder(job.id)), "receipts": await self._receipts(job, places),
            "done": job.state is JobState.DONE, "cache": str(self._cache.folder),
            "capacity_bytes": self._capacity_bytes, "frames": list(frames), "origins": origins,
            "picture": [question.width, question.height],
        }  # fmt: skip
        if samples is not None:
            message |= {
                "samples": base64.b64encode(samples.samples).decode(),
                "lattice": [samples.columns, samples.rows],
                "sampled": samples.frame,
            }
        try:
            facts = await self._media.ask(message)
        except AnswerprintError as error:
            await self._failed(key, question, job, samples, error)
            return []
        key.failed, key.fits, key.residual = "", int(facts["fits"]), float(facts["residual"])
        key.origin, key.place = facts["origin"], int(facts["place"])
        if samples is not None:
            key.refused = str(facts["reason"])
        elif not key.fits:  # the source is another one now, and samples that it was tried on may come again
            key.tried = key.refused = ""
        return list(facts["made"])

    async def _failed(
        self,
        key: NodeKey,
        question: HostQuestion,
        job: JobRecord,
        samples: HostQuestion | None,
        error: AnswerprintError,
    ) -> None:
        """Say why frames could not be made; ask again if meanwhile chunks became the deliverable, or were deleted."""
        self._jobs.pop(os.fsdecode(question.path), None)
        self._described.pop(job.input, None)
        key.tried = ""
        if (await self._tracker.get(job.id)).state is job.state:
            key.failed = str(error)
            return
        key.samples = key.samples or samples
        key.question = key.question or question

    async def _receipts(self, job: JobRecord, places: Sequence[int]) -> list[Message]:
        """The receipts of the chunks with these frames; none for a job that is done."""
        if job.state is JobState.DONE:
            return []

        def look() -> list[Message]:
            found = {}
            for place in places:
                receipt = self._tracker.journal.chunk_with_frame(job.id, place)
                if receipt is not None:
                    found[receipt.chunk] = receipt.to_json()
            return list(found.values())

        return await self._tracker.journal_thread.run(look)

    def _origins(self, question: HostQuestion, job: JobRecord | None, counts: SourceCounts) -> list[int]:
        return [0] if question.flags & AskFlag.OFFSET else counts.candidates(question.frame, job)

    async def _write(
        self,
        name: str,
        key: NodeKey,
        question: HostQuestion,
        job: JobRecord | None,
        counts: SourceCounts | str | None,
    ) -> None:
        """Write the status, if it says anything new."""
        status = await self._status(key, question, job, counts)
        # Somebody may have cleared the cache.
        if status == key.written and await asyncio.to_thread(self._cache.has_status, name):
            return
        if await asyncio.to_thread(self._cache.write_status, name, status):
            key.written = status

    async def _status(
        self, key: NodeKey, question: HostQuestion, job: JobRecord | None, counts: SourceCounts | str | None
    ) -> StatusFile:
        path, state = os.fsdecode(question.path), shown_state(job)
        span, text = (0, 0), _NOT_ASKED if job is None else said_of(job)
        if job is None and not question.job and not await asyncio.to_thread(_is_there, path):
            text = f"{path} is not there. Relink the clip, or choose its file in this node."
        elif job is None and question.job:
            text = f"Job {question.job} does not restore this clip. Choose another one, or 0 for the newest."
        elif isinstance(counts, str):
            text = counts
        elif job is not None and counts is not None:
            origins = self._origins(question, job, counts)
            origin = key.origin if key.origin is not None else (origins or counts.origins)[0]
            span = counts.span(job, origin)
            if span[1] and not span[0] <= question.frame < span[1]:
                text = f"Job {job.number} has frames {span[0]} to {span[1] - 1}, not {question.frame}."
        text = key.failed or key.refused or text
        if key.denied:
            state, text = ShownState.REFUSED, key.denied
        wanted = not key.fits or bool(key.refused) or key.missed_there
        flags = StatusFlag.SAMPLES_WANTED if wanted and job is not None else StatusFlag(0)
        total = job.frames_total if job else 0
        share = 10000 if state is ShownState.DONE else 10000 * (job.frames_done if job else 0) // max(total, 1)
        return StatusFile(
            state, question.job, question.width, question.height, question.path, text, job.number if job else 0,
            min(share, 10000), *span, key.fits, flags | (StatusFlag.NO_FIT if key.refused else StatusFlag(0)),
            key.residual,
        )  # fmt: skip

    # Restoring

    async def _restore(self, key: NodeKey, question: HostQuestion) -> None:
        """Queue the restoration of a file or a range of it; a refusal is what the status says from then on."""
        path = os.fsdecode(question.path)
        try:
            key.denied = ""
            _check_unicode(path)
            frames = await self._asked_range(key, question, path)
            if self._plan is None:
                raise StateError("This daemon takes no jobs of the node.", "Restore the clip from the menu.")
            unfinished = await self._tracker.journal_thread.run(self._tracker.journal.in_states, UNFINISHED)
            taken = [job.output for job in unfinished]
            new = await asyncio.to_thread(self._plan, str(uuid.uuid4()), path, frames, taken)
            job, _ = await self._submit(new)
            _log.info("restoration asked for by the OpenFX node", extra={"job": job.id})
        except AnswerprintError as error:
            key.denied = str(error)
        self._jobs.pop(path, None)
        key.last = key.last or question

    async def _asked_range(self, key: NodeKey, question: HostQuestion, path: str) -> FrameRange | None:
        if not (question.first or question.stop):
            return None
        counts = await self._counts(path)
        if isinstance(counts, str):
            return None  # the checks of a job say more
        origins = self._origins(question, None, counts) or [0]
        origin = key.origin if key.origin is not None else origins[0]
        first = min(max(question.first - origin, 0), counts.frames)
        return FrameRange(first, max(first, min(question.stop - origin, counts.frames)))


def _check_unicode(path: str) -> None:
    """Raise InputError for a name that the protocol of jobs cannot carry."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InputError("The name of the file is not Unicode.", "Rename the file, then relink the clip.") from error


def _is_there(path: str) -> bool:
    """Whether a file is there; a sequence counts as there if its folder is."""
    place = Path(path)
    try:
        return place.exists() or (("[" in place.name or "%" in place.name) and place.parent.is_dir())
    except (OSError, ValueError):
        return False


def _keep(known: dict[str, tuple[float, _Value]], name: str, value: tuple[float, _Value]) -> None:
    """Remember, and forget the oldest of too many."""
    known.pop(name, None)
    known[name] = value
    while len(known) > _MOST_KEYS:
        del known[next(iter(known))]
