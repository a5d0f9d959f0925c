"""Film in video at 30 frames: puts the fields of each picture together again, and leaves out those shown twice.

A picture of film at 24 frames is shown as two fields and three fields in turn, so two frames of five hold fields of two
pictures. The second field that goes with the first one of such a frame is in the frame
before. FFmpeg's fieldmatch is not used for it: it keeps 8 bits only.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from answerprint.frames.clip import FieldOrder
from answerprint.media.bwdif import Indexed, Neighbours, deinterlaced_alone, with_neighbours
from answerprint.media.combing import Brightness, brightness, combs, combs_of_field, moving

__all__ = ["CYCLE", "film_frames", "matched_frames"]

CYCLE = 5
"""Frames of video for four of film."""
_LEAST_MOVING = 64
_BETTER = 0.75
"""How much less combed another field must make a frame."""
_ALONE = 1.0
"""Lines of a whole picture differ less from the next line than from the line after that."""


def matched_frames(frames: Indexed, order: FieldOrder) -> Indexed:
    """Yield each frame with its number, of fields that belong together; each fifth one or so repeats one.

    frames: numbered, in order, from one frame before the first that is wanted. order: TOP_FIRST or BOTTOM_FIRST.
    """
    for near in with_neighbours(frames):
        yield near.number, _matched(near, order)


def film_frames(frames: Indexed, order: FieldOrder) -> Indexed:
    """Yield the pictures of the film: four of each five frames, numbered 4n to 4n + 3 for the frames from 5n on.

    Of each five, the one is left out that differs least from the one before it. The frames after the last whole five
    are all kept. frames: as for `matched_frames`, from two frames before a whole five.
    """
    before: Brightness | None = None
    for cycle, group in groupby(matched_frames(frames, order), lambda item: item[0] // CYCLE):
        made: list[VideoFrame] = []
        changes: list[float] = []
        for _, frame in group:
            light = brightness(frame)
            changes.append(np.inf if before is None else float(np.abs(light - before).mean()))
            made.append(frame)
            before = light
        if len(made) == CYCLE:
            del made[int(np.argmin(changes))]
        yield from enumerate(made, (CYCLE - 1) * cycle)


def _matched(near: Neighbours, order: FieldOrder) -> VideoFrame:
    """The frame, or its first field with the second one before it, or its second field with the first one after it."""
    top = order is FieldOrder.TOP_FIRST
    own = brightness(near.frame)
    around = {odd: frame for odd, frame in ((top, near.before), (not top, near.after)) if frame is not None}
    lights = {odd: brightness(frame) for odd, frame in around.items() if _same_form(frame, near.frame)}
    mask = moving({odd: np.abs(light - own) for odd, light in lights.items()}) if lights else None
    if mask is None or mask.sum() < _LEAST_MOVING:
        return near.frame
    best, combed, chosen = float(combs(own)[mask].mean()), own, near.frame
    for odd, light in lights.items():
        tried = own.copy()
        tried[odd::2] = light[odd::2]
        amount = float(combs(tried)[mask].mean())
        if amount < _BETTER * best:
            best, combed, chosen = amount, tried, _woven(near.frame, around[odd], odd=odd)
    if best > max(_ALONE * float(combs_of_field(combed)[mask].mean()), 1):
        return deinterlaced_alone(near, order)[0]  # at a cut, a field may have no other
    return chosen


def _same_form(one: VideoFrame, other: VideoFrame) -> bool:
    return (one.width, one.height, one.format.name) == (other.width, other.height, other.format.name)


def _woven(frame: VideoFrame, other: VideoFrame, *, odd: bool) -> VideoFrame:
    """The frame with the odd or the even lines of another one."""
    made = VideoFrame(frame.width, frame.height, frame.format.name)
    if frame.time_base is not None:  # stills have none
        made.pts, made.time_base = frame.pts, frame.time_base
    for target, plane, lines in zip(made.planes, frame.planes, other.planes, strict=True):
        rows = _rows(target)
        used = min(rows.shape[1], plane.line_size, lines.line_size)
        rows[:, :used] = _rows(plane)[:, :used]
        rows[odd::2, :used] = _rows(lines)[odd::2, :used]
    return made


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    codes = np.frombuffer(memoryview(plane), np.uint8)
    return codes[: plane.height * plane.line_size].reshape(plane.height, plane.line_size)
