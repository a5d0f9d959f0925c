"""Frames without fields: restoration models know nothing of fields.

Every result depends on a stored frame and its neighbours only, so a part of a clip gives the same frames as all of it.
"""

from __future__ import annotations

from collections.abc import Callable

from answerprint.frames.cadence import stored_range
from answerprint.frames.clip import Cadence, ClipInfo, FieldOrder
from answerprint.frames.frame import FrameRange
from answerprint.media.bwdif import Indexed, Neighbours, deinterlaced, deinterlaced_alone, with_neighbours
from answerprint.media.combing import brightness, combing
from answerprint.media.pulldown import CYCLE, film_frames, matched_frames

__all__ = ["field_frames"]


def field_frames(info: ClipInfo, read: Callable[[int], Indexed], start: int) -> Indexed:
    """Yield the clip's frames from number `start` on, deinterlaced as `info` says. Raises MediaError.

    read: yields the source's frames from a number on, as they are stored.
    """
    if not info.interlaced:
        return read(start)
    if info.cadence is Cadence.MATCHED:
        return _from(matched_frames(read(max(0, start - 1)), info.field_order), start)
    if info.cadence is Cadence.FILM:
        whole_five = stored_range(info, FrameRange(start, start + 1)).start // CYCLE * CYCLE
        return _from(film_frames(read(max(0, whole_five - 2)), info.field_order), start)
    apart = info.cadence is Cadence.FIELD
    before = max(0, (start // 2 if apart else start) - 1)  # deinterlacing a frame needs the one before it
    if info.field_order is FieldOrder.MIXED:
        return _from(_combed_only(read(before), info.mostly, apart=apart), start)
    return _from(deinterlaced(read(before), info.field_order, apart=apart), start)


def _order_of(near: Neighbours, mostly: FieldOrder) -> FieldOrder:
    """What a frame is, PROGRESSIVE if it is whole: by its picture, by its flag if that does not tell, or `mostly`."""
    before, frame, after = (None if each is None else brightness(each) for each in near[1:])
    found = None if frame is None else combing(before, frame, after)
    return found or (FieldOrder.PER_FRAME if near.frame.interlaced_frame else mostly)


def _combed_only(frames: Indexed, mostly: FieldOrder, *, apart: bool) -> Indexed:
    """Deinterlace the frames that are combed, and pass on the others untouched: twice where fields are apart."""
    for near in with_neighbours(frames):
        order = _order_of(near, mostly)
        whole = order is FieldOrder.PROGRESSIVE
        made = [near.frame] * (1 + apart) if whole else deinterlaced_alone(near, order, apart=apart)
        yield from enumerate(made, near.number * (1 + apart))


def _from(source: Indexed, start: int) -> Indexed:
    for index, frame in source:
        if index >= start:
            yield index, frame
