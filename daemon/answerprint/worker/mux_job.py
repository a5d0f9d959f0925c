"""Write a job's deliverable from its chunks. Repeatable: a retry after any failure gives the same file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from answerprint.api.request import RestoreRequest
from answerprint.errors import DiskFullError, InputError, JobFailedError, MediaError, OutputError
from answerprint.frames import Frame, FrameRange, OutputSpec
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.media import Hooks, OnRead, Writer, check_output, no_progress, open_writer, output_files, probe
from answerprint.media.movie_writer import MovieWriter
from answerprint.media.provenance import read_provenance
from answerprint.media.read_ahead import frames_ahead, read_ahead
from answerprint.media.segment import PictureDigest, SegmentReader
from answerprint.store.failpoints import reach
from answerprint.store.folders import MuxNote, remove_noted_temporary
from answerprint.store.quota import storage_error
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError
from answerprint.worker.damage import damaged_runs
from answerprint.worker.lost_chunks import LostChunkError, shot_start
from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import JOB_KEY, ResolvedJob, resolve_job
from answerprint.worker.sidecar import write_framemd5, write_sidecar
from answerprint.worker.source_check import SameSource, changed

__all__ = ["DeliverTask", "deliver", "verify_deliverable"]

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
        """Parse a message and the list of receipts that it names. Raises InputError, DamagedChunkError."""
        try:
            listing = json.loads(Path(message["receipts_file"]).read_bytes())
            return cls(
                str(message["job"]),
                RestoreRequest.from_json(message["request"]),
                Path(message["scratch"]),
                tuple(ChunkReceipt.from_json(each) for each in listing),
            )
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(f"Invalid job description ({error}).") from error


def deliver(task: DeliverTask, channel: JobChannel) -> Message:
    """Write the deliverable, unless an earlier try did; returns the final event.

    Raises LostChunkError if a chunk is damaged, SourceChangedError if the source changed since the chunks were made
    (its sound would not match), AnswerprintError, and what `channel.check` raises.
    """
    began = time.monotonic()
    resolved = resolve_job(task.request, on_read=tell_reading(task.request.clip.media, channel))
    source = SameSource(resolved)
    if {receipt.fingerprint for receipt in task.receipts} - {resolved.fingerprint}:
        raise changed(resolved)
    digest = PictureDigest()
    channel.emit(events.stage("mux", f"Writing {Path(task.request.output).name}"))
    pieces = _pieces(resolved.frames, task.request.parts)
    if pieces:  # the first event of such a job
        room = {"output_bytes": resolved.estimate()["output_bytes"]}
        channel.emit({**resolved.started(""), "estimate": room})
        resolved.warn(channel)
    frames = _frames(task, resolved, digest, channel)
    remove_noted_temporary(task.folder)  # left by a try that was killed, even after it published
    existing, ours = _existing_files(task, resolved)
    # Files of this job may be replaced; others only if the user allowed it.
    spec = resolved.spec(job=task.job, overwrite=task.request.overwrite or (bool(ours) and ours == existing))
    if _is_done(resolved, spec, ours):
        for _ in () if pieces else frames:
            pass
    else:
        with closing(frames):
            _write(task, resolved, spec, pieces or frames, source, channel)
    channel.emit(events.stage("verify", "Checking the result"))
    verify_deliverable(resolved, spec, tell_reading(task.request.output, channel))
    if task.request.framemd5:
        channel.emit(events.stage("verify", "Writing the checksums of the pictures"))
        write_framemd5(resolved, channel.check)
    if task.request.sidecar:
        channel.emit(events.stage("verify", "Writing the sidecar"))
        write_sidecar(resolved, task.job, channel.check)
    final = events.done(
        task.request.output,
        len(resolved.frames),
        time.monotonic() - began,
        flow_cache={"hits": 0, "misses": 0},
        peak_memory_bytes=None,
        stages={"mux": time.monotonic() - began},
        damaged=damaged_runs(task.receipts),
    )
    return final if pieces else {**final, "picture_sha256": digest.hexdigest()}


def _frames(
    task: DeliverTask, resolved: ResolvedJob, digest: PictureDigest, channel: JobChannel
) -> Generator[Frame, None, None]:
    """All frames of the job's segments; each segment is checked against its receipt."""
    done, frames = 0, resolved.frames
    most = frames_ahead(*resolved.size)
    for receipt in task.receipts:
        if receipt.first != frames.start + done:
            raise JobFailedError(f"No chunk holds frame {frames.start + done}.", "Retry the job.")
        try:
            with closing(read_ahead(SegmentReader(task.folder, receipt).frames(digest), most)) as ahead:
                for frame in ahead:
                    channel.check()
                    yield frame
        except DamagedChunkError as error:
            raise LostChunkError(error.message, shot_start(task.folder, receipt.chunk)) from error
        done += receipt.stop - receipt.first
        channel.emit(events.progress("mux", done, len(frames)))
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


