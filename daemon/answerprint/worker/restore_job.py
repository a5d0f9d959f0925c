"""A clip into the chunks of its job's folder, from the first that is missing to the last.

Whether a job took the memory that was reckoned before it, where the device can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch

from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend
from answerprint.errors import InputError
from answerprint.flow.source import FlowSource
from answerprint.frames import FrameRange
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.media import FrameReader, check_output, open_reader
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.restore_clip import RestoredChunk, restore_clip, timed_frames
from answerprint.store.receipts import ChunkReceipt
from answerprint.temporal.stopwatch import Stopwatch
from answerprint.worker.chunk_writer import ChunkWriter
from answerprint.worker.devices import DeviceMemory, choose_device, peak_memory_bytes, reset_peak_memory, stopwatch
from answerprint.worker.flow_cache import open_flow_cache
from answerprint.worker.loading import Models, configured, flow_through, settings_for, usual_recipe
from answerprint.worker.memory_fallbacks import RUNGS, ChunkSettings, exhausted, is_out_of_memory
from answerprint.worker.open_folder import warn_of_open_folder
from answerprint.worker.progress import Reporter, tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import ResolvedJob, resolve_job
from answerprint.worker.source_check import SameSource, changed

__all__ = ["RenderTask", "is_astray", "memory_checked", "render"]

_ASTRAY = 2
"""Times by which an estimate may be wrong, either way, without being told."""


def is_astray(estimated_bytes: int, taken_bytes: int) -> bool:
    """Whether an estimate was wrong by more than 2 times; of nothing taken nothing can be said."""
    return taken_bytes > 0 and not estimated_bytes / _ASTRAY <= taken_bytes <= estimated_bytes * _ASTRAY


@contextmanager
def memory_checked(estimated_bytes: int, device: torch.device, talk: JobChannel) -> Iterator[None]:
    """Say in a warning when what the block takes, beyond what was held before it, is far from the estimate.

    Only a CUDA device tells: of the processor's memory the most that a process ever held is known, not when.
    """
    held = DeviceMemory(device).used()
    yield
    if device.type != "cuda":
        return
    taken = (peak_memory_bytes(device) or 0) - held
    if is_astray(estimated_bytes, taken):
        talk.emit(
            events.warning(
                f"The work took {taken / 1e9:.1f} GB of the device's memory, and {estimated_bytes / 1e9:.1f} GB were "
                "expected: the estimate for this model and size is wrong."
            )
        )


@dataclass(frozen=True, slots=True)
class RenderTask:
    """What the parent knows of a job.

    resume: the last chunk that it has, None to begin. rung: how far down the ladder the clip has been.
    fingerprint: of the chunks that it has; empty for none.
    """

    job: str
    request: RestoreRequest
    folder: Path
    resume: ChunkReceipt | None = None
    rung: int = 0
    fingerprint: str = ""

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Read a message. Raises InputError for one that makes no sense, DamagedChunkError for such a receipt."""
        try:
            resume = message.get("resume")
            return cls(
                str(message["job"]),
                RestoreRequest.from_json(message["request"]),
                Path(message["scratch"]),
                None if resume is None else ChunkReceipt.from_json(resume),
                min(int(message.get("rung", 0)), len(RUNGS) - 1),
                str(message.get("fingerprint", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The job is not described properly ({error}).") from error


def render(task: RenderTask, talk: JobChannel, models: Models, at_border: Callable[[], None]) -> Message:
    """Restore the chunks that are missing; returns the final event, `rendered` or `stopped`.

    `at_border` is called between chunks. Raises AnswerprintError, and StopRequestedError where the parent wants that.
    """
    began = time.monotonic()
    talk.emit(events.stage("probe", f"Reading {Path(task.request.clip.media).name}"))
    order = resolve_job(task.request, on_read=tell_reading(task.request.clip.media, talk))
    source = SameSource(order)
    fingerprint = _check(task, order, talk)
    device = choose_device(task.request.device)
    talk.emit({**order.started(str(device)), "fingerprint": fingerprint})
    talk.check()
    reset_peak_memory(device)
    share = Fraction(min(order.choices.method.chunk, len(order.frames)), len(order.frames))
    expected = int(order.estimate()["scratch_bytes"] * share)
    scratch = ChunkWriter(task.folder, task.job, fingerprint, order.info.rate, expected)
    watch = stopwatch(device)
    cache = open_flow_cache()
    with scratch.locked(), cache.lease():
        state = None if task.resume is None else scratch.resume(task.resume, order.info, order.frames)
        run = _Run(order, source, scratch, flow_through(cache), talk, watch, models, at_border, state)
        if run.done == len(order.frames):
            at_end = True
        else:
            estimated = order.estimate(str(device))["memory_bytes"]
            with models.use(order.entry, device, talk) as backend, memory_checked(estimated, device, talk):
                at_end = run.all_chunks(configured(order, backend), task)
    if not at_end:
        return events.stopped(at_border=True)
    return events.rendered(
        run.done - run.before,
        time.monotonic() - began,
        peak_memory_bytes=peak_memory_bytes(device),
        stages=watch.seconds,
    )


def _check(task: RenderTask, order: ResolvedJob, talk: JobChannel) -> str:
    """The fingerprint, compared with that of the chunks that are there."""
    fingerprint = order.fingerprint
    if task.resume is None:
        # Only at the beginning: later on the output may be there, written by this very job.
        output = Path(task.request.output)
        check_output(output, order.codec, order.info, task.request.overwrite, order.frames)
        warn_of_open_folder(output.parent, talk)
    elif {task.fingerprint or fingerprint, task.resume.fingerprint} != {fingerprint}:
        raise changed(order)
    return fingerprint


class _Run:
    """One clip at work: where it stands, and how it goes on when memory runs out."""

    def __init__(
        self,
        order: ResolvedJob,
        source: SameSource,
        scratch: ChunkWriter,
        flow: FlowSource,
        talk: JobChannel,
        watch: Stopwatch,
        models: Models,
        at_border: Callable[[], None],
        state: ClipState | None,
    ) -> None:
        self._order = order
        self._source = source
        self._scratch = scratch
        self._flow = flow
        self._talk = talk
        self._watch = watch
        self._models = models
        self._at_border = at_border
        self._state = state
        self._clamped = 0
        self._damaged = 0
        self.before = self.done
        """Frames that were finished when it began."""

    @property
    def done(self) -> int:
        """Frames of the clip that are finished."""
        return 0 if self._state is None else self._state.frame - self._order.frames.start

    def all_chunks(self, backend: Backend, task: RenderTask) -> bool:
        """Restore to the end; False when it stopped at a border because the parent wants that."""
        reporter = Reporter(self._talk, len(self._order.frames), self.before)
        recipe = usual_recipe(self._order, backend, task.rung)
        if task.resume is not None:
            recipe = ChunkSettings.replayed(task.resume.recipe, recipe)
        self._offload(backend, recipe.rung)
        while True:
            reason = ""
            try:
                return self._chunks(backend, recipe, reporter)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0] or "out of memory"
            # Outside the block: the exception held on to every tensor of the chunk that was given up.
            recipe = self._climb_down(backend, recipe, reason)

    def _climb_down(self, backend: Backend, recipe: ChunkSettings, reason: str) -> ChunkSettings:
        """The next rung; said before it is tried, so that whoever takes over after a crash begins there."""
        rung = recipe.rung + 1
        if rung == len(RUNGS):
            raise exhausted(reason)
        self._talk.emit(events.adapted(rung, RUNGS[rung].message))
        self._offload(backend, rung)
        DeviceMemory(backend.device).release()
        return usual_recipe(self._order, backend, rung)

    def _offload(self, backend: Backend, rung: int) -> None:
        if RUNGS[rung].offload:
            backend.offload()
            self._models.forget(self._order.entry.name)  # it is slow from now on: the next job gets a fresh one

    def _chunks(self, backend: Backend, recipe: ChunkSettings, reporter: Reporter) -> bool:
        """Restore by a recipe, from where the clip stands; True at its end, False at a border."""
        order, self._damaged = self._order, 0
        settings = settings_for(order, backend, recipe)
        report = partial(reporter.report, resumed_at=self.done)
        began, counts = time.monotonic(), (self._flow.hits, self._flow.misses)
        if not self._may_go_on():
            return False
        with open_reader(order.info, FrameRange(order.frames.start + self.done, order.frames.stop)) as reader:
            chunks = restore_clip(
                timed_frames(reader, self._watch, self._talk.check), backend, self._flow, settings,
                resume=self._state, watch=self._watch, on_progress=report,
            )  # fmt: skip
            for chunk in chunks:
                receipt = self._commit(chunk, recipe)
                self._warn(reader)
                hits, misses = self._flow.hits - counts[0], self._flow.misses - counts[1]
                now = time.monotonic()
                self._talk.emit(
                    events.chunk(
                        receipt.to_json(), now - began, flow_cache={"hits": hits, "misses": misses},
                        frames_done=self.done, frames_total=len(order.frames),
                    )
                )  # fmt: skip
                began, counts = now, (self._flow.hits, self._flow.misses)
                if self.done < len(order.frames) and not self._may_go_on():
                    return False
        return True

    def _may_go_on(self) -> bool:
        """Between two chunks: False when the parent wants its turn back. Raises what forbids the next chunk."""
        self._talk.check()
        self._at_border()
        if self._talk.wishes.give_way.is_set():
            return False
        self._scratch.check_room()
        return True

    def _commit(self, chunk: RestoredChunk, recipe: ChunkSettings) -> ChunkReceipt:
        """Keep a chunk, whose frames were read before now: of the source that the job began with, or not at all."""
        self._talk.check()
        self._source.check(chunk.range)
        with self._watch.stage("write"):
            last = chunk.state.frame == self._order.frames.stop
            receipt, clamped = self._scratch.commit(chunk, recipe, last=last)
        self._state = chunk.state
        if clamped and not self._clamped:
            self._talk.emit(
                events.warning(
                    f"Values of the result from frame {chunk.range.start} on lie outside -0.5 to 1.5 and were "
                    f"clamped ({clamped} of them in these {len(chunk)} frames)."
                )
            )
        self._clamped += clamped
        return receipt

    def _warn(self, reader: FrameReader) -> None:
        """Say which frames the decoder found damaged."""
        new = reader.damaged[self._damaged :]
        if new:
            which = f"Frame {new[0]} is" if len(new) == 1 else f"{len(new)} frames from {new[0]} on are"
            self._talk.emit(events.warning(f"{which} damaged in the source, and restored as far as it decodes."))
        self._damaged = len(reader.damaged)
