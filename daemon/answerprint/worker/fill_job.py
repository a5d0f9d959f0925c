"""Frames for the OpenFX plugin: found in the host's picture by example, and written to the cache in its colours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from answerprint.api.request import RestoreRequest
from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.frames import ClipInfo, Frame, FrameRange
from answerprint.frames.cadence import clip_range
from answerprint.ipc.messages import Message
from answerprint.media import open_reader, output_files, probe
from answerprint.media.provenance import read_provenance
from answerprint.media.segment import SegmentReader
from answerprint.ofx.comparison import HostPicture
from answerprint.ofx.frame_cache import FrameCache
from answerprint.ofx.known_fits import KnownFit, KnownFits, match_host
from answerprint.ofx.layout import rendered_in
from answerprint.ofx.patches import choose_patches
from answerprint.ofx.protocol import FrameFileHeader
from answerprint.store.receipts import ChunkReceipt
from answerprint.worker.fingerprint import size_and_time
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import JOB_KEY, ResolvedJob, resolve_job

__all__ = ["FillTask", "fill_frames"]


@dataclass(frozen=True, slots=True)
class FillTask:
    """Frames to write. number: of the job. done: the deliverable holds them, otherwise the chunks of
    these receipts.

    frames: as the host counts; origins: what may be taken off to get the source's index, the likeliest first.
    picture: width and height of the host's. host: samples of its picture at `sampled`; None without.
    """

    request: RestoreRequest
    job: str
    number: int
    scratch: Path
    done: bool
    receipts: tuple[ChunkReceipt, ...]
    cache: FrameCache
    key: str
    frames: tuple[int, ...]
    origins: tuple[int, ...]
    picture: tuple[int, int]
    sampled: int
    host: HostPicture | None

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Parse a message. Raises InputError."""
        try:
            width, height = map(int, message["picture"])
            host = None
            if message.get("samples"):
                columns, rows = map(int, message["lattice"])
                values = np.frombuffer(base64.b64decode(message["samples"]), "<f2").reshape(rows, columns, 3)
                host = HostPicture(values[::-1].astype(np.float64), (width, height))
            return cls(
                RestoreRequest.from_json(message["request"]),
                str(message["job"]),
                int(message["number"]),
                Path(message["scratch"]),
                bool(message["done"]),
                tuple(map(ChunkReceipt.from_json, message["receipts"])),
                FrameCache(Path(message["cache"]), int(message["capacity_bytes"])),
                str(message["key"]),
                tuple(map(int, message["frames"])),
                tuple(map(int, message["origins"])),
                (width, height),
                int(message.get("sampled", 0)),
                host,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Invalid question for frames ({error}).") from error


def fill_frames(task: FillTask, channel: JobChannel) -> Message:
    """Write the frames that are not there yet; returns the facts of a report.

    made: the frames that are there now. fits, residual, origin: what is known. reason: why nothing fits, a sentence.
    Raises AnswerprintError, and what `channel.check` raises.
    """
    text = json.dumps(task.request.to_json(), sort_keys=True)
    resolved = _resolved(text, _stamps(task.request.clip.media))
    source = _Source(resolved)
    known = KnownFits.read(task.cache, task.key, source.stamp, f"{task.job} {task.done}")
    reason = ""
    if task.host is not None:
        known, reason = match_host(
            known, task.host, task.sampled, task.origins, source.pictures, (resolved.info.width, resolved.info.height),
            resolved.info.sample_aspect,
        )  # fmt: skip
        known.write(task.cache, task.key)
    fit = known.current
    made: list[int] = []
    if fit is not None and not reason:
        made = [each for each in task.frames if task.cache.has(task.key, known.place, each)]
        missing = [each for each in task.frames if each not in made]
        made += _make(task, resolved, source, known, fit, missing, channel)
    return {
        "made": made,
        "fits": len(known.fits),
        "place": known.place,
        "residual": fit.residual if fit else 0.0,
        "origin": fit.origin if fit else None,
        "reason": reason,
    }


@lru_cache(8)
def _resolved(request: str, stamps: str) -> ResolvedJob:
    """The job; probed again when its media change."""
    return resolve_job(RestoreRequest.from_json(json.loads(request)))


@lru_cache(8)
def _probed(path: Path, stamps: str) -> ClipInfo:
    """A deliverable; probed again when it is another file."""
    return probe(path)


def _stamps(media: str) -> str:
    """What changes when a file is replaced, or pictures are added to a folder; "" for what is not there."""
    path = Path(media)
    for place in (path, path.parent):
        try:
            found = place.stat()
        except OSError:
            continue
        return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"
    return ""


class _Source:
    """Pictures of the source by their index in it."""

    def __init__(self, resolved: ResolvedJob) -> None:
        self._info = resolved.info
        self.stamp = json.dumps([size_and_time(file) for file in (resolved.info.files or (resolved.info.path,))[:1]])
        self._kept: dict[int, Frame] = {}

    def place(self, index: int) -> int | None:
        """The frame of the clip for an index of the source; None outside."""
        stored = self._info.stored or self._info
        if not 0 <= index < stored.frames:
            return None
        frames = clip_range(self._info, FrameRange(index, index + 1))
        return frames.start if len(frames) else None

    def pictures(self, indices: Iterable[int]) -> dict[int, Frame]:
        """Those of the frames that are there, by index of the source."""
        places = {index: place for index in indices if (place := self.place(index)) is not None}
        missing = [place for place in places.values() if place not in self._kept]
        if missing:
            self._kept = {place: frame for place, frame in self._kept.items() if place in places.values()}
            self._kept |= _read(self._info, missing)
        return {index: self._kept[place] for index, place in places.items() if place in self._kept}


def _read(info: ClipInfo, wanted: Sequence[int]) -> dict[int, Frame]:
    """Frames of a clip, read in one go where they lie together."""
    found: dict[int, Frame] = {}
    runs: list[list[int]] = []
    for place in sorted(set(wanted)):
        if runs and place - runs[-1][-1] <= 8:
            runs[-1].append(place)
        else:
            runs.append([place])
    for run in runs:
        with open_reader(info, FrameRange(run[0], run[-1] + 1)) as reader:
            found |= {frame.index: frame for frame in reader if frame.index in run}
    return found


def _make(
    task: FillTask,
    resolved: ResolvedJob,
    source: _Source,
    known: KnownFits,
    fit: KnownFit,
    frames: Sequence[int],
    channel: JobChannel,
) -> list[int]:
    """Write these frames; returns those that were."""
    places = {each: place for each in frames if (place := source.place(each - fit.origin)) is not None}
    if not places:
        return []
    restored = _restored(task, resolved, set(places.values()), channel)
    indices = {each - fit.origin + step for each in places for step in (-1, 0, 1)}
    shown = source.pictures(indices)
    rendered = {index: rendered_in(frame.picture, fit.layout) for index, frame in shown.items()}
    made = []
    for each, place in places.items():
        channel.check()
        index = each - fit.origin
        if place not in restored or index not in rendered:
            continue
        others = [rendered[near] for near in (index - 1, index + 1) if near in rendered]
        header, pixels = _frame_file(task, known, fit, each, restored[place], rendered[index], others)
        if task.cache.write_frame(task.key, known.place, each, header.to_bytes(), pixels):
            made.append(each)
    return made


def _frame_file(
    task: FillTask,
    known: KnownFits,
    fit: KnownFit,
    number: int,
    frame: Frame,
    rendered: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    others: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
) -> tuple[FrameFileHeader, bytes]:
    layout = fit.layout
    picture = fit.transform(rendered_in(frame.picture, layout))
    pixels = np.ones((layout.height, layout.width, 4), "<f2")
    pixels[..., :3] = np.clip(picture, -65504, 65504)[::-1]
    if frame.alpha is not None:
        alpha = rendered_in(frame.alpha[..., None], layout)
        pixels[..., 3:] = np.clip(alpha, 0, 1)[::-1]
    patches = choose_patches(
        rendered, others, fit.transform, layout, task.picture, exact=fit.exact, residual=fit.residual
    )
    header = FrameFileHeader(
        layout.x,
        task.picture[1] - layout.y - layout.height,
        layout.width,
        layout.height,
        *task.picture,
        number,
        known.place,
        task.number,
        fit.residual,
        frame.alpha is not None,
        patches,
    )
    return header, pixels.tobytes()


def _restored(task: FillTask, resolved: ResolvedJob, places: set[int], channel: JobChannel) -> dict[int, Frame]:
    """Restored frames by their place in the clip: of finished chunks, or of the deliverable."""
    found: dict[int, Frame] = {}
    for receipt in task.receipts:
        wanted = {place for place in places if receipt.first <= place < receipt.stop}
        if wanted:
            frames = SegmentReader(task.scratch, receipt).frames()
            found |= {frame.index: frame for frame in frames if frame.index in wanted}
            channel.check()
    if not task.done:
        return found
    return _delivered(task, resolved, places, channel)


def _delivered(task: FillTask, resolved: ResolvedJob, places: set[int], channel: JobChannel) -> dict[int, Frame]:
    wanted = {place: place - resolved.frames.start for place in places if place in resolved.frames}
    files = output_files(resolved.request.output, resolved.codec, resolved.info, resolved.frames)
    remedy = f"Restore the clip again, or put the file back: {task.request.output}"
    if not files[0].exists():
        raise InputError(f"The restored file of job {task.number} is gone.", remedy)
    changed = JobFailedError(f"The restored file of job {task.number} has changed.", remedy)
    if read_provenance(files[0]).get(JOB_KEY, task.job) != task.job:
        raise changed
    found: dict[int, Frame] = {}
    if len(files) == 1:
        info = _probed(files[0], _stamps(str(files[0])))
        if (info.width, info.height) != resolved.size or info.frames != len(resolved.frames):
            raise changed
        read = _read(info, list(wanted.values()))
        return {place: read[index] for place, index in wanted.items() if index in read}
    for place, index in wanted.items():
        try:
            channel.check()
            found[place] = _read(probe(files[index]), [0])[0]
        except AnswerprintError as error:
            raise InputError(f"Restored pictures of job {task.number} are gone.", remedy) from error
    return found