def _copy(writer: Writer, pieces: Sequence[Piece], total: int, channel: JobChannel) -> None:
    """Append the pieces as they are, none encoded again."""
    if not isinstance(writer, MovieWriter):
        raise OutputError("Image sequences cannot be joined.", "Restore the whole range again.")
    for path, frames in pieces:
        writer.copy(path, frames, channel.check)
        channel.emit(events.progress("mux", writer.frames_written, total))


def _write(
    task: DeliverTask,
    resolved: ResolvedJob,
    spec: OutputSpec,
    content: Iterator[Frame] | list[Piece],
    source: SameSource,
    channel: JobChannel,
) -> None:
    output = Path(task.request.output)
    needed = resolved.estimate()["output_bytes"]
    check_output(output, resolved.codec, resolved.info, spec.overwrite, resolved.frames)
    note = MuxNote(task.folder)
    try:
        hooks = Hooks(note.temporary, note.claim, source.check, lambda sentence: channel.emit(events.warning(sentence)))
        with open_writer(output, spec, hooks) as writer:
            if isinstance(content, list):
                _copy(writer, content, len(resolved.frames), channel)
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


def _existing_files(task: DeliverTask, resolved: ResolvedJob) -> tuple[list[Path], list[Path]]:
    """The deliverable's files that exist, and those that this job wrote."""
    files = output_files(task.request.output, resolved.codec, resolved.info, resolved.frames)
    existing = [file for file in files if os.path.lexists(file)]
    return existing, [file for file in existing if _is_ours(file, task.job)]


def _is_ours(file: Path, job: str) -> bool:
    try:
        return not file.is_symlink() and read_provenance(file).get(JOB_KEY) == job
    except MediaError:
        return False


def _is_done(resolved: ResolvedJob, spec: OutputSpec, ours: list[Path]) -> bool:
    """Whether an earlier try published everything but ended before it could report it."""
    if len(ours) != len(output_files(resolved.request.output, resolved.codec, resolved.info, resolved.frames)):
        return False
    try:
        verify_deliverable(resolved, spec)
    except (JobFailedError, MediaError):
        return False
    return True


def verify_deliverable(resolved: ResolvedJob, spec: OutputSpec, on_read: OnRead = no_progress) -> None:
    """Read the deliverable back and check its number of frames, size and rate.

    Raises JobFailedError naming the difference, MediaError if it cannot be read.
    """
    found = probe(resolved.request.output, spec.rate, on_read)
    problems = []
    if found.frames < len(resolved.frames):
        problems.append(f"{found.frames} of {len(resolved.frames)} frames")
    if (found.width, found.height) != resolved.size:
        problems.append(f"{found.width}x{found.height} instead of {resolved.size[0]}x{resolved.size[1]}")
    if found.kind == "file" and found.rate != spec.rate:
        problems.append(f"{found.rate} frames per second instead of {spec.rate}")
    if problems:
        raise JobFailedError(
            f"The {resolved.codec} output failed verification: {'; '.join(problems)}.", "Try another --codec."
        )
