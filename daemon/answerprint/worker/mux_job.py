"""The deliverable of a job, written from its chunks or its parts; doing it again after any end gives the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from answerprint.api.request import RestoreRequest
from answerprint.errors import DiskFullError, InputError, JobFailedError, MediaError, OutputError
from answerprint.frames import Frame, FrameRange, OutputSpec
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.media import Hooks, Writer, check_output, open_writer, output_files
from answerprint.media.movie_writer import MovieWriter
from answerprint.media.provenance import read_provenance
from answerprint.media.segment import PictureDigest, SegmentReader
from answerprint.store.failpoints import reach
from answerprint.store.folders import MuxNote, remove_noted_temporary
from answerprint.store.quota import storage_error
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError
from answerprint.worker.lost_chunks import LostChunkError, shot_start
from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import JOB_KEY, ResolvedJob, resolve_job, verify_deliverable
from answerprint.worker.source_check import SameSource, changed

__all__ = ["DeliverTask", "deliver"]

Piece = tuple[Path, FrameRange]
"""A file, and which of its frames."""


@dataclass(frozen=True, slots=True)
class DeliverTask:
    """A job, and the receipts of its chunks in order: none where its request joins parts."""

    job: str
    request: RestoreRequest
    folder: Path
    receipts: tuple[ChunkReceipt, ...]

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Read a message and the list that it names. Raises InputError, DamagedChunkError."""
        try:
            listing = json.loads(Path(message["receipts_file"]).read_bytes())
            return cls(
                str(message["job"]),
                RestoreRequest.from_json(message["request"]),
                Path(message["scratch"]),
                tuple(ChunkReceipt.from_json(each) for each in listing),
            )
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(f"The job is not described properly ({error}).") from error


def deliver(task: DeliverTask, talk: JobChannel) -> Message:
    """Write the deliverable, or find that it was written before; returns the final event.

    Raises LostChunkError when a chunk is damaged, SourceChangedError when the chunks are of another source than the
    sound would be, AnswerprintError, and what `talk.check` raises.
    """
    began = time.monotonic()
    order = resolve_job(task.request, on_read=tell_reading(task.request.clip.media, talk))
    source = SameSource(order)
    if {receipt.fingerprint for receipt in task.receipts} - {order.fingerprint}:
        raise changed(order)
    digest = PictureDigest()
    talk.emit(events.stage("mux", f"Writing {Path(task.request.output).name}"))
    pieces = _pieces(order.frames, task.request.parts)
    if pieces:  # nothing has begun before
        room = {"output_bytes": order.estimate()["output_bytes"]}
        talk.emit({**order.started(""), "estimate": room})
    frames = iter(()) if pieces else _frames(task, order.frames, digest, talk)
    remove_noted_temporary(task.folder)  # of a try that was killed, also of one that had published
    existing, ours = _standing(task, order)
    # What this very job wrote may be replaced; all else only if the user said so.
    spec = order.spec(job=task.job, overwrite=task.request.overwrite or (bool(ours) and ours == existing))
    if _is_done(order, spec, ours):
        for _ in frames:
            pass
    else:
        _write(task, order, spec, pieces or frames, source, talk)
    talk.emit(events.stage("verify", "Checking the result"))
    verify_deliverable(order, spec, tell_reading(task.request.output, talk))
    final = events.done(
        task.request.output,
        len(order.frames),
        time.monotonic() - began,
        flow_cache={"hits": 0, "misses": 0},
        peak_memory_bytes=None,
        stages={"mux": time.monotonic() - began},
    )
    return final if pieces else {**final, "picture_sha256": digest.hexdigest()}


def _frames(task: DeliverTask, frames: FrameRange, digest: PictureDigest, talk: JobChannel) -> Iterator[Frame]:
    """All frames of the job's segments, each segment compared with its receipt."""
    done = 0
    for receipt in task.receipts:
        if receipt.first != frames.start + done:
            raise JobFailedError(f"Frame {frames.start + done} is in no chunk.", "Retry the job.")
        try:
            for frame in SegmentReader(task.folder, receipt).frames(digest):
                talk.check()
                yield frame
        except DamagedChunkError as error:
            raise LostChunkError(error.message, shot_start(task.folder, receipt.chunk)) from error
        done += receipt.stop - receipt.first
        talk.emit(events.progress("mux", done, len(frames)))
    if done != len(frames):
        raise JobFailedError(f"Only {done} of {len(frames)} frames are finished.", "Retry the job.")


def _pieces(wanted: FrameRange, parts: Sequence[tuple[str, FrameRange]]) -> list[Piece]:
    """Which frames to take of which file, counted from that file's own first one; none without parts.

    Raises InputError for parts that leave a gap.
    """
    pieces: list[Piece] = []
    at = wanted.start
    while parts and at < wanted.stop:
        found = next(((path, held) for path, held in parts if at in held), None)
        if found is None:
            raise InputError(f"Frame {at} is in no part.", "Restore it first.")
        path, held = found
        stop = min(held.stop, wanted.stop)
        pieces.append((Path(path), FrameRange(at - held.start, stop - held.start)))
        at = stop
    return pieces


def _copy(writer: Writer, pieces: Sequence[Piece], total: int, talk: JobChannel) -> None:
    """Append the pieces as they are, none encoded again."""
    if not isinstance(writer, MovieWriter):
        raise OutputError("Image sequences cannot be joined.", "Restore the whole range again.")
    for path, frames in pieces:
        writer.copy(path, frames, talk.check)
        talk.emit(events.progress("mux", writer.frames_written, total))


def _write(
    task: DeliverTask,
    order: ResolvedJob,
    spec: OutputSpec,
    content: Iterator[Frame] | list[Piece],
    source: SameSource,
    talk: JobChannel,
) -> None:
    output = Path(task.request.output)
    needed = order.estimate()["output_bytes"]
    check_output(output, order.codec, order.info, spec.overwrite, order.frames)
    note = MuxNote(task.folder)
    try:
        with open_writer(output, spec, Hooks(note.temporary, note.claim, source.check)) as writer:
            if isinstance(content, list):
                _copy(writer, content, len(order.frames), talk)
            else:
                for frame in content:
                    writer.write(frame.picture, frame.alpha)
            reach("mux_before_publish")
        reach("mux_after_publish")
    except DiskFullError as error:
        folder = error.folder or str(output.parent)
        raise DiskFullError(error.message, error.remedy, needed_bytes=needed, folder=folder) from error
    except OSError as error:
        raise storage_error(error, output, needed) from error


def _standing(task: DeliverTask, order: ResolvedJob) -> tuple[list[Path], list[Path]]:
    """The files of the deliverable that exist, and those of them that this job wrote."""
    files = output_files(task.request.output, order.codec, order.info, order.frames)
    existing = [file for file in files if os.path.lexists(file)]
    return existing, [file for file in existing if _is_ours(file, task.job)]


def _is_ours(file: Path, job: str) -> bool:
    try:
        return not file.is_symlink() and read_provenance(file).get(JOB_KEY) == job
    except MediaError:
        return False


def _is_done(order: ResolvedJob, spec: OutputSpec, ours: list[Path]) -> bool:
    """Whether an earlier try published everything, and its parent or it itself ended before it could say so."""
    if len(ours) != len(output_files(order.request.output, order.codec, order.info, order.frames)):
        return False
    try:
        verify_deliverable(order, spec)
    except (JobFailedError, MediaError):
        return False
    return True
