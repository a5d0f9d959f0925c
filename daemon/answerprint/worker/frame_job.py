"""One frame of a job, restored or of the source, as a PNG or JPEG for display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import cv2
import numpy as np

from answerprint.api.request import RestoreRequest
from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.frames import ClipInfo, Frame, FrameRange
from answerprint.frames.frame import Picture
from answerprint.media import OnRead, open_reader, output_files, probe
from answerprint.media.segment import SegmentReader
from answerprint.pipeline.working_space import DISPLAY, WorkingSpace, choose_space
from answerprint.store import atomic
from answerprint.store.quota import storage_error
from answerprint.store.receipts import ChunkReceipt
from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import ResolvedJob, read_source, resolve_job

__all__ = ["StillTask", "make_still"]

_JPEG_QUALITY = 92
_MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class StillTask:
    """frame: absolute source index. receipt: of its chunk; None reads a restored frame from the deliverable.

    size: width and height to scale to, (0, 0) for its own; max_size: upper limit of each, 0 for none.
    """

    request: RestoreRequest
    folder: Path
    receipt: ChunkReceipt | None
    frame: int
    side: Literal["restored", "source"]
    format: Literal["png", "jpeg"]
    size: tuple[int, int]
    max_size: tuple[int, int]
    output: Path

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Parse a message. Raises InputError."""
        try:
            receipt = message.get("receipt")
            side, form = message["side"], message["format"]
            if side not in ("restored", "source") or form not in _MEDIA_TYPES:
                raise ValueError(f"{side} as {form}")
            width, height = message.get("size") or (0, 0)
            return cls(
                RestoreRequest.from_json(message["request"]),
                Path(message["scratch"]),
                None if receipt is None else ChunkReceipt.from_json(receipt),
                int(message["frame"]),
                side,
                form,
                (int(width), int(height)),
                (int(message.get("max_width") or 0), int(message.get("max_height") or 0)),
                Path(message["output"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Invalid frame request ({error}).") from error


def make_still(task: StillTask, channel: JobChannel) -> dict[str, object]:
    """Write the picture; returns the facts of a report. Raises AnswerprintError, and what `channel.check` raises."""
    on_read = tell_reading(task.request.clip.media, channel)
    frame, space = _restored(task, on_read) if task.side == "restored" else _source(task, on_read)
    picture = _resized(space.to_display(frame.picture), _shown_size(frame, task))
    codes = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if task.format == "jpeg" else []
    done, data = cv2.imencode("." + task.format, np.ascontiguousarray(codes[..., ::-1]), options)
    if not done:
        raise JobFailedError(f"Frame {task.frame} could not be encoded as {task.format}.")
    try:
        atomic.write_bytes(task.output, data.tobytes(), overwrite=True, mode=0o600)
    except OSError as error:
        raise storage_error(error, task.output, data.size) from error
    return {
        "path": str(task.output),
        "media_type": _MEDIA_TYPES[task.format],
        "width": codes.shape[1],
        "height": codes.shape[0],
        "bytes": int(data.size),
    }


_Shown = tuple[Frame, WorkingSpace]
"""A frame, and the space in which a display shows it."""


def _restored(task: StillTask, on_read: OnRead) -> _Shown:
    if task.receipt is None:
        resolved = resolve_job(task.request, on_read=on_read)
        return _delivered(resolved, task.frame, on_read), resolved.result_space
    frames = FrameRange(task.receipt.first, task.receipt.stop)
    if task.frame not in frames:
        raise InputError(f"Frame {task.frame} is not in chunk {task.receipt.chunk}.", f"It holds {frames}.")
    frame = SegmentReader(task.folder, task.receipt).frame(task.frame)
    try:
        return frame, resolve_job(task.request, on_read=on_read).result_space
    except AnswerprintError:  # the source is gone: the frame is there all the same
        return frame, DISPLAY


def _source(task: StillTask, on_read: OnRead) -> _Shown:
    clip = task.request.clip
    info = read_source(clip, on_read)
    return _read(info, task.frame), choose_space(task.request.working_space, info, clip)


def _delivered(resolved: ResolvedJob, frame: int, on_read: OnRead) -> Frame:
    """A frame of the deliverable. A sequence is read by file: foreign pictures may match its pattern."""
    place = frame - resolved.frames.start
    files = output_files(resolved.request.output, resolved.codec, resolved.info, resolved.frames)
    if not 0 <= place < len(resolved.frames):
        raise InputError(f"Frame {frame} is not in the clip.", f"Frames run within {resolved.frames}.")
    file, index = (files[0], place) if len(files) == 1 else (files[place], 0)
    return _read(probe(file, on_read=on_read), index)


def _read(info: ClipInfo, index: int) -> Frame:
    if index not in info.whole:
        raise InputError(f"{info.path} has no frame {index}.", f"It has frames 0 to {info.frames - 1}.")
    with open_reader(info, FrameRange(index, index + 1)) as reader:
        return next(reader)


def _shown_size(frame: Frame, task: StillTask) -> tuple[int, int]:
    """Width and height: those of the request, scaled down in proportion to fit the limits."""
    height, width = frame.picture.shape[:2]
    if min(task.size) > 0:
        width, height = task.size
    limits = [most / side for most, side in zip(task.max_size, (width, height), strict=True) if most > 0]
    scale = min([1.0, *limits])
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    height, width = picture.shape[:2]
    if size == (width, height):
        return picture
    smaller = size[0] < width or size[1] < height
    return np.asarray(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC), np.float32
    )
