"""A preview: a few frames of a clip, each restored and written beside its source.

Pictures that show a restored frame beside its source.
"""

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
from answerprint.store import atomic
from answerprint.store.open_folder import OpenFolder
from answerprint.store.reserved import check_not_ours
from answerprint.worker.devices import choose_device, peak_memory_bytes, stopwatch
from answerprint.worker.flow_cache import open_flow_cache
from answerprint.worker.loading import Models, configured, flow_through, settings_for, usual_recipe
from answerprint.worker.open_folder import warn_of_open_folder
from answerprint.worker.progress import Reporter, tell_reading
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import few_frames, resolve_job

__all__ = ["before_after", "preview"]


def before_after(before: Picture, after: Picture) -> bytes:
    """PNG bytes: the source, enlarged to the restored frame's size by nearest pixel, left of the restored frame."""
    height, width = after.shape[:2]
    enlarged = cv2.resize(before, (width, height), interpolation=cv2.INTER_NEAREST)
    both = np.concatenate([enlarged, after], 1)
    encoded = np.rint(np.clip(both, 0, 1) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", np.ascontiguousarray(encoded[..., ::-1]))
    if not done:
        raise JobFailedError("A preview could not be written as PNG.")
    return data.tobytes()


def preview(request: PreviewRequest, talk: JobChannel, models: Models) -> Message:
    """Restore a few frames and write each beside its source, as PNG files in the request's output folder.

    Returns the final event. Raises AnswerprintError, and what `talk.check` raises.
    """
    began = time.monotonic()
    talk.emit(events.stage("probe", f"Reading {Path(request.restore.clip.media).name}"))
    on_read = tell_reading(request.restore.clip.media, talk)
    order = few_frames(resolve_job(request.restore, preview=True, on_read=on_read), request)
    folder = Path(request.restore.output)
    warn_of_open_folder(folder, talk)
    device = choose_device(request.restore.device)
    talk.check()
    watch = stopwatch(device)
    cache = open_flow_cache()
    flow = flow_through(cache)
    files: list[str] = []
    sources: dict[int, Frame] = {}
    guarded = Sources(order.info.files or (order.info.path,))

    def keep(frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            sources[frame.index] = frame
            yield frame

    with (
        _open_folder(folder) as place,
        models.use(order.entry, device, talk) as backend,
        cache.lease(),
        open_reader(order.info, order.frames) as reader,
    ):
        talk.emit(order.started(str(device), "png"))
        settings = settings_for(order, configured(order, backend), usual_recipe(order, backend))
        report = Reporter(talk, len(order.frames)).report
        source = keep(timed_frames(reader, watch, talk.check))
        for chunk in restore_clip(source, backend, flow, settings, watch=watch, on_progress=report):
            for frame in chunk:
                name = f"{order.info.path.stem}-{frame.index:06d}.png"
                data = before_after(sources.pop(frame.index).picture, frame.picture)
                check_place(place)
                guarded.check(place, name)
                _write(place, name, data, request.restore.overwrite)
                files.append(str(folder / name))
        check_place(place)
    return events.done(
        str(folder), len(files), time.monotonic() - began,
        flow_cache={"hits": flow.hits, "misses": flow.misses},
        peak_memory_bytes=peak_memory_bytes(device), stages=watch.seconds, files=files,
    )  # fmt: skip


def _open_folder(folder: Path) -> OpenFolder:
    """The folder of a preview, made if it is not there. Raises InputError."""
    check_not_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return OpenFolder(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror}.", "Choose another folder.") from error


def _write(place: OpenFolder, name: str, data: bytes, overwrite: bool) -> None:
    try:
        atomic.write_bytes_at(place, name, data, overwrite=overwrite)
    except FileExistsError as error:
        raise InputError(f"{place.path / name} exists.", "Choose another folder, or --overwrite.") from error
    except OSError as error:
        raise InputError(
            f"{place.path / name} cannot be written: {error.strerror}.", "Choose another folder."
        ) from error
