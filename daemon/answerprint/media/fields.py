"""Frames without fields: restoration models know nothing of fields.

Every result depends on a stored frame and its neighbours only, so a part of a clip gives the same frames as all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from answerprint.frames.cadence import stored_range
from answerprint.frames.clip import Cadence, ClipInfo, FieldOrder
from answerprint.frames.frame import FrameRange
from answerprint.media.bwdif import Indexed, Neighbours, deinterlaced, deinterlaced_alone, with_neighbours
from answerprint.media.combing import Brightness, brightness, combing
from answerprint.media.pulldown import CYCLE, film_frames, matched_frames

__all__ = ["FieldCount", "field_frames", "may_have_fields", "watched"]

_MOST_LINES = 1152
"""No standard has interlaced pictures with more."""
_RUN = 3
"""Combed frames of one order in a row, before a clip that is not interlaced is said to have any: one may be chance."""


@dataclass(slots=True)
class FieldCount:
    """seen: stored frames that were looked at. combed: those that were combed."""

    seen: int = 0
    combed: list[int] = field(default_factory=list)


def may_have_fields(info: ClipInfo) -> bool:
    """Whether its frames are worth looking at."""
    return info.height <= _MOST_LINES and info.frames > 1


def field_frames(info: ClipInfo, read: Callable[[int], Indexed], start: int, count: FieldCount) -> Indexed:
    """Yield the clip's frames from number `start` on, deinterlaced as `info` says. Raises MediaError.

    read: yields the source's frames from a number on, as they are stored. count: receives what was found of frames
    that are looked at one by one.
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
        return _from(_combed_only(read(before), info.mostly, count, apart=apart), start)
    return _from(deinterlaced(read(before), info.field_order, apart=apart), start)


def _order_of(near: Neighbours, mostly: FieldOrder) -> FieldOrder:
    """What a frame is, PROGRESSIVE if it is whole: by its picture, by its flag if that does not tell, or `mostly`."""
    return _by_picture(near) or (FieldOrder.PER_FRAME if near.frame.interlaced_frame else mostly)


def _by_picture(near: Neighbours) -> FieldOrder | None:
    before, after = (None if each is None else brightness(each) for each in (near.before, near.after))
    return combing(before, brightness(near.frame), after)


def _combed_only(frames: Indexed, mostly: FieldOrder, count: FieldCount, *, apart: bool) -> Indexed:
    """Deinterlace the frames that are combed, and pass on the others untouched: twice where fields are apart."""
    for near in with_neighbours(frames):
        order = _order_of(near, mostly)
        whole = order is FieldOrder.PROGRESSIVE
        _note(count, near.number, combed=not whole)
        made = [near.frame] * (1 + apart) if whole else deinterlaced_alone(near, order, apart=apart)
        yield from enumerate(made, near.number * (1 + apart))


def watched(frames: Indexed, count: FieldCount) -> Indexed:
    """The frames, untouched and none decoded early; `count` receives those that are combed, if several are in a row."""
    known: list[tuple[int, Brightness]] = []
    run: list[int] = []
    order: FieldOrder | None = None
    try:
        for number, frame in frames:
            known = [*known[-2:], (number, brightness(frame))]
            if [each for each, _ in known] == [number - 2, number - 1, number]:
                found = combing(*(light for _, light in known))
                run = [*run, number - 1] if found is order else [number - 1]
                order = found
                count.seen += 1
                if order in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST) and len(run) >= _RUN:
                    count.combed += run if len(run) == _RUN else run[-1:]
            yield number, frame
    finally:
        frames.close()


def _note(count: FieldCount, number: int, *, combed: bool) -> None:
    count.seen += 1
    if combed:
        count.combed.append(number)


def _from(source: Indexed, start: int) -> Indexed:
    for index, frame in source:
        if index >= start:
            yield index, frame
