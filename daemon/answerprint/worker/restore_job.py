"""Restore a clip into the chunks of its job's folder, from the first missing chunk to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
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
from answerprint.media.read_ahead import frames_ahead, read_ahead
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.restore_clip import RestoredChunk, restore_clip, timed_frames
from answerprint.pipeline.working_space import displayed, returned
from answerprint.store.receipts import ChunkReceipt
from answerprint.temporal.stopwatch import Stopwatch
from answerprint.worker.chunk_writer import ChunkWriter
from answerprint.worker.damage import damage_words, number_words
from answerprint.worker.devices import DeviceMemory, choose_device, peak_memory_bytes, reset_peak_memory, stopwatch
from answerprint.worker.field_note import field_summary
from answerprint.worker.flow_cache import open_flow_cache
from answerprint.worker.loading import Models, flow_through, settings_for, usual_recipe
from answerprint.worker.memory_fallbacks import FALLBACKS, ChunkSettings, exhausted, is_out_of_memory
from answerprint.worker.open_folder import warn_of_open_folder
from answerprint.worker.progress import Reporter, tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import ResolvedJob, resolve_job
from answerprint.worker.source_check import SameSource, changed

__all__ = ["RenderTask", "is_estimate_wrong", "memory_checked", "render"]

_TOLERATED_FACTOR = 2
"""Factor by which a memory estimate may be off, either way, without a warning."""


def is_estimate_wrong(estimated_bytes: int, taken_bytes: int) -> bool:
    """Whether an estimate was off by more than a factor of 2; False if nothing was measured."""
    return (
        taken_bytes > 0
        and not estimated_bytes / _TOLERATED_FACTOR <= taken_bytes <= estimated_bytes * _TOLERATED_FACTOR
    )


@contextmanager
def memory_checked(estimated_bytes: int, device: torch.device, channel: JobChannel) -> Iterator[None]:
    """Warn if the block's peak memory, above what was held before it, is far from the estimate.

    CUDA only: for the CPU only the peak of the whole process is known.
    """
    held = DeviceMemory(device).used()
    yield
    if device.type != "cuda":
        return
    taken = (peak_memory_bytes(device) or 0) - held
    if is_estimate_wrong(estimated_bytes, taken):
        channel.emit(
            events.warning(
                f"The job took {taken / 1e9:.1f} GB of the device's memory; {estimated_bytes / 1e9:.1f} GB were "
                "expected: the estimate for this model and size is wrong."
            )
        )


@dataclass(frozen=True, slots=True)
class RenderTask:
    """A restore request from the parent.

    resume: the last finished chunk, None for a new job. rung: the memory fallback that the clip has reached.
    fingerprint: of the finished chunks; empty if there are none.
    """

    job: str
    request: RestoreRequest
    folder: Path
    resume: ChunkReceipt | None = None
    rung: int = 0
    fingerprint: str = ""

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Parse a message. Raises InputError if it is invalid, DamagedChunkError if its receipt is."""
        try:
            resume = message.get("resume")
            return cls(
                str(message["job"]),
                RestoreRequest.from_json(message["request"]),
                Path(message["scratch"]),
                None if resume is None else ChunkReceipt.from_json(resume),
                min(int(message.get("rung", 0)), len(FALLBACKS) - 1),
                str(message.get("fingerprint", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Invalid job description ({error}).") from error


def render(task: RenderTask, channel: JobChannel, models: Models, at_border: Callable[[], None]) -> Message:
    """Restore the missing chunks; returns the final event, `rendered` or `stopped`.

    `at_border` is called between chunks. Raises AnswerprintError, and StopRequestedError if the parent stops the job.
    """
    began = time.monotonic()
    channel.emit(events.stage("probe", f"Reading {Path(task.request.clip.media).name}"))
    resolved = resolve_job(task.request, on_read=tell_reading(task.request.clip.media, channel))
    source = SameSource(resolved)
    fingerprint = _check(task, resolved, channel)
    device = choose_device(task.request.device)
    channel.emit({**resolved.started(str(device)), "fingerprint": fingerprint})
    if task.resume is None:
        resolved.warn(channel)
    channel.check()
    reset_peak_memory(device)
    share = Fraction(min(resolved.choices.method.chunk, len(resolved.frames)), len(resolved.frames))
    expected = int(resolved.estimate()["scratch_bytes"] * share)
    scratch = ChunkWriter(task.folder, task.job, fingerprint, resolved.info.rate, expected, resolved.float_segments)
    watch = stopwatch(device)
    cache = open_flow_cache()
    with scratch.locked(), cache.lease():
        state = (
            None
            if task.resume is None
            else scratch.resume(task.resume, resolved.info, resolved.frames, resolved.working_space)
        )
        run = _Run(resolved, source, scratch, flow_through(cache), channel, watch, models, at_border, state)
        if run.done == len(resolved.frames):
            at_end = True
        else:
            estimated = resolved.estimate(str(device))["memory_bytes"]
            with models.for_job(resolved, device, channel) as backend, memory_checked(estimated, device, channel):
                at_end = run.all_chunks(backend, task)
    if not at_end:
        return events.stopped(at_border=True)
    return events.rendered(
        run.done - run.before,
        time.monotonic() - began,
        peak_memory_bytes=peak_memory_bytes(device),
        stages=watch.seconds,
    )


def _check(task: RenderTask, resolved: ResolvedJob, channel: JobChannel) -> str:
    """Check the fingerprint against that of the finished chunks, and return it."""
    fingerprint = resolved.fingerprint
    if task.resume is None:
        # Only at the start: later the output may exist because this job wrote it.
        output = Path(task.request.output)
        check_output(output, resolved.codec, resolved.info, task.request.overwrite, resolved.frames)
        warn_of_open_folder(output.parent, channel)
    elif {task.fingerprint or fingerprint, task.resume.fingerprint} != {fingerprint}:
        raise changed(resolved)
    return fingerprint


class _Run:
    """One run of a clip: its position, and its fallbacks when memory runs out."""

    def __init__(
        self,
        resolved: ResolvedJob,
        source: SameSource,
        scratch: ChunkWriter,
        flow: FlowSource,
        channel: JobChannel,
        watch: Stopwatch,
        models: Models,
        at_border: Callable[[], None],
        state: ClipState | None,
    ) -> None:
        self._resolved = resolved
        self._source = source
        self._scratch = scratch
        self._flow = flow
        self._channel = channel
        self._watch = watch
        self._models = models
        self._at_border = at_border
        self._state = state
        self._damaged = 0
        self.before = self.done
        """Frames that were finished when the run began."""

    @property
    def done(self) -> int:
        """Frames of the clip that are finished."""
        return 0 if self._state is None else self._state.frame - self._resolved.frames.start

    def all_chunks(self, backend: Backend | None, task: RenderTask) -> bool:
        """Restore to the end; False if it stopped at a chunk boundary for the parent."""
        reporter = Reporter(self._channel, len(self._resolved.frames), self.before)
        recipe = usual_recipe(self._resolved, backend, task.rung)
        if task.resume is not None:
            recipe = ChunkSettings.replayed(task.resume.recipe, recipe)
        if backend is None:
            return self._chunks(None, recipe, reporter)
        self._offload(backend, recipe.rung)
        while True:
            reason = ""
            try:
                return self._chunks(backend, recipe, reporter)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0] or "out of memory"
            # Outside the block: the exception keeps every tensor of the abandoned chunk alive.
            recipe = self._fall_back(backend, recipe, reason)

    def _fall_back(self, backend: Backend, recipe: ChunkSettings, reason: str) -> ChunkSettings:
        """Switch to the next fallback; reported before it is tried, so that a retry after a crash starts there."""
        rung = recipe.rung + 1
        if rung == len(FALLBACKS):
            raise exhausted(reason)
        self._channel.emit(events.adapted(rung, FALLBACKS[rung].message))
        self._offload(backend, rung)
        DeviceMemory(backend.device).release()
        return usual_recipe(self._resolved, backend, rung)

    def _offload(self, backend: Backend, rung: int) -> None:
        if FALLBACKS[rung].offload:
            backend.offload()
            self._models.forget(self._resolved.entry.name)  # it is slow from now on: the next job loads it again

    def _chunks(self, backend: Backend | None, recipe: ChunkSettings, reporter: Reporter) -> bool:
        """Restore with these settings from the current position; True at the end, False at a chunk boundary."""
        resolved, self._damaged = self._resolved, 0
        settings = settings_for(resolved, backend, recipe)
        report = partial(reporter.report, resumed_at=self.done)
        began, counts = time.monotonic(), (self._flow.hits, self._flow.misses)
        if not self._may_continue():
            return False
        missing = FrameRange(resolved.frames.start + self.done, resolved.frames.stop)
        with (
            open_reader(resolved.info, missing, watch_fields=resolved.request.clip.fields is None) as reader,
            closing(read_ahead(reader, frames_ahead(resolved.info.width, resolved.info.height))) as ahead,
        ):
            source = displayed(timed_frames(ahead, self._watch, self._channel.check), resolved.working_space)
            chunks = restore_clip(
                source, backend, self._flow, settings, resume=self._state, watch=self._watch, on_progress=report
            )
            for chunk in chunks:
                chunk = replace(chunk, frames=returned(chunk, resolved.returned_space))
                receipt = self._commit(chunk, recipe, [each for each in reader.damaged if each in chunk.range])
                self._warn(reader)
                hits, misses = self._flow.hits - counts[0], self._flow.misses - counts[1]
                now = time.monotonic()
                self._channel.emit(
                    events.chunk(
                        receipt.to_json(), now - began, flow_cache={"hits": hits, "misses": misses},
                        frames_done=self.done, frames_total=len(resolved.frames),
                    )
                )  # fmt: skip
                began, counts = now, (self._flow.hits, self._flow.misses)
                if self.done < len(resolved.frames) and not self._may_continue():
                    self._say(reader.take_changes())
                    return False
        summary = field_summary(resolved.info, reader.fields)
        self._say([*reader.take_changes(), *([summary] if summary else [])])
        return True

    def _say(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self._channel.emit(events.warning(sentence))

    def _may_continue(self) -> bool:
        """Between two chunks: False if the job must yield. Raises what forbids the next chunk."""
        self._channel.check()
        self._at_border()
        if self._channel.controls.give_way.is_set():
            return False
        self._scratch.check_room()
        return True

    def _commit(self, chunk: RestoredChunk, recipe: ChunkSettings, damaged: Sequence[int]) -> ChunkReceipt:
        """Commit a chunk, unless the source files of its frames have changed since the job began."""
        self._channel.check()
        self._source.check(chunk.range)
        with self._watch.stage("write"):
            last = chunk.state.frame == self._resolved.frames.stop
            receipt = self._scratch.commit(chunk, recipe, damaged, last=last)
        self._state = chunk.state
        return receipt

    def _warn(self, reader: FrameReader) -> None:
        """Warn about frames that are damaged in the source."""
        new = reader.damaged[self._damaged :]
        if new:
            self._channel.emit(events.warning(damage_words(new, self._resolved.info.damaged)))
        self._damaged = len(reader.damaged)
        if reader.not_numbers:
            self._channel.emit(events.warning(number_words(reader.not_numbers)))
            reader.not_numbers.clear()
