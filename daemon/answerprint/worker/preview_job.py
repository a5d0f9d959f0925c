"""A preview: a few frames of a clip, each as a picture with the source beside the restored frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from answerprint.api.request import PreviewRequest
from answerprint.errors import InputError, JobFailedError
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.media import open_reader
from answerprint.media.sources import Sources, check_place
from answerprint.pipeline.restore_clip import restore_clip, timed_frames
from answerprint.pipeline.working_space import displayed
from answerprint.store import atomic
from answerprint.store.open_folder import OpenFolder
from answerprint.store.reserved import check_not_ours
from answerprint.worker.damage import damage_words, number_words
from answerprint.worker.devices import choose_device, peak_memory_bytes, stopwatch
from answerprint.worker.flow_cache import open_flow_cache
from answerprint.worker.loading import Models, flow_through, settings_for, usual_recipe
from answerprint.worker.open_folder import warn_of_open_folder
from answerprint.worker.progress import Reporter, tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import few_frames, resolve_job

__all__ = ["before_after", "preview"]


def before_after(before: Picture, after: Picture) -> bytes:
    """PNG bytes: on the left the source, enlarged by nearest neighbour; on the right the restored frame."""
    height, width = after.shape[:2]
    enlarged = cv2.resize(before, (width, height), interpolation=cv2.INTER_NEAREST)
    both = np.concatenate([enlarged, after], 1)
    encoded = np.rint(np.clip(both, 0, 1) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", np.ascontiguousarray(encoded[..., ::-1]))
    if not done:
        raise JobFailedError("A preview could not be encoded as PNG.")
    return data.tobytes()


def preview(request: PreviewRequest, channel: JobChannel, models: Models) -> Message:
    """Restore a few frames and write before/after PNG files to the request's output folder.

    Returns the final event. Raises AnswerprintError, and what `channel.check` raises.
    """
    began = time.monotonic()
    channel.emit(events.stage("probe", f"Reading {Path(request.restore.clip.media).name}"))
    on_read = tell_reading(request.restore.clip.media, channel)
    resolved = few_frames(resolve_job(request.restore, preview=True, on_read=on_read), request)
    folder = Path(request.restore.output)
    warn_of_open_folder(folder, channel)
    device = choose_device(request.restore.device)
    channel.check()
    watch = stopwatch(device)
    cache = open_flow_cache()
    flow = flow_through(cache)
    files: list[str] = []
    sources: dict[int, Frame] = {}
    guarded = Sources(resolved.info.files or (resolved.info.path,))

    def keep(frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            sources[frame.index] = frame
            yield frame

    with (
        _open_folder(folder) as place,
        models.for_job(resolved, device, channel) as backend,
        cache.lease(),
        open_reader(resolved.info, resolved.frames) as reader,
    ):
        channel.emit(resolved.started(str(device), "png"))
        resolved.warn(channel)
        settings = settings_for(resolved, backend, usual_recipe(resolved, backend))
        report = Reporter(channel, len(resolved.frames)).report
        # Both sides stay in the working space, which is that of the display which they are for.
        source = keep(displayed(timed_frames(reader, watch, channel.check), resolved.source_space))
        for chunk in restore_clip(source, backend, flow, settings, watch=watch, on_progress=report):
            for frame in chunk:
                name = f"{resolved.info.path.stem}-{frame.index:06d}.png"
                data = before_after(sources.pop(frame.index).picture, frame.picture)
                check_place(place)
                guarded.check(place, name)
                _write(place, name, data, request.restore.overwrite)
                files.append(str(folder / name))
        check_place(place)
        if reader.damaged:
            channel.emit(events.warning(damage_words(reader.damaged, resolved.info.damaged)))
        if reader.not_numbers:
            channel.emit(events.warning(number_words(reader.not_numbers)))
        for change in reader.take_changes():
            channel.emit(events.warning(change))
    return events.done(
        str(folder), len(files), time.monotonic() - began,
        flow_cache={"hits": flow.hits, "misses": flow.misses},
        peak_memory_bytes=peak_memory_bytes(device), stages=watch.seconds, files=files,
    )  # fmt: skip


def _open_folder(folder: Path) -> OpenFolder:
    """The preview's folder, created if missing. Raises InputError."""
    check_not_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return OpenFolder(folder)
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}.", "Choose another folder.") from error


def _write(place: OpenFolder, name: str, data: bytes, overwrite: bool) -> None:
    try:
        atomic.write_bytes_at(place, name, data, overwrite=overwrite)
    except FileExistsError as error:
        raise InputError(
            f"{place.path / name} already exists.", "Choose another folder, or use --overwrite."
        ) from error
    except OSError as error:
        raise InputError(f"Cannot write {place.path / name}: {error.strerror}.", "Choose another folder.") from error
