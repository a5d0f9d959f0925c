"""Rendering: what a job of the queue writes, worked out from what the items really show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.resolve.pictures import Decoder, still, writing
from fakes.resolve.shown_frames import Shown
from fakes.resolve.times import label, labelled, rate_of
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.item import Item
    from fakes.resolve.queue import RenderJob
    from fakes.resolve.timeline import Timeline

__all__ = ["Output", "names", "outputs", "run"]

_SUFFIXES = {"mxf_op1a": "mxf"}
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Output:
    """A file, or a sequence, of a job. first: number of its first frame, from midnight. pictures: None is black."""

    name: str
    pictures: tuple[Shown | None, ...]
    rate: Fraction
    first: int
    drop: bool


class _FailedError(Exception):
    """A job cannot be rendered; its text is what the status says."""


def names(job: RenderJob) -> list[str]:
    """The files that it is going to write, of sequences the first; [] where it cannot."""
    try:
        return [str(_path(job, each, 0)) for each in outputs(job)]
    except _FailedError:
        return []


def outputs(job: RenderJob) -> list[Output]:
    """One file for the range, or one for each clip in it. Raises _FailedError where nothing is in the range."""
    timeline = job.timeline
    first, stop = _range(job)
    if job.mode == 1:
        shown = tuple(_shown(timeline, record) for record in range(first, stop))
        name = str(job.settings.get("CustomName") or timeline.name)
        at = job.settings.get("TimelineStartTimecode")
        begins = labelled(str(at), timeline.rate).frames if at else first
        return [Output(name, shown, _rate(job, timeline.rate), begins, timeline.drop)]
    made = []
    for number, track in enumerate(timeline.tracks["video"], 1):
        for count, item in enumerate(track.items, 1):
            if track.enabled and item.enabled and item.clip is not None and item.start < stop and item.stop > first:
                made.append(
                    _individual(job, item, max(first, item.start), min(stop, item.stop), f"V{number}-{count:04}")
                )
    if not made:
        raise _FailedError("There are no clips to render.")
    return made


def run(world: World, jobs: list[RenderJob]) -> None:
    """Render one job after the other, in the thread that calls."""
    for job in jobs:
        begun = time.monotonic()
        try:
            _render(world, job)
        except _FailedError as error:
            job.status |= {"JobStatus": "Failed", "Error": str(error)}
        except Exception as error:  # noqa: BLE001 - a codec that refuses is a failed job
            job.status |= {"JobStatus": "Failed", "Error": f"{type(error).__name__}: {error}"}
        else:
            stopped = job.stop.is_set()
            job.status |= (
                {"JobStatus": "Cancelled"} if stopped else {"JobStatus": "Complete", "CompletionPercentage": 100}
            )
        job.status["TimeTakenToRenderInMs"] = int(1000 * (time.monotonic() - begun))


def _render(world: World, job: RenderJob) -> None:
    if world.render_failure:
        raise _FailedError(world.render_failure)
    todo = outputs(job)
    total = sum(len(each.pictures) for each in todo)
    done = 0
    decoder = Decoder()
    for output in todo:
        for _ in _write(job, output, decoder):
            done += 1
            job.status |= {
                "CompletionPercentage": int(100 * done / total),
                "EstimatedTimeRemainingInMs": 40 * (total - done),
            }
            world.render_goes.wait()
            if job.stop.is_set():
                return


def _write(job: RenderJob, output: Output, decoder: Decoder) -> Iterator[None]:
    size = _size(job)
    frames = (decoder.picture(each, size) for each in output.pictures)
    if job.form in ("exr", "dpx", "tif"):
        for offset, frame in enumerate(frames):
            still(_path(job, output, offset), job.codec, frame, size)
            yield
        return
    timecode = label(output.first, output.rate, output.drop)
    with writing(_path(job, output, 0), job.codec, size, output.rate, timecode) as encode:
        for frame in frames:
            encode(frame)
            yield


def _path(job: RenderJob, output: Output, offset: int) -> Path:
    folder, suffix = Path(str(job.settings["TargetDir"])), _SUFFIXES.get(job.form, job.form)
    if suffix in ("exr", "dpx", "tif"):
        first = job.settings.get("ClipStartFrame")
        number = (output.first if first is None else int(first)) + offset
        return folder / f"{output.name}_{number:0{_DIGITS}}.{suffix}"
    return folder / f"{output.name}.{suffix}"


def _range(job: RenderJob) -> tuple[int, int]:
    timeline, settings = job.timeline, job.settings
    if settings.get("SelectAllFrames") or "MarkIn" not in settings or "MarkOut" not in settings:
        return timeline.start, timeline.end
    base = timeline.start if timeline.world.quirks.render_range == "relative" else 0
    first, stop = base + int(settings["MarkIn"]), base + int(settings["MarkOut"]) + 1
    if not timeline.start <= first < stop <= timeline.end:
        raise _FailedError("The range to render is not on the timeline.")
    return first, stop


def _individual(job: RenderJob, item: Item, first: int, stop: int, number: str) -> Output:
    clip, warp, settings = item.clip, item.shown_warp, job.settings
    assert clip is not None
    plain = str(settings.get("CustomName") or Path(clip.name).stem)
    unique = settings.get("UseUniqueFilenames", True)
    suffixed = settings.get("UniqueFilenameStyle", 0) == 1
    name = plain if not unique else f"{plain}_{number}" if suffixed else f"{number}_{plain}"
    drop = ";" in clip.start_label
    rate, begin, end = clip.fps, warp.at(first - item.start), warp.at(stop - item.start)
    if warp.speed != 1 or clip.timeline is not None:
        retimed = tuple(item.shown_at(each) for each in range(first, stop))
        return Output(name, retimed, _rate(job, job.timeline.rate), clip.timecode_frames + floor(begin), drop)
    handles = int(settings.get("AddFrameHandles", 0))
    lowest, highest = clip.first, clip.first + clip.frames
    if not settings.get("UseFullExtents"):
        lowest, highest = max(lowest, floor(begin) - handles), min(highest, ceil(end) + handles)
    shown: tuple[Shown | None, ...] = tuple(Shown(clip.path, frame) for frame in range(lowest, highest))
    return Output(name, shown, _rate(job, rate), clip.timecode_frames + lowest, drop)


def _shown(timeline: Timeline, record: int) -> Shown | None:
    item = timeline.top(record)
    return None if item is None else item.shown_at(record)


def _rate(job: RenderJob, default: Fraction) -> Fraction:
    wanted = job.settings.get("FrameRate")
    return default if wanted is None else rate_of(str(wanted))


def _size(job: RenderJob) -> tuple[int, int]:
    width, height = job.timeline.size
    return int(job.settings.get("FormatWidth", width)), int(job.settings.get("FormatHeight", height))
